"""Figures 3 and 4 of Wu, Ma and E 2018: the minima that SGD finds, the drawn bound, and the exact threshold."""

from dataclasses import dataclass

import numpy as np
from matplotlib.lines import Line2D
from matplotlib.ticker import LogLocator, NullFormatter, ScalarFormatter

from figures._figure import Figure, close, holds, not_judged
from figures._fitted_powers import t_limit
from figures._style import SHADES, bound, fit, null, panels, simulation, theory
from figures.network._panels import empty
from figures.network._runs import FEW, TEACHER, cannot, exponent, guarded, measure, settled, stays, task
from theory import linear_stability as predicted

CLAIMS = ("WME18.fig3", "WME18.fig4", "WME18.fig1-test")
NAMES = ("lr", "batch_size", "sharpness", "non_uniformity", "critical_lr", "accuracy", "bound", "moved")
LEAST = 3        # minima below which nothing can be said


@dataclass(frozen=True)
class Sizes:
    """(η, B) of the runs, starts of each, and steps; with B of `FEW` and more no run goes beyond `most_large`."""

    settings: tuple
    replicas: int
    steps: int
    most_large: int = 15_000


ALL = ((0.05, 4), (0.1, 4), (0.05, 16), (0.1, 16), (0.1, 64))
SIZES = {"quick": Sizes(((0.05, 16), (0.1, 16)), 2, 15_000), "standard": Sizes(ALL, 12, 40_000),
         "full": Sizes(ALL, 28, 100_000)}


@guarded
def simulate(effort, rng, data):
    """SGD from random starts to a small loss, each end polished and measured."""
    sizes, problem = SIZES[effort], task(data, corrupt=True)
    n = len(problem.x)
    settings = [(lr, min(size, n)) for lr, size in sizes.settings]
    columns, exponents, doubled, missed = [], [], [], 0
    for lr, size in settings:
        allowed = sizes.steps if size < FEW else min(sizes.steps, sizes.most_large)
        ends, lost = settled(problem, lr, size, sizes.replicas, allowed, rng)
        missed += lost
        limits = []
        for w in ends:
            minimum = measure(problem, w, size, rng)
            limits.append(minimum.critical_lr)
            if lr > minimum.critical_lr:
                exponents.append((size, exponent(problem, w, lr, size, rng)))
            columns.append((lr, size, minimum.sharpness, minimum.non_uniformity, minimum.critical_lr, minimum.accuracy,
                            predicted.non_uniformity_limit(lr, n, size), minimum.moved))
        if limits:
            doubled.append((size, exponent(problem, ends[np.argmin(limits)], 2 * lr, size, rng.spawn(1)[0], 1000, 50)))
    found = dict(zip(NAMES, np.array(columns, float).reshape(-1, len(NAMES)).T))
    return {**found, "settings": np.array(settings, float), "examples": np.array(n), "data": problem.name,
            "exponents": np.array([value for _, value in exponents]), "beyond": np.array(exponents).reshape(-1, 2),
            "doubled": np.array(doubled).reshape(-1, 2), "missed": np.array(missed), "goal": np.array(problem.goal)}


def judge(numbers):
    """Rows of Figures 3 and 4, and of Figure 1 right over all minima."""
    if "why" in numbers:
        return cannot(numbers, CLAIMS)
    count, missed = len(numbers["lr"]), int(numbers["missed"])
    if count < LEAST:
        why = (f"{count} of {count + missed} runs reached a loss of {numbers['goal']:g} on {numbers['data']}: too few "
               "minima to judge")
        return tuple(not_judged(claim, "minima that SGD finds", why) for claim in CLAIMS)
    return (*_threshold_rows(numbers), *_bound_rows(numbers), *_slope_rows(numbers), _test_row(numbers))


def _threshold_rows(numbers):
    size, ratio = numbers["batch_size"], numbers["lr"] / numbers["critical_lr"]
    edge = numbers["sharpness"] * numbers["lr"] / 2
    rows = []
    for few in (False, True):
        own = (size < FEW) == few
        if own.any():
            beyond, doubled = (of[(of[:, 0] < FEW) == few, 1] for of in (numbers["beyond"], numbers["doubled"]))
            heading = (f"minima with loss below {numbers['goal']:g}, B {'< 16' if few else '≥ 16'} (aη/2 from "
                       f"{edge[own].min():.2f} to {edge[own].max():.3f})")
            rows.append(stays("WME18.fig3", heading, ratio[own], beyond, doubled,
                              "at twice the rate, the one of largest η/η* of each setting"))
    return rows


def _bound_rows(numbers):
    height, synthetic = numbers["non_uniformity"] / numbers["bound"], numbers["data"] == TEACHER
    beyond = bool((height > 1).any())
    heading = f"minima above the poster's bound s = 1/(η√p) ({numbers['missed']} runs did not reach the loss)"
    return [holds("WME18.fig3", heading, "some", f"{(height > 1).sum()} of {len(height)}, up to {height.max():.2f}×",
                  "at least one", True if beyond else False if synthetic else None,
                  null="none: the poster's reading of its bound")]


def _slope_rows(numbers):
    sharp, spread = np.log(numbers["sharpness"]), np.log(numbers["non_uniformity"])
    correlation, ratio = float(np.corrcoef(sharp, spread)[0, 1]), spread - sharp
    wide = bool(np.ptp(sharp) > np.log(1.5)) and len(sharp) >= LEAST     # else too alike to tell a slope
    power, error = line(sharp, spread) if wide else (np.nan, np.nan)
    heading = (f"power p of s ∝ a^p, {len(sharp)} minima (s/a: geometric mean {np.exp(ratio.mean()):.2f}, standard "
               f"deviation of its log {ratio.std():.2f})")
    limit = t_limit(len(sharp) - 2)
    return [holds("WME18.fig4", f"correlation of log a and log s, {len(sharp)} minima", "near 1", f"{correlation:.3f}",
                  "≥ 0.8, set by hand", correlation >= 0.8 if wide else None, null="0: unrelated"),
            close("WME18.fig4", heading, 1.0, power, limit * error, null=(0.0, "s does not follow a"),
                  note=f"({limit:.1f} standard errors)") if wide else
            not_judged("WME18.fig4", heading, "minima too alike", predicted="1")]


def line(x, y):
    """Slope of y on x by least squares, and its standard error."""
    centred = x - x.mean()
    slope = float(centred @ y / (centred @ centred))
    rest = y - y.mean() - slope * centred
    return slope, float(np.sqrt(rest @ rest / (len(x) - 2) / (centred @ centred)))


def _test_row(numbers):
    """Slope of test accuracy on log sharpness over its standard error, by least squares."""
    sharp, accuracy = np.log(numbers["sharpness"]), numbers["accuracy"]
    heading = f"slope of test accuracy on log a, {len(sharp)} minima"
    if len(sharp) < 20:
        return not_judged("WME18.fig1-test", heading, "fewer than 20 minima", predicted="negative")
    slope, error = line(sharp, accuracy)
    limit = t_limit(len(sharp) - 2)
    told = abs(slope) > limit * error
    return holds("WME18.fig1-test", heading, "negative", f"{slope:.4f} ± {error:.4f}",
                 f"{limit:.1f} standard errors", slope < 0 if told else None, null="0: sharpness does not matter")


def draw(numbers):
    """The diagram of Fig. 3, the exact threshold against the drawn bound, Fig. 4, and test accuracy."""
    if "why" in numbers or len(numbers["lr"]) < LEAST:
        return empty({"why": judge(numbers)[0].null, **numbers})
    figure, axes = panels(2, 2, width=4.4, height=3.4)
    sharp, spread = numbers["sharpness"], numbers["non_uniformity"]
    ratio, height = numbers["lr"] / numbers["critical_lr"], spread / numbers["bound"]
    for k, (lr, size) in enumerate(numbers["settings"]):
        own = (numbers["lr"] == lr) & (numbers["batch_size"] == size)
        if own.any():
            look = simulation(k, label=f"$\\eta={lr:g}$, $B={size:g}$")
            _draw_diagram(axes[0], numbers, own, lr, size, k, look)
            axes[1].plot(height[own], ratio[own], **look)
            axes[2].plot(sharp[own], spread[own], **look)
            axes[3].plot(sharp[own], 100 * numbers["accuracy"][own], **look)
    _finish_diagram(axes[0], numbers)
    axes[1].axhline(1, **theory(0, linewidth=1.2))
    axes[1].axvline(1, **bound(0))
    axes[1].set(xlabel="$s$ over the poster's bound, $s\\,\\eta\\sqrt{p}$", ylabel="$\\eta/\\eta^*$",
                xlim=(0, max(1.3, 1.05 * height.max())), ylim=(0, 1.12 * max(1, ratio.max())))
    _draw_slope(axes[2], sharp, spread)
    axes[3].axhline(100 * numbers["accuracy"].mean(), **null())
    axes[3].set(xlabel="sharpness $a$", ylabel="test accuracy (%)")
    for axis, title in zip(axes, ("Fig. 3: the diagram", "exact threshold, drawn bound", "Fig. 4")):
        axis.set_title(title)
    axes[3].set_title(f"{numbers['data']}, {len(sharp)} minima", fontsize=8.5)
    return figure


def _draw_diagram(axis, numbers, own, lr, size, k, look):
    axis.plot(numbers["sharpness"][own], numbers["non_uniformity"][own], **look)
    n = int(numbers["examples"])
    edge, top = predicted.sharpness_limit(lr), predicted.non_uniformity_limit(lr, n, int(size))
    axis.plot([0, edge], [top, top], **bound(k))
    # where a ray through the mean minimum meets the exact threshold: H_i scaled up until η = η*
    ray = float(np.exp(np.log(numbers["critical_lr"][own] / lr).mean()))
    mean = [float(np.exp(np.log(numbers[name][own]).mean())) for name in ("sharpness", "non_uniformity")]
    axis.plot(*([ray * value] for value in mean), marker="_", markersize=15, markeredgewidth=2.5, color=SHADES[k],
              linestyle="none")


def _finish_diagram(axis, numbers):
    handles, _ = axis.get_legend_handles_labels()
    axis.set(xlabel="sharpness $a$", ylabel="non-uniformity $s$", xlim=(0, None), ylim=(0, 1.05 * axis.get_ylim()[1]))
    handles += [Line2D([], [], label="the poster's bound, $s=1/(\\eta\\sqrt{p})$ (null)", **bound(0)),
                Line2D([], [], label="null: unrelated to $a$", **null()),
                Line2D([], [], label="theory: exact threshold, $\\eta=\\eta^*$", **theory(0))]
    axis.figure.legend(handles=handles, loc="outside lower center", ncols=4)


def _draw_slope(axis, sharp, spread):
    slope = float(np.exp(np.mean(np.log(spread / sharp))))
    grid = np.linspace(sharp.min() * 0.8, sharp.max() * 1.15, 20)
    axis.loglog(grid, slope * grid, label=f"fit: $s={slope:.2f}\\,a$", **fit(0))
    axis.axhline(np.exp(np.log(spread).mean()), **null())
    axis.set(xlabel="sharpness $a$", ylabel="non-uniformity $s$")
    for one in (axis.xaxis, axis.yaxis):
        one.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
        one.set_major_formatter(ScalarFormatter())
        one.set_minor_formatter(NullFormatter())
    handles, labels = axis.get_legend_handles_labels()
    axis.legend(handles[-1:], labels[-1:], loc="upper left")


FIGURE = Figure(
    "network-minima", "Figs. 3 and 4: minima of SGD end at the exact threshold, and beyond the poster's bound",
    "Each open marker is a minimum that SGD reached from its own start (loss below 1e-7, on images 1e-5 and falling, "
    "then polished). (a) The sharpness–non-uniformity diagram: dotted, the poster's bound on s of each setting; thick "
    "bars, the exact threshold η = η* on the ray through the mean minimum. (b) The same minima by η/η* and by s over "
    "the bound: below the line, stable in mean square; right of the dotted one, beyond the poster's bound. (c) s "
    "against a; the dash-dotted line is a fit of a constant ratio. (d) Test accuracy against sharpness. Look at the "
    "markers right of the dotted line in (b) that lie below the solid one.",
    simulate, judge, draw, CLAIMS, (5, 38, 150), reads_data=True, data_seconds=(8, 75, 400))
