"""D before annealing: its powers, its sum over lags, runs.

Each test says which wrong answer it would catch and shows it caught.
"""

import numpy as np
import pytest
from numpy.testing import assert_allclose

from figures.learning_order._runs import averaged_curvature
from tests import support
from theory import learning_order as theory
from theory.learning_order import _curvature_law

pytestmark = pytest.mark.chance("exact")

SCATTER = 0.085  # of log D of one run, the time mean of the test below


@pytest.mark.claim("LWM19.4.2", "LWM19.4.2-law")
def test_curvature_scales_as_the_cube():
    """The sum tends to (4/3π)r³/λ: exponents 3 and −1; the bound's r² is caught, and the bound lies above."""
    decay, r = 1e-4, 0.02

    def total(r, decay):
        return theory.curvature_prediction(5.0, r, decay, lr=0.1)
    power_r = np.log(total(2 * r, decay) / total(r, decay)) / np.log(2)
    power_decay = np.log(total(r, 2 * decay) / total(r, decay)) / np.log(2)
    assert abs(power_r - 3) < 0.05 and abs(power_decay + 1) < 0.05
    assert abs(power_r - 2) > 0.5
    limit = theory.curvature_prediction(5.0, r, decay)
    assert 0.95 < total(r, decay) / limit < 1
    assert -limit < theory.curvature_bound(5.0, r, decay)


@pytest.mark.claim("LWM19.4.2-law")
def test_prediction_of_curvature_at_one_lag(rng):
    """One step: D = −c_v² η C(ρ) E[α] σ/4 with σ = ½, from the kernel itself; a quarter for the eighth is caught."""
    scale, r, decay, lr, alpha = 3.0, 0.2, 0.1, 0.5, 0.75
    wanted = -scale**2 * lr * theory.lag_kernel(1 - lr * decay, r) * alpha * 0.5 / 4
    assert_allclose(theory.curvature_prediction(scale, r, decay, lr=lr, steps=1, mean_alpha=alpha), wanted, rtol=1e-12)
    limit = -0.25 * alpha * 0.5 * 4 / (3 * np.pi) * scale**2 * r**3 / decay
    assert_allclose(theory.curvature_prediction(scale, r, decay, mean_alpha=alpha), limit, rtol=1e-12)
    assert_allclose(theory.lag_kernel(1.0, 1e-3), 2e-3 / np.pi, rtol=3e-3)


@pytest.mark.parametrize("steps", [1, 4096, 4097, 4200, 9000, None])
@pytest.mark.parametrize("product", [1e-2, 3e-4])
def test_the_sum_over_lags_is_that_of_its_terms(steps, product):
    """One by one, to 1e-12: beyond 4096 steps an integral stands for it, whose correction at either end is 1e-9 of it
    and more."""
    found = _curvature_law._sum_over_lags(lambda rho, gap: rho**3 / (gap + 1e-4), product, steps)
    k = np.arange(1, (steps or int(np.ceil(45 / product))) + 1)
    rho = np.exp(k * np.log1p(-product))
    terms = rho / (1 - product) * rho**3 / (-np.expm1(k * np.log1p(-product)) + 1e-4)
    assert_allclose(found, terms.sum(), rtol=1e-12)


@pytest.mark.chance("measured", "5.3 standard errors of 40 runs")
@pytest.mark.claim("LWM19.4.2", "LWM19.4.2-law")
def test_simulated_curvature_has_the_powers_of_the_law(rng):
    """Powers of r and λ between two points each, five runs per point: those of the law there, next to 3 and −1; the
    bound's r², no dependence on λ and 1/λ² are caught. Each mean is that of the law, neither half nor twice of it.

    The scatter of log D at these four points is set to 0.085 for one run (at most 0.069 over ten runs each): known,
    so that a limit of 5.3 standard errors (10 comparisons, 1e-6) leaves each null as far away, which one estimated from
    20 runs does not."""
    points = np.array([(0.1, 8e-3), (0.2, 8e-3), (0.15, 4e-3), (0.15, 16e-3)])
    found = np.log([[averaged_curvature(r, decay, rng, 2000, 0.5, settled=2, whole=8) for _ in range(5)]
                    for r, decay in points]).mean(axis=1)
    law = np.log([-theory.curvature_prediction(5.0, r, decay, lr=0.5, mean_square_alpha=1 / 3) for r, decay in points])
    limit = support.z_limit(10) * SCATTER / np.sqrt(5)
    assert np.all(np.abs(found - law) <= limit) and limit < np.log(2) / 2
    for first, second, change, wrong in ((0, 1, 2, (2,)), (2, 3, 4, (0, -2))):
        power, expected = ((values[second] - values[first]) / np.log(change) for values in (found, law))
        reach = limit * np.sqrt(2) / np.log(change)
        assert abs(power - expected) <= reach
        assert all(abs(expected - other) > 2 * reach for other in wrong), (power, reach)
    assert np.all(found < [np.log(theory.curvature_bound(5.0, *point)) for point in points])


@pytest.mark.claim("LWM19.4.2-law")
def test_slopes_that_answer_reduce_the_curvature():
    """By over 1 % of the sum at slope ½, to which a faint net goes back; an answer twice as large is caught."""
    def found(scale=4.0, square=0.4, **changed):
        options = dict(lr=0.1, mean_alpha=0.6, fraction=0.8, mean_square_alpha=square) | changed
        return theory.curvature_prediction(scale, 0.2, 0.02, **options)

    assert_allclose(found(1e-4), found(1e-4, None), rtol=1e-6)
    assert min(abs(found(square=other) / found() - 1) for other in (None, 0.8)) > 0.01
    support.refused("needs lr", found, lr=None)
    support.refused("at least mean_alpha²", found, square=0.3)
    support.refused("at most 0.5", found, 24.0)


def test_a_sum_over_more_lags_than_can_be_stored_is_a_quadrature():
    """5e9 lags; the sum at a rate 1000 times as large, whose steps are added one by one, is less by what η does to
    it."""
    fine, coarse = (theory.curvature_prediction(750**0.5, 0.02, 7.5e-4, lr=lr) for lr in (1e-5, 1e-2))
    limit = theory.curvature_prediction(750**0.5, 0.02, 7.5e-4)
    assert 0 < 1 - coarse / fine < 0.02 and 0 < limit / fine - 1 < 0.011


def test_slopes_that_answer_are_refused_where_they_are_not_small():
    """|g| √E[α²] of .24 is answered and of .60 refused: divided by the root it would be .81 and 2."""
    assert theory.curvature_prediction(60, 0.1, 3.3e-3, lr=0.01, mean_alpha=0.1, mean_square_alpha=0.3) < 0
    support.refused("must be at most 0.5, got 0.600", theory.curvature_prediction, 30, 0.1, 3.3e-3, lr=0.25,
                    mean_square_alpha=0.3)


def infinitely_wide(scale, r, decay, lr, alphas, chances, steps):
    """g on z − ζ, z, z + ζ at each step, slopes exact, in a net of infinite width: sums over all steps before."""
    x, label, share = np.array([[1, -r], [1, 0], [1, r]]), np.array([-1, 1, -1]), np.array([0.25, 0.5, 0.25])
    inner, kept, path = x @ x.T, (1 - lr * decay) ** np.arange(1, steps + 1), np.zeros((steps + 1, 3))
    cosines = np.minimum(inner / np.linalg.norm(x, axis=1) / np.linalg.norm(x, axis=1)[:, None], 1)
    kernels = scale**2 * lr * inner * (0.25 + np.arcsin(kept[:, None, None] * cosines) / (2 * np.pi))
    kernels *= kept[:, None, None] / (1 - lr * decay)
    slopes = np.zeros((steps, 3))
    for t in range(steps):
        slopes[t] = -share * label * (chances * alphas / (1 + np.exp(np.outer(label * path[t], alphas)))).sum(axis=1)
        path[t + 1] = -np.einsum("kij,kj->i", kernels[:t + 1], slopes[t::-1])
    return path


@pytest.mark.claim("LWM19.4.2-law")
@pytest.mark.parametrize("scale, r, decay, lr, alphas, chances", [
    (7.0, 1.0, 0.3, 0.5, [0.5, 1.0], [0.5, 0.5]), (16.0, 1.0, 0.3, 0.5, [0.05, 1.0], [0.9, 0.1]),
    (2.6, 2.0, 0.2, 1.0, [0.6], [1.0]), (8.0, 0.5, 0.3, 0.5, [0.3, 0.7, 1.0], [0.3, 0.4, 0.3])])
def test_slopes_that_answer_in_a_net_of_infinite_width(scale, r, decay, lr, alphas, chances):
    """200 steps by recursion: D off by no more than |g|⁴E[α⁴]/(6 E[α]), and by a tenth of it; slopes held at ½ are off
    by five times that."""
    alphas, chances = np.array(alphas), np.array(chances)
    mean, square, fourth = (float(chances @ alphas**k) for k in (1, 2, 4))
    g = infinitely_wide(scale, r, decay, lr, alphas, chances, 200)[-1]
    bound = np.abs(g).max() ** 4 * fourth / (6 * mean)
    found, held = (theory.curvature_prediction(scale, r, decay, lr=lr, mean_alpha=mean, mean_square_alpha=given)
                   for given in (square, None))
    error = np.abs(np.array([found, held]) - (g[0] + g[2] - 2 * g[1]))
    assert bound / 10 < error[0] <= bound < error[1] / 5 and np.abs(g).max() * square**0.5 > 0.1


def test_rates_at_which_g_goes_on_alternating_are_refused():
    """At 0.97 and 1.03 of the limit found by halving 300 steps of a net of infinite width settle and do not; the limit
    at η c_v² E[α²] = 16, of small r, is at 0.961 of it."""
    options = {"lr": 0.5, "mean_alpha": 0.5, "mean_square_alpha": 0.25}
    low, high = 1.0, 100.0
    while high - low > 1e-3:
        scale = (low + high) / 2
        try:
            theory.curvature_prediction(scale, 0.3, 1.0, **options)
            low = scale
        except ValueError as error:
            assert "lr must let g settle" in str(error)
            high = scale
    last = [np.abs(np.diff(infinitely_wide(share * low, 0.3, 1.0, 0.5, np.array([0.5]), np.ones(1), 300)[-9:], axis=0)
                   ).max() for share in (0.97, 1.03)]
    assert last[0] < 1e-6 and last[1] > 0.1 and (16 / (0.5 * 0.25)) ** 0.5 < 0.965 * low
