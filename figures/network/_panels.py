"""Pieces of pictures that more than one figure on networks uses."""

import textwrap

from figures._style import GREY, INK, panels


def empty(numbers):
    """A panel that says why nothing could be drawn."""
    figure, (axis,) = panels(1, 1, width=5.5, height=2.4)
    axis.axis("off")
    axis.set_title("")
    axis.text(0.5, 0.5, "\n".join(textwrap.wrap(f"Not drawn on {numbers['data']}: {numbers['why']}", 70)), ha="center",
              va="center", transform=axis.transAxes)
    return figure


def published_marks(axis, at, means, spreads, k, label):
    """Numbers that the source gives, as grey crosses and stars with its ± as bars."""
    axis.errorbar(at, means, yerr=spreads, linestyle="none", marker="x+*"[k], markersize=8, color=GREY, capsize=2.5,
                  elinewidth=0.9, zorder=3, label=label)


def table(axis, columns, lines, widths):
    """A table with a rule below its head."""
    axis.axis("off")
    drawn = axis.table(lines, colLabels=columns, bbox=(0, 0, 1, 1), cellLoc="center", colWidths=widths)
    drawn.auto_set_font_size(False)
    drawn.set_fontsize(9.5)
    for (row, _), cell in drawn.get_celld().items():
        cell.visible_edges = "" if row else "B"
        cell.set(linewidth=0.8, edgecolor=INK, height=(1.0 if row else 1.7) * cell.get_height())
