"""``python -m theory claims [ID]``: the ledger at the prompt."""

import shutil
import sys
import textwrap
from collections import Counter
from difflib import get_close_matches

from theory.claims import CLAIMS

WIDTH = 120


def add_arguments(parser):
    """The one argument of the command."""
    parser.add_argument("id", nargs="?", metavar="ID", help="id of a claim, to read it in full")


def run(options):
    """Print one claim in full, or all of them, a line each."""
    sys.stdout.write("\n".join(every() if options.id is None else one(options.id)) + "\n")
    return 0


def every():
    """A line per claim: id, status, statement, cut to the terminal's width where there is one; then counts."""
    first, second = (max(len(getattr(claim, name)) for claim in CLAIMS) for name in ("id", "status"))
    lines = [f"{claim.id:<{first}}  {claim.status:<{second}}  {claim.statement}" for claim in CLAIMS]
    if sys.stdout.isatty():
        columns = shutil.get_terminal_size().columns
        lines = [line if len(line) <= columns else f"{line[:columns - 1]}…" for line in lines]
    counts = Counter(claim.status for claim in CLAIMS)
    return [
        *lines,
        "",
        f"{len(CLAIMS)} claims: {', '.join(f'{count} {status}' for status, count in counts.most_common())}",
    ]


def one(name):
    """A claim in full, as lines; ValueError with the nearest id where there is none of this name."""
    claim = next((claim for claim in CLAIMS if claim.id == name), None)
    if claim is None:
        raise ValueError(f"no claim {name}; the nearest is {nearest(name)} (python -m theory claims lists all)")
    parts = {
        "source": claim.equation,
        "statement": claim.statement,
        "status": claim.status,
        "instead": claim.correction,
        "regime": claim.regime,
        **{f"on {one.data_set}": f"{one.verdict}: {one.regime}" for one in claim.elsewhere},
        "evidence": claim.evidence,
        "function": claim.function,
        "test": claim.test,
        "figure": f"{claim.figure}: python -m figures {claim.figure}" if claim.figure else "",
        "ours": "our own statement; none of the sources says it" if claim.ours else "",
    }
    lines = [claim.id]
    for label, text in parts.items():
        if text:
            lines += textwrap.wrap(text, WIDTH, initial_indent=f"  {label + ': ':<11}", subsequent_indent=" " * 13,
                                   break_long_words=False, break_on_hyphens=False)
    return lines


def nearest(name):
    """The id that is spelled most alike."""
    ids = {claim.id.lower(): claim.id for claim in CLAIMS}
    return ids[get_close_matches(name.lower(), ids, n=1, cutoff=0)[0]]
