"""A figure in report.html: picture, caption, rows, and the claims that stand under it."""

from html import escape
from shlex import quote

from figures.report import _pictures
from figures.report._margin import bar
from figures.report._summary import found

COLUMNS = ("claim", "quantity", "predicted", "measured", "tolerance", "null", "kind", "verdict")


def card(record, summary, regimes, picture, links, run):
    """The figure of a record as an article."""
    name = record["figure"]
    shown = (_pictures.figure(picture, f"{record['title']}. {record['caption']}".strip()) if not record["error"]
             else f'<p class="error">Could not be drawn: {escape(record["error"])}</p>')
    caption = f"<figcaption>{escape(record['caption'])}</figcaption>" if record["caption"] else ""
    own = [claim for claim in summary.claims if summary.home(claim) == name]
    data = "synthetic data" if record["data"] == "synthetic" else f"your data: {record['data']}"
    return (f'<article id="{name}"><h3>{escape(record["title"])}</h3><figure>{shown}{caption}</figure>'
            f'<p class="links">{links.files(name)}{escape(data)} · <code>{escape(_again(name, run))}</code></p>'
            f"{_rows(record)}{''.join(_claim(claim, summary, regimes[claim.id], links) for claim in own)}</article>")


def _again(name, run):
    words = ["python -m figures", quote(name)]
    words += [] if run["effort"] == "standard" else [f"--effort {run['effort']}"]
    words += [f"--seed {run['seed']}"] if run["seed"] else []
    return " ".join(words + ([] if run["data"] == "synthetic" else ["--data DIR"]))


def _rows(record):
    head = "".join(f"<th>{name}</th>" for name in (*COLUMNS, "margin"))
    rows = []
    for row in record["rows"]:
        cells = [f'<td data-label="claim"><a href="#{row["claim"]}">{row["claim"]}</a></td>']
        cells += [f'<td data-label="{name}">{escape(found(row) if name == "measured" else row[name])}</td>'
                  for name in COLUMNS[1:-1]]
        cells.append(
            f'<td data-label="verdict"><span class="verdict {row["verdict"].replace(" ", "-")}">{row["verdict"]}'
            f'</span></td><td data-label="margin">{bar(row)}</td>'
        )
        rows.append(f"<tr>{''.join(cells)}</tr>")
    return (f'<table class="rows"><thead><tr>{head}</tr></thead><tbody>{"".join(rows)}</tbody></table>' if rows else "")


def _else(claim):
    """The sets on which a claim that was shown on synthetic data was not, or not wholly, seen."""
    return "".join(f" <i>{one.verdict} on {escape(one.data_set)}</i>" for one in claim.elsewhere
                   if one.verdict != "seen")


def _claim(claim, summary, regime, links):
    verdict = summary.verdict(claim)
    instead = f"<p><b>Instead:</b> {escape(claim.correction)}</p>" if claim.correction else ""
    where = "Regime, on synthetic data" if summary.user_data or claim.elsewhere else "Regime"
    regime = f"<p><b>{where}:</b> {escape(regime)}.</p>" if regime else ""
    regime += "".join(f"<p><b>On {escape(one.data_set)}, {one.verdict}:</b> {escape(one.regime)}.</p>"
                      for one in claim.elsewhere)
    others = [record["figure"] for record, _ in summary.rows[claim.id] if record["figure"] != summary.home(claim)]
    also = "".join(f' <a href="#{name}">{name}</a>' for name in dict.fromkeys(others))
    also = f"<p>Also drawn in{also}.</p>" if also else ""
    return (
        f'<details class="claim" id="{claim.id}"><summary><b>{claim.id}</b> <span class="status '
        f'{claim.status.replace(" ", "-")}">{claim.status}</span>{_else(claim)} '
        f'<span class="verdict {verdict.replace(" ", "-")}">'
        f"{summary.stand(claim)}</span> {escape(claim.statement)}</summary>{instead}{regime}"
        f"<p>{escape(claim.equation)}{' (our reading)' if claim.ours else ''}; evidence: {claim.evidence}; "
        f"{links.function(claim)}; {links.test(claim)}</p>{also}</details>"
    )
