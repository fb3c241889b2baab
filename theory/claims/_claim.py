"""One row of the ledger."""

from collections.abc import Callable
from dataclasses import dataclass

STATUSES = ("exact", "holds", "corrected", "not reproduced", "out of reach", "not tested")
SEEN = ("seen", "in part", "not seen")
EVIDENCE = ("simulated", "enumerated", "proved", "not tested as stated")


@dataclass(frozen=True)
class Elsewhere:
    """What became of a claim on a set of real data.

    Attributes
    ----------
    data_set : str
        Its name.
    verdict : {"seen", "in part", "not seen"}
        Beside the status, which speaks of synthetic data.
    regime : str
        Net, sizes, and what was measured.
    """

    data_set: str
    verdict: str
    regime: str

    def __post_init__(self):
        if self.verdict not in SEEN:
            raise ValueError(f"verdict on {self.data_set} must be one of {SEEN}, got {self.verdict!r}; choose one")
        if not self.regime:
            raise ValueError(f"regime on {self.data_set} must say what was measured, got nothing; add it")


def on_images(verdict, regime):
    """What became of a claim on FashionMNIST, the real set that is at hand."""
    return (Elsewhere("FashionMNIST", verdict, regime),)


@dataclass(frozen=True)
class Claim:
    """A claim of a source and what became of it.

    Attributes
    ----------
    id : str
        ``SOURCE.name``, as tests and figures refer to it.
    equation : str
        Where the source says it: equation, table, figure or heading.
    statement : str
        The claim in one sentence, as the source means it.
    status : {"exact", "holds", "corrected", "not reproduced", "out of reach", "not tested"}
        exact: proved and checked to rounding; holds: seen in the stated
        `regime`; corrected: false as printed, `correction` is right;
        not reproduced: not seen, `correction` says what was seen instead;
        out of reach: needs sizes that no machine has, `regime` says which;
        not tested: could be tested and was not, `regime` says why.
    formula : function or None
        The function of `theory` that computes it; None only where nothing was tested.
    evidence : {"simulated", "enumerated", "proved", "not tested as stated"}
        The strongest that `test` gives: runs of the model; an exact sum over
        all batches, examples or cases; a proof, whose identity or bound the
        test holds to rounding; or none of the statement as printed.
    test : str
        The function of the tests that shows it (it carries this id as its mark).
    figure : str
        The figure that shows it.
    regime : str
        Where it was checked, for all but exact claims: on synthetic data, unless it says another.
    correction : str
        The right statement, for corrected and not reproduced claims.
    ours : bool
        Whether the statement is this project's own, said by none of the sources.
    elsewhere : tuple of Elsewhere
        What became of it on real data, one for each set.
    """

    id: str
    equation: str
    statement: str
    status: str
    formula: Callable | None
    evidence: str
    test: str = ""
    figure: str = ""
    regime: str = ""
    correction: str = ""
    ours: bool = False
    elsewhere: tuple = ()

    def __post_init__(self):
        for name, options in (("status", STATUSES), ("evidence", EVIDENCE)):
            if getattr(self, name) not in options:
                raise ValueError(
                    f"{name} of {self.id} must be one of {options}, got {getattr(self, name)!r}; choose one of them"
                )
        if (self.status in STATUSES[2:4]) != bool(self.correction):
            raise ValueError(
                f"{self.id} is {self.status!r}: a correction is given exactly for {STATUSES[2:4]}; mend the row"
            )
        if self.status != "exact" and not self.regime:
            raise ValueError(f"{self.id} is {self.status!r} and needs the regime in which that was found; add it")
        if self.shown and not (self.formula and self.test and self.figure):
            raise ValueError(
                f"{self.id} is {self.status!r} and needs the formula, test and figure that show it; add them"
            )
        if self.shown == (self.evidence == EVIDENCE[3]):
            raise ValueError(f"{self.id} is {self.status!r}: its evidence is {EVIDENCE[3]!r} exactly for "
                             f"{STATUSES[4:]}, got {self.evidence!r}; mend the row")

    @property
    def shown(self):
        """Whether anything of it was tested."""
        return self.status not in STATUSES[4:]

    @property
    def function(self):
        """The public name of `formula`, ``theory.study.function``; "" without one."""
        return f"{self.formula.__module__}.{self.formula.__qualname__}" if self.formula else ""
