"""What a report says, before it is written in any language: records, rows by claim, counts."""

from collections import Counter
from dataclasses import dataclass

from figures import _all
from figures._figure import AGREES, DIFFERS, NOT_JUDGED, VERDICTS
from figures._files import load_records, mark
from theory.claims import CLAIMS
from theory.claims._claim import SEEN, STATUSES

WRONG = ("corrected", "not reproduced")


@dataclass(frozen=True)
class Summary:
    """The records of a run and how its rows stand.

    Attributes
    ----------
    records : tuple of dict
        Of the figures that were asked for and are there, in the order of the studies.
    lost : tuple
        Outcomes of figures of which not even a record could be written.
    rows : dict
        Claim id -> list of (record, row).
    left_out : int
        Records in the same directory that are not of this run.
    user_data : str
        Name of the user's data set that some figure used, else "".
    interrupted : bool
    """

    records: tuple
    lost: tuple
    rows: dict
    left_out: int
    user_data: str
    interrupted: bool

    @property
    def claims(self):
        """Claims with a row, in the order of the ledger."""
        return tuple(claim for claim in CLAIMS if claim.id in self.rows)

    @property
    def not_drawn(self):
        """How many claims of the ledger have no row here."""
        return len(CLAIMS) - len(self.claims)

    @property
    def verdicts(self):
        """{verdict: number of rows}."""
        counts = Counter(row["verdict"] for rows in self.rows.values() for _, row in rows)
        return {verdict: counts[verdict] for verdict in VERDICTS}

    @property
    def differing(self):
        """(record, row) of each row that differs."""
        return [pair for rows in self.rows.values() for pair in rows if pair[1]["verdict"] == DIFFERS]

    @property
    def errors(self):
        """(name, reason) of each figure that could not be drawn."""
        return [(record["figure"], record["error"]) for record in self.records if record["error"]] + [
            (outcome.name, outcome.error) for outcome in self.lost]

    def verdict(self, claim):
        """How the rows of a claim stand together: one that differs decides, then one that agrees."""
        found = {row["verdict"] for _, row in self.rows[claim.id]}
        return next(verdict for verdict in (DIFFERS, *VERDICTS) if verdict in found)

    def stand(self, claim):
        """The same in words."""
        found = [row["verdict"] for _, row in self.rows[claim.id]]
        idle = found.count(NOT_JUDGED)
        words = {
            DIFFERS: f"{found.count(DIFFERS)} of {len(found)} rows differ",
            AGREES: "rows agree",
            NOT_JUDGED: NOT_JUDGED,
        }
        return words[self.verdict(claim)] + (f", {idle} not judged" if 0 < idle < len(found) else "")

    def home(self, claim):
        """Name of the figure under which a claim stands: the one that the ledger names, else the first with a row."""
        names = [record["figure"] for record, _ in self.rows[claim.id]]
        return claim.figure if claim.figure in names else names[0]

    @property
    def wrong(self):
        """The claims drawn here that do not hold as printed."""
        return tuple(claim for claim in self.claims if claim.status in WRONG and not claim.ours)

    @property
    def misread(self):
        """Readings drawn here that no source states, and that do not hold."""
        return tuple(claim for claim in self.claims if claim.status in WRONG and claim.ours)


def summarise(directory, tasks, outcomes, interrupted):
    """The summary of the tasks' records, those of other efforts, seeds, data sets and versions left out."""
    marks = {task.name: mark(task) for task in tasks}
    names = [figure.name for figure in _all.FIGURES]
    there = load_records(directory, names)
    records = tuple(record for record in there
                    if record["figure"] in marks and marks[record["figure"]].items() <= record.items())
    rows = {}
    for record in records:
        for row in record["rows"]:
            rows.setdefault(row["claim"], []).append((record, row))
    told = {record["figure"] for record in records}
    lost = tuple(outcome for outcome in outcomes if outcome.error and outcome.name not in told)
    user_data = next((record["data"] for record in records if record["data"] != "synthetic"), "")
    return Summary(records, lost, rows, len(there) - len(records), user_data, interrupted)


def idle(run):
    """The claims that no figure shows, of a run that was asked for all figures: out of reach, or not tested."""
    everything = {figure.name for figure in _all.FIGURES} <= set(run["figures"])
    return tuple(claim for claim in CLAIMS if everything and not claim.shown)


def found(row):
    """What stands in the column "measured": what theory alone gives is called computed there."""
    return f"computed: {row['measured']}" if row["kind"] == "algebra" else row["measured"]


def status_table(claims):
    """{status: {evidence: number of claims}} in the order of the ledger's statuses."""
    table = {status: Counter(claim.evidence for claim in claims if claim.status == status) for status in STATUSES}
    return {status: counts for status, counts in table.items() if counts}


def sentences(summary, run):
    """What a reader must know first, a sentence each: counts that hide nothing."""
    counts, table = summary.verdicts, status_table(summary.claims)
    yield (f"{_some(len(summary.records), 'figure')}, {_some(len(summary.claims), 'claim')}, "
           f"{_some(sum(counts.values()), 'row')}: {counts['agrees']} agree, {counts['differs']} differ, "
           f"{counts['not judged']} not judged.")
    if table:
        yield ("In the ledger the claims drawn here are " + ", ".join(
            f"{sum(evidence.values())} {status} ({', '.join(f'{count} {name}' for name, count in evidence.items())})"
            for status, evidence in table.items()) + ".")
    yield from _data_and_effort(summary, run)
    if summary.not_drawn:
        idle = sum(not claim.shown for claim in CLAIMS)
        which = "all" if idle == summary.not_drawn else idle
        yield (f"{summary.not_drawn} of the {_some(len(CLAIMS), 'claim')} in the ledger were not drawn"
               + (f", {which} of which are out of reach or not tested." if idle else "."))
    if summary.left_out:
        yield (
            f"{_some(summary.left_out, 'figure')} in this directory from other runs (another effort, seed, data set or "
            "version, or not asked for this time) left out."
        )
    if summary.errors:
        yield f"{_some(len(summary.errors), 'figure')} could not be drawn: " + "; ".join(
            f"{name}: {reason}" for name, reason in summary.errors) + "."
    if summary.interrupted:
        yield f"The run was interrupted: {len(summary.records)} of {_some(len(run['figures']), 'figure')} drawn."


def _data_and_effort(summary, run):
    if summary.user_data:
        own = sum(record["data"] != "synthetic" for record in summary.records)
        known = {one.data_set for claim in CLAIMS for one in claim.elsewhere}
        name = next((name for name in known if summary.user_data.startswith(f"{name} ")), "")
        yield (
            f"{_some(own, 'figure')} used your data ({summary.user_data}); statuses in the ledger speak of the "
            "synthetic sets, " + (f"what it says of {name} stands beside them." if name else
                                  "so there only the verdict of a row says what was found.")
        )
    else:
        yield "All data are synthetic: drawn from the distributions that the sources state, or made in their place."
    sets = dict.fromkeys(one.data_set for claim in summary.claims for one in claim.elsewhere)
    for name in sets:
        told = [(one.verdict, claim.id) for claim in summary.claims for one in claim.elsewhere if one.data_set == name]
        yield (f"Of {len(told)} of these claims the ledger says what was found on {name}: " + "; ".join(
            f"{len(ids)} {verdict}" + (f" ({', '.join(ids)})" if verdict != SEEN[0] else "")
            for verdict in SEEN if (ids := [one for own, one in told if own == verdict])) + ".")
    if run["effort"] == "quick":
        yield "Quick effort is a smoke run: what it is too small to judge is marked not judged."


def _some(count, noun):
    return f"{count} {noun}" + "s" * (count != 1)


def regimes(claims):
    """{claim id: its regime, what an earlier claim said already replaced by a reference to that}."""
    said, short = {}, {}
    for claim in claims:
        same = max((text for text in said if claim.regime.startswith(text)), key=len, default="")
        rest = claim.regime.removeprefix(same).lstrip("; ,") if same else claim.regime
        short[claim.id] = (f"as for {said[same]}" + (f"; {rest}" if rest else "")) if same else claim.regime
        for text in (claim.regime, claim.regime.split("; ")[0]):
            if len(text) > 60:
                said.setdefault(text, claim.id)
    return short
