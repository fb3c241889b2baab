"""One style for all figures, readable in greyscale: theory is lines, simulation is open markers."""

from contextlib import contextmanager

import matplotlib
from matplotlib.figure import Figure

matplotlib.use("Agg")

INK = "#1a1a1a"
# Dark to light, so that the order survives greyscale; lines differ in dashes too.
SHADES = ("#14213d", "#9b2226", "#3a86a8", "#e09f3e")
DASHES = ("-", "--", "-.", ":")
MARKERS = ("o", "s", "^", "D")
_RC = {
    "font.family": "DejaVu Sans", "font.size": 9, "axes.titlesize": 9.5, "axes.labelsize": 9, "legend.fontsize": 7.5,
    "axes.spines.top": False, "axes.spines.right": False, "axes.grid": True, "grid.color": "#e4e4e4", "grid.linewidth": 0.6,
    "axes.axisbelow": True, "lines.linewidth": 1.5, "lines.markersize": 5, "legend.frameon": False, "figure.dpi": 100,
    "savefig.dpi": 150, "svg.fonttype": "path", "axes.formatter.use_mathtext": True, "mathtext.default": "regular",
}


@contextmanager
def style(name):
    """The style, with SVG ids that depend on the figure's name alone."""
    with matplotlib.rc_context({**_RC, "svg.hashsalt": name}):
        yield


def panels(rows, columns, width=3.4, height=2.9):
    """A figure of rows × columns panels and its axes as a flat list, lettered (a), (b), …"""
    figure = Figure(figsize=(width * columns, height * rows), layout="constrained")
    axes = list(figure.subplots(rows, columns, squeeze=False).flat)
    for letter, axis in zip("abcdefghijkl", axes):
        axis.set_title(f"({letter})", loc="left", fontweight="bold")
    return figure, axes


def theory(k=0, **changes):
    """Line properties of the k-th prediction."""
    return {"color": SHADES[k], "linestyle": DASHES[k], "marker": "none", **changes}


def simulation(k=0, **changes):
    """Marker properties of the k-th simulation."""
    return {"color": SHADES[k], "linestyle": "none", "marker": MARKERS[k], "markerfacecolor": "white", **changes}
