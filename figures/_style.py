"""One style for all figures, readable in greyscale.

Theory is a line, simulation an open marker (with error bars that its caption
defines); a fit is a thin dash-dotted line, a bound a dotted one, a guide grey.
The null of a row, the wrong answer that it excludes, is dotted, thin and grey
(points: grey crosses), or another curve of the panel whose label says (null).
The legend names fit, bound, guide and null as such; `key` says the rest, once per figure.
"""

import re
import textwrap
from contextlib import contextmanager

import matplotlib
from matplotlib.axis import Axis
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.text import Text
from matplotlib.ticker import Formatter, LogFormatterMathtext, NullLocator

matplotlib.use("Agg")

INK, GREY = "#1a1a1a", "#8a8a8a"
# Dark to light, so that the order survives greyscale; lines differ in dashes too.
SHADES = ("#14213d", "#9b2226", "#3a86a8", "#e09f3e", "#6a994e")
DASHES = ("-", "--", "-.", ":", (0, (8, 2)))
MARKERS = ("o", "s", "^", "D", "v")
_RAISED, _LOWERED = str.maketrans("0123456789−", "⁰¹²³⁴⁵⁶⁷⁸⁹⁻"), str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉")
_GREEK = dict(zip("alpha beta delta epsilon varepsilon zeta eta kappa lambda mu xi rho tau Lambda Sigma".split(),
                  "αβδϵεζηκλμξρτΛΣ"), to="→")
_TYPESET = re.compile(r"[\\\\^_{}]")
_RC = {
    "font.family": "DejaVu Sans",
    "font.size": 9.5,
    "axes.titlesize": 9.5,
    "axes.titley": 1.0,  # no axis has ticks on top: looking for them takes a fifth of the time of drawing
    "axes.labelsize": 9.5,
    "legend.fontsize": 8.2,
    "legend.title_fontsize": 8.2,
    "legend.handlelength": 1.8,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "grid.color": "#e4e4e4",
    "grid.linewidth": 0.6,
    "axes.axisbelow": True,
    "lines.linewidth": 1.5,
    "lines.markersize": 5,
    "legend.frameon": False,
    "figure.dpi": 150,
    "figure.titlesize": 11,
    "svg.fonttype": "none",
    "mathtext.default": "regular",
}


@contextmanager
def style(name):
    """The style whatever the user's matplotlibrc says, with SVG ids that depend on the figure's name alone."""
    with matplotlib.rc_context():
        matplotlib.rcdefaults()
        matplotlib.rcParams.update({**_RC, "svg.hashsalt": name})
        yield


class _Powers(Formatter):
    """Labels of a logarithmic axis as text: typesetting them takes longer than all else that is drawn."""

    def __init__(self, typeset):
        self.typeset = typeset

    plain = False  # whether the axis shows so few and so moderate numbers that 0.03 is shorter than 3 × 10⁻²

    def set_locs(self, locs):
        self.typeset.set_locs(locs)
        low, high = sorted(self.axis.get_view_interval())
        self.plain = low >= 1e-3 and high <= min(1e4, 300 * low)

    def __call__(self, x, pos=None):
        words = self.typeset(x, pos)
        if self.plain:
            return words and f"{x:g}"
        words = words.removeprefix("$\\mathdefault{").removesuffix("}$").replace("-", "−")
        number, _, exponent = words.replace("\\times", "×").partition("^{")
        return number + exponent.removesuffix("}").translate(_RAISED)


def _plain_powers(picture):
    """10⁻³ as text wherever an axis would typeset it; over many decades no ticks but these, for each takes its time."""
    for axes in picture.axes:
        for axis in (axes.xaxis, axes.yaxis):
            low, high = sorted(axis.get_view_interval())
            if axis.get_scale() == "log" and high > 100 * low:
                axis.set_minor_locator(NullLocator())
            for get, put in ((axis.get_major_formatter, axis.set_major_formatter),
                             (axis.get_minor_formatter, axis.set_minor_formatter)):
                if isinstance(get(), LogFormatterMathtext):
                    put(_Powers(get()))


def _plain_words(picture):
    """Formulas that need no typesetting, as η* = 0.1, as text; a string with one that does is left whole."""
    for text in _texts(picture):
        parts = text.get_text().split("$")
        formulas = [_spelled(part) for part in parts[1::2]]
        if len(parts) > 1 and not any(_TYPESET.search(formula) for formula in formulas):
            parts[1::2] = formulas
            text.set_text("".join(parts))


def _texts(artist):
    """Every text below an artist but tick labels, which an axis makes anew when it is drawn."""
    for child in artist.get_children():
        if isinstance(child, Axis):
            yield child.label
        elif isinstance(child, Text):
            yield child
        else:
            yield from _texts(child)


def _spelled(formula):
    words = re.sub(r"\\([a-zA-Z]+) ?", lambda found: _GREEK.get(found[1], found[0]), formula.replace("^*", "*"))
    for sign, digits in (("\\^", _RAISED), ("_", _LOWERED)):
        words = re.sub(sign + r"(\d)", lambda found: found[1].translate(digits), words)  # noqa: B023
    return re.sub("([=<>])", r" \1 ", words.replace(" ", "").replace("\\,", " ").replace("-", "−")).lstrip()


def titled(picture, title):
    """The picture with its title above it, unless it carries one already; broken to the width of the picture."""
    if not picture.get_suptitle():
        letters = int(11 * picture.get_figwidth())  # of 11 points: 11 fit an inch
        picture.suptitle("\n".join(textwrap.wrap(title, letters, break_on_hyphens=False)), fontweight="bold")
    _plain_powers(picture)
    _plain_words(picture)
    return picture


def panels(rows, columns, width=3.4, height=2.9):
    """A figure of rows × columns panels and its axes as a flat list, lettered (a), (b), … if there are several."""
    figure = Figure(figsize=(width * columns, height * rows), layout="constrained")
    axes = list(figure.subplots(rows, columns, squeeze=False).flat)
    for letter, axis in zip("abcdefghijkl" if len(axes) > 1 else "", axes):
        axis.set_title(f"({letter})", loc="left", fontweight="bold")
    return figure, axes


def theory(k=0, **changes):
    """Line properties of the k-th prediction."""
    return {"color": SHADES[k], "linestyle": DASHES[k], "marker": "none", **changes}


def simulation(k=0, **changes):
    """Marker properties of the k-th simulation."""
    return {"color": SHADES[k], "linestyle": "none", "marker": MARKERS[k], "markerfacecolor": "white", **changes}


def fit(k=0, **changes):
    """Line properties of a fit to the k-th simulation; its label says "fit"."""
    return {"color": SHADES[k], "linestyle": (0, (6, 1.5, 1, 1.5)), "linewidth": 0.9, "marker": "none", **changes}


def bound(k=0, **changes):
    """Line properties of a bound, upper or lower; its label says "bound"."""
    return {"color": SHADES[k], "linestyle": (0, (1, 1.2)), "linewidth": 1.3, "marker": "none", **changes}


def guide(**changes):
    """Line properties of a guide to the eye: an edge, a slope, a level that is nobody's prediction."""
    return {"color": GREY, "linestyle": "-", "linewidth": 0.8, "marker": "none", "zorder": 0.5, **changes}


def null(marker="none", **changes):
    """Line properties of a row's null, or of single points of it with a marker; its label says "null"."""
    dots = (0, (1, 2)) if marker == "none" else "none"
    return {"color": "#6f6f6f", "linestyle": dots, "linewidth": 1.2, "marker": marker, "markersize": 4.5,
            "zorder": 1.5, **changes}


def names_null(picture):
    """Whether a legend or a word in the picture says which artist is a null."""
    return any("null" in text.get_text() for text in _texts(picture))


def below(axis, columns=2, **options):
    """A legend under the panel, where it hides nothing."""
    return axis.legend(**{"loc": "upper center", "bbox_to_anchor": (0.5, -0.18), "ncols": columns, **options})


def key(axis, **options):
    """A legend of the panel; below the figure, once, what line and open marker mean."""
    if not axis.figure.legends:
        axis.figure.legend(handles=[Line2D([], [], label="lines: theory", **theory(0, color=INK)),
                                    Line2D([], [], label="open markers: simulation", **simulation(0, color=INK))],
                           loc="outside lower center", ncols=2)
    return axis.legend(**options)


def joined(axis, x, y, k=0, every=1, first=0, label=None, **changes):
    """Markers of the k-th simulation on a thin line, on every so-many-th point of it."""
    axis.plot(x, y, color=SHADES[k], linewidth=0.7, alpha=0.8)
    return axis.plot(x[first::every], y[first::every], label=label, **simulation(k, **changes))
