"""The slides' panels: a small rate, a large and then a small one, and the test loss where each stops."""

from math import sqrt

import numpy as np

from figures._figure import Figure, close, holds
from figures._style import GREY, INK, null, panels, simulation, theory
from figures.convex_annealing._runs import G, H, ROUNDING, START, large_steps, stop
from refimpl import convex_annealing as simulated
from theory import convex_annealing as predicted

TARGET, SMALL, LARGE = 0.02, 0.05, 1.3
NAMES = ("small", "annealed")
SIDE = np.linspace(-0.5, 2.5, 301)


def _grid():
    return np.stack(np.meshgrid(SIDE, SIDE), axis=-1)


def simulate(effort, rng):
    """Both runs of the slides with their exact stops, and the losses of the three examples on the plane."""
    problem, steps = simulated.three_samples(), large_steps(LARGE, TARGET)
    runs = [simulated.descend(problem, TARGET, lr=SMALL, record=True),
            simulated.descend(problem, TARGET, lr=SMALL, large_lr=LARGE, large_steps=steps, record=True)]
    exact = [stop(TARGET, SMALL), stop(TARGET, SMALL, LARGE, steps)]
    flows = [stop(TARGET), stop(TARGET, None, LARGE, steps)]
    bounce = predicted.gradient_descent(H, START, np.full(steps, LARGE))
    tails = [predicted.gradient_flow(H, start, np.linspace(0, flow.time, 200))
             for start, flow in zip((START, bounce[-1]), flows)]
    angles = np.linspace(0, 2 * np.pi, 721)
    ellipse = 1 + sqrt(TARGET) * np.stack([np.cos(angles) * sqrt(1.5), np.sin(angles) * sqrt(3)], axis=-1)
    grid = _grid()
    train, test = problem.train_loss(grid), problem.test_loss(grid)
    r = (grid - 1) ** 2
    printed = np.array([r @ [2 / 3, 1 / 3], r @ [1 / 2, 1 / 2]])
    swapped = np.array([r @ [1 / 3, 2 / 3], r @ [1 / 3, 1 / 3]])
    numbers = {"small_path": runs[0].path, "annealed_path": runs[1].path, "small_flow": 1 + tails[0],
               "annealed_flow": 1 + tails[1], "contour": ellipse,
               "contour_ratio": problem.test_loss(ellipse) / problem.train_loss(ellipse)}
    return numbers | {
        "large_steps": steps, "bounce": 1 + bounce, "train_loss": train, "test_loss": test,
        "loss_error": np.abs(np.array([train, test]) - printed).max(axis=(1, 2)),
        "loss_null": np.abs(np.array([train, test]) - swapped).max(axis=(1, 2)),
        "stops": np.array([run.w for run in runs]), "ratios": np.array([run.loss_ratio for run in runs]),
        "steps": np.array([run.nit for run in runs]), "exact_ratios": np.array([point.loss_ratio for point in exact]),
        "exact_steps": np.array([point.steps for point in exact]),
        "flow_ratios": np.array([flow.loss_ratio for flow in flows]),
        "bounds": np.array(predicted.ratio_bounds(H, G))}


def judge(numbers):
    """The two losses, both stops, and the contour between its bounds."""
    rows = [holds(f"NAK20.{name}-loss",
                  f"mean over {examples} on a grid of the plane against the printed formula: largest difference", "0",
                  f"{error:.1e}", "≤ 1e-14", error <= 1e-14, null=f"{words}: {null:.2g}", kind="enumerated")
            for name, examples, error, null, words in zip(
                ("empirical", "population"), ("the three examples", "both basis vectors"), numbers["loss_error"],
                numbers["loss_null"], ("⅔ and ⅓ swapped", "⅓ and ⅓"))]
    ratios, flows = numbers["ratios"], numbers["flow_ratios"]
    for k, claim in enumerate(("NAK20.small-lr", "NAK20.annealed")):
        rows += [close(claim, f"P/L at the stop, η = {SMALL}, ε = {TARGET}", numbers["exact_ratios"][k], ratios[k],
                       ROUNDING, null=(flows[k], "gradient flow's")),
                 holds(claim, "steps of descent to the stop", f"{numbers['exact_steps'][k]}", f"{numbers['steps'][k]}",
                       "the same", numbers["steps"][k] == numbers["exact_steps"][k], null="one step more or fewer")]
    bounds, around = numbers["bounds"], numbers["contour_ratio"]
    rows += [close("NAK20.landscape", f"{name} P/L on the contour", bound, value, 1e-12, null=(other, "the other end"))
             for name, bound, value, other in zip(("smallest", "largest"), bounds, (around.min(), around.max()),
                                                  bounds[::-1])]
    rows.append(holds("NAK20.landscape", "P/L at the two stops, between the bounds", f"{bounds[0]:g}…{bounds[1]:g}",
                      f"{ratios[1]:.3f} and {ratios[0]:.3f}", "within 0.1 of an end each",
                      bounds[0] <= ratios[1] < bounds[0] + 0.1 and bounds[1] - 0.1 < ratios[0] <= bounds[1],
                      null="both at the same place on the contour"))
    return tuple(rows)


def draw(numbers):
    """(a) Small rate, (b) large and then small, (c) the test loss and where both stop."""
    picture, axes = panels(1, 3, width=3.7, height=3.7)
    for axis in axes:
        axis.contour(SIDE, SIDE, numbers["train_loss"], [TARGET], colors=INK, linewidths=1.2)
        axis.plot(1, 1, marker="+", color=INK, markersize=8)
        axis.set(xlabel="$\\beta_1$ (sharp)", ylabel="$\\beta_2$ (flat)", aspect="equal")
        axis.grid(False)
    for axis in axes[:2]:
        axis.contour(SIDE, SIDE, numbers["train_loss"], [0.1, 0.3, 0.6, 1.0, 1.5], colors=GREY, linewidths=0.6)
        axis.set(xlim=(-0.15, 2.0), ylim=(-0.5, 1.65), xticks=[0, 0.5, 1, 1.5, 2], yticks=[-0.5, 0, 0.5, 1, 1.5])
    steps = numbers["large_steps"]
    axes[0].plot(*numbers["small_flow"].T, label="gradient flow", **theory(0))
    axes[0].plot(*numbers["small_path"][::5].T, label=f"GD, $\\eta={SMALL}$, every 5th step",
                 **simulation(0, markersize=4))
    axes[1].plot(*numbers["bounce"].T, label=f"exact steps, $\\eta={LARGE}$", **theory(1, linewidth=1))
    axes[1].plot(*numbers["annealed_flow"].T, label="gradient flow", **theory(0))
    axes[1].plot(*numbers["annealed_path"][:steps + 1].T, label=f"GD, $\\eta={LARGE}$", **simulation(1, markersize=4))
    axes[1].plot(*numbers["annealed_path"][steps + 1:].T, label=f"GD, then $\\eta={SMALL}$",
                 **simulation(0, markersize=4))
    axes[0].text(1.02, 0.63, "$\\hat L=\\varepsilon$", color=INK)
    axes[0].text(1, 1.56, "$\\hat L=0.1$", color="#6b6b6b", ha="center", fontsize=7)
    axes[0].set_title("small learning rate")
    axes[1].set_title("large, then small")
    for axis in axes[:2]:
        axis.legend(loc="lower right", frameon=True, edgecolor="none", framealpha=0.9)
    _landscape(picture, axes[2], numbers)
    return picture


def _landscape(picture, axis, numbers):
    filled = axis.contourf(SIDE, SIDE, numbers["test_loss"], np.linspace(0, 0.1, 11), cmap="Greys", alpha=0.55,
                           extend="max")
    picture.colorbar(filled, ax=axis, label="test loss $P$", shrink=0.8, ticks=[0, 0.05, 0.1])
    for k, label in enumerate(("small", "large, then small")):
        axis.plot(*numbers[f"{NAMES[k]}_flow"][-1], label="null: where flow stops" if k else None,
                  **null("x", zorder=4))
        axis.plot(*numbers["stops"][k], label=f"{label}: $P/\\hat L={numbers['ratios'][k]:.3f}$",
                  **simulation(k, markersize=7, markeredgewidth=1.6))
    axis.set(xlim=(0.6, 1.4), ylim=(0.6, 1.4), xticks=[0.6, 0.8, 1, 1.2, 1.4], yticks=[0.6, 0.8, 1, 1.2, 1.4],
             title="test-loss landscape, enlarged")
    axis.text(0.9, 1.08, "$\\hat L=\\varepsilon=0.02$", color=INK)
    axis.legend(loc="upper right", frameon=True, edgecolor="none", framealpha=0.9)


FIGURE = Figure(
    "annealing-paths", "The slides' three panels: paths and test-loss landscape",
    "Train loss of the sample (e₁, e₁, e₂) as contours (black: L̂ = ε = 0.02), + the minimum. Lines are exact, markers "
    "are gradient descent. (a) A small rate arrives along the flat direction; (b) a large rate bounces across the "
    "sharp direction and, annealed, arrives along it; (c) the two stops on one contour: twice the test loss for the "
    "small rate; crosses, where gradient flow would stop.",
    simulate, judge, draw,
    ("NAK20.empirical-loss", "NAK20.population-loss", "NAK20.small-lr", "NAK20.annealed", "NAK20.landscape"),
    (0.5, 1, 1))
