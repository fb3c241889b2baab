"""The toy with two minima: its limits, the law of its exit times, and simulated exits."""

from math import log

import numpy as np
import pytest
from numpy.testing import assert_allclose

from refimpl import linear_stability as simulated
from tests import support
from tests.linear_stability.one_dimension import LEFT, RIGHT, TOY, stack_1d
from theory import linear_stability as theory

pytestmark = pytest.mark.claim("WME18.toy")


def test_toy_limits_in_closed_form():
    for minimum in theory.two_minima():
        curvatures = np.array(minimum.curvatures)
        model, points = simulated.TwoMinima(), minimum.position + np.array([[-1e-4], [1e-4]])
        slopes = model.gradient(points[:, None], simulated.TOY_CURVATURES[:, None])  # (2 points, 2 examples, 1)
        assert_allclose(np.diff(slopes[..., 0], axis=0)[0] / 2e-4, curvatures, rtol=1e-8)
        stack = stack_1d(curvatures)
        assert_allclose(minimum.gd_lr, theory.critical_lr(stack, 1, "gd"), rtol=1e-10)
        assert_allclose(minimum.mean_square_lr, theory.critical_lr(stack, 1), rtol=1e-10)
        assert_allclose(minimum.almost_sure_lr, theory.almost_sure_lr(curvatures, 1), rtol=1e-10)
        assert_allclose(minimum.mean_square_lr, theory.critical_lr(stack, 1, "sufficient"), rtol=1e-10)


def test_the_slope_of_the_toy_is_that_of_its_loss_everywhere():
    """Central differences, exact for parabolas, at points from −3 to 3 that are no kink; starts fill [−1, 2)."""
    model, x, w = simulated.TwoMinima(), np.array([1.0, 4.0]), np.linspace(-3.03, 3.02, 100)[:, None]
    step = 1e-4
    slope = (model.loss(w + step, x) - model.loss(w - step, x)) / (2 * step)
    assert_allclose(model.gradient(w, x)[:, 0], slope, rtol=1e-9, atol=1e-9)
    starts = np.array([model.init(seed) for seed in range(200)])    # a sixth stays empty with chance (5/6)²⁰⁰ = 1e-16
    assert -1 <= starts.min() < -0.5 and 1.5 < starts.max() < 2


@pytest.mark.chance("law")
@pytest.mark.claim("WME18.many")
def test_gradient_descent_stays_where_sgd_leaves(rng):
    """20 000 runs from 1 + 10⁻³ at η = 0.7; fewer than 10⁻⁹ may stay by the exact law."""
    replicas, steps, distance = 20_000, 400, 1e-3
    assert replicas * theory.exit_time(distance, 0.7, steps)[-1] < 1e-9
    inside = {"inside": lambda w, x, y: (w[:, 0] > LEFT) & (w[:, 0] < RIGHT)}
    sgd = simulated.two_minima(np.full(replicas, 1 + distance), lr=0.7, steps=steps, rng=rng, observe=inside)
    assert (sgd.observed["inside"].min(axis=0) == 0).all()
    assert_allclose(sgd.w[:, 0], 0, atol=1e-6)  # they end at the other minimum, which is stable
    gd = simulated.two_minima([1 + distance, 1 - distance, 0.7, 1.3], lr=0.7, steps=steps, batch_size=2, observe=inside)
    assert gd.observed["inside"].all()
    assert_allclose(gd.w[:, 0], 1, atol=1e-12)


@pytest.mark.chance("law")
@pytest.mark.parametrize(("lr", "distance"), [(0.7, 1e-3), (0.7, -1e-5), (0.6, 1e-2), (0.9, 1e-3)])
def test_exit_times_follow_their_exact_law(rng, lr, distance):
    """20 000 exit times against the exact distribution (Dvoretzky–Kiefer–Wolfowitz); 5 % more in η is caught."""
    replicas, steps = 20_000, 400
    result = simulated.two_minima(np.full(replicas, 1 + distance), lr=lr, steps=steps, rng=rng,
                                  observe={"inside": lambda w, x, y: (w[:, 0] > LEFT) & (w[:, 0] < RIGHT)})
    survived = np.minimum.accumulate(result.observed["inside"], axis=0).mean(axis=1)
    limit = support.dkw_limit(replicas)
    assert np.abs(survived - theory.exit_time(distance, lr, steps)).max() <= limit
    assert np.abs(survived - theory.exit_time(distance, 1.05 * lr, steps)).max() > limit


def test_mean_exit_time_grows_as_the_logarithm_of_the_distance():
    """Exact means minus ln(b/ε)/Λ: 2.2 to 2.4 steps at η = 0.7 over 12 decades; a wrong Λ or b drifts or shifts it."""
    distances = 10.0 ** -np.arange(1, 14)
    exact = np.array([theory.exit_time(distance, 0.7, 1000).sum() for distance in distances])
    law = np.array([theory.mean_exit_time(distance, 0.7) for distance in distances])
    assert ((exact - law > 2.2) & (exact - law < 2.42)).all()
    slope = np.polyfit(-np.log(distances[2:]), exact[2:], 1)[0]
    assert_allclose(slope, 1 / theory.lyapunov_exponent(TOY, 0.7, 1), rtol=2e-3)
    assert abs(slope * log(1.7476) / 2 - 1) > 0.1  # the mean-square growth rate is not the one


@pytest.mark.parametrize(("distance", "lr"), [(1e-300, 0.7), (0.42, 1e-9), (-1e-12, 1 / 3.8), (2.64, 1 - 1e-12),
                                              (0.3, 0.99)])
def test_exit_times_at_the_edges_of_their_domain_equal_an_enumeration_of_all_paths(distance, lr):
    """12 steps, all 4096 sequences carried one by one."""
    steps, places, alive = 12, np.array([distance]), np.array([True])
    exact = [1.0]
    for _ in range(steps):
        places, alive = np.concatenate([places * (1 - lr * h) for h in TOY]), np.tile(alive, 2)
        alive &= (places > LEFT - 1) & (places < RIGHT - 1)
        exact.append(alive.mean())
    assert_allclose(theory.exit_time(distance, lr, steps), exact, rtol=0, atol=1e-15)
