"""Run the checks: call the candidate on every case, compare, diagnose, report."""

import fnmatch
import inspect
import warnings
from collections import defaultdict
from dataclasses import replace

import numpy as np

from refimpl import _checks
from refimpl.testing import _cases
from refimpl.testing._arrays import given, to_numpy
from refimpl.testing._case import function_of
from refimpl.testing._causes import explain, last_if
from refimpl.testing._report import (ERROR, FAILED, PASSED, SKIPPED, XFAILED, XPASSED, ConformanceError,
                                     ConformanceWarning, Record, Report)


def check_model(candidate, model, *, cases=None, convert=None, expected_failures=None, on_fail="raise"):
    r"""Check an implementation of a model against the reference, case by case.

    Parameters
    ----------
    candidate : mapping, object or callable
        What is under test: a dict of functions or an object with methods, of
        the names below; or a class or function that makes one from the
        model's settings, ``candidate(**settings)``. Only what is there is
        checked; the rest is reported as skipped.

        ==================== ==================================================
        ``predict(w, x)``    the model's output, one for each example
        ``losses(w, x, y)``  the loss of each example alone
        ``loss(w, x, y)``    the loss
        ``gradient(w, x, y)`` its gradient, in the shape of `w`
        ``hvp(w, x, y, v)``  Hessian times `v`, in the shape of `w`
        ``sgd(w, x, y, *,``  the iterates (T+1, …) from `w` on, or the last one
        ``lr, indices, …)``  alone; ``lr`` has one rate a step and ``indices``
                             one batch a step; ``noise`` (one array a step,
                             added to the gradient) and ``weight_decay`` come
                             where a case has them
        other names          algorithms and scalars: see `Case.expected`; all
                             arguments of scalars come by keyword
        ==================== ==================================================

    model : str
        One of `models`.
    cases : sequence of Case, optional
        The cases to run; by default all cases of the model.
    convert : callable, optional
        Turns a NumPy array into the candidate's kind, such as
        ``torch.from_numpy`` or ``jax.numpy.asarray``. Every call gets fresh
        copies.
    expected_failures : dict of str to str, optional
        Patterns of check names, ``"*/hvp"``, and the reason why these fail.
        Such a check that passes is reported as xpassed.
    on_fail : {"raise", "warn", None}
        Raise `ConformanceError`, warn with `ConformanceWarning`, or only
        return, if a check fails that was not expected to.

    Returns
    -------
    Report
        ``str(report)`` is a summary: how many checks ran, how many were
        skipped and why, and each failure with its likely cause.

    Raises
    ------
    ConformanceError
        With ``on_fail="raise"``; an AssertionError with the report.
    ValueError
        If there is no such model, the candidate has no function that any case
        asks for, or a pattern of `expected_failures` matches no check.

    Examples
    --------
    >>> def gradient(w, x, y):
    ...     return x.T @ (x @ w - y) / len(x) if y is not None else x.T @ (x @ w) / len(x)
    >>> report = check_model({"gradient": gradient}, "LinearRegression")
    >>> report.counts["passed"] > 5, report.counts["failed"]
    (True, 0)
    >>> wrong = check_model({"gradient": lambda *given: 2 * gradient(*given)}, "LinearRegression", on_fail=None)
    >>> wrong.causes
    {'gradient': 'a factor 2 too many (a ½ is missing, or a 2 is there twice)'}
    """
    _checks.one_of(on_fail, "on_fail", ("raise", "warn", None))
    cases = _cases.cases(model) if cases is None else tuple(cases)
    for case in cases:
        if case.model != _cases.known(model):
            raise ValueError(f"cases must be of the model {model}, got {case.name} of {case.model}; leave the others out")
    patterns = dict(expected_failures or {})
    records, observations = [], defaultdict(list)
    for case in cases:
        for quantity in case.expected:
            record = check(candidate, case, quantity, convert)
            if record.got is not None:
                observations[function_of(quantity)].append((case, quantity, record.got, record.status == FAILED))
            records.append(record)
    if all(record.status == SKIPPED for record in records):
        asked = dict.fromkeys(function_of(quantity) for case in cases for quantity in case.expected)
        raise ValueError(f"candidate must have at least one of {', '.join(asked)}, got {candidate!r}; name its functions so")
    for pattern in patterns:
        if not any(fnmatch.fnmatchcase(record.check, pattern) for record in records):
            raise ValueError(f"expected_failures must match checks, got {pattern!r}, which matches none of them, such as "
                             f"{records[0].check}; correct or drop it")
    causes = diagnose(_cases.MODELS[model], observations)
    report = Report(model, tuple(_judge(replace(record, cause=causes.get(record.check, "")), patterns)
                                 for record in records))
    if not report.ok and on_fail == "raise":
        raise ConformanceError(report)
    if not report.ok and on_fail == "warn":
        warnings.warn(str(report), ConformanceWarning, stacklevel=2)
    return report


def check(candidate, case, quantity, convert=None):
    """One check: the `Record` of a candidate at a quantity of a case, without a cause."""
    name = f"{case.name}/{quantity}"
    expected = case.expected[quantity]
    try:
        function = function_named(candidate, function_of(quantity), case.settings)
        if function is None:
            return Record(name, SKIPPED, f"the candidate has no {function_of(quantity)}")
        refused = _refused(function, expected.arguments)
        if refused:
            return Record(name, SKIPPED, f"{function_of(quantity)} takes no argument {refused}")
        value = function(*(given(part, convert) for part in case.leading(quantity)),
                         **{key: given(part, convert) for key, part in expected.arguments.items()})
        got = to_numpy(value)
    except Exception as error:  # whatever the candidate raises is a finding about the candidate
        return Record(name, ERROR, f"{type(error).__name__}: {error}", expected.value)
    return _compared(name, case, quantity, got)


def function_named(candidate, name, settings):
    """The candidate's function of this name, or None."""
    if isinstance(candidate, type) or (callable(candidate) and not _has_any(candidate)):
        candidate = candidate(**settings)
    return candidate.get(name) if hasattr(candidate, "get") else getattr(candidate, name, None)


def _has_any(candidate):
    return any(hasattr(candidate, name) for name in ("predict", "losses", "loss", "gradient", "hvp", "sgd"))


def _refused(function, arguments):
    """The first keyword argument that a function cannot take, or None."""
    try:
        parameters = inspect.signature(function).parameters
    except (TypeError, ValueError):
        return None
    if any(parameter.kind is parameter.VAR_KEYWORD for parameter in parameters.values()):
        return None
    return next((name for name in arguments if name not in parameters), None)


def _compared(name, case, quantity, got):
    expected = case.expected[quantity]
    value, allowed = expected.value, np.broadcast_to(expected.tolerance, expected.value.shape)
    if value.ndim == 0 and got.size == 1:
        got = got.reshape(())
    got = got.astype(float)
    if quantity.startswith("sgd"):
        value, allowed = last_if(got, value), last_if(got, allowed)
    if got.shape != value.shape:
        return Record(name, FAILED, f"got shape {got.shape}, expected {value.shape}", value, got)
    with np.errstate(invalid="ignore", over="ignore"):
        deviation = np.where(np.isfinite(got), np.abs(got - value), np.inf)
    ratio = np.divide(deviation, allowed, out=np.where(deviation > 0, np.inf, 0.0), where=allowed > 0)
    worst = np.unravel_index(np.argmax(ratio), ratio.shape)
    where = tuple(int(i) for i in worst)
    status = PASSED if (deviation <= allowed).all() else FAILED
    return Record(name, status, "", value, got, float(deviation[worst]), float(allowed[worst]), where)


def diagnose(entry, observations):
    """Likely causes by check: of all cases of a function together, else of each of its quantities, else of each check."""
    causes = {}
    for every in observations.values():
        failed = [each for each in every if each[3]]
        common = explain(entry, every) if failed else ""
        for case, quantity, *_ in failed:
            alike = [each for each in every if each[1] == quantity]
            causes[f"{case.name}/{quantity}"] = common or explain(entry, alike) or explain(
                entry, [each for each in alike if each[0] is case])
    return causes


def _judge(record, patterns):
    """The record with its status changed where a failure was expected."""
    reason = next((reason for pattern, reason in patterns.items() if fnmatch.fnmatchcase(record.check, pattern)), None)
    if reason is None or record.status == SKIPPED:
        return record
    return replace(record, status=XPASSED if record.status == PASSED else XFAILED, reason=f"expected: {reason}")
