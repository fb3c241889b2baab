"""What a study's figures are made of: numbers, the rows that judge them, and the picture that draws them."""

from collections.abc import Callable
from dataclasses import dataclass, make_dataclass
from math import isfinite

EFFORTS = ("quick", "standard", "full")
AGREES, DIFFERS, NOT_JUDGED = VERDICTS = ("agrees", "differs", "not judged")
KINDS = ("simulated", "enumerated", "algebra")


@dataclass(frozen=True)
class Row:
    """One comparison of a claim with what was found, and the wrong answer that it excludes.

    Attributes
    ----------
    claim : str
        Id in the ledger.
    quantity, predicted, measured, tolerance, null : str
        What is compared; `null` is the plausible wrong answer and how far out it lies.
    kind : {"simulated", "enumerated", "algebra"}
        Where the compared value comes from; what theory alone gives is "algebra", and is never called measured.
    verdict : {"agrees", "differs", "not judged"}
    margin, null_margin : float or None
        (measured − predicted)/tolerance, and the same of the null, where they are numbers.
    """

    claim: str
    quantity: str
    predicted: str
    measured: str
    tolerance: str
    null: str
    kind: str
    verdict: str
    margin: float | None = None
    null_margin: float | None = None

    def __post_init__(self):
        for name, options in (("kind", KINDS), ("verdict", VERDICTS)):
            if getattr(self, name) not in options:
                raise ValueError(f"{name} of a row of {self.claim} must be one of {options}, got "
                                 f"{getattr(self, name)!r}")
        if not self.null.strip():
            raise ValueError(
                f"null of a row of {self.claim} must say which wrong answer it excludes, got {self.null!r}"
            )


@dataclass(frozen=True)
class Figure:
    """A figure: ``simulate(effort, rng) -> numbers``, ``judge(numbers) -> rows``, ``draw(numbers) -> picture``.

    `numbers` is a flat dict of arrays, numbers and strings: all that `judge`
    and `draw` look at, and what is stored beside the picture. With
    `reads_data`, ``simulate(effort, rng, data)`` gets the directory of
    ``--data`` (None: the synthetic set) and says in ``numbers["data"]`` which
    set it used.
    """

    name: str
    title: str
    caption: str                # what is line, what is marker, what error bars are, what to look at
    simulate: Callable
    judge: Callable
    draw: Callable
    claims: tuple               # ids, exactly those of its rows
    seconds: tuple              # expected on one core at quick, standard, full effort
    reads_data: bool = False
    data_seconds: tuple = ()    # the same on FashionMNIST, where it differs
    without_null: str = ""      # why no null of its rows can be drawn

    def expected(self, effort, data):
        """Seconds on one core at an effort, on the user's `data` or, without, on the synthetic set."""
        return (data and self.data_seconds or self.seconds)[EFFORTS.index(effort)]


def frozen(names):
    """A frozen dataclass of these fields, for what the efforts of one figure differ in."""
    return make_dataclass("Sizes", names.split(), frozen=True)


def close(claim, quantity, predicted, measured, tolerance, *, null, kind="simulated", note=""):
    """A row that agrees if |measured − predicted| ≤ tolerance.

    `null` is (value, words): what the wrong answer would have given. Where that
    lies within the tolerance as well, nothing could be told apart and the row
    is not judged. `note` says where the tolerance comes from.
    """
    wrong, words = null
    margin, null_margin = ((value - predicted) / tolerance if tolerance else _beyond(value - predicted)
                           for value in (measured, wrong))
    verdict = AGREES if abs(margin) <= 1 else DIFFERS
    if not abs(null_margin) > 1:
        verdict = NOT_JUDGED
    return Row(claim, quantity, f"{predicted:.6g}", f"{measured:.6g}", f"±{tolerance:.2g}{' ' + note if note else ''}",
               null=f"{words}: {wrong:.4g}", kind=kind, verdict=verdict, margin=_finite(margin),
               null_margin=_finite(null_margin))


def holds(claim, quantity, predicted, measured, tolerance, passed, *, null, kind="simulated", margins=(None, None)):
    """A row whose columns are given as text and whose test was made by the caller; `passed` None: not judged.

    `margins`, for the bar of the report: how far what was measured and what the
    null gives lie from the prediction, in tolerances.
    """
    verdict = NOT_JUDGED if passed is None else AGREES if passed else DIFFERS
    margin, null_margin = (None if margin is None else _finite(margin) for margin in margins)
    return Row(claim, quantity, str(predicted), str(measured), str(tolerance), null=str(null), kind=kind,
               verdict=verdict, margin=margin, null_margin=null_margin)


def not_judged(claim, quantity, why, *, predicted="–", measured="–", kind="simulated"):
    """A row of a comparison that cannot be made on this data set or at this effort, and why."""
    return Row(claim, quantity, str(predicted), str(measured), "–", why, kind, NOT_JUDGED)


def _beyond(difference):
    return 0.0 if difference == 0 else float("inf")


def _finite(value):
    return float(value) if isfinite(value) else None
