"""report.md: claim by claim, what was predicted, what was measured, and the verdict."""

from theory.claims import CLAIMS

_PASSED = {"exact": "holds", "holds": "holds in its regime", "corrected": "holds as corrected",
           "not reproduced": "not reproduced, as the ledger says"}


def report(records):
    """The report as Markdown, from the records of the figures (see `figures._files.load_rows`)."""
    rows = [(record, row) for record in records for row in record["rows"]]
    failed = sum(not row["passed"] for _, row in rows)
    lines = ["# What holds", "",
             f"{len(rows)} comparisons of {len({row['claim'] for _, row in rows})} claims; "
             f"{'all agree with the ledger' if not failed else f'**{failed} FAILED**'}.",
             "", f"Drawn: {', '.join(map(_drawn, records)) or 'nothing yet'}.", ""]
    for claim in CLAIMS:
        mine = [(record, row) for record, row in rows if row["claim"] == claim.id]
        lines += [f"## {claim.id}: {claim.status}", "", f"{claim.statement} ({claim.equation}; `theory.{claim.formula}`)", ""]
        if claim.correction:
            lines += [f"**Instead:** {claim.correction}", ""]
        if claim.regime:
            lines += [f"Regime: {claim.regime}.", ""]
        if not mine:
            lines += ["Not drawn in this run.", ""]
            continue
        lines += ["| quantity | predicted | measured | tolerance | verdict | figure |", "|---|---|---|---|---|---|"]
        for record, row in mine:
            verdict = _PASSED[claim.status] if row["passed"] else "**FAILED**"
            cells = (row["quantity"], row["predicted"], row["measured"], row["tolerance"], verdict,
                     f"[{record['figure']}]({record['figure']}.png)")
            lines.append("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |")
        lines.append("")
    return "\n".join(lines)


def _drawn(record):
    return f"{record['figure']} ({record['effort']}, seed {record['seed']})"
