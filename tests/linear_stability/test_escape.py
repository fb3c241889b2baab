"""One dimension: the exponent of the probability to escape, against exact laws and simulated escapes."""

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy.optimize import brentq
from scipy.special import logsumexp

from refimpl import linear_stability as simulated
from tests import support
from tests.linear_stability.one_dimension import LEFT, RIGHT, TOY
from theory import linear_stability as theory

pytestmark = pytest.mark.claim("WME18.eq3")

THREE = [0.2, 3.8, 0.7]


def test_escape_exponent_is_two_at_the_mean_square_limit_and_zero_at_the_almost_sure_one():
    toy = theory.two_minima()[1]
    assert_allclose(theory.escape_exponent(TOY, toy.mean_square_lr, 1), 2, rtol=1e-9)
    assert theory.escape_exponent(TOY, toy.almost_sure_lr * (1 - 1e-6), 1) < 1e-3
    for lr in (0.55, 0.5525, 0.556):
        kappa = theory.escape_exponent(TOY, lr, 1)
        assert_allclose(theory.absolute_moment(TOY, lr, 1, kappa), 1, rtol=1e-12)
        assert_allclose(np.mean(np.abs(1 - lr * TOY) ** kappa), 1, rtol=1e-12)


@pytest.mark.chance("law")
@pytest.mark.parametrize("lr", [0.55, 0.556])
def test_escape_probability_falls_as_the_exponent_says(rng, lr):
    """Exact probabilities over two decades lie between (ε/b)^κ over the overshoot |1 − 3.8η|^2κ, and (ε/b)^κ; with
    κ = 2 of the mean square they do not. 50 000 runs agree with them (binomial error)."""
    kappa, edge = theory.escape_exponent(TOY, lr, 1), 1 - LEFT
    distances = edge * 10.0 ** -np.linspace(0.5, 2.5, 5)
    exact = np.array([1 - theory.exit_time(distance, lr, 4000)[-1] for distance in distances])
    for power, holds in ((kappa, True), (2.0, False)):      # |x|^κ is a martingale
        scaled = exact * (edge / distances) ** power
        assert ((abs(1 - 3.8 * lr) ** (-2 * power) <= scaled) & (scaled <= 1)).all() == holds
    replicas, steps, distance = 50_000, 600, 0.1
    expected = 1 - theory.exit_time(distance, lr, steps)[-1]
    result = simulated.simulate(np.sqrt(TOY)[:, None], np.full((replicas, 1), distance), lr=lr, batch_size=1,
                                steps=steps, rng=rng, observe={"w": lambda w, x, y: w[:, 0]})
    position = result.observed["w"]
    left = ((position <= LEFT - 1) | (position >= RIGHT - 1)).any(axis=0).mean()
    assert abs(left - expected) <= support.z_limit(1) * support.binomial_error(expected, replicas)


def test_a_sum_of_powers_minus_one_would_lose_the_exponent_near_the_almost_sure_limit():
    """The null of values in the table of references, known to 1e-6 here: log E|1 − ηh|^κ cancels as κ → 0."""
    lr = theory.almost_sure_lr(THREE, 1) * (1 - 1e-8)
    logs = np.log(np.abs(1 - lr * np.array(THREE)))
    cancelled = brentq(lambda kappa: logsumexp(kappa * logs, b=np.full(3, 1 / 3)), 1e-9, 1.0, xtol=1e-300)
    assert abs(cancelled / theory.escape_exponent(THREE, lr, 1) - 1) > 2e-6


def test_within_rounding_of_the_almost_sure_limit_it_refuses():
    with pytest.raises(ValueError, match="at or above the almost-sure limit, to rounding"):
        theory.escape_exponent(THREE, theory.almost_sure_lr(THREE, 1), 1)
