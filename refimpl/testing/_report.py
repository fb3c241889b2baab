"""What came of the checks: records, the report that holds them, and how they read."""

import collections
from dataclasses import dataclass

import numpy as np

from refimpl.testing._case import function_of

PASSED, FAILED, ERROR, SKIPPED, XFAILED, XPASSED = "passed", "failed", "error", "skipped", "xfailed", "xpassed"

_SHOWN = 20  # records that a summary shows
_ALIKE = 4   # of one function with one cause: what fails everywhere needs no twenty examples
_SLOW = 1.0  # seconds of one call from which a summary names it


class ConformanceError(AssertionError):
    """Raised by `check_model` when a check fails; `report` holds the records."""

    def __init__(self, report):
        super().__init__(str(report))
        self.report = report


class ConformanceWarning(UserWarning):
    """What `check_model` warns with under ``on_fail="warn"``."""


@dataclass(frozen=True)
class Record:
    """Outcome of one check.

    Attributes
    ----------
    check : str
        ``"Model/case/quantity"``.
    status : str
        passed, failed, error (the candidate raised or returned something that
        is no array of numbers), skipped, xfailed or xpassed.
    reason : str
        Why it was skipped, was expected to fail, or ended in an error.
    expected, got : ndarray or None
    deviation : float
        Largest |got − expected|, infinite where got is not finite; NaN where
        nothing could be compared.
    tolerance : float
        What was allowed at that place.
    where : tuple of int or None
        Index of the largest deviation, measured in tolerances.
    cause : str
        The likely cause, if a recomputation with that mistake gives what came.
    note : str
        What is hard about the case, and the convention that is meant.
    seconds : float
        Of the call.
    traceback : str
        Of what the candidate raised.
    """

    check: str
    status: str
    reason: str = ""
    expected: np.ndarray | None = None
    got: np.ndarray | None = None
    deviation: float = float("nan")
    tolerance: float = float("nan")
    where: tuple | None = None
    cause: str = ""
    note: str = ""
    seconds: float = 0.0
    traceback: str = ""

    @property
    def function(self):
        """Name of the function that was checked."""
        return function_of(self.check.split("/")[-1])

    def line(self):
        """The record in one line, without its cause."""
        if self.where is None or self.status in (PASSED, XPASSED):
            return f"{self.status:<8}{self.check}{f': {self.reason}' if self.reason else ''}"
        return (f"{self.status:<8}{self.check}: got {self.got[self.where]:.12g}, expected "
                f"{self.expected[self.where]:.12g} at {list(self.where)}, deviation {self.deviation:.3g}, "
                f"allowed {self.tolerance:.3g}{f'; {self.reason}' if self.reason else ''}")

    def __str__(self):
        """The line, and of a failure the case's note, the likely cause and the end of the traceback."""
        lines = [self.line()]
        if self.status in (FAILED, ERROR, XFAILED):
            lines += [f"        the case: {self.note}"] * bool(self.note)
            lines += [f"        likely cause: {self.cause}"] * bool(self.cause)
            lines += [f"        {line}" for line in self.traceback.splitlines()]
        return "\n".join(lines)


@dataclass(frozen=True)
class Report:
    """Outcome of all checks of one candidate.

    Attributes
    ----------
    model : str
    records : tuple of Record
        One for each check, in the order of the cases.
    judging : str
        What `rtol` and `precision` changed, "" for the defaults.
    """

    model: str
    records: tuple
    judging: str = ""

    @property
    def counts(self):
        """How many records have each status, a dict; `run` is those that compared something or tried to."""
        counts = collections.Counter(record.status for record in self.records)
        return {"run": len(self.records) - counts[SKIPPED]} | {
            status: counts[status] for status in (PASSED, FAILED, SKIPPED, ERROR, XFAILED, XPASSED)}

    @property
    def ok(self):
        """Whether something ran, and nothing failed that was not expected to."""
        return not self.failures and self.counts["run"] > 0

    @property
    def failures(self):
        """The records with status failed or error."""
        return tuple(record for record in self.records if record.status in (FAILED, ERROR))

    @property
    def causes(self):
        """Likely causes, a dict of str to str: by function, or by quantity where those of a function differ."""
        named = [record for record in self.failures if record.cause]
        every = collections.defaultdict(set)
        for record in named:
            every[record.function].add(record.cause)
        return {record.check.split("/")[-1] if len(every[record.function]) > 1 else record.function: record.cause
                for record in named}

    def __str__(self):
        """The summary: counts, likely causes, reasons of skips, the first failures with what is hard about them."""
        counts = self.counts
        lines = [f"{self.model}: {counts['run']} checks run, " + ", ".join(
            f"{counts[status]} {status}" for status in (PASSED, FAILED, SKIPPED, ERROR, XFAILED, XPASSED)
            if counts[status] or status in (PASSED, FAILED, SKIPPED))]
        lines += [f"  judged at {self.judging}"] * bool(self.judging)
        lines += [f"  likely cause in {function}: {cause}" for function, cause in self.causes.items()]
        lines += self._grouped()
        notable = [record for record in (*self.failures, *(each for each in self.records
                                                           if each.status in (XFAILED, XPASSED)))
                   if record.reason != "not implemented"]
        shown, alike, chosen = set(), collections.Counter(), []
        for record in notable:
            key = record.function, record.cause, record.status
            alike[key] += 1
            chosen += [record] * (alike[key] <= _ALIKE)
        for record in chosen[:_SHOWN]:
            lines.append(f"  {record.line()}")
            case = record.check.rsplit("/", 1)[0]
            if record.note and case not in shown and record.status in (FAILED, ERROR):
                lines.append(f"          the case: {record.note}")
            shown.add(case)
        left = len(notable) - len(chosen[:_SHOWN])
        if left:
            lines.append(f"  and {left} more, in report.records")
        return "\n".join(lines)

    def _grouped(self):
        """Lines for what is many and alike: what is not implemented, what was skipped and why, what took long."""
        missing = dict.fromkeys(record.function for record in self.failures if record.reason == "not implemented")
        lines = [f"  not implemented: {', '.join(missing)}"] * bool(missing)
        reasons = collections.Counter(record.reason for record in self.records if record.status == SKIPPED)
        lines += [f"  skipped {count}: {reason}" for reason, count in reasons.items()]
        slowest = max(self.records, key=lambda record: record.seconds, default=None)
        if slowest is not None and slowest.seconds >= _SLOW:
            lines.append(f"  slowest: {slowest.check}, {slowest.seconds:.1f} s of "
                         f"{sum(record.seconds for record in self.records):.1f} s")
        return lines
