"""Diagnosis: which of the known mistakes gives exactly what a candidate gave.

A cause is named when the mistaken recomputation gives what the candidate gave,
to rounding, on every case that failed, and the right values on every case that
passed. Where the cases at hand cannot tell several mistakes apart, all are named.
"""

from collections import defaultdict

import numpy as np

from refimpl.testing._case import PATHS, RELATIVE, function_of
from refimpl.testing._causes import PRECISION, mistakes


def diagnose(entry, observations):
    """Likely causes by check.

    One mistake must explain all that a function gave, or all that it gave
    under one setting (one loss, one activation), or else, quantity by
    quantity, the same; what is left has no cause.
    """
    causes = {}
    for every in observations.values():
        quantities = dict.fromkeys(quantity for _, quantity, *_ in every)
        causes |= _explained(entry, every) or {
            name: cause for quantity in quantities
            for name, cause in _explained(entry, [each for each in every if each[1] == quantity]).items()}
    return causes


def _explained(entry, group):
    """{check: cause} for all failures of a group, by the coarsest split of its settings that explains each; or {}."""
    switches = dict.fromkeys(name for case, *_ in group for name, value in case.settings.items()
                             if isinstance(value, (str, bool)))
    for switch in (None, *switches):
        parts = defaultdict(list)
        for each in group:
            parts[each[0].settings.get(switch)].append(each)
        found = {}
        for part in parts.values():
            cause = explain(entry, part)
            found |= {f"{case.name}/{quantity}": cause for case, quantity, _, failed in part if failed}
        if found and all(found.values()):
            return found
    return {}


def explain(entry, observations):
    """Likely cause of what one function gave on several cases.

    Parameters
    ----------
    entry : Entry
        The model's row of the table.
    observations : list of (Case, str, ndarray, bool)
        Case, quantity, what the candidate gave and whether it failed.

    Returns
    -------
    str
        One cause, "several causes fit: …", or "" if none does.
    """
    failed = [each for each in observations if each[3]]
    if not failed:
        return ""
    ordered = failed + [each for each in observations if not each[3]]
    tables = [mistakes(entry, case, quantity) for case, quantity, *_ in ordered]
    keys = dict.fromkeys(key for table in tables for key in table)
    found = list(dict.fromkeys(
        key[0] for key in keys if all(_fits(*each, table.get(key)) for each, table in zip(ordered, tables))))
    if all(_is_single(case, quantity, got) for case, quantity, got, _ in failed):
        found.append(PRECISION)
    return found[0] if len(found) == 1 else f"several causes fit: {'; '.join(found)}" if found else ""


def _fits(case, quantity, got, failed, compute):
    if compute is None:
        return not failed
    expected = case.expected[quantity]
    with np.errstate(all="ignore"):
        value = np.asarray(compute(), dtype=float)
    allowed = np.asarray(expected.tolerance)
    if function_of(quantity) in PATHS:
        value, allowed = last_if(got, value), last_if(got, allowed)
        size = np.abs(value).max(axis=tuple(range(1, value.ndim)), keepdims=True) if got.ndim == value.ndim else 0
    else:
        size = np.abs(value).max()
    if got.shape != value.shape:
        return False
    with np.errstate(invalid="ignore"):
        close = np.isfinite(value) & (np.abs(got - value) <= allowed + 10 * RELATIVE[case.dtype] * size)
    return bool((close | ~(np.isfinite(got) | np.isfinite(value))).all())


def last_if(got, path):
    """The last iterate of a path, if that is all that a candidate returned."""
    return path[-1] if path.ndim == got.ndim + 1 else path


def _is_single(case, quantity, got):
    expected = case.expected[quantity]
    if case.dtype != "float64" or got.shape != expected.value.shape:
        return False
    if not np.isfinite(got).all():   # beyond what float32 can hold nothing else can come out
        return max(np.abs(case.w).max(), np.abs(expected.value).max()) > np.finfo(np.float32).max
    with np.errstate(over="ignore"):
        single = (got == got.astype(np.float32)).all()
    return bool(single and (np.abs(got - expected.value) <= 1e5 * np.asarray(expected.tolerance)).all())
