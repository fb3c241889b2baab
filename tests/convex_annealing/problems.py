"""The problem of the slides and random ones, shared by the tests of convex annealing."""

import numpy as np
from hypothesis import strategies as st

from tests import support
from theory import convex_annealing as theory

H, G = theory.sample_hessian([2, 1]), theory.population_hessian()
SLIDES = (H, G, [-1.0, -1.0])  # from β = 0 towards β* = (1, 1)
LOSSES = (2 / 3, 1 / 3)        # held by the sharp and the flat direction at the start
TARGETS = (1e-1, 1e-2, 1e-3, 1e-6)


def random_spectrum(rng, dim, condition=8.0):
    """A symmetric matrix with eigenvalues in [1, condition], both ends taken, in a random basis, at a random scale."""
    values = rng.uniform(1, condition, dim)
    values[0], values[-1] = 1, condition
    basis = support.random_rotation(rng, dim)
    matrix = (basis * values * 10 ** rng.uniform(-1, 1)) @ basis.T
    return (matrix + matrix.T) / 2


@st.composite
def pairs(draw, most=4):
    """(train Hessian, test Hessian, start): not commuting, of 2…`most` dimensions."""
    dim, rng = draw(st.integers(2, most)), np.random.default_rng(draw(support.seeds()))
    return random_spectrum(rng, dim), support.random_hessians(rng, 1, dim)[0], rng.standard_normal(dim)


def extremes(matrix):
    values = np.linalg.eigvalsh(matrix)
    return values[0], values[-1]


def annealed_at(lr, target, hessians=(H, G), start=(-1.0, -1.0)):
    """The run that makes all large steps it can above the target, and then follows the flow."""
    steps = theory.steps_to_loss(hessians[0], start, lr, target) - 1
    return theory.stopping_point(*hessians, start, target, large_lr=lr, large_steps=steps)
