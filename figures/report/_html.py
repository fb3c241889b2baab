"""report.html: one file, with its pictures in it; nothing is fetched and no script runs."""

from html import escape

from figures.report import _pictures
from figures.report._card import card
from figures.report._links import Links
from figures.report._stories import story
from figures.report._studies import by_study
from figures.report._style_sheet import STYLE
from figures.report._summary import idle, regimes, sentences, status_table


def report(summary, run, directory):
    """The report as HTML, with the pictures that lie in `directory`."""
    studies, links = by_study(summary.records), Links(directory)
    pictures = {record["figure"]: _pictures.read(directory / f"{record['figure']}.png") for record in summary.records}
    short = regimes(summary.claims)
    body = [
        _head(summary, run),
        _bar(summary),
        _contents(summary, studies),
        _wrong("wrong", "What the sources got wrong", "the source says", summary.wrong, summary, pictures),
        _wrong("misread", "What one may read into them, and is wrong", "the reading", summary.misread, summary,
               pictures),
    ]
    for study, records in studies.items():
        body.append(f'<section id="{study}"><h2>{escape(story(study).title)}</h2>{_told(study)}')
        body += [card(record, summary, short, pictures[record["figure"]], links, run) for record in records]
        body.append("</section>")
    body.append(_idle(run))
    return (
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8"><title>What holds</title>'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f'<style>{STYLE}</style></head><body><main>\n'
        + "\n".join(part for part in body if part)
        + "\n</main></body></html>\n"
    )


def _head(summary, run):
    data = "synthetic" if run["data"] == "synthetic" else f"yours: {run['data']}"
    facts = {"version": run["version"], "effort": run["effort"], "seed": run["seed"], "data": data,
             "begun": run["started"].replace("T", " "), "took": f"{run['seconds']:g} s", "machine": run["machine"]}
    listed = "".join(f"<div><dt>{name}</dt><dd>{escape(str(value))}</dd></div>" for name, value in facts.items())
    said = "".join(f"<li>{escape(sentence)}</li>" for sentence in sentences(summary, run))
    counts = "".join(f'<div class="{verdict.replace(" ", "-")}"><b>{count}</b> {verdict.removesuffix("s")}</div>'
                     for verdict, count in summary.verdicts.items())
    return (
        '<header><h1>What holds of four studies of SGD with large learning rates</h1><dl'
        f' class="facts">{listed}</dl><div class="counts" aria-label="rows by'
        f' verdict"><div><b>{sum(summary.verdicts.values())}</b> rows</div>{counts}</div><ul'
        f' class="said">{said}</ul></header>'
    )


def _bar(summary):
    """Claims by status, each status by evidence, as one bar and as its table."""
    table = status_table(summary.claims)
    if not table:
        return ""
    parts, rows = [], []
    for status, counts in table.items():
        name = status.replace(" ", "-")
        for evidence, count in sorted(counts.items()):
            parts.append(f'<i class="{name} {evidence.replace(" ", "-")}" style="flex-grow:{count}" '
                         f'title="{count} {status}, {evidence}">{count}</i>')
        split = ", ".join(f"{count} {evidence}" for evidence, count in sorted(counts.items()))
        rows.append(f'<li><i class="key {name}"></i><b>{sum(counts.values())} {status}</b>: {split}</li>')
    return (
        '<section id="claims"><h2>Claims drawn here, by status and evidence</h2><div class="bar" role="img" '
        f'aria-label="claims by status and evidence; the list below has the numbers">{"".join(parts)}</div>'
        f'<ul class="keys">{"".join(rows)}</ul><p class="note">The status is the ledger\'s, found on synthetic data at '
        'standard effort; how the rows of this run stand is said row by row. Hatched: enumerated; plain: simulated; '
        'outlined: proved.</p></section>'
    )


def _contents(summary, studies):
    items = ['<li><a href="#wrong">What the sources got wrong</a></li>'] if summary.wrong else []
    items += [f'<li><a href="#{study}">{escape(story(study).title)}</a>: ' + ", ".join(
        f'<a href="#{record["figure"]}">{record["figure"]}</a>' for record in records) + "</li>"
        for study, records in studies.items()]
    return f'<nav aria-label="contents"><ul>{"".join(items)}</ul></nav>'


def _wrong(place, title, said, claims, summary, pictures):
    """One line for each claim that does not hold: what is said, what holds, and where to see it."""
    if not claims:
        return ""
    rows = []
    for claim in claims:
        home, verdict = summary.home(claim), summary.verdict(claim)
        picture = _pictures.thumbnail(pictures[home], f"small picture of the figure {home}")
        rows.append(f'<tr><td data-label="claim"><a href="#{claim.id}">{claim.id}</a><br>{claim.status}<br>'
                    f'<span class="verdict {verdict.replace(" ", "-")}">{summary.stand(claim)}</span></td>'
                    f'<td data-label="{said}">{escape(claim.statement)}</td>'
                    f'<td data-label="what holds">{escape(claim.correction)}</td>'
                    f'<td data-label="figure"><a href="#{home}">{picture}</a></td></tr>')
    return (f'<section id="{place}"><h2>{title}</h2><table class="wrong"><thead><tr><th>claim</th><th>{said}</th>'
            f'<th>what holds</th><th>figure</th></tr></thead><tbody>{"".join(rows)}</tbody></table></section>')


def _told(study):
    told = story(study)
    symbols = "".join(f"<div><dt>{escape(symbol)}</dt><dd>{escape(meaning)}</dd></div>"
                      for symbol, meaning in told.symbols.items())
    return f'<p class="story">{escape(told.text)}</p>' + (f'<dl class="symbols">{symbols}</dl>' if symbols else "")


def _idle(run):
    """The claims that nothing shows, and why."""
    items = "".join(f'<li id="{claim.id}"><b>{claim.id}</b> <span class="status">{claim.status}</span> '
                    f"{escape(claim.statement)} ({escape(claim.equation)}) <b>Why:</b> {escape(claim.regime)}.</li>"
                    for claim in idle(run))
    return f'<section id="idle"><h2>Out of reach, or not tested</h2><ul>{items}</ul></section>' if items else ""
