"""Run the checks: every case against a candidate, with the likely causes of what fails."""

import fnmatch
import warnings
from collections import defaultdict
from dataclasses import replace

from refimpl.testing import _cases
from refimpl.testing._candidate import Candidate, refuse
from refimpl.testing._case import function_of
from refimpl.testing._comparison import Judging, again, check
from refimpl.testing._definitions import all_functions
from refimpl.testing._diagnosis import diagnose
from refimpl.testing._report import (ERROR, FAILED, PASSED, SKIPPED, XFAILED, XPASSED, ConformanceError,
                                     ConformanceWarning, Report)
from theory import _checks


def check_model(candidate, model, *, cases=None, functions=None, convert=None, rtol=None, precision="float64",
                expected_failures=None, on_fail="raise"):
    r"""Check an implementation of a model against the reference, case by case.

    Parameters
    ----------
    candidate : mapping, object or callable
        What is under test: a dict of functions or an object with methods, of
        the names below; or a class or function that makes one from the
        model's settings, ``candidate(**settings)``, which is called once for
        each settings. Only what is there is checked; the rest is reported as
        skipped.

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
        copies, and what it does to them is noticed.
    rtol : float or dict of str to float, optional
        For estimators, such as a sharpness by power iteration: what is within
        this share of the largest entry passes too; a dict gives it by
        function. The report says so.
    precision : {"float64", "float32"}
        With "float32" every argument is rounded to single precision and every
        tolerance is that of single precision; what float32 cannot hold is
        skipped.
    expected_failures : dict of str to str, optional
        Patterns of check names, ``"*/hvp"``, and the reason why these fail.
        Such a check that passes is reported as xpassed.
    on_fail : {"raise", "warn", None}
        Raise `ConformanceError`, warn with `ConformanceWarning`, or only
        return, if a check fails that was not expected to.

    Returns
    -------
    Report
        ``str(report)`` is a summary: how many checks ran, passed, failed and
        were skipped and why, and each failure with its likely cause.

    Raises
    ------
    ConformanceError
        With ``on_fail="raise"``; an AssertionError with the report.
    ValueError
        If there is no such model, the candidate has no function that any case
        asks for, or one that lacks an argument that every case gives, or a
        pattern of `expected_failures` matches no check.

    Notes
    -----
    A function that was handed over and of which no check could run has failed.
    A check that fails is called a second time, to tell what is wrong from what
    is flaky; one check of each function that passed is repeated at the end.
    Calls have no time limit, but the report names the slowest.

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
    judging = how(convert, rtol, precision, model)
    wanted = selected(model, cases, functions)
    expectations = expected_reasons(wanted, expected_failures)
    under_test = admitted(candidate, model, wanted)
    records = run(under_test, model, wanted, judging)
    report = Report(model, tuple(_judged(record, expectations) for record in records), str(judging))
    if not report.ok and on_fail == "raise":
        raise ConformanceError(report)
    if not report.ok and on_fail == "warn":
        warnings.warn(str(report), ConformanceWarning, stacklevel=2)
    return report


def how(convert, rtol, precision, model):
    """The options that concern one check, checked."""
    if convert is not None and not callable(convert):
        raise ValueError(f"convert must be a function of an array, got {convert!r}; give one, or leave it out")
    if rtol is not None and not isinstance(rtol, dict):
        rtol = _checks.scalar(rtol, "rtol")
    for name, value in rtol.items() if isinstance(rtol, dict) else ():
        _checks.one_of(name, "rtol's functions", tuple(_cases.required(model)))
        _checks.scalar(value, f"rtol[{name!r}]")
    return Judging(convert, rtol, _checks.one_of(precision, "precision", ("float64", "float32")) == "float32")


def admitted(candidate, model, wanted):
    """The candidate, if it can be judged by what is wanted."""
    under_test = Candidate(candidate, dict.fromkeys(
        [*_cases.required(model), *(function_of(quantity) for _, quantity in wanted)]))
    refuse(under_test, wanted, dict.fromkeys(all_functions(), ()) | _cases.required(model))
    return under_test


def run(under_test, model, wanted, judging):
    """The records of all wanted checks, with their likely causes."""
    records = [check(under_test, case, quantity, judging) for case, quantity in wanted]
    by_function = defaultdict(list)
    for place, (_, quantity) in enumerate(wanted):
        by_function[function_of(quantity)].append(place)
    observations = defaultdict(list)
    for name, places in by_function.items():
        passed = next((place for place in places if records[place].status == PASSED), None)
        if passed is not None:
            records[passed] = again(under_test, *wanted[passed], records[passed], judging)
        elif all(records[place].status == SKIPPED for place in places):
            for place in places:
                if under_test.has(*wanted[place]):
                    records[place] = never_ran(records[place])
        for place in places:
            record = records[place]
            if record.got is not None and not record.cause:
                observations[name].append((*wanted[place], record.got, record.status == FAILED))
    causes = diagnose(_cases.MODELS[model], observations, judging)
    return [replace(record, cause=causes.get(record.check, record.cause)) for record in records]


def never_ran(record):
    """The record of a check that was skipped like all others of a function that was handed over."""
    return replace(record, status=ERROR, reason=f"{record.function} was handed over and no check of it ran: "
                                                f"{record.reason}")


def selected(model, cases=None, functions=None):
    """The checks that are asked for, a list of (Case, quantity)."""
    cases = _cases.shared(model) if cases is None else tuple(cases)
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


def _judged(record, expectations):
    """The record with its status changed where a failure was expected."""
    reason = expectations.get(record.check)
    if reason is None or record.status == SKIPPED:
        return record
    return replace(record, status=XPASSED if record.status == PASSED else XFAILED, reason=f"expected: {reason}")
