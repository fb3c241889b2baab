"""What came of the checks: records, the report that holds them, and how they read."""

import collections
from dataclasses import dataclass

import numpy as np

PASSED, FAILED, ERROR, SKIPPED, XFAILED, XPASSED = "passed", "failed", "error", "skipped", "xfailed", "xpassed"

_SHOWN = 20  # records that a summary shows


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

    @property
    def line(self):
        """The record in one line, without its cause."""
        if self.where is None or self.status in (PASSED, XPASSED):
            return f"{self.status:<8}{self.check}{f': {self.reason}' if self.reason else ''}"
        return (f"{self.status:<8}{self.check}: got {self.got[self.where]:.12g}, expected "
                f"{self.expected[self.where]:.12g} at {list(self.where)}, deviation {self.deviation:.3g}, "
                f"allowed {self.tolerance:.3g}{f'; {self.reason}' if self.reason else ''}")

    def __str__(self):
        return self.line + (f"\n        likely cause: {self.cause}" if self.cause else "")


@dataclass(frozen=True)
class Report:
    """Outcome of all checks of one candidate.

    Attributes
    ----------
    model : str
    records : tuple of Record
        One for each check, in the order of the cases.
    """

    model: str
    records: tuple

    @property
    def counts(self):
        """How many records have each status, a dict; `run` is those that compared something or tried to."""
        counts = collections.Counter(record.status for record in self.records)
        return {"run": len(self.records) - counts[SKIPPED]} | {
            status: counts[status] for status in (PASSED, FAILED, ERROR, SKIPPED, XFAILED, XPASSED)}

    @property
    def ok(self):
        """Whether nothing failed that was not expected to."""
        return not self.failures

    @property
    def failures(self):
        """The records with status failed or error."""
        return tuple(record for record in self.records if record.status in (FAILED, ERROR))

    @property
    def causes(self):
        """Likely causes, a dict of str to str: by function, or by quantity where those of a function differ."""
        named = [(record.check.split("/")[-1], record.cause) for record in self.failures if record.cause]
        every = collections.defaultdict(set)
        for quantity, cause in named:
            every[quantity.split(":")[0]].add(cause)
        return {quantity if len(every[quantity.split(":")[0]]) > 1 else quantity.split(":")[0]: cause
                for quantity, cause in named}

    def __str__(self):
        """The summary: counts, reasons of skips, the first failures, likely causes."""
        counts = self.counts
        lines = [f"{self.model}: {counts['run']} checks run, " + ", ".join(
            f"{counts[status]} {status}" for status in (PASSED, FAILED, ERROR, XFAILED, XPASSED, SKIPPED)
            if counts[status] or status in (PASSED, FAILED, SKIPPED))]
        reasons = collections.Counter(record.reason for record in self.records if record.status == SKIPPED)
        lines += [f"  skipped {count}: {reason}" for reason, count in reasons.items()]
        lines += [f"  likely cause in {function}: {cause}" for function, cause in self.causes.items()]
        notable = [*self.failures, *(record for record in self.records if record.status in (XFAILED, XPASSED))]
        lines += [f"  {record.line}" for record in notable[:_SHOWN]]
        if len(notable) > _SHOWN:
            lines.append(f"  and {len(notable) - _SHOWN} more, in report.records")
        return "\n".join(lines)
