"""Batch sharpness against the threshold: which of two ratios says 2/η at the edge of stability."""

import numpy as np

from figures._figure import Figure, close, frozen, holds
from figures._style import key, panels, simulation, theory
from figures.linear_stability._runs import SIGMAS, SIX
from refimpl import linear_stability as simulated
from theory import linear_stability as predicted

# Simulated steps per point.
Sizes = frozen("replicas")
SIZES = {"quick": Sizes(20_000), "standard": Sizes(100_000), "full": Sizes(1_000_000)}
EXAMPLES, DIM, BATCHES, SPREADS = 12, 4, (1, 2, 4, 8), (0.0, 0.25, 0.5, 0.75, 1.0, 1.25)


def simulate(effort, rng):
    directions = rng.standard_normal((EXAMPLES, DIM))
    directions /= np.linalg.norm(directions, axis=1, keepdims=True)
    scatter = rng.standard_normal((EXAMPLES, 1))
    found = np.array([_ratios(directions * np.exp(spread * scatter), 1, SIZES[effort].replicas, rng)
                     for spread in SPREADS])
    by_batch = np.array([_ratios(directions * np.exp(0.75 * scatter), size,
                        SIZES[effort].replicas, rng) for size in BATCHES])
    return {"spreads": np.array(SPREADS), "batches": np.array(BATCHES), "by_spread": found, "by_batch": by_batch}


def _ratios(factors, size, replicas, rng):
    """Gradient ratio, its error, batch sharpness, its error: over 2/η*, x Gaussian with the Perron covariance there."""
    ensemble = predicted.GaussNewton(factors)
    star = predicted.critical_lr(ensemble, size)
    _, covariance = predicted.perron_weight(ensemble, star, size)
    values, vectors = np.linalg.eigh(covariance)
    start = rng.standard_normal((replicas, DIM)) * np.sqrt(np.maximum(values, 0)) @ vectors.T
    indices = np.argsort(rng.random((replicas, EXAMPLES)), axis=1)[:, :size]
    after = simulated.simulate(factors, start, lr=1.0, batch_size=size, steps=1, indices=indices[None]).w
    gradient = start - after                                            # H_B x, (R, d)
    square, twice_loss = (gradient**2).sum(axis=1), ((start @ factors.T) ** 2).mean(axis=1)
    along = (np.einsum("rd,rbd->rb", gradient, factors[indices]) ** 2).mean(axis=1) / square
    ratio = predicted.gradient_ratio(gradient, twice_loss / 2)
    error = (square - ratio * twice_loss).std() / twice_loss.mean() / np.sqrt(replicas)
    return np.array([ratio, error, along.mean(), along.std() / np.sqrt(replicas)]) * star / 2


def judge(numbers):
    rows = []
    cases = [(f"norms spread by e^{spread:g}, B = 1", row) for spread, row in zip(SPREADS, numbers["by_spread"])]
    cases += [(f"norms spread by e^0.75, B = {size}", row) for size, row in zip(BATCHES[1:], numbers["by_batch"][1:])]
    for words, (ratio, error, sharpness, _) in cases:
        rows.append(close("AB24.batch-sharpness", f"E‖g_B‖²/(2EL) over 2/η* at η*, {words}", 1, ratio, SIGMAS * error,
                          null=(sharpness, "batch sharpness over 2/η*") if sharpness < 1 - 1e-6 else (0.5, "1/η*"),
                          note=SIX))
    equal, spread = numbers["by_spread"][0, 2], numbers["by_spread"][-1]
    rows.append(close("AB24.batch-sharpness", "batch sharpness over 2/η* at η*, equal norms, B = 1", 1, equal, 1e-9,
                      null=(spread[2], "unequal norms")))
    rows.append(holds("AB24.batch-sharpness", "batch sharpness over 2/η* at η*, norms spread by e^1.25, B = 1", "not 1",
                      f"{spread[2]:.3f}", "6 standard errors below 1", spread[2] + SIGMAS * spread[3] < 1,
                      null="batch sharpness as the threshold: 1"))
    return tuple(rows)


def draw(numbers):
    figure, axes = panels(1, 2, width=3.9, height=3.3)
    for axis, x, values in ((axes[0], numbers["spreads"], numbers["by_spread"]), (axes[1], numbers["batches"],
                                                                                  numbers["by_batch"])):
        axis.axhline(1, label="$2/\\eta^*$", **theory(0))
        for k, name in ((0, "$E\\|g_B\\|^2/(2\\,EL)$"), (1, "null: batch sharpness $E[g_B^TH_Bg_B/\\|g_B\\|^2]$")):
            axis.errorbar(x, values[:, 2 * k], yerr=values[:, 2 * k + 1], capsize=2, label=name, **simulation(k))
        axis.set(ylim=(0, 1.25), ylabel="at $\\eta^*$, in units of $2/\\eta^*$")
    axes[0].set(xlabel="spread of $\\log\\|g_i\\|$", title="unequal examples, $B=1$")
    axes[1].set(xlabel="batch size $B$", xticks=BATCHES, title=f"$n={EXAMPLES}$, $d={DIM}$, spread 0.75")
    key(axes[0], loc="lower left")
    return figure


FIGURE = Figure(
    "batch-sharpness", "At the edge of stability the gradient ratio is 2/η; batch sharpness is not",
    "At the exact limit η*, with x drawn from a Gaussian of the marginal covariance: circles, the ratio of the "
    "squared batch gradient to twice the loss; squares, batch sharpness, the curvature of a batch along its own "
    "gradient. Both from simulated steps, bars one standard error, in units of 2/η* (line). (a) Batch sharpness is "
    "the threshold only where all examples have equal norms. (b) Against batch size.",
    simulate, judge, draw, ("AB24.batch-sharpness",), (0.5, 1, 7))
