"""report.md: claim by claim, what was predicted, what was measured, and the verdict."""

from figures._figure import DIFFERS
from theory.claims import CLAIMS


def report(records):
    """The report as Markdown, from the records of the figures (see `figures._files.load_rows`)."""
    rows = [(record, row) for record in records for row in record["rows"]]
    failed = sum(row["verdict"] == DIFFERS for _, row in rows)
    lines = ["# What holds", "",
             f"{len(rows)} comparisons of {len({row['claim'] for _, row in rows})} claims; "
             f"{'none differs' if not failed else f'**{failed} differ**'}.",
             "", f"Drawn: {', '.join(map(_drawn, records)) or 'nothing yet'}.", ""]
    for claim in CLAIMS:
        mine = [(record, row) for record, row in rows if row["claim"] == claim.id]
        lines += [f"## {claim.id}: {claim.status}", "", f"{claim.statement} ({claim.equation}; `{claim.function}`)", ""]
        if claim.correction:
            lines += [f"**Instead:** {claim.correction}", ""]
        if claim.regime:
            lines += [f"Regime: {claim.regime}.", ""]
        if not mine:
            lines += ["Not drawn in this run.", ""]
            continue
        lines += ["| quantity | predicted | measured | tolerance | null | kind | verdict | figure |",
                  "|---|---|---|---|---|---|---|---|"]
        for record, row in mine:
            verdict = "**differs**" if row["verdict"] == DIFFERS else row["verdict"]
            cells = (*(row[name] for name in ("quantity", "predicted", "measured", "tolerance", "null", "kind")), verdict,
                     f"[{record['figure']}]({record['figure']}.png)")
            lines.append("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |")
        lines.append("")
    return "\n".join(lines)


def _drawn(record):
    return f"{record['figure']} ({record['effort']}, seed {record['seed']})"
