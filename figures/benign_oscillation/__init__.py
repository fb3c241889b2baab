"""Lu, Wu, Yang and Zou 2024: the poster's figures, and what lies beyond them."""

from figures._legacy import Figure
from figures.benign_oscillation._data import division, noise, published
from figures.benign_oscillation._example import how_it_ends, mechanism, two_patches
from figures.benign_oscillation._map import bifurcation

FIGURES = (
    Figure("oscillation-map", "Where the output goes at each rate, and what its residuals add up to", bifurcation,
           ("LWYZ24.orbit", "LWYZ24.large-oscillates", "LWYZ24.window", "LWYZ24.negative-updates",
            "LWYZ24.accumulation"),
           (1, 3, 8)),
    Figure("oscillation-two-patches", "One example with two patches at a large and a small rate", two_patches,
           ("LWYZ24.two-patch", "LWYZ24.small-smooth", "LWYZ24.small-lr", "LWYZ24.large-lr"), (2, 2, 2)),
    Figure("oscillation-mechanism", "Balance, accumulation, growth of the weak feature and its half-time", mechanism,
           ("LWYZ24.balance", "LWYZ24.negative-updates", "LWYZ24.weak-learning", "LWYZ24.engine", "LWYZ24.longer"),
           (2, 5, 15)),
    Figure("oscillation-end", "Why it must oscillate, what it learns, and how annealing stops it", how_it_ends,
           ("LWYZ24.sufficient", "LWYZ24.large-lr", "LWYZ24.patterns", "LWYZ24.small-lr", "LWYZ24.window",
            "LWYZ24.greedy"),
           (2, 3, 12)),
    Figure("oscillation-division", "Training curves and accuracy on strong and weak data, large rates against small",
           division,
           ("LWYZ24.division", "LWYZ24.small-smooth"), (3, 12, 45)),
    Figure("oscillation-published", "The published setting: 99.38 % against 93.75 %", published,
           ("LWYZ24.published", "LWYZ24.all-points", "LWYZ24.window"), (2, 12, 60)),
    Figure("oscillation-noise", "Benign to harmful: memorised noise; and full batches", noise,
           ("LWYZ24.benign", "LWYZ24.sgd"), (3, 12, 45)),
)
