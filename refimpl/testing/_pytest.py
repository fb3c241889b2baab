"""Each check as a test of pytest."""

from refimpl.testing._case import function_of
from refimpl.testing._check import check, check_model, expected_reasons, maker, selected, why_skipped
from refimpl.testing._report import ConformanceError, Report


class Check:
    """One check, to be called by a test: returns its `Record`, or raises `ConformanceError` with the likely cause.

    ``str(check)`` is its name, ``"Model/case/quantity"``.
    """

    def __init__(self, candidate, case, quantity, convert):
        self.candidate, self.case, self.quantity, self.convert = candidate, case, quantity, convert

    def __str__(self):
        return f"{self.case.name}/{self.quantity}"

    def __call__(self):
        record = check(maker(self.candidate), self.case, self.quantity, self.convert)
        report = Report(self.case.model, (record,))
        if report.ok:
            return record
        # Only all cases together tell likely causes apart, so a failure runs those of its function.
        every = check_model(self.candidate, self.case.model, convert=self.convert, on_fail=None,
                            functions=(function_of(self.quantity),))
        mine = tuple(each for each in every.records if each.check == str(self))
        raise ConformanceError(Report(self.case.model, mine))


def parametrize_with_checks(candidate, model, *, cases=None, functions=None, convert=None, expected_failures=None):
    """Decorator that makes every check of a model a test of its own, by its name.

    The test takes one argument, ``check``, and calls it.

    Parameters
    ----------
    candidate, model, cases, functions, convert
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
        If there is no such model, or a pattern matches no check.
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
    wanted = selected(model, cases, functions)
    expectations = expected_reasons(wanted, expected_failures)
    candidate_for, parameters = maker(candidate), []
    for case, quantity in wanted:
        name = f"{case.name}/{quantity}"
        marks = [pytest.mark.xfail(reason=expectations[name])] if name in expectations else []
        reason = why_skipped(candidate_for, case, quantity)
        marks += [pytest.mark.skip(reason=reason)] if reason else []
        parameters.append(pytest.param(Check(candidate, case, quantity, convert), id=name, marks=marks))
    return pytest.mark.parametrize("check", parameters)
