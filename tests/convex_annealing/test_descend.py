"""The simulation: ways to give a schedule, statuses, refusals."""

from functools import partial

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from figures.convex_annealing._runs import G, H
from refimpl import convex_annealing as simulated
from tests.support import refusals


@pytest.mark.claim("NAK20.small-lr")
def test_ways_to_give_a_schedule_mean_the_same():
    """A constant, an array, a function and a step schedule through one stop; the step schedule reversed differs."""
    descend = partial(simulated.descend, simulated.three_samples(), 1e-3, max_steps=300)
    constant = descend(lr=0.1)
    for lr in (np.full(300, 0.1), lambda step: 0.1):
        assert_array_equal(descend(lr=lr).w, constant.w)
    stepped = descend(lr=0.1, large_lr=1.2, large_steps=3)
    schedule = np.array([1.2] * 3 + [0.1] * 297)
    assert_array_equal(descend(lr=schedule).w, stepped.w)
    assert_array_equal(descend(lr=lambda step: schedule[step], record=True).path[-1], stepped.w)
    assert descend(lr=schedule[::-1]).nit != stepped.nit


@pytest.mark.parametrize("schedule", [
    {"lr": 0.1}, {"lr": 0.05, "large_lr": 0.9, "anneal_loss": 0.05}, {"lr": 0.05, "large_lr": 0.9, "large_steps": 7},
    {"lr": 4.0}, {"lr": 0.1, "large_lr": 4.0, "large_steps": 300}])
def test_the_fewer_passes_take_the_plain_steps(rng, schedule):
    """Starts side by side, dropped as they arrive, against `sgd.run` with a look at every step: equal to the last bit,
    diverged, out of steps and annealed on the way too. Another target is caught."""
    train = np.diag([4.0, 1.0, 0.1]) / 2
    problem = simulated.from_hessians(train, train[::-1, ::-1], rng.standard_normal(3))
    w0 = problem.x_test[0] + 10 ** rng.uniform(0, 2, (2, 150, 1)) * rng.standard_normal((2, 150, 3))
    least = problem.train_loss(w0).min()
    schedule = {**schedule, **({"anneal_loss": least / 3} if "anneal_loss" in schedule else {})}
    run = partial(simulated.descend, problem, w0=w0, max_steps=400, **schedule)
    found, plain, other = run(least / 9), run(least / 9, chunk_size=64), run(least / 10)
    assert found.message == plain.message
    for name in ("w", "status", "nit", "anneal_step", "train_loss", "test_loss"):
        assert_array_equal(getattr(found, name), getattr(plain, name))
    assert (found.status == simulated.DIVERGED).any() or not np.array_equal(found.w, other.w)


def descend(target=1e-2, problem=None, **changes):
    return simulated.descend(problem or simulated.three_samples(), target, **{"lr": 0.1, **changes})


test_simulation_refuses_before_work = refusals([
    (lambda: descend(1.5), "target must be below the train loss at the start, 1, got 1.5"),
    (lambda: descend(0.0), "target must be positive"),
    (lambda: descend(0.05, simulated.Problem(np.ones((2, 2, 1)), [[1.0, 1.0], [0.0, 1.0]], [[1.0]], [0.0])),
     "target must be above the smallest train loss that exists, 0.25, got 0.05"),
    (lambda: descend(large_lr=1.2), "large_lr needs exactly one of large_steps and anneal_loss, got None and None"),
    (lambda: descend(large_lr=1.2, large_steps=2, anneal_loss=0.1),
     "large_lr needs exactly one of large_steps and anneal_loss"),
    (lambda: descend(large_steps=2), "large_lr must be given with large_steps or anneal_loss"),
    (lambda: descend(large_lr=1.2, anneal_loss=1e-3), "anneal_loss must be at least the target 0.01, got 0.001"),
    (lambda: descend(large_lr=1.2, large_steps=0), "large_steps must be at least 1"),
    (lambda: descend(large_lr=-1.2, large_steps=2), "large_lr must be positive"),
    (lambda: descend(lr=[0.1, 0.2], large_lr=1.2, large_steps=2), "lr must be one number"),
    (lambda: descend(lr=-0.1), "lr must be positive"),
    (lambda: descend(w0=np.zeros(3)), r"w0 must have shape \(\*S, 2\), got \(3,\)"),
    (lambda: descend(w0=np.zeros((0, 2))), r"w0 must have shape \(\*S, 2\), got \(0, 2\)"),
    (lambda: descend(problem=simulated.draw_samples(3, size=(4,), rng=0), w0=np.zeros((3, 2))),
     r"w0 must have shape \(4,\) \+ \(2,\), got \(3, 2\)"),
    (lambda: descend(max_steps=0), "max_steps must be at least 1"),
    (lambda: descend(batch_size=4), "batch_size must be a whole number in 1…3"),
    (lambda: simulated.three_samples((1.0, 1.0, 1.0)), r"minimum must have shape \(2,\)"),
    (lambda: simulated.draw_samples(0), "n must be at least 1"),
    (lambda: simulated.Problem(np.ones((2, 2)), np.ones(3), np.eye(2), np.ones(2)), r"x must have shape \(…, n, d\)"),
    (lambda: simulated.Problem(np.ones((2, 2)), np.ones(2), np.eye(3), np.ones(3)), r"x_test must have shape \(m, 2\)"),
    (lambda: simulated.from_hessians(-H, G, [0.0, 0.0]), "train_hessian.* must be positive semi-definite")])


def test_a_start_below_the_loss_of_annealing_is_annealed_at_once():
    """At step 0, though later losses would anneal again: the small rate alone, also for one of two starts."""
    small, annealed = (descend(record=True, **options) for options in ({}, {"large_lr": 1.2, "anneal_loss": 2.0}))
    assert annealed.anneal_step == 0
    assert_array_equal(annealed.path, small.path)
    two = descend(large_lr=1.2, anneal_loss=0.7, w0=np.array([[0.0, 0.0], [0.5, 0.5]]))
    assert two.anneal_step[0] > 0 == two.anneal_step[1]


def test_where_no_loss_is_left_there_is_no_ratio():
    """Curvature 2 at rate ½: one step to the minimum, exactly; NaN and no warning, for 0/0 as for a run cut off."""
    stop = descend(problem=simulated.Problem(np.ones((1, 1)), [1.0], [[1.0]], [1.0]), lr=0.5)
    assert stop.success and stop.nit == 1 and stop.train_loss == 0 and np.isnan(stop.loss_ratio)
    assert stop.target_ratio == 0


def test_one_start_below_the_target_is_refused_among_many():
    problem = simulated.three_samples()
    with pytest.raises(ValueError, match="target must be below the train loss at the start"):
        simulated.descend(problem, lr=0.1, target=0.5, w0=np.array([[0.0, 0.0], [1.0, 1.0], [0.0, 1.0]]))


@pytest.mark.claim("NAK20.annealed")
def test_targets_that_are_not_reached_are_a_status():
    """η = 3/2 never shrinks the sharp direction, whose loss ⅔ stays; η = 1.6 diverges; a slow run is cut off."""
    held = descend(0.5, lr=1.5, max_steps=500)
    assert held.status == simulated.STOPPED and not held.success and held.nit == 500
    assert_allclose(held.train_loss, 2 / 3, rtol=1e-12)
    assert np.isnan(held.loss_ratio) and np.isnan(held.target_ratio)
    diverged = descend(0.5, lr=1.6, max_steps=5000)
    assert diverged.status == simulated.DIVERGED and diverged.nit < 5000 and np.isfinite(diverged.train_loss)
    slow = descend(1e-6, lr=1e-3, max_steps=50)
    assert slow.status == simulated.STOPPED and slow.message.endswith("1 used up their 50 steps")
    learned = descend(0.05, lr=1.0, large_lr=0.75, large_steps=1)  # one step at 1/λ_max learns the sharp direction
    assert learned.success and learned.nit == 2 and learned.anneal_step == 1
    assert learned.loss_ratio == pytest.approx(1.5, rel=1e-14)
