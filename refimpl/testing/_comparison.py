"""What a candidate gave beside what should come out: one check, one `Record`."""

from dataclasses import dataclass, replace
from collections.abc import Callable

import numpy as np

from refimpl.testing._case import PATHS, function_of
from refimpl.testing._mistake_names import CHANGES_INPUT, FLAKY
from refimpl.testing._report import ERROR, FAILED, PASSED, SKIPPED, Record
from refimpl.testing._tolerances import allowed_for, fits_float32


@dataclass(frozen=True)
class Judging:
    """How candidates are called and judged: the options of `check_model` that concern one check."""

    convert: Callable | None = None
    rtol: object = None
    single: bool = False

    def allowed(self, case, quantity):
        """Largest deviation that passes, in the shape of the expected value."""
        rtol = self.rtol.get(function_of(quantity)) if isinstance(self.rtol, dict) else self.rtol
        return allowed_for(case.expected[quantity], case.dtype, rtol=rtol, single=self.single)

    def why_skipped(self, case, quantity):
        """Why a check is beyond what single precision can hold, or ""."""
        expected = case.expected[quantity]
        given = (*case.leading(quantity), *expected.arguments.values(), expected.value)
        return "" if not self.single or fits_float32(*given) else "beyond the range of float32"

    def __str__(self):
        """In words, "" for the defaults."""
        said = ["single precision: float32 arguments, r = 1e-4"] if self.single else []
        shares = self.rtol if isinstance(self.rtol, dict) else {"": self.rtol} if self.rtol is not None else {}
        said += [f"rtol = {value:g}{f' for {name}' if name else ''}" for name, value in shares.items()]
        return "; ".join(said)


def check(candidate, case, quantity, judging):
    """The `Record` of one check, without a cause that needs other cases; a failure is called a second time."""
    name = f"{case.name}/{quantity}"
    reason = candidate.why_skipped(case, quantity) or judging.why_skipped(case, quantity)
    if reason:
        return Record(name, SKIPPED, reason, note=case.note)
    record = _once(candidate, case, quantity, judging)
    if record.status == PASSED:
        return record
    again = _once(candidate, case, quantity, judging)
    return as_flaky(record) if _differ(record, again, judging.allowed(case, quantity)) else record


def again(candidate, case, quantity, record, judging):
    """The record of a check that passed, called once more after all others: it may have kept something of them."""
    second = _once(candidate, case, quantity, judging)
    return record if second.status == PASSED else as_flaky(second)


def as_flaky(record):
    """A record of a candidate that gives something else on a second call."""
    return replace(record, status=FAILED, cause=FLAKY, reason="; ".join(filter(None, (
        record.reason, "a second call with the same arguments gives something else"))))


def _once(candidate, case, quantity, judging):
    name, value = f"{case.name}/{quantity}", case.expected[quantity].value
    outcome = candidate.call(case, quantity, judging.convert, judging.single)
    if outcome.got is None:
        return Record(name, ERROR, outcome.error, value, note=case.note, seconds=outcome.seconds,
                      traceback=outcome.traceback)
    record = replace(compared(name, quantity, outcome.got, value, judging.allowed(case, quantity)), note=case.note,
                     seconds=outcome.seconds)
    if not outcome.changed:
        return record
    reason = f"changes its argument {', '.join(outcome.changed)} in place; work on a copy"
    cause = CHANGES_INPUT if record.status == PASSED else ""
    return replace(record, status=FAILED, cause=cause, reason="; ".join(filter(None, (record.reason, reason))))


def compared(name, quantity, got, value, allowed):
    """The record of an array beside what is expected, and what is allowed, in its shape."""
    if function_of(quantity) in PATHS:
        value, allowed = last_if(got, value), last_if(got, allowed)
    if got.shape != value.shape:
        return Record(name, FAILED, f"got shape {got.shape}, expected {value.shape}", value, got)
    got = got.astype(float)
    finite = np.isfinite(got)
    with np.errstate(invalid="ignore", over="ignore"):
        deviation = np.where(finite, abs(got - value), np.inf)
        ratio = deviation / np.maximum(allowed, np.finfo(float).tiny)
    where = tuple(map(int, np.unravel_index(np.argmax(ratio), ratio.shape)))
    status = PASSED if (deviation <= allowed).all() else FAILED
    reason = "" if finite.all() else f"{(~finite).sum()} of {finite.size} numbers are not finite"
    return Record(name, status, reason, value, got, float(deviation[where]), float(allowed[where]), where)


def last_if(got, path):
    """The last iterate of a path, if that is all that a candidate returned."""
    return path[-1] if path.ndim == got.ndim + 1 else path


def _differ(first, second, allowed):
    """Whether two calls differ by more than rounding."""
    if (first.got is None) != (second.got is None):
        return True
    if first.got is None:
        return first.reason.split(":")[0] != second.reason.split(":")[0]
    allowed = last_if(first.got, allowed)
    if not first.got.shape == second.got.shape == allowed.shape:
        return first.got.shape != second.got.shape
    with np.errstate(invalid="ignore", over="ignore"):
        close = np.abs(first.got - second.got) <= allowed
    return not (close | (first.got == second.got) | (np.isnan(first.got) & np.isnan(second.got))).all()
