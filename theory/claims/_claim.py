"""One row of the ledger."""

from dataclasses import dataclass

STATUSES = ("exact", "holds", "corrected", "not reproduced")


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
    status : {"exact", "holds", "corrected", "not reproduced"}
        exact: proved and checked to rounding; holds: seen in the stated
        `regime`; corrected: false as printed, `correction` is right;
        not reproduced: not seen, `correction` says what was seen instead.
    formula : str
        The function of `theory` that computes it.
    regime : str
        Where it was checked, for all but exact claims.
    correction : str
        The right statement, for corrected and not reproduced claims.
    """

    id: str
    equation: str
    statement: str
    status: str
    formula: str
    regime: str = ""
    correction: str = ""

    def __post_init__(self):
        if self.status not in STATUSES:
            raise ValueError(f"status of {self.id} must be one of {STATUSES}, got {self.status!r}; choose one of them")
        if (self.status in STATUSES[2:]) != bool(self.correction):
            raise ValueError(f"{self.id} is {self.status!r}: a correction is given exactly for {STATUSES[2:]}; mend the row")
        if self.status != "exact" and not self.regime:
            raise ValueError(f"{self.id} is {self.status!r} and needs the regime in which that was found; add it")
