"""Run the checks: call the candidate on every case, compare, diagnose, report."""

import fnmatch
import inspect
import warnings
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from refimpl.testing import _cases
from refimpl.testing._arrays import given, to_numpy
from refimpl.testing._case import PATHS, function_of
from refimpl.testing._diagnosis import diagnose, last_if
from refimpl.testing._report import (ERROR, FAILED, PASSED, SKIPPED, XFAILED, XPASSED, ConformanceError,
                                     ConformanceWarning, Record, Report)
from theory import _checks


def check_model(candidate, model, *, cases=None, functions=None, convert=None, expected_failures=None,
                on_fail="raise"):
    r"""Check an implementation of a model against the reference, case by case.

    Parameters
    ----------
    candidate : mapping, object or callable
        What is under test: a dict of functions or an object with methods, of
        the names below; or a class or function that makes one from the
        model's settings, ``candidate(**settings)``. Only what is there is
        checked; the rest is reported as skipped.

        ===================== =================================================
        ``predict(w, x)``     the model's output, one for each example
        ``losses(w, x, y)``   the loss of each example alone
        ``loss(w, x, y)``     the loss
        ``gradient(w, x, y)`` its gradient, in the shape of `w`
        ``hvp(w, x, y, v)``   Hessian times `v`, in the shape of `w`
        ``sgd(w, x, y, …)``   algorithms: all iterates (T+1, …) from `w` on, or
        ``descend``           the last one alone; what they get by keyword, and
        ``train``             what they do with it, is in `conventions`
        other names           derived scalars, such as ``critical_lr``: all
                              arguments by keyword, as the function of that
                              name in `theory` describes them
        ===================== =================================================

    model : str
        One of `models`.
    cases : sequence of Case, optional
        The cases to run; by default all cases of the model.
    functions : sequence of str, optional
        Names of the functions to check; by default all that the candidate has.
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
    wanted = selected(model, cases, functions)
    expectations = expected_reasons(wanted, expected_failures)
    candidate_for = maker(candidate)
    records, observations = [], defaultdict(list)
    for case, quantity in wanted:
        record = check(candidate_for, case, quantity, convert)
        if record.got is not None:
            observations[function_of(quantity)].append((case, quantity, record.got, record.status == FAILED))
        records.append(record)
    if all(record.status == SKIPPED for record in records):
        asked = dict.fromkeys(function_of(quantity) for _, quantity in wanted)
        raise ValueError(f"candidate must have at least one of {', '.join(asked)}, got {candidate!r}; "
                         "give its functions these names")
    causes = diagnose(_cases.MODELS[model], observations)
    report = Report(model, tuple(_judged(replace(record, cause=causes.get(record.check, "")), expectations)
                                 for record in records))
    if not report.ok and on_fail == "raise":
        raise ConformanceError(report)
    if not report.ok and on_fail == "warn":
        warnings.warn(str(report), ConformanceWarning, stacklevel=2)
    return report


def selected(model, cases=None, functions=None):
    """The checks that are asked for, a list of (Case, quantity)."""
    cases = _cases.cases(model) if cases is None else tuple(cases)
    for case in cases:
        if case.model != _cases.known(model):
            raise ValueError(f"cases must be of the model {model}, got {case.name}; leave the others out")
    if not cases:
        raise ValueError("cases must hold at least one Case, got none; leave the argument out for all of them")
    every = dict.fromkeys(function_of(quantity) for case in cases for quantity in case.expected)
    for name in functions or ():
        _checks.one_of(name, "functions", tuple(every))
    return [(case, quantity) for case in cases for quantity in case.expected
            if functions is None or function_of(quantity) in functions]


def expected_reasons(wanted, patterns):
    """Reason why each check is expected to fail, by its name; every pattern must match one."""
    names = [f"{case.name}/{quantity}" for case, quantity in wanted]
    found = {}
    for pattern, reason in dict(patterns or {}).items():
        matching = fnmatch.filter(names, pattern)
        if not matching:
            raise ValueError(f"expected_failures must match checks, got {pattern!r}, which matches none of the "
                             f"{len(names)}, such as {names[0]}; correct or drop it")
        found |= dict.fromkeys(matching, reason)
    return found


def maker(candidate):
    """The candidate as a function of a model's settings; what a class or factory makes is made once for each."""
    if not isinstance(candidate, type) and (not callable(candidate) or _has_any(candidate)):
        return lambda settings: candidate
    made = {}

    def of(settings):
        key = repr(sorted(settings.items()))
        if key not in made:
            made[key] = candidate(**settings)
        return made[key]

    return of


def check(candidate_for, case, quantity, convert=None):
    """One check: the `Record` at a quantity of a case, without a cause; see `maker` for the candidate."""
    name = f"{case.name}/{quantity}"
    expected = case.expected[quantity]
    try:
        reason = why_skipped(candidate_for, case, quantity)
        if reason:
            return Record(name, SKIPPED, reason)
        function = _function(candidate_for, quantity, case)
        value = function(*(given(part, convert) for part in case.leading(quantity)),
                         **{key: given(part, convert) for key, part in expected.arguments.items()})
        got = to_numpy(value)
    except Exception as error:  # whatever the candidate raises is a finding about the candidate
        return Record(name, ERROR, f"{type(error).__name__}: {error}", expected.value)
    return _compared(name, case, quantity, got)


def why_skipped(candidate_for, case, quantity):
    """Why a check cannot be made of this candidate, or ""."""
    function = _function(candidate_for, quantity, case)
    if function is None:
        return f"the candidate has no {function_of(quantity)}"
    refused = _refused(function, case.expected[quantity].arguments)
    return f"{function_of(quantity)} takes no argument {refused}" if refused else ""


def _function(candidate_for, quantity, case):
    """The candidate's function for a quantity, or None."""
    candidate = candidate_for(case.settings)
    name = function_of(quantity)
    return candidate.get(name) if isinstance(candidate, Mapping) else getattr(candidate, name, None)


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
    if function_of(quantity) in PATHS:
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


def _judged(record, expectations):
    """The record with its status changed where a failure was expected."""
    reason = expectations.get(record.check)
    if reason is None or record.status == SKIPPED:
        return record
    return replace(record, status=XPASSED if record.status == PASSED else XFAILED, reason=f"expected: {reason}")
