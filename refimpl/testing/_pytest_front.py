"""Each check as a test of pytest."""

from dataclasses import replace

from refimpl.testing._case import function_of
from refimpl.testing._check_model import admitted, expected_reasons, how, never_ran, run, selected
from refimpl.testing._comparison import check
from refimpl.testing._report import PASSED, SKIPPED, ConformanceError, Report


class Check:
    """One check, to be called by a test: returns its `Record`, or raises `ConformanceError` with the likely cause.

    ``str(check)`` is its name, ``"Model/case/quantity"``.
    """

    def __init__(self, session, case, quantity):
        self.session, self.case, self.quantity = session, case, quantity

    def __str__(self):
        return f"{self.case.name}/{self.quantity}"

    def __call__(self):
        record = check(self.session.candidate, self.case, self.quantity, self.session.judging)
        if record.status == PASSED:
            return record
        if record.status == SKIPPED:    # what the candidate does not have is marked to be skipped; this it has
            record = never_ran(record)
        # Only all cases together tell likely causes apart: those of the function run once, for all its failures.
        cause = record.cause or self.session.causes(function_of(self.quantity)).get(str(self), "")
        raise ConformanceError(Report(self.case.model, (replace(record, cause=cause),), str(self.session.judging)))


class _Session:
    """What the checks of one decorator share: the candidate, made once for each settings, and causes by function."""

    def __init__(self, candidate, model, wanted, judging):
        self.candidate, self.model, self.wanted, self.judging = candidate, model, wanted, judging
        self._causes = {}

    def causes(self, function):
        """Likely causes of the failures of a function, by check."""
        if function not in self._causes:
            mine = [each for each in self.wanted if function_of(each[1]) == function]
            self._causes[function] = {record.check: record.cause
                                      for record in run(self.candidate, self.model, mine, self.judging)}
        return self._causes[function]


def parametrize_with_checks(candidate, model, *, cases=None, functions=None, convert=None, rtol=None,
                            precision="float64", expected_failures=None):
    """Decorator that makes every check of a model a test of its own, by its name.

    The test takes one argument, ``check``, and calls it.

    Parameters
    ----------
    candidate, model, cases, functions, convert, rtol, precision
        As for `check_model`.
    expected_failures : dict of str to str, optional
        Patterns of check names and the reason why these fail: such tests are
        marked ``xfail``, and where one passes pytest reports it as XPASS (or
        as a failure where the project sets ``xfail_strict``).

    Returns
    -------
    pytest.MarkDecorator
        Checks of functions that the candidate does not have are marked to be
        skipped, with the reason.

    Raises
    ------
    ValueError
        If there is no such model, the candidate cannot be judged, or a pattern
        matches no check.
    ImportError
        If pytest is not installed.

    Examples
    --------
    >>> mine = {"predict": lambda w, x: x @ w}
    >>> @parametrize_with_checks(mine, "LinearRegression")
    ... def test_mine(check):
    ...     check()
    """
    try:
        import pytest
    except ImportError:
        raise ImportError("parametrize_with_checks needs pytest; install it, or call check_model") from None
    judging = how(convert, rtol, precision, model)
    wanted = selected(model, cases, functions)
    expectations = expected_reasons(wanted, expected_failures)
    under_test = admitted(candidate, model, wanted)
    session, parameters = _Session(under_test, model, wanted, judging), []
    skips = [under_test.why_skipped(case, quantity) or judging.why_skipped(case, quantity) for case, quantity in wanted]
    ran = {function_of(quantity) for (_, quantity), reason in zip(wanted, skips) if not reason}
    for (case, quantity), reason in zip(wanted, skips):
        name = f"{case.name}/{quantity}"
        marks = [pytest.mark.xfail(reason=expectations[name])] if name in expectations else []
        may_skip = function_of(quantity) in ran or not under_test.has(case, quantity)
        marks += [pytest.mark.skip(reason=reason)] if reason and may_skip else []
        parameters.append(pytest.param(Check(session, case, quantity), id=name, marks=marks))
    return pytest.mark.parametrize("check", parameters)
