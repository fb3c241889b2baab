"""The exponent of the probability to escape against the learning rate, in several dimensions."""

from math import sqrt

import numpy as np

from figures._figure import Figure, close, frozen
from figures._style import guide, null, panels, simulation, theory
from refimpl import linear_stability as simulated
from theory import linear_stability as predicted

# Particles and steps per population of the cloning, and runs per distance.
Sizes = frozen("particles steps runs")
SIZES = {"quick": Sizes(60, 60, 5000), "standard": Sizes(300, 200, 40_000), "full": Sizes(1000, 400, 200_000)}
FACTORS = np.array([[1.0, 0.2, 0.1], [0.3, 1.4, -0.2], [-0.8, 0.6, 0.5],
                   [0.5, -1.2, 0.3], [1.6, 0.7, -0.6], [0.2, 0.3, 1.1]])
SHARES, TESTED, POPULATIONS = (0.94, 1.0, 1.08, 1.16, 1.24, 1.3), (0, 1, 3, 5), 16
DISTANCES = {0: (0.6, 0.15), 1: (0.5, 0.1), 3: (0.1, 0.01), 5: (0.01, 0.0001)}  # by index of the share
STEPS = {0: 400, 1: 400, 3: 400, 5: 1600}       # small κ, slow escapes: 400 miss a fifth of those from 10⁻⁴


def simulate(effort, rng):
    sizes = SIZES[effort]
    star = predicted.critical_lr(predicted.GaussNewton(FACTORS), 1)
    intervals = [simulated.escape_exponent_interval(FACTORS, share * star, 1, populations=POPULATIONS,
                                                    particles=sizes.particles,
                                                    steps=sizes.steps, rng=rng) for share in SHARES]
    limit = simulated.almost_sure_lr_interval(FACTORS, 1, steps=sizes.steps * 5, rng=rng)
    escaped = np.array([_escapes(SHARES[k] * star, DISTANCES[k], _runs(sizes.runs, k), STEPS[k], rng) for k in TESTED])
    return {"star": star, "rates": star * np.array(SHARES), "almost_sure": limit.value, "runs": sizes.runs,
            "kappas": np.array([(each.value, each.stderr, each.low, each.high) for each in intervals]),
            "escaped": escaped}


def _runs(most, k):
    """Of each distance, so that all rates take as many steps."""
    return most * min(STEPS.values()) // STEPS[k]


def _escapes(lr, distances, runs, steps, rng):
    """Share of runs from each distance that reach norm 1 within so many steps.

    They start in the direction in which a run that came from afar arrives: 60 steps of its own earlier, rescaled.
    """
    shares = []
    for distance in distances:
        start = simulated.simulate(FACTORS, rng.standard_normal((runs, 3)), lr=lr, batch_size=1, steps=60, rng=rng).w
        start *= distance / np.linalg.norm(start, axis=1, keepdims=True)
        run = simulated.simulate(FACTORS, start, lr=lr, batch_size=1, steps=steps, rng=rng,
                                 observe={"out": lambda w, x, y: (w**2).sum(axis=1) >= 1})
        shares.append(run.observed["out"].max(axis=0).mean())
    return shares


def slopes(numbers):
    """Of log P(escape) in log ε between the two distances of each tested rate, and standard errors, (tested, 2)."""
    found = []
    for k, (far, near) in zip(TESTED, numbers["escaped"]):
        reach = np.log(DISTANCES[k][0] / DISTANCES[k][1])
        error = sqrt(((1 - far) / far + (1 - near) / near) / _runs(int(numbers["runs"]), k)) / reach
        found.append((np.log(far / near) / reach, error))
    return np.array(found)


def judge(numbers):
    kappas, rows = numbers["kappas"], []
    value, error = kappas[1, :2]
    rows.append(close("GSZ21.tail", "tail exponent at η*, by cloning", 2, value, 8 * error + 0.01,
                      null=(kappas[2, 0], "at 1.08 η*"), note="(8 standard errors of 16 populations, and .01 of bias)"))
    for k, (slope, slope_error) in zip(TESTED, slopes(numbers)):
        null = (kappas[2, 0], "at 1.08 η*") if k == 1 else (2.0, "κ = 2 of the mean square")
        rows.append(close("GSZ21.tail", f"slope of log P(escape) over runs at η = {SHARES[k]:g} η*", kappas[k, 0],
                          slope, 6 * np.hypot(slope_error, kappas[k, 1]), null=null, note="(6 standard errors)"))
    return tuple(rows)


def draw(numbers):
    figure, axes = panels(1, 1, width=6.2, height=3.8)
    star, shares = numbers["star"], np.array(SHARES)
    value, _, low, high = numbers["kappas"].T
    limit = numbers["almost_sure"] / star
    found = slopes(numbers)
    axes[0].plot([0.9, 1, 1], [2, 2, 0], label="theory: $\\kappa=2$ at $\\eta^*$", **theory(0))
    axes[0].errorbar(shares[list(TESTED)], found[:, 0], yerr=found[:, 1], capsize=4,
                     label="slope of log P(escape), simulated runs", **simulation(1, markersize=9))
    axes[0].errorbar(shares, value, yerr=(value - low, high - value), capsize=2,
                     label="cloning, simulated (95 % intervals)", **simulation(0, markersize=4.5))
    axes[0].plot([limit], [0], label="zero of $\\Lambda$, simulated", clip_on=False, zorder=5, **simulation(2))
    axes[0].plot([*shares, limit], [*value, 0], label="guide: joins circles", **guide())
    axes[0].axhline(2, label="null: $\\kappa=2$ at all rates", **null())
    axes[0].set(xlabel="$\\eta/\\eta^*$", ylabel="escape exponent $\\kappa$", xlim=(0.9, None), ylim=(0, 3.7),
                title="$n=6$, $d=3$, $B=1$: $P(\\mathrm{escape\\ from\\ }\\varepsilon)\\propto\\varepsilon^\\kappa$")
    axes[0].legend(loc="upper right")
    return figure


FIGURE = Figure(
    "tail-exponent", "The tail exponent is 2 at the mean-square limit, 0 at the almost-sure one",
    "Circles: the exponent κ found by cloning, bars 95 % intervals (smaller than most markers), joined by a grey "
    "guide. Squares: slope of the log share of simulated runs that reach norm 1, in the log of their start, bars one "
    "standard error. Theory gives one point, κ = 2 at η* (lines).",
    simulate, judge, draw, ("GSZ21.tail",), (2.5, 30, 150))
