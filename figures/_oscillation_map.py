"""The strong feature alone: bifurcation diagram, multipliers and Lyapunov exponent, size of the residual."""

import numpy as np

from figures._figure import Drawing, close, holds
from figures._style import INK, panels, simulation, theory
from refimpl import benign_oscillation as simulated
from theory import benign_oscillation as predicted

ONSET, DOUBLING, LIMIT = predicted.OSCILLATION_ONSET, predicted.PERIOD_DOUBLING, predicted.SIGN_STABILITY_LIMIT
EDGES = ((ONSET, "$1$"), (DOUBLING, "$\\sqrt{5}-1$"), (LIMIT, "$\\frac{3\\sqrt{3}}{2}-1$"))


def outputs(c, starts, skip, steps):
    """Outputs f_t of the strong feature alone, (steps, starts, k): α of the four-number map with all else 0."""
    start = np.zeros((len(starts), len(c), 4))
    start[..., 0] = np.asarray(starts)[:, None]
    before = simulated.descend_reduced(start, c, 0.5, skip, record_every=max(skip, 1))[-1]
    return simulated.descend_reduced(before, c, 0.5, steps)[1:, ..., 0]


def bifurcation(effort, rng):
    """What the strong feature does at every rate, line by line with the closed forms."""
    columns, marks, steps = {"quick": (160, 15, 600), "standard": (500, 25, 4000), "full": (900, 41, 20_000)}[effort]
    figure, axes = panels(1, 3, width=3.9, height=3.5)
    rows, data = [], {}

    many = np.linspace(0.85, LIMIT - 1e-6, columns)
    cloud = outputs(many, [0.01], 1500, 120)[:, 0]
    axes[0].plot(np.broadcast_to(many, cloud.shape).ravel(), cloud.ravel(), ",", color="#8a8a8a", alpha=0.35,
                 rasterized=True, zorder=1)
    fine = np.linspace(ONSET, LIMIT - 1e-9, 400)
    low, high = predicted.period_two_orbit(fine)
    least, largest = predicted.attractor_bounds(fine)
    stable = fine <= DOUBLING
    axes[0].plot([0.85, 1], [1, 1], **theory(0))
    for branch, label in ((low, "period 2"), (high, None)):
        axes[0].plot(fine[stable], branch[stable], label=label, **theory(0))
        axes[0].plot(fine[~stable], branch[~stable], label=None if label is None else "period 2, unstable",
                     **theory(3, linewidth=1))
    for branch, label in ((least, "$F_{min},\\ F_{max}$"), (largest, None)):
        axes[0].plot(fine, branch, label=label, **theory(1))
    settled = np.linspace(0.87, DOUBLING - 0.004, marks)
    pairs = np.sort(outputs(settled, [0.02], 6000, 2)[:, 0], axis=0)
    axes[0].plot(np.tile(settled, 2), pairs.ravel(), label="simulated", **simulation(0, markersize=3.5))
    axes[0].set(ylabel="output $f$ on the strong patch", ylim=(-0.05, 1.95), title="where it goes")
    axes[0].legend(loc="upper left", ncols=2, columnspacing=1.0, handlelength=1.7)
    return Drawing(figure, data, tuple(rows))
