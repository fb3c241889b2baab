"""P/L against ε: both schedules, a switch after a fixed number of steps, and the test loss itself."""

from math import sqrt

import numpy as np

from figures._figure import Figure, close, frozen, holds
from figures._style import INK, null, panels, simulation, theory
from figures.convex_annealing._runs import G, H, LOSSES, ROUNDING, descend, large_steps, schedule, stop
from theory import convex_annealing as predicted

SMALL, LARGE, LEAST, FIXED = 0.02, 1.3, 1e-10, (1, 2, 3, 4)
AFTER, CLOSE = 0.05, 0.01  # small rates after a fixed number of large steps: of the curves, and at the reversal
CLAIMS = ("NAK20.small-lr", "NAK20.annealed")

# `points` simulated targets, `curve` of the lines.
Sizes = frozen("points curve")
SIZES = {"quick": Sizes(5, 60), "standard": Sizes(11, 300), "full": Sizes(21, 1000)}


def simulate(effort, rng):
    """Stops at targets down to 1e-10, annealed in time or not; after K large steps down to 1e-15."""
    sizes = SIZES[effort]
    fine, marks = np.geomspace(0.99, LEAST, sizes.curve), np.geomspace(0.3, LEAST, sizes.points)
    follow = [predicted.annealed_loss_ratio(*LOSSES, target, LARGE, large_steps(LARGE, target)) for target in fine]
    lines = [predicted.flow_loss_ratio(*LOSSES, fine), np.array(follow)]
    counts = [large_steps(LARGE, target) for target in marks]
    runs = [[descend(target, SMALL) for target in marks],
            [descend(target, SMALL, **schedule(LARGE, k)) for target, k in zip(marks, counts)]]
    exact = [[stop(target, SMALL) for target in marks],
             [stop(target, SMALL, LARGE, k) for target, k in zip(marks, counts)]]
    numbers = {"targets": fine, "small": lines[0], "annealed": lines[1], "marks": marks}
    for name, series, points in zip(("small", "annealed"), runs, exact):
        numbers |= {f"{name}_gd": np.array([run.loss_ratio for run in series]),
                    f"{name}_train": np.array([run.train_loss for run in series]),
                    f"{name}_test": np.array([run.test_loss for run in series]),
                    f"{name}_error": max(abs(run.loss_ratio - point.loss_ratio) for run, point in zip(series, points)),
                    f"{name}_steps_agree": all(run.nit == point.steps for run, point in zip(series, points)),
                    f"{name}_distance": np.linalg.norm(series[-1].w)}
    numbers["limits"] = np.array(predicted.limit_ratios(H, G))
    for steps in FIXED:
        numbers |= _fixed(steps, sizes)
    return numbers


def _fixed(steps, sizes):
    """Curve, runs and reversal after so many large steps."""
    fine, marks = np.geomspace(0.99, 1e-15, sizes.curve), np.geomspace(0.3, 1e-15, sizes.points)
    shrunk = np.array(LOSSES) * (1 - LARGE * np.array([4, 2]) / 3) ** (2 * steps)
    below, seen = fine[fine <= shrunk.sum()], marks[marks <= 0.9 * shrunk.sum()]
    large = schedule(LARGE, steps)
    runs = [descend(target, AFTER, **large) for target in seen]
    half = predicted.reversal_target(*LOSSES, LARGE, steps)
    errors = [abs(run.loss_ratio - stop(target, AFTER, LARGE, steps).loss_ratio) for run, target in zip(runs, seen)]
    name = f"fixed_{steps}"
    return {f"{name}_targets": below, name: predicted.annealed_loss_ratio(*LOSSES, below, LARGE, steps),
            f"{name}_marks": seen, f"{name}_gd": np.array([run.loss_ratio for run in runs]),
            f"{name}_error": max(errors),
            f"{name}_half": half, f"{name}_half_gd": descend(half, CLOSE, **large).loss_ratio,
            f"{name}_half_exact": stop(half, CLOSE, LARGE, steps).loss_ratio,
            f"{name}_half_flow": stop(half, None, LARGE, steps).loss_ratio}


def judge(numbers):
    """Stops against theory and their limits; the reversal; one minimum and a factor of two."""
    rows, ratios = [], [numbers[f"{name}_gd"] for name in ("small", "annealed")]
    for k, (claim, name) in enumerate(zip(CLAIMS, ("small", "annealed"))):
        error = numbers[f"{name}_error"]
        flow = np.interp(-np.log(numbers["marks"]), -np.log(numbers["targets"]), numbers[name])
        rows.append(holds(claim, f"P/L at {len(numbers['marks'])} targets to 1e-10, η = {SMALL}: largest difference",
                          "0, equal steps", f"{error:.1e}", f"≤ {ROUNDING:g}",
                          error <= ROUNDING and bool(numbers[f"{name}_steps_agree"]),
                          null=f"gradient flow's: {np.abs(ratios[k] - flow).max():.1g}"))
        rows.append(close(claim, "P/L at ε = 1e-10", numbers["limits"][k], ratios[k][-1], 1e-3,
                          null=(numbers["limits"][1 - k], "the other limit")))
    for steps in FIXED:
        name = f"fixed_{steps}"
        rows.append(close("NAK20.fixed-switch", f"P/L at ε = 2B²/A = {numbers[f'{name}_half']:.2e}, K = {steps}, then "
                                                f"η = {CLOSE}",
                          numbers[f"{name}_half_exact"], numbers[f"{name}_half_gd"], ROUNDING,
                          null=(numbers[f"{name}_half_flow"], "gradient flow after it")))
    rows.append(close("NAK20.fixed-switch", "P/L at ε = 1e-15 after K = 2 large steps: that of a small rate", 1.5,
                      numbers["fixed_2_gd"][-1], 1e-3, null=(0.75, "annealing always helps")))
    error = max(numbers[f"fixed_{steps}_error"] for steps in FIXED)
    rows.append(holds("NAK20.fixed-switch", "P/L for K = 1…4 at all targets: largest difference", "0", f"{error:.1e}",
                      f"≤ {ROUNDING:g}", error <= ROUNDING,
                      null=f"3/4 throughout: {np.abs(numbers['fixed_1_gd'] - 0.75).max():.2f}"))
    factors, settled = ratios[0] / ratios[1], numbers["marks"] <= 1e-2
    nearest, reach = max(numbers["small_distance"], numbers["annealed_distance"]), sqrt(2 * LEAST / (2 / 3))
    rows += [close("NAK20.convex", "test loss at a small rate over that annealed, ε = 1e-10", 2.0, factors[-1], 1e-3,
                   null=(1.0, "no effect")),
             holds("NAK20.claim3", "distance from the unique minimum at ε = 1e-10, either schedule",
                   f"≤ √(2ε/λ_min) = {reach:.1e}", f"{nearest:.1e}", "bound", nearest <= reach,
                   null="two minima: a distance that does not fall with ε"),
             holds("NAK20.claim3", "factor between the test losses, smallest over ε ≤ 1e-2", "2",
                   f"{factors[settled].min():.4f}", "> 1.9", factors[settled].min() > 1.9, null="claim 3: 1")]
    return tuple(rows)


def draw(numbers):
    """(a) The switch follows ε, (b) the switch is fixed, (c) the test loss itself."""
    picture, axes = panels(1, 3, width=3.7, height=3.3)
    for k, (name, label) in enumerate((("small", "small rate"),
                                       ("annealed", f"$\\eta={LARGE}$ first, annealed in time"))):
        axes[0].semilogx(numbers["targets"], numbers[name], label=label, **theory(k))
        axes[0].semilogx(numbers["marks"], numbers[f"{name}_gd"], **simulation(k))
        axes[2].loglog(numbers["targets"], numbers["targets"] * numbers[name], label=label, **theory(k))
        axes[2].loglog(numbers[f"{name}_train"], numbers[f"{name}_test"], **simulation(k))
    for k, steps in enumerate(FIXED):
        name = f"fixed_{steps}"
        axes[1].semilogx(numbers[f"{name}_targets"], numbers[name], label=f"$K={steps}$", **theory(k))
        axes[1].semilogx(numbers[f"{name}_marks"], numbers[f"{name}_gd"], **simulation(k))
        axes[1].plot(numbers[f"{name}_half"], 9 / 8, marker="x", color=INK, markersize=6, linestyle="none", zorder=5,
                     label="$\\varepsilon=2B_K^2/A_K$" if steps == FIXED[-1] else None)
    for axis in axes[:2]:
        for level, text in ((1.5, "3/2"), (0.75, "3/4")):
            axis.axhline(level, label="null: the other limit" if axis is axes[0] and level < 1 else None, **null())
            axis.text(1.02, level, text, transform=axis.get_yaxis_transform(), va="center", fontsize=8)
        axis.set(xlabel="target train loss $\\varepsilon$", ylabel="test loss / train loss, $P/\\hat L$",
                 ylim=(0.7, 1.55))
        axis.invert_xaxis()
    axes[0].legend(loc="center", title=f"line: gradient flow at the end (null)\nmarkers: GD, $\\eta={SMALL}$")
    axes[1].set(xlim=(1e5, 3e-16), xticks=[1, 1e-5, 1e-10, 1e-15])
    axes[1].legend(loc="upper left", bbox_to_anchor=(0, 0.92), handlelength=1.6,
                   title=f"$K$ steps at\n$\\eta={LARGE}$ first,\nthen GD at {AFTER}\n(line: flow;\nnull: 3/4)")
    axes[2].set(xlabel="train loss $\\hat L$ at the stop", ylabel="test loss $P$ at the stop")
    axes[2].invert_xaxis()
    axes[2].legend(loc="upper right", title="null: no factor between them")
    for axis, title in zip(axes, ("switch follows $\\varepsilon$", "switch fixed", "one minimum in the end")):
        axis.set_title(title)
    return picture


FIGURE = Figure(
    "annealing-target", "Test over train loss against the target",
    "Lines: the closed form with gradient flow at the end; markers: gradient descent with a small rate at the end, "
    "which overshoots ε a little, so that P over the train loss reached is shown. (a) As ε falls a small rate comes to "
    "3/2 and a large one, annealed just in time, to 3/4. (b) With a fixed number K of large steps the gain is lost: "
    "half of it at the crosses, all of it further right. (c) Both schedules reach the one minimum, a factor 2 apart in "
    "test loss on the way.",
    simulate, judge, draw, ("NAK20.small-lr", "NAK20.annealed", "NAK20.fixed-switch", "NAK20.convex", "NAK20.claim3"),
    (1.5, 1, 1.5))
