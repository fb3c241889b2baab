"""report.md: the same as report.html, for those who read it where it lies."""

from figures.report._stories import story
from figures.report._studies import by_study
from figures.report._summary import found, idle, regimes, sentences

COLUMNS = ("claim", "quantity", "predicted", "measured", "tolerance", "null", "kind", "verdict")


def report(summary, run):
    """The report as Markdown."""
    lines = ["# What holds", "",
             f"Version {run['version']}, {run['effort']} effort, seed {run['seed']}, data: {run['data']}; "
             f"{run['started']}, {run['seconds']:g} s on {run['machine']}.", "",
             *(f"- {sentence}" for sentence in sentences(summary, run)), ""]
    lines += _wrong("What the sources got wrong", "the source says", summary.wrong, summary)
    lines += _wrong("What one may read into them, and is wrong", "the reading", summary.misread, summary)
    short = regimes(summary.claims)
    for study, records in by_study(summary.records).items():
        lines += [f"## {story(study).title}", "", story(study).text, ""]
        for record in records:
            lines += _figure(record)
        mine = [claim for claim in summary.claims if summary.home(claim) in {record["figure"] for record in records}]
        lines += [line for claim in mine for line in _claim(claim, summary, short[claim.id])]
    if idle(run):
        lines += ["## Out of reach, or not tested", "",
                  *(f"- **{claim.id}**, {claim.status}: {claim.statement} ({claim.equation}) *Why:* {claim.regime}."
                    for claim in idle(run))]
    return "\n".join(lines).rstrip() + "\n"


def _wrong(title, said, claims, summary):
    lines = [f"## {title}", "", f"| claim | {said} | what holds | figure |", "|---|---|---|---|"]
    for claim in claims:
        home = summary.home(claim)
        lines.append(_row((f"[{claim.id}](#{claim.id})", claim.statement, claim.correction, f"[{home}]({home}.png)")))
    return [*lines, ""] if claims else []


def _figure(record):
    name = record["figure"]
    lines = [f"### {record['title']}", ""]
    if record["error"]:
        lines += [f"Could not be drawn: {record['error']}", ""]
    else:
        lines += [f"![{record['title']}]({name}.png)", ""]
    lines += [f"{record['caption']} `python -m figures {name}`".strip(), "",
              f"| {' | '.join(COLUMNS)} |", "|" + "---|" * len(COLUMNS)]
    for row in record["rows"]:
        verdict = f"**{row['verdict']}**" if row["verdict"] != "agrees" else row["verdict"]
        lines.append(_row((f"[{row['claim']}](#{row['claim']})", row["quantity"], row["predicted"], found(row),
                           *(row[name] for name in COLUMNS[4:-1]), verdict)))
    return [*lines, ""]


def _claim(claim, summary, regime):
    text = f"<a id=\"{claim.id}\"></a>**{claim.id}**, {claim.status} ({claim.evidence}); here: {summary.stand(claim)}. "
    text += f"{claim.equation}: {claim.statement}"
    text += f" *Instead:* {claim.correction}" if claim.correction else ""
    text += f" *Regime:* {regime}." if regime else ""
    text += "".join(f" *On {one.data_set}, {one.verdict}:* {one.regime}." for one in claim.elsewhere)
    return [f"- {text} `{claim.function}`, `{claim.test}`", ""]


def _row(cells):
    return "| " + " | ".join(" ".join(cell.split()).replace("|", "\\|") for cell in cells) + " |"
