"""The bar of a row: where prediction, measurement and the wrong answer lie, in tolerances."""

from html import escape
from math import copysign, log10

WIDTH, HEIGHT, MIDDLE = 150, 22, 75
UNIT = 22       # pixels of one tolerance, and of each factor of ten beyond
FURTHEST = 3.2  # what lies beyond a factor of ~160 is drawn at the edge


def position(margin):
    """Pixels of a margin: linear within one tolerance, by powers of ten beyond."""
    size = abs(margin)
    return MIDDLE + UNIT * copysign(min(size if size <= 1 else 1 + log10(size), FURTHEST), margin)


def bar(row):
    """An inline picture of a row's margin and its null's; a dash where the row has no numbers."""
    margin, wrong = row.get("margin"), row.get("null_margin")
    if margin is None and wrong is None:
        return '<span class="note">–</span>'
    word = "computed" if row.get("kind") == "algebra" else "measured"
    said = [] if margin is None else [f"{word} {margin:+.2g} tolerances from the prediction"]
    said += [] if wrong is None else [f"the null {wrong:+.2g}"]
    marks = []
    if wrong is not None:
        x = position(wrong)
        marks.append(f'<path class="null" d="M{x:.1f} 5l6 6-6 6-6-6z"/>')
    if margin is not None:
        marks.append(f'<circle class="found" cx="{position(margin):.1f}" cy="11" r="4"/>')
    ticks = "".join(f"M{position(sign * at):.0f} 8v6" for at in (10, 100) for sign in (-1, 1))
    title = escape("; ".join(said))
    return (
        f'<svg class="margin" viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" height="{HEIGHT}" role="img" '
        f'aria-label="{title}"><title>{title}</title><rect class="within" x="{MIDDLE - UNIT}" y="3" width="{2 * UNIT}" '
        f'height="16"/><path class="axis" d="M2 11H{WIDTH - 2}M{MIDDLE} 3v16{ticks}"/>{"".join(marks)}</svg>'
        f'<span class="note">{title}</span>'
    )
