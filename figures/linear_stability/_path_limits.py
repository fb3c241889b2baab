"""Three limits against batch size in several dimensions: in mean square, of shuffled epochs, of almost every path."""

from math import sqrt

import numpy as np

from figures._figure import Figure, frozen, holds
from figures._style import guide, key, panels, simulation, theory
from refimpl import linear_stability as simulated
from theory import linear_stability as predicted

# Chains and steps of an interval, and paths run on either side of it.
Sizes = frozen("chains steps paths")
SIZES = {"quick": Sizes(32, 100, 500), "standard": Sizes(64, 1000, 2000), "full": Sizes(64, 5000, 10_000)}
EXAMPLES, DIM, BATCHES, SIDES, STEPS = 12, 3, (1, 2, 3, 4, 6, 12), (0.95, 1.05), 400


def shuffled_limit(ensemble, size, star):
    """Rate at which the growth of shuffled epochs reaches 1, bracketed from .9 η* upward."""
    from scipy.optimize import brentq  # here: it is slow to load

    high = 1.05 * star
    while predicted.epoch_mean_square_rate(ensemble, high, size) < 1:
        high *= 1.1
    return brentq(lambda lr: predicted.epoch_mean_square_rate(ensemble, lr, size) - 1, 0.9 * star, high, rtol=1e-9)


def simulate(effort, rng):
    sizes = SIZES[effort]
    factors = rng.standard_normal((EXAMPLES, DIM)) * np.array([0.6, 1.0, 1.5])
    ensemble = predicted.GaussNewton(factors)
    stars = [predicted.critical_lr(ensemble, size) for size in BATCHES]
    limits = [simulated.almost_sure_lr_interval(factors, size, replicas=sizes.chains, steps=sizes.steps, rng=rng)
              for size in BATCHES[:-1]]
    starts = rng.standard_normal((sizes.paths, DIM))
    growths = []
    for share in SIDES:
        run = simulated.simulate(factors, starts, lr=share * limits[0].value, batch_size=1, steps=STEPS, rng=rng)
        growths.append(np.log(np.linalg.norm(run.w, axis=1) / np.linalg.norm(starts, axis=1)) / STEPS)
    return {"sizes": np.array(BATCHES), "critical": np.array(stars), "gd": predicted.critical_lr(ensemble, EXAMPLES,
                                                                                                 "gd"),
            "shuffled": np.array([shuffled_limit(ensemble, size, star) for size, star in zip(BATCHES, stars)]),
            "almost_sure": np.array([(each.value, each.stderr, each.low, each.high) for each in limits]),
            "growths": np.array(growths),
            "mean_square": np.array([np.log(predicted.mean_square_rate(ensemble, share * limits[0].value, 1)) / 2
                                     for share in SIDES])}


def judge(numbers):
    rows = []
    for share, growth, mean_square in zip(SIDES, numbers["growths"], numbers["mean_square"]):
        mean, error = growth.mean(), growth.std() / sqrt(len(growth))
        shrinks = share < 1
        rows.append(holds("CE24.almost-sure", f"mean growth of log‖x‖ per step at {share:g} of the zero of Λ, B = 1",
                          "below 0" if shrinks else "above 0", f"{mean:.4f} ± {error:.4f}", "6 standard errors",
                          (mean + 6 * error < 0) if shrinks else (mean - 6 * error > 0),
                          null=f"½ log of the mean-square rate: {mean_square:.4f}" if shrinks else "as below the zero"))
    low, critical = numbers["almost_sure"][:, 2], numbers["critical"][:-1]
    rows.append(holds("CE24.almost-sure", f"almost-sure limit over η* at B = 1 to {BATCHES[-2]}: least", "> 1",
                      f"{(numbers['almost_sure'][:, 0] / critical).min():.3f}", "95 % intervals above η*",
                      bool((low > critical).all()), null="the mean-square limit: 1"))
    return tuple(rows)


def draw(numbers):
    figure, axes = panels(1, 2, width=4.2, height=3.6)
    sizes, (value, _, low, high) = numbers["sizes"], numbers["almost_sure"].T
    axes[0].plot(sizes, numbers["critical"], label="mean square, independent (null)", **theory(0))
    axes[0].plot(sizes, numbers["shuffled"], label="mean square, shuffled epochs", **theory(1))
    axes[0].axhline(numbers["gd"], label="gradient descent", **theory(3))
    axes[0].errorbar(sizes[:-1], value, yerr=(value - low, high - value), capsize=2, label="almost every path",
                     **simulation(2))
    axes[0].set(xlabel="batch size $B$", ylabel="critical learning rate",
                xticks=sizes, title=f"$n={EXAMPLES}$, $d={DIM}$")
    key(axes[0], loc="lower right")
    edges = np.linspace(*np.percentile(numbers["growths"], (0.5, 99.5)), 40)
    for k, (share, growth, mean_square) in enumerate(zip(SIDES, numbers["growths"], numbers["mean_square"])):
        line = theory(k)
        axes[1].hist(growth, edges, histtype="step", color=line["color"], linestyle=line["linestyle"],
                     label=f"paths at $\\eta={share:g}\\,\\eta_{{as}}$")
        axes[1].plot([mean_square] * 2, [0, 0.3], transform=axes[1].get_xaxis_transform(), linewidth=3,
                     color=line["color"], linestyle=line["linestyle"], label="null: $\\frac{1}{2}\\log\\rho(Q)$ there")
    axes[1].axvline(0, **guide())
    axes[1].set(xlabel=f"growth of $\\log\\|x\\|$ per step over {STEPS} steps", ylabel="simulated paths",
                title="either side of the zero of $\\Lambda$, $B=1$")
    axes[1].legend(loc="center", bbox_to_anchor=(0.52, 0.6))
    return figure


FIGURE = Figure(
    "path-limits", "Mean-square, shuffled and almost-sure limits against batch size",
    "(a) Lines: exact limits in mean square of independent batches and of shuffled epochs, and of gradient descent. "
    "Markers: the rate at which almost every path stops converging, from simulated chains, bars 95 % intervals. (b) "
    "Growth of simulated paths 5 % below and above that rate: most shrink below it, although the mean square (short "
    "thick lines) grows at both.",
    simulate, judge, draw, ("CE24.almost-sure",), (6, 6.5, 22))
