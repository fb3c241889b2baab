"""How a check is judged and how a report reads: records made by hand, texts to the letter."""

import numpy as np
import pytest

from refimpl.testing import Record, Report
from refimpl.testing._comparison import compared

pytestmark = pytest.mark.chance("exact")

FAILED = Record("M/a/gradient:B1", "failed", expected=np.zeros(2), got=np.ones(2), deviation=1.0, tolerance=0.5,
                where=(1,), cause="a sign", note="a tie", traceback="line 1\nline 2")
RECORDS = (
    FAILED, Record("M/a/loss", "failed", "got shape ()", cause="a sign", note="a tie"),
    Record("M/b/loss", "error", "KeyError: 3", cause="a half", note="huge"),
    Record("M/b/predict", "skipped", "the candidate has no predict"), Record("M/c/loss", "passed", seconds=1.5),
    Record("M/d/hvp", "error", "not implemented", seconds=0.5),
    Record("M/c/gradient", "xfailed", "expected: later", note="not shown where failure was expected"))


def test_a_report_names_causes_by_function_or_quantity_and_the_note_of_a_case_once():
    assert str(Report("M", RECORDS, "rtol = 0.1")) == """\
M: 6 checks run, 1 passed, 2 failed, 1 skipped, 2 error, 1 xfailed
  judged at rtol = 0.1
  likely cause in gradient: a sign
  likely cause in loss: a half
  not implemented: hvp
  skipped 1: the candidate has no predict
  slowest: M/c/loss, 1.5 s of 2.0 s
  failed  M/a/gradient:B1: got 1, expected 0 at [1], deviation 1, allowed 0.5
          the case: a tie
  failed  M/a/loss: got shape ()
  error   M/b/loss: KeyError: 3
          the case: huge
  xfailed M/c/gradient: expected: later"""
    assert str(FAILED).splitlines()[1:] == ["        the case: a tie", "        likely cause: a sign",
                                            "        line 1", "        line 2"]


def test_a_report_in_which_nothing_ran_is_not_ok():
    for records in ((), RECORDS[3:4]):
        report = Report("M", records)
        assert not report.ok and str(report).startswith("M: 0 checks run, 0 passed, 0 failed, ")
        assert "slowest" not in str(report) and "more" not in str(report)
    assert Report("M", RECORDS[3:5]).ok and "slowest" not in str(Report("M", RECORDS[5:])), "half a second is not slow"


@pytest.mark.parametrize(("got", "status", "where", "reason"), [
    ([1 + 1e-6, 0, 1000.5], "failed", (0,), ""), ([1, 0, 1000.5], "passed", (2,), ""),
    ([1, 1e-12, 1000.9], "failed", (1,), ""), ([1, 0, 1002], "failed", (2,), ""),
    ([np.nan, 0, 1e3], "failed", (0,), "1 of 3 numbers are not finite"),
    ([1, np.inf, np.nan], "failed", (1,), "2 of 3 numbers are not finite"),
])
def test_the_worst_place_is_measured_in_tolerances(got, status, where, reason):
    value, allowed = np.array([1.0, 0.0, 1000.0]), np.array([1e-9, 0.0, 1.0])
    record = compared("M/a/gradient", "gradient", np.array(got), value, allowed)
    assert (record.status, record.where, record.reason) == (status, where, reason)
    assert record.tolerance == allowed[where]
    assert record.deviation == (abs(got[where[0]] - value[where]) if np.isfinite(got[where[0]]) else np.inf)


def test_the_last_alone_will_do_of_iterates_and_of_nothing_else():
    value, allowed = np.arange(6.0).reshape(3, 2), np.full((3, 2), 1e-9)
    assert compared("M/a/sgd", "sgd:noise", value[-1], value, allowed).status == "passed"
    assert compared("M/a/predict", "predict", value[-1], value, allowed).reason == "got shape (2,), expected (3, 2)"
