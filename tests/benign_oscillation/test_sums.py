"""What balances and what accumulates over an oscillation."""

from math import log

import numpy as np
import pytest
from hypothesis import given, strategies as st
from numpy.testing import assert_allclose

from figures.benign_oscillation._runs import KAPPA, SIGNS, balanced, outputs
from refimpl import benign_oscillation as simulated
from theory import benign_oscillation as theory

pytestmark = pytest.mark.chance("exact")


@pytest.mark.claim("LWYZ24.balance")
@given(st.floats(1.01, 1.59), st.integers(0, 300), st.integers(1, 3000))
def test_strong_updates_telescope(c, first, count):
    """Any stretch of any oscillation: to rounding; sums of one sign, by contrast, grow with the stretch."""
    path = simulated.descend_reduced([0.02, 0.0, 0.0, 0.0], c, KAPPA, first + count)
    w, error = np.sqrt(path[first:, 0]), 1 - path[first:, 0]
    updates = error[:-1] * w[:-1]
    assert_allclose(updates.sum(), theory.update_balance(w[0], w[-1], c), rtol=0,
                    atol=1e-12 * (1 + np.abs(updates).sum()))
    if count > 1000:
        assert np.abs(updates).sum() > 20 * abs(updates.sum())


@pytest.mark.claim("LWYZ24.accumulation")
@given(st.floats(1.003, 1.597))
def test_mean_residual_is_of_the_order_of_the_square(c):
    """Between the bounds of theory on simulated orbits; the bounds without their ½ exclude the truth."""
    orbit = outputs(c, np.linspace(0.05, 0.9, 40), 2000, 1000)[:-1]
    error = 1 - orbit
    lower, upper = theory.accumulation_bounds(c, (error**2).mean(), error.min(), error.max())
    slack = 2 * abs(log(orbit.min() / orbit.max())) / 1000 / c  # of a mean log that is 0 in the limit only
    assert lower - slack <= error.mean() <= upper + slack
    if c < 1.1:
        assert 2 * lower > error.mean() and upper < 5 * lower


@pytest.mark.claim("LWYZ24.accumulation")
def test_accumulation_is_not_of_the_order_of_the_amplitude():
    """Over δ the rate falls to 0 at the onset, over δ² it does not: simulated, against known numbers."""
    rates = np.array([1.01, 1.05, 1.1, 1.2])
    orbit = outputs(rates, np.full(4, 0.3), 20_000, 2000)[:-1]
    delta, mean = np.abs(1 - orbit).min(axis=0), (1 - orbit).mean(axis=0)
    assert_allclose(mean / delta, [0.0526, 0.1250, 0.1849, 0.2791], atol=2e-4)
    assert_allclose(delta, np.abs(1 - np.array(theory.period_two_orbit(rates))).min(axis=0), rtol=1e-8)
    assert_allclose(mean, theory.mean_residual(rates), rtol=1e-8)
    squares = mean / delta**2
    assert (0.55 < squares).all() and (squares < 0.94).all()
    assert (np.diff(mean / delta) > 0.05).all() and (mean / delta)[0] < 0.06


@pytest.mark.claim("LWYZ24.engine")
@given(st.floats(0.05, 1.59), st.floats(0.001, 0.3), st.integers(1, 2000))
def test_weak_growth_is_kappa_times_the_strong_plus_the_excess(c, kappa, steps):
    """log β = κ log α + Σ g(ce) to rounding, with g > 0 off f = 1; g doubled, or left out, is caught."""
    path = simulated.descend_reduced([0.01, 1e-9, 0.0, 0.0], c, kappa, steps)
    error = 1 - path @ SIGNS
    excess = theory.weak_excess(c * error[:-1], kappa)
    alpha, beta = path[:, 0], path[:, 1]
    gained = np.log(beta[-1] / beta[0]) - kappa * np.log(alpha[-1] / alpha[0])
    assert_allclose(gained, excess.sum(), rtol=1e-9, atol=1e-11)
    assert (excess >= 0).all()
    if excess.sum() > 1e-6:
        assert not np.isclose(gained, 2 * excess.sum(), rtol=1e-3) and not np.isclose(gained, 0, atol=1e-7)
    assert (excess[np.abs(error[:-1]) > 1e-3] > 0).all()


@pytest.mark.claim("LWYZ24.engine")
def test_excess_is_the_square_of_the_residual_to_lowest_order():
    """g(x) = κ(1 − κ)x² + O(x³): the accumulated square, not the accumulated residual; κx² alone is caught."""
    for x in (1e-3, -1e-3):
        assert_allclose(theory.weak_excess(x, 0.3), 0.3 * 0.7 * x**2, rtol=3e-3)
        assert abs(theory.weak_excess(x, 0.3) / (0.3 * x**2) - 1) > 0.2


@pytest.mark.claim("LWYZ24.engine")
def test_with_a_plain_relu_there_is_no_engine(rng):
    """Updates of ⟨w, v⟩ are then κ times those of ⟨w, u⟩, whatever the rate; with ReLU² they are a multiple."""
    data, gains = simulated.two_patches(np.eye(4)[0], 0.1 * np.eye(4)[1]), {}
    for activation, lr in (("relu", 6.0), ("relu2", 4.8)):
        model = simulated.TwoLayerCNN(4, 16, activation)
        w0 = np.abs(balanced(model, rng)) * np.array([1, 1])[:, None, None]
        w0[1] *= -1                                        # F₋ sees neither patch
        run = simulated.train(model, data, w0, lr=lr, steps=4000)
        assert run.success
        gains[activation] = run.weak[-1, 0] - run.weak[0, 0], run.strong[-1, 0] - run.strong[0, 0]
    assert_allclose(gains["relu"][0], KAPPA * gains["relu"][1], rtol=1e-9)
    assert gains["relu2"][0].sum() > 1.5 * KAPPA * gains["relu2"][1].sum()


@pytest.mark.claim("LWYZ24.engine")
@pytest.mark.parametrize("kappa", [1e-9, 0.01, 0.5, 1 - 1e-9])
def test_excess_is_no_difference_of_two_logarithms(kappa):
    """The null of values in the table of references: it loses digits where x is small; no excess is below 0."""
    for x in (-1e-7, 1e-12):
        value = theory.weak_excess(x, kappa)
        assert value >= 0 and abs(2 * (np.log1p(kappa * x) - kappa * np.log1p(x)) / value - 1) > 1e-10
