"""The report of a run: report.html, one self-contained file, and report.md; run.json says hour, seconds and machine.

It is of the figures that the run was asked for, and of no others: what lies in
the same directory from another run is counted and left out.
"""

import json

from figures.report import _html, _markdown, _run
from figures.report._summary import summarise
from refimpl._atomic import write as _write

HTML, MARKDOWN, RUN = "report.html", "report.md", "run.json"


def write(directory, tasks, outcomes, *, started, seconds, interrupted):
    """Write the report of `tasks` from the records in `directory`, with how this run went; the summary of what it
    says."""
    run = _run.described(tasks, outcomes, started=started, seconds=seconds, interrupted=interrupted)
    summary = summarise(directory, tasks, outcomes, interrupted)
    _write(directory / RUN, (json.dumps(run, indent=1, ensure_ascii=False) + "\n").encode())
    _write(directory / MARKDOWN, _markdown.report(summary, run).encode())
    _write(directory / HTML, _html.report(summary, run, directory).encode())
    return summary
