"""Random problems, and the slides' one in one piece, shared by the tests of convex annealing."""

import numpy as np
from hypothesis import strategies as st

from figures.convex_annealing._runs import G, H
from tests import support

SLIDES = (H, G, [-1.0, -1.0])  # from β = 0 towards β* = (1, 1)
TARGETS = (1e-1, 1e-2, 1e-3, 1e-6)


def symmetric(matrix):
    """Without the rounding of a product that is symmetric."""
    return (matrix + matrix.T) / 2


def random_spectrum(rng, dim, condition=8.0):
    """A symmetric matrix with eigenvalues in [1, condition], both ends taken, in a random basis, at a random scale."""
    values = np.r_[1, rng.uniform(1, condition, dim - 2), condition]
    basis = support.random_rotation(rng, dim)
    return symmetric((basis * values * 10 ** rng.uniform(-1, 1)) @ basis.T)


@st.composite
def pairs(draw, most=4):
    """(train Hessian, test Hessian, start): not commuting, of 2…`most` dimensions."""
    dim, rng = draw(st.integers(2, most)), np.random.default_rng(draw(support.seeds()))
    return random_spectrum(rng, dim), support.random_hessians(rng, 1, dim)[0], rng.standard_normal(dim)


def extremes(matrix):
    values = np.linalg.eigvalsh(matrix)
    return values[0], values[-1]
