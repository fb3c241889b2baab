"""Paths of descent and flow against exact arithmetic."""

import numpy as np
import pytest
from hypothesis import given, strategies as st
from numpy.testing import assert_allclose
from scipy.linalg import expm

from refimpl import convex_annealing as simulated, sgd
from refimpl.linear_stability import Quadratic
from tests import support
from tests.convex_annealing.problems import extremes, pairs
from theory import convex_annealing as theory

pytestmark = pytest.mark.chance("exact")


@pytest.mark.claim("NAK20.small-lr", "NAK20.annealed")
@given(pairs(most=5), st.integers(1, 60), support.seeds())
def test_simulated_trajectories_equal_the_closed_form(pair, steps, seed):
    """Any Hessian, start and stable schedule: to 1e-12 at every step; a lost factor 2 in the rate is caught."""
    train, test, start = pair
    rates = np.random.default_rng(seed).uniform(0.02, 0.98, steps) * 2 / extremes(train)[1]
    predicted = theory.gradient_descent(train, start, rates)
    size = np.linalg.norm(start)
    path = {"w": lambda w, x, y: w}
    plain = sgd.run(Quadratic(len(start)), start, train[None], lr=rates, steps=steps, observe=path).observed["w"]
    assert_allclose(plain, predicted, rtol=0, atol=1e-12 * size)
    minimum = np.ones(len(start))
    problem = simulated.from_hessians(train, test, minimum)
    regression = sgd.run(simulated.LeastSquares(len(start)), minimum + start, problem.x, problem.y, lr=rates,
                         steps=steps, observe=path).observed["w"]
    assert_allclose(regression - minimum, predicted, rtol=0, atol=1e-12 * (size + len(start)))
    assert_allclose(problem.train_loss(minimum + predicted), theory.quadratic_loss(train, predicted),
                    rtol=0, atol=1e-12 * (1 + size) ** 2 * np.abs(train).max())
    assert not np.allclose(theory.gradient_descent(train, start, rates / 2), predicted, rtol=0, atol=1e-4 * size)


@pytest.mark.claim("NAK20.small-lr")
@given(pairs(most=5), st.floats(0, 5))
def test_flow_equals_the_matrix_exponential(pair, time):
    train, _, start = pair
    time /= extremes(train)[0]
    predicted = theory.gradient_flow(train, start, [0.0, time])
    assert_allclose(predicted[1], expm(-train * time) @ start, rtol=0, atol=1e-12 * np.linalg.norm(start))
    assert_allclose(predicted[0], start, rtol=0, atol=1e-14 * np.linalg.norm(start))


@pytest.mark.claim("NAK20.small-lr")
def test_flow_is_the_limit_of_small_rates():
    """Simulated descent to t = 2 differs from the flow by an amount that halves with the rate."""
    train, start = np.array([[1.3, 0.4], [0.4, 0.7]]), np.array([1.0, -0.6])
    flow = theory.gradient_flow(train, start, 2.0)
    errors = [np.linalg.norm(sgd.run(Quadratic(2), start, train[None], lr=2.0 / steps, steps=steps).w - flow)
              for steps in (200, 400, 800)]
    assert_allclose(np.divide(errors[:2], errors[1:]), 2, rtol=0.01)
    assert errors[-1] < 1e-3 < np.linalg.norm(theory.gradient_flow(2 * train, start, 2.0) - flow)
