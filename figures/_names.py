"""Which figures are meant by a name, a study, the id of a claim or a glob; and what there is."""

import textwrap
from difflib import get_close_matches
from fnmatch import fnmatchcase

from figures import _all
from figures._figure import EFFORTS
from theory.claims import CLAIMS

WIDTH = 120  # characters of a line of the listing


def chosen(words, studies=None):
    """The figures that `words` mean, each once, in the order of the studies; all without words."""
    studies = _all.STUDIES if studies is None else studies
    everything = [
        (figure, (figure.name, study, *figure.claims)) for study, figures in studies.items() for figure in figures
    ]
    wanted = set()
    for word in words:
        found = {figure.name for figure, names in everything if any(fnmatchcase(name, word) for name in names)}
        if not found:
            raise ValueError(_unknown(word, {name for _, names in everything for name in names}))
        wanted |= found
    return [figure for figure, _ in everything if not words or figure.name in wanted]


def _unknown(word, names):
    for claim in CLAIMS:
        if claim.id == word:
            return f"no figure shows {word}, which is {claim.status}: python -m theory claims {word} says why"
    close = {name.lower(): name for name in names}
    nearest = get_close_matches(word.lower().replace("_", "-"), close, n=1, cutoff=0.3) or get_close_matches(
        word.lower(), close, n=1, cutoff=0)
    return f"no figure, study or claim {word}; the nearest is {close[nearest[0]]} (--list names all)"


def listing(studies):
    """What there is, as lines of at most 120 characters: by study, with expected seconds and totals."""
    lines = [f"seconds on one core at {'/'.join(EFFORTS)}; * reads --data, with which it takes those in brackets"]
    for study, figures in studies.items():
        lines += ["", f"{study}: {len(figures)} figures, {_seconds(_total(figures))} s"]
        for figure in figures:
            name = figure.name + "*" * figure.reads_data
            lines += textwrap.wrap(f"  {name:<26}{_seconds(figure.seconds):<14}{figure.title}{_with_data(figure)}",
                                   WIDTH, subsequent_indent=" " * 42)
            lines += textwrap.wrap(" ".join(figure.claims), WIDTH, initial_indent=" " * 6, subsequent_indent=" " * 6,
                                   break_on_hyphens=False)
    everything = [figure for figures in studies.values() for figure in figures]
    claims = {claim for figure in everything for claim in figure.claims}
    times = ", ".join(f"{effort} {_minutes(total)}" for effort, total in zip(EFFORTS, _total(everything)))
    return [
        *lines,
        "",
        f"{len(everything)} figures of {len(studies)} studies show {len(claims)} claims; on one core: {times}",
    ]


def _total(figures):
    return tuple(sum(figure.seconds[k] for figure in figures) for k in range(len(EFFORTS)))


def _seconds(values):
    return "/".join(f"{value:g}" for value in values)


def _with_data(figure):
    return f" [{_seconds(figure.data_seconds)}]" if figure.data_seconds else ""


def _minutes(seconds):
    return f"{seconds:.0f} s" if seconds < 100 else f"{seconds / 60:.0f} min"
