"""Fig. 2 again: the rectangle of the poster, eq. 4 and the exact limit of d = 1, and simulated ensembles."""

from math import sqrt

import numpy as np
from matplotlib.lines import Line2D

from figures._figure import Figure, close, holds
from figures._style import INK, bound, null, panels, simulation, theory
from figures.linear_stability._runs import SIGMAS, SIX, Sizes, measured_top, one_step_growth
from refimpl import linear_stability as simulated
from theory import linear_stability as predicted

SIZES = {"quick": Sizes(4000), "standard": Sizes(20_000), "full": Sizes(100_000)}
EXAMPLES, RAYS, SHARES = 100, (2, 5, 12, 30, 60, 92), (0.5, 0.85, 1.15)
VARIED = {"B": ((0.1, 1), (0.1, 4), (0.1, 16)), "η": ((0.1, 4), (0.2, 4), (0.4, 4))}
TOPS = ((0.1, 1), (0.1, 4), (0.1, 16), (0.2, 4), (0.4, 4))
KEPT = ((0.1, 0.99), (0.1, 1.01), (0.4, 0.99), (0.4, 1.01))


def simulate(effort, rng):
    replicas, numbers = SIZES[effort].replicas, {}
    for varied, settings in VARIED.items():
        for k, (lr, size) in enumerate(settings):
            numbers |= {f"{varied}{k}_{name}": value for name, value in _ensembles(lr, size, replicas, rng).items()}
    numbers["tops"] = np.array([measured_top(EXAMPLES, lr, size, replicas, rng) for lr, size in TOPS])  # value, error
    runs = [simulated.simulate([[sqrt(factor * 2 / lr)]], [[1.0]], lr=lr,
                               batch_size=None, steps=500) for lr, factor in KEPT]
    return numbers | {"kept": np.array([abs(run.w[0, 0]) for run in runs])}


def _ensembles(lr, size, replicas, rng):
    """Simulated growths at shares of the way to the limit along rays s/a, with expectation and error."""
    noise = predicted.sampling_factor(EXAMPLES, size)
    points, growths = [], []
    for share in SHARES:
        for curved in RAYS:
            ratio = sqrt(EXAMPLES / curved - 1)
            a = share * 2 / (lr * (1 + noise * ratio**2))
            points.append((a, ratio * a))
            growths.append(one_step_growth(a, curved, EXAMPLES, lr, size, replicas, rng))
    points, growths = np.array(points), np.array(growths)
    sharp = np.linspace(0, predicted.sharpness_limit(lr), 400)
    return {"points": points, "growth": growths[:, 0], "error": growths[:, 1],
            "expected": (1 - lr * points[:, 0]) ** 2 + noise * (lr * points[:, 1]) ** 2,
            "ellipse": np.array([sharp, predicted.mean_square_non_uniformity(sharp, lr, EXAMPLES, size)])}


def judge(numbers):
    rows = [row for varied in VARIED for row in _judge_sides(numbers, varied)]
    for (lr, size), (top, error) in zip(TOPS, numbers["tops"]):
        limit = predicted.non_uniformity_limit(lr, EXAMPLES, size)
        name = f"largest stable s at a = 1/η, η = {lr:g}, B = {size}"
        other = predicted.non_uniformity_limit(lr, EXAMPLES, 2 * size), "the limit at 2B"
        rows.append(close("WME18.fig2-B" if lr == 0.1 else "WME18.fig2-lr",
                    name, limit, top, SIGMAS * error, null=other, note=SIX))
        if (lr, size) == (0.1, 4):
            rows.append(close("WME18.s", f"{name}, s = √λmax(Σ)", limit, top, SIGMAS * error,
                              null=(top**2, "s = λmax(Σ), as printed"), note=SIX))
    for (lr, factor), size in zip(KEPT, numbers["kept"]):
        stays = factor < 1
        rows.append(holds("WME18.a", f"gradient descent at a = {factor:g}·2/η, η = {lr:g}: |x| after 500 steps",
                          "below 1" if stays else "above 1", f"{size:.3g}", "side of 1", (size < 1) == stays,
                          null="a limit of 1/η or 4/η: the other side in one of the two"))
    return tuple(rows)


def _judge_sides(numbers, varied):
    wrong = inside = near = total = 0
    for k, (lr, size) in enumerate(VARIED[varied]):
        points, growth, expected, error = (numbers[f"{varied}{k}_{name}"]
                                           for name in ("points", "growth", "expected", "error"))
        edge, top = predicted.sharpness_limit(lr), predicted.non_uniformity_limit(lr, EXAMPLES, size)
        decided = np.abs(expected - 1) > SIGMAS * error
        wrong += int(((growth < 1) != (expected < 1))[decided].sum())
        inside += int(((points[:, 0] < edge) & (points[:, 1] < top) & (growth >= 1))[decided].sum())
        near, total = near + int((~decided).sum()), total + len(points)
    return (holds("WME18.fig2", f"simulated ensembles on the wrong side of the half-ellipse ({varied} varied)", "0",
                  f"{wrong} of {total - near}",
                  f"exact; {near} within {SIGMAS:g} standard errors of the edge set aside",
                  wrong == 0, null=f"the rectangle: {inside} on its wrong side"),
            holds("WME18.fig2", f"simulated ensembles inside the rectangle that are unstable ({varied} varied)", "some",
                  str(inside), "> 0", inside > 0, null="the rectangle as the limit: 0"))


def draw(numbers):
    figure, axes = panels(1, 2, width=4.2, height=4.2)
    for axis, (varied, settings) in zip(axes, VARIED.items()):
        for k, (lr, size) in enumerate(settings):
            edge, top = predicted.sharpness_limit(lr), predicted.non_uniformity_limit(lr, EXAMPLES, size)
            colour = theory(k)["color"]
            axis.plot([0, edge, edge], [top, top, 0], **bound(k))
            axis.plot(*numbers[f"{varied}{k}_ellipse"], **theory(k))
            label = f"$B={size}$" if varied == "B" else f"$\\eta={lr:g}$"
            axis.text(1.01 * edge, top, label, va="center", color=colour)
            points, stable = numbers[f"{varied}{k}_points"], numbers[f"{varied}{k}_growth"] < 1
            axis.plot(1 / lr, predicted.non_uniformity_limit(lr, EXAMPLES, 2 * size), **null("x"))
            for chosen, face in ((stable, colour), (~stable, "white")):
                axis.plot(*points[chosen].T, **simulation(k, markerfacecolor=face, markersize=4.5))
        highest = max(numbers[f"{varied}{k}_points"][:, 1].max() for k in range(len(settings)))
        axis.set(xlabel="sharpness $a$ (units of curvature)", xlim=(0, None), ylim=(0, 1.05 * highest))
    axes[0].set_ylabel("non-uniformity $s=\\sqrt{\\lambda_{max}(\\Sigma)}$ (units of curvature)")
    axes[0].set_title("batch size varied: $\\eta=0.1$, $n=100$")
    axes[1].set_title("rate varied: $B=4$, $n=100$")
    handles = [Line2D([], [], color=INK, label="theory, $d=1$: eq. 4 and the exact limit"),
               Line2D([], [], label="bound: the poster's rectangle (null)", **bound(0, color=INK)),
               Line2D([], [], label="null: the top of $2B$", **null("x")),
               Line2D([], [], label="simulation: stable", **simulation(0, markerfacecolor=INK, color=INK)),
               Line2D([], [], **simulation(0, color=INK, label="simulation: unstable"))]
    figure.legend(handles=handles, loc="outside lower center", ncols=3)
    return figure


FIGURE = Figure(
    "stability-diagram", "Which minima SGD can keep: the sharpness–non-uniformity diagram",
    "In d = 1 eq. 4 is exact, and its region is the half-ellipse (lines), not the rectangle that the poster draws "
    "around it (dotted). Markers are simulated ensembles of n = 100 examples: filled where E x² shrinks, open where "
    "it grows. Look at the open markers inside the rectangles.",
    simulate, judge, draw, ("WME18.fig2", "WME18.fig2-B", "WME18.fig2-lr", "WME18.s", "WME18.a"), (3, 5, 41))
