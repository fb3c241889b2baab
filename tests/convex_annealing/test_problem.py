"""The two losses of the slides and the model they belong to."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, strategies as st
from numpy.testing import assert_allclose, assert_array_equal

from figures.convex_annealing._runs import G, H
from refimpl import convex_annealing as simulated
from tests import support
from theory import convex_annealing as theory

pytestmark = pytest.mark.chance("exact")


@pytest.mark.claim("NAK20.empirical-loss", "NAK20.population-loss")
@given(st.tuples(*[st.fractions(-3, 3, max_denominator=8)] * 4))
def test_losses_are_those_of_the_slides(numbers):
    """Exact rationals for β and β*; a factor ½, and the counts the other way round, are caught."""
    weights, minimum = np.array(numbers[:2]), np.array(numbers[2:])
    problem = simulated.three_samples(minimum.astype(float))
    first, second = (weights - minimum) ** 2
    point = weights.astype(float)
    r = point - minimum.astype(float)
    empirical, population = float(Fraction(2, 3) * first + Fraction(1, 3) * second), float((first + second) / 2)
    for value in (problem.train_loss(point), theory.quadratic_loss(H, r)):
        assert_allclose(value, empirical, rtol=1e-13, atol=1e-14)
    for value in (problem.test_loss(point), theory.quadratic_loss(G, r)):
        assert_allclose(value, population, rtol=1e-13, atol=1e-14)
    if empirical:
        assert not np.isclose(theory.quadratic_loss(2 * H, r), empirical)
    if first != second:
        assert not np.isclose(theory.quadratic_loss(theory.sample_hessian([1, 2]), r), empirical, rtol=1e-9, atol=0)


def test_products_have_the_leading_axes_of_all_that_is_given(rng):
    """One direction at many points, many at one, and points with examples of their own."""
    model = simulated.LeastSquares(2)
    w, v, x, y = (rng.standard_normal((3, *shape)) for shape in ((2,), (2,), (4, 2), (4,)))
    one = model.hvp(w[0], x[0], y[0], v[0])
    assert_allclose(one, x[0].T @ (x[0] @ v[0]) / 2, rtol=1e-13, atol=1e-15)
    for given in ((w, x[0], y[0], v[0]), (w[0], x[0], y[0], v), (w[0], x, y, v[0]), (w, x, y, v),
                  (w[:, None], x, y, v)):
        found = model.hvp(*given)
        assert found.shape == (*np.broadcast_shapes(given[0].shape[:-1], given[1].shape[:-2], given[3].shape[:-1]), 2)
        assert_allclose(found[(0,) * (found.ndim - 1)], one, rtol=1e-13, atol=1e-15)


@pytest.mark.chance("law")
@pytest.mark.claim("NAK20.population-loss")
def test_population_loss_is_the_mean_over_the_distribution(rng):
    """200 000 draws: how often e₁ comes is binomial; a distribution of 2 to 1, as in the sample, is excluded."""
    n = 200_000
    problem = simulated.draw_samples(n, (0.5, -2.0), rng=rng)
    share = problem.x[:, 0].mean()
    assert abs(share - 0.5) <= support.z_limit(1) * support.binomial_error(0.5, n) < abs(share - 2 / 3)
    assert_array_equal(problem.y, np.where(problem.x[:, 0] == 1, 0.5, -2.0))
    assert_allclose(simulated.draw_samples(4, np.ones(5), rng=rng).test_loss(np.zeros(5)),
                    theory.quadratic_loss(theory.population_hessian(5), np.ones(5)), rtol=1e-15)
