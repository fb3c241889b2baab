"""Where a run stops: step, train loss, test loss."""

from functools import partial

import numpy as np
import pytest
from hypothesis import assume, given, strategies as st
from numpy.testing import assert_allclose

from figures.convex_annealing._runs import G, H, LOSSES, annealed_at
from refimpl import convex_annealing as simulated
from tests import support
from tests.convex_annealing.problems import SLIDES, extremes, pairs, symmetric
from theory import convex_annealing as theory

pytestmark = pytest.mark.chance("exact")


@pytest.mark.claim("NAK20.small-lr")
def test_descent_overshoots_so_that_two_ratios_are_reported():
    """At η = 0.1, ε = 1e-2: P/ε = 1.4125 but P/L = 1.4695. Mistaking one for the other is an error of 4 %."""
    stop = simulated.descend(simulated.three_samples(), 1e-2, lr=0.1)
    predicted = theory.stopping_point(*SLIDES, 1e-2, lr=0.1)
    assert stop.nit == predicted.steps and stop.status == simulated.SUCCESS and stop.success
    assert_allclose([stop.loss_ratio, stop.target_ratio], [predicted.loss_ratio, predicted.target_ratio], rtol=1e-12)
    assert_allclose([stop.target_ratio, stop.loss_ratio], [1.4125195033650, 1.4694893924452], rtol=1e-12)
    assert stop.target_ratio < theory.flow_loss_ratio(*LOSSES, 1e-2) < stop.loss_ratio


@pytest.mark.claim("NAK20.small-lr", "NAK20.annealed")
@given(pairs(), st.floats(0.1, 0.9), st.floats(0.1, 0.95), st.integers(0, 12), st.floats(-4, -0.05))
def test_simulated_stop_equals_the_predicted_one(pair, small, large, large_steps, fraction):
    """Any pair of Hessians, start, schedule and target: the same step, the same L and P to 1e-12."""
    train, test, start = pair
    lr, large_lr = (rate * 2 / extremes(train)[1] for rate in (small, large))
    problem = simulated.from_hessians(train, test, np.zeros(len(start)))
    target = float(10**fraction * theory.quadratic_loss(train, start))
    schedule = {"large_lr": large_lr, "large_steps": large_steps} if large_steps else {}
    predicted = theory.stopping_point(train, test, start, target, lr=lr, **schedule)
    rates = np.array([large_lr] * large_steps + [lr] * max(predicted.steps - large_steps, 0))[:predicted.steps]
    assume(len(rates))
    losses = theory.quadratic_loss(train, theory.gradient_descent(train, start, rates))
    assume(np.abs(losses / target - 1).min() > 1e-9)  # else rounding decides which step is the first
    stop = simulated.descend(problem, target, lr=lr, w0=start, **schedule)
    assert stop.nit == predicted.steps
    assert stop.anneal_step == (large_steps if predicted.steps > large_steps else -1 if large_steps else 0)
    assert_allclose(stop.train_loss, predicted.train_loss, rtol=1e-12)
    assert_allclose(stop.loss_ratio, predicted.loss_ratio, rtol=1e-12)
    assert_allclose(stop.target_ratio, predicted.target_ratio, rtol=1e-12)
    # The null: stopping a step later, as a loop does that checks before it steps.
    late = theory.gradient_descent(train, stop.w, [lr])[-1]
    assert abs(theory.quadratic_loss(train, late) / predicted.train_loss - 1) > 1e-3


@pytest.mark.claim("NAK20.annealed", "NAK20.small-lr")
def test_without_error_in_one_direction_there_is_nothing_to_anneal():
    """A start on an axis stays there: 3/4 or 3/2 whatever the schedule, in theory and simulation."""
    problem = simulated.three_samples((1.0, 1.0))
    for start, ratio in (([0.0, 1.0], 0.75), ([1.0, 0.0], 1.5)):
        sharp, flat = 2 / 3 * (start[0] - 1) ** 2, (start[1] - 1) ** 2 / 3
        assert theory.flow_loss_ratio(sharp, flat, 1e-2) == ratio
        for switch in ({}, {"large_lr": 1.2, "anneal_loss": 0.1}):
            assert_allclose(simulated.descend(problem, 1e-2, lr=0.1, w0=start, **switch).loss_ratio, ratio, rtol=1e-12)
        assert_allclose(theory.limit_ratios(H, G, np.subtract(start, 1)), (ratio, ratio), rtol=1e-12)


@pytest.mark.claim("NAK20.annealed")
def test_equal_eigenvalues_leave_nothing_to_choose(rng):
    """H = 2I: P/L keeps its first value under every schedule; there is no crossover and no limit without a start."""
    train, start = 2.0 * np.eye(3), rng.standard_normal(3)
    test = support.random_hessians(rng, 1, 3)[0]
    first = theory.quadratic_loss(test, start) / theory.quadratic_loss(train, start)
    assert_allclose(theory.limit_ratios(train, test, start), (first, first), rtol=1e-12)
    for schedule in ({}, {"large_lr": 0.9, "large_steps": 3}):
        stop = theory.stopping_point(train, test, start, 1e-6 * (start @ start), **schedule)
        assert_allclose(stop.loss_ratio, first, rtol=1e-12)
    assert_allclose(theory.limit_ratios(train, np.eye(3)), (0.5, 0.5), rtol=1e-15)  # no start needed for G ∝ I
    for call in (partial(theory.crossover_lr, train), partial(theory.limit_ratios, train, test)):
        support.refused("eigenvalues", call)


@pytest.mark.claim("NAK20.annealed")
def test_repeated_extreme_eigenvalue_takes_the_start_within_its_space(rng):
    """Eigenvalues 1, 1, 5, 5: limits from the start's projections; the first eigenvector alone gives another number."""
    basis = support.random_rotation(rng, 4)
    train = symmetric((basis * [1.0, 1.0, 5.0, 5.0]) @ basis.T)
    test, start = support.random_hessians(rng, 1, 4)[0], rng.standard_normal(4)
    predicted = theory.limit_ratios(train, test, start)
    loss = theory.quadratic_loss(train, start)
    small = theory.stopping_point(train, test, start, 1e-14 * loss)
    annealed = annealed_at(0.39, 1e-14 * loss, None, train, test, start)
    assert_allclose([small.loss_ratio, annealed.loss_ratio], predicted, rtol=1e-5)
    alone = [v @ test @ v / scale for v, scale in ((basis[:, 0], 1), (basis[:, 2], 5))]
    # Both within 2e-5 by chance: two angles that hit, once in 1e8.
    assert not np.allclose(predicted, alone, rtol=2e-5, atol=0)
    support.refused("give start", theory.limit_ratios, train, test)


@pytest.mark.claim("NAK20.small-lr")
def test_steps_at_tiny_rates_are_those_of_exact_arithmetic():
    """H = diag(4/3, 2/3), L = 1e-3, from logarithms in 50 digits; 1 − ηλ rounded before its power is caught.

    Where ηλ is below rounding there is no such run, and it is refused.
    """
    for lr, steps in ((1e-9, 4361317273), (1e-12, 4361317274374)):
        stop = theory.stopping_point(H, G, [1.0, 1.0], 1e-3, lr=lr)
        assert stop.steps == theory.steps_to_loss(H, [1.0, 1.0], lr, 1e-3) == steps and stop.train_loss <= 1e-3
        assert abs(np.diag(H) / 2 @ (1 - lr * np.diag(H)) ** (2.0 * steps) / 1e-3 - 1) > 5e-8
    for tiny in (1e-16, 2e-16):
        support.refused("so small beside the curvatures", theory.stopping_point, H, G, [1.0, 1.0], 1e-3, lr=tiny)


@pytest.mark.parametrize("values", [(1.3, 0.7), (1.3, 1.3), (1.0, 1.0)])
def test_a_flow_that_stops_as_soon_as_it_begins_stops(values):
    """Targets down to 1e-14 below the first loss, at any scale: found, and reached to the rounding of a logarithm."""
    matrix = np.diag(values)
    for scale in (1.0, 1e22, 1e100):
        first = float(theory.quadratic_loss(matrix, np.full(2, scale)))
        for gap in (1e-14, 1e-12, 1e-8):
            stop = theory.stopping_point(matrix, matrix, np.full(2, scale), first * (1 - gap))
            assert abs(stop.train_loss / first - (1 - gap)) <= 1e-15 * (4 + np.log(first))


def test_no_step_is_made_at_the_target_and_one_at_the_inverse_curvature():
    """H = diag(4, 2) at rate ¼: the first direction is gone after one step, of the second ½ is left by each; a start
    that has the target makes none. 0 · log 0, and a step too many at equality, are caught."""
    start = np.array([1.0, 2.0])   # losses 2 and 4
    for target, steps, loss in ((6.0, 0, 6.0), (5.9, 1, 1.0), (0.99, 2, 0.25), (0.07, 3, 0.0625)):
        found = theory.stopping_point(np.diag([4.0, 2.0]), np.eye(2), start, target, lr=0.25)
        assert found.steps == steps == theory.steps_to_loss(np.diag([4.0, 2.0]), start, 0.25, target)
        assert_allclose(found.train_loss, loss, rtol=1e-13)
    assert theory.stopping_point([[2.0]], [[1.0]], [2.0], 0.99, lr=0.25).steps == 2   # one dimension: 4, 1, 1/4
    resting = theory.stopping_point(np.diag([4.0, 2.0]), np.eye(2), start, 6.0)
    assert resting.steps == resting.time == 0 and resting.train_loss == 6.0
    reached = theory.stopping_point(np.diag([4.0, 2.0]), np.eye(2), start, 0.99, large_lr=0.25, large_steps=9)
    assert (reached.steps, reached.time) == (2, 0) and reached.train_loss == 0.25      # no flow back up to the target


@pytest.mark.parametrize("values", [[1.0], [1.0, 3.0], [1e-3, 1.0, 1e3]])
def test_a_flow_stops_at_targets_next_to_the_loss(values):
    """Where both bounds of its time are rounding apart: 40 neighbours of the loss, times from 0 on, none negative."""
    start = np.sqrt(2 / np.array(values)) * np.arange(1, len(values) + 1)
    loss = target = theory.quadratic_loss(np.diag(values), start)
    for _ in range(40):
        target = np.nextafter(target, 0)
        found = theory.stopping_point(np.diag(values), np.eye(len(values)), start, target)
        assert 0 <= found.time <= 1e-13 and abs(found.train_loss / loss - 1) < 1e-13


@pytest.mark.parametrize("steps", [1, 2, 3])
def test_an_odd_number_of_large_steps_turns_the_sharp_side_over(steps):
    """The point itself, by steps of gradient descent; the ratio alone knows no common sign."""
    stop = theory.stopping_point(*SLIDES, 0.05, lr=0.1, large_lr=1.3, large_steps=steps)
    point = np.array(SLIDES[2])
    for step in range(stop.steps):
        point = point - (1.3 if step < steps else 0.1) * H @ point
    assert_allclose(stop.displacement, point, rtol=1e-12)
    assert point[0] * (-1) ** steps < 0 > point[1]
