"""Stationary second moment, loss floor and gradient ratio against the enumerated linear system of (x, v)."""

import numpy as np
import pytest
from hypothesis import given, strategies as st
from numpy.testing import assert_allclose

from refimpl import sgd
from refimpl.linear_stability import LinearRegression
from tests import support
from tests.linear_stability import augmented
from tests.linear_stability.augmented import Step
from theory import linear_stability as theory

pytestmark = pytest.mark.chance("exact")


def noisy(rng):
    """Three Hessians, some indefinite, with a positive definite mean, and gradients of mean zero, in the plane."""
    parts = rng.standard_normal((3, 2, 2))
    hessians = parts + parts.swapaxes(1, 2)
    hessians += np.eye(2) * (2 + max(0, -np.linalg.eigvalsh(hessians.mean(axis=0))[0]))
    gradients = rng.standard_normal((3, 2))
    return hessians, gradients - gradients.mean(axis=0)


def stable_rate(hessians, size, step, replacement, fraction):
    """`fraction` of the enumerated limit, by bisection on the spectral radius: Hessians may be indefinite."""
    low, high = 0.0, 4 / np.linalg.eigvalsh(hessians.mean(axis=0))[-1]
    for _ in range(40):
        middle = (low + high) / 2
        radius = np.abs(np.linalg.eigvals(augmented.operator(hessians, middle, size, step, replacement))).max()
        low, high = (middle, high) if radius < 1 else (low, middle)
    return fraction * low


@pytest.mark.claim("MM24.covariance")
@given(support.seeds(), st.floats(-0.8, 0.9), st.sampled_from([0.0, 0.3]), st.booleans(), st.floats(0.1, 0.97))
def test_covariance_solves_the_enumerated_system(seed, momentum, decay, replacement, fraction):
    hessians, gradients = noisy(np.random.default_rng(seed))
    step = Step(momentum, weight_decay=decay)
    lr = stable_rate(hessians, 2, step, replacement, fraction)
    if lr < 1e-6:
        return
    found, floor = (call(hessians, gradients, lr, 2, momentum=momentum, weight_decay=decay, replacement=replacement)
                    for call in (theory.stationary_covariance, theory.loss_floor))
    exact = augmented.stationary(hessians, gradients, lr, 2, step, replacement)
    assert_allclose(found, exact, rtol=0, atol=1e-8 * np.abs(exact).max())
    assert_allclose(floor, np.trace(hessians.mean(axis=0) @ found) / 2, rtol=1e-9)


def fourth_moment(maps, steps):
    """E[z⊗z⊗z⊗z] after `steps` of z ← Mz, M drawn from `maps` (batches, 2d+1, 2d+1), from the last unit vector."""
    dim = maps.shape[-1]
    moment = np.zeros(dim**4)
    moment[-1] = 1.0
    for _ in range(steps):
        moment = np.broadcast_to(moment.reshape(dim, -1), (len(maps), dim, dim**3))
        for _ in range(4):
            moment = (maps @ moment).swapaxes(1, 2).reshape(len(maps), dim, -1)
        moment = moment.mean(axis=0)
    return moment.reshape((dim,) * 4)


def affine_maps(hessians, gradients, lr, size, step):
    """(x, v, 1) ↦ its next value for each batch, decay included in `gradients` and not in `hessians`."""
    dim, maps = hessians.shape[-1], []
    for batch in support.all_batches(len(hessians), size):
        force = np.hstack([hessians[batch].mean(axis=0) + step.weight_decay * np.eye(dim), step.momentum * np.eye(dim),
                           gradients[batch].mean(axis=0)[:, None]])
        place = np.eye(dim, 2 * dim + 1) - lr * force
        maps.append(np.vstack([place, force, np.eye(1, 2 * dim + 1, 2 * dim)]))
    return np.array(maps)


def test_simulated_runs_settle_at_the_floor(rng):
    """20 000 runs of least squares that do not interpolate, with momentum and decay, after 120 steps: their excess
    loss is the floor within 4.9 standard errors, exact from the enumerated fourth moment; without momentum, or
    with additive noise alone, it is not (further off by over 10 of these errors)."""
    x = np.array([[1.0, 0.2], [0.3, 1.4], [-0.8, 0.6], [0.5, -1.2], [2.0, 0.7]])
    y = np.array([1.0, -2.0, 0.5, 1.0, 2.0])
    hessians, step, size, runs, steps = x[:, :, None] * x[:, None, :], Step(0.6, weight_decay=0.1), 2, 20_000, 120
    mean = hessians.mean(axis=0)
    least = np.linalg.solve(mean + step.weight_decay * np.eye(2), x.T @ y / len(x))
    gradients = (x @ least - y)[:, None] * x + step.weight_decay * least
    lr = 0.4 * theory.critical_lr(theory.GaussNewton(x), size, momentum=step.momentum, weight_decay=step.weight_decay)
    run = sgd.run(LinearRegression(2), np.tile(least, (runs, 1)), x, y, lr=lr, steps=steps, batch_size=size,
                  momentum=step.momentum, weight_decay=step.weight_decay, rng=rng)
    excess = np.vecdot((run.w - least) @ mean, run.w - least).mean() / 2
    moment = fourth_moment(affine_maps(hessians, gradients, lr, size, step), steps)[:2, :2, :2, :2]
    floor = theory.loss_floor(hessians, gradients, lr, size, momentum=0.6, weight_decay=0.1)
    error = np.sqrt((np.einsum("ij,kl,ijkl", mean, mean, moment) / 4 - floor**2) / runs)
    allowed = support.z_limit(1) * error
    assert abs(excess - floor) < allowed
    same = np.broadcast_to(mean, hessians.shape)
    for wrong in (theory.loss_floor(hessians, gradients, lr, size, weight_decay=0.1),
                  theory.loss_floor(same, gradients, lr, size, momentum=0.6, weight_decay=0.1)):
        assert abs(wrong - floor) > 10 * error + allowed


@pytest.mark.parametrize("decay", [0.0, 0.2])
@pytest.mark.parametrize("shape", [(3, 1, 2), (2, 1, 3), (2, 2, 3)])
def test_factors_and_dense_hessians_agree(rng, decay, shape):
    """Also where factors are fewer than parameters: decay then holds what no Hessian does."""
    factors, (n, _, dim) = rng.standard_normal(shape), shape
    hessians = factors.swapaxes(1, 2) @ factors
    gradients = rng.standard_normal((n, dim)) if decay else factors[:, 0] * rng.standard_normal((n, 1))
    gradients -= gradients.mean(axis=0)
    if not decay and n == 2:
        gradients = np.vstack([factors[0, 0], -factors[0, 0]])
    lr = 0.5 * theory.critical_lr(hessians, 1, weight_decay=decay)
    found = [theory.stationary_covariance(given, gradients, lr, 1, weight_decay=decay)
             for given in (hessians, theory.GaussNewton(factors), theory.Ensemble(hessians))]
    if decay:
        found.append(augmented.stationary(hessians, gradients, lr, 1, Step(weight_decay=decay)))
    for other in found[1:]:
        assert_allclose(found[0], other, rtol=1e-8, atol=1e-10)


def test_the_covariance_in_any_unit(rng):
    """Also of no noise at all: 0. Of gradients of 1e-170 below the least float, of 1e160 above the largest."""
    hessians, gradients = noisy(rng)
    lr = stable_rate(hessians, 1, Step(), False, 0.5)
    for call, unit in ((theory.stationary_covariance, 1e80), (theory.loss_floor, 1e20)):
        scaled = call(hessians * 1e60, gradients * 1e20, lr / 1e60, 1)
        assert_allclose(scaled * unit, call(hessians, gradients, lr, 1), rtol=1e-9)
        assert not np.any(call(hessians, 0 * gradients, lr, 1))
        for factor in (1e-170, 1e160):
            support.refused("gradients give a value of .* outside the range of float64", call, hessians,
                            factor * gradients, lr, 1)


BENT = np.array([[[1.0, 0.0], [0.0, 1.0]], [[1.0, 0.0], [0.0, -1.0]]])
FLAT = np.array([[[1.0, 0.0], [0.0, 0.0]], [[3.0, 0.0], [0.0, 0.0]]])
PUSH = np.array([[1.0, 0.0], [-1.0, 0.0]])


def test_a_direction_that_only_noise_bends_has_no_stable_rate():
    """H v = 0 but H_i v ≠ 0: the enumerated operator grows at any rate; with decay and momentum a limit exists."""
    with pytest.raises(ValueError, match=r"no stable learning rate: H v = 0 but hessians\[\d\] v .* coordinate 1"):
        theory.stationary_covariance(BENT, PUSH, 1e-3, 1)
    assert np.abs(np.linalg.eigvals(augmented.operator(BENT, 1e-3, 1))).max() > 1 + 1e-8
    step = Step(0.5, weight_decay=0.1)
    lr = stable_rate(BENT, 1, step, False, 0.5)
    assert lr > 1e-3
    assert_allclose(theory.stationary_covariance(BENT, PUSH, lr, 1, momentum=0.5, weight_decay=0.1),
                    augmented.stationary(BENT, PUSH, lr, 1, step), rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize(("hessians", "gradients", "lr", "message"), [
    (FLAT, [[1.0, 1.0], [-1.0, -1.0]], 0.1, "gradients must vanish along .* coordinate 1: x walks at random"),
    (theory.GaussNewton([[1.0, 0.0], [2.0, 0.0]]), [[1.0, 1.0], [-1.0, -1.0]], 0.1, "x walks at random"),
    ([np.diag([1.0, 0.0, 0.0])] * 2, [[0.0, 0.0, 1.0], [0.0, 0.0, -1.0]], 0.1, "coordinate 2: x walks at random"),
    (FLAT, [[1.0, 0.0], [0.5, 0.0]], 0.1, "gradients must have mean zero, got a mean of up to 0.75"),
    (FLAT, [[1.0], [-1.0]], 0.1, r"gradients must have shape \(2, 2\)"),
    (FLAT, PUSH, 1.2, "lr must be below the critical rate, got 1.2, which is unstable"),
    (-FLAT, PUSH, 0.1, "hessians must have a positive semi-definite mean"),
    ([[[1.0, 0.5], [0.0, 1.0]]], [[0.0, 0.0]], 0.1, "hessians must be symmetric"),
])
def test_what_has_no_stationary_law_is_refused(hessians, gradients, lr, message):
    support.refused(message, theory.stationary_covariance, hessians, gradients, lr, 1)


NEAR, DRIVE = 0.33 * FLAT, 0.99 * PUSH      # largest entries of .99, which no power of two is divided out of


@pytest.mark.parametrize(("limit", "message", "given"), [
    (1e-8, "gradients must have mean zero", lambda off: (NEAR, DRIVE + [[2 * off, 0.0], [0.0, 0.0]])),
    (1e-8, "x walks at random", lambda off: (NEAR, DRIVE + [[0.0, off], [0.0, -off]])),
    (1e-8, "x walks at random", lambda off: (theory.GaussNewton([[0.5, 0.0], [0.99, 0.0]]),
                                             DRIVE + [[0.0, off], [0.0, -off]])),
    (1e-7, "no stable learning rate",
     lambda off: (NEAR + off * np.array([[[0, 0], [0, 1]], [[0, 0], [0, -1]]]), DRIVE)),
    (1e-10, "must be symmetric", lambda off: (NEAR + off * np.array([[0, 1], [0, 0]]), DRIVE))])
def test_what_rounding_may_have_left_is_taken_and_more_refused(limit, message, given):
    hessians, gradients = given(0.9 * limit)
    assert theory.loss_floor(hessians, gradients, 0.1, 1) == pytest.approx(
        theory.loss_floor(*given(0.0), 0.1, 1), rel=1e-6)
    support.refused(message, theory.loss_floor, *given(1.1 * limit), 0.1, 1)


def test_the_gradient_ratio_does_not_see_units(rng):
    """Powers of two, to the bit: squares of 1e-170 and sums of 1e308 are no floats, their ratio is."""
    gradients, loss = rng.standard_normal((3, 2)), rng.random(3) + 0.1
    for shift, unit in ((-560, -1000), (510, 1023), (30, -900)):
        found = theory.gradient_ratio(np.ldexp(gradients, shift), np.ldexp(loss, unit))
        assert found == np.ldexp(theory.gradient_ratio(gradients, loss), 2 * shift - unit)


@pytest.mark.parametrize(("gradients", "loss", "message"), [
    ([[1.0], [2.0]], [0.0, 0.0], "loss must not be zero everywhere"), ([[1.0], [2.0]], [-1.0, 2.0], "non-negative"),
    ([[1.0], [2.0]], [1.0], r"loss must have shape \(2,\)"), ([[1e160]], [1.0], "gradients give a value of"),
    ([[1e-170]], [1.0], "gradients give a value of")])
def test_gradient_ratio_refuses(gradients, loss, message):
    support.refused(message, theory.gradient_ratio, gradients, loss)
