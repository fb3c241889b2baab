"""Momentum: against a plain loop and PyTorch, on every path, restarted, chunked; the field's mistakes are caught."""

from functools import partial

import numpy as np
import pytest
from hypothesis import assume, given, strategies as st
from numpy.testing import assert_allclose, assert_array_equal

from refimpl import network, sgd
from refimpl.convex_annealing import LeastSquares
from refimpl.linear_stability import LinearRegression, Quadratic
from tests import support
from tests.sgd.models import PlainRegression

pytestmark = pytest.mark.chance("exact")

RULES = [dict(momentum=0.9), dict(momentum=-0.5), dict(momentum=0.8, dampening=0.3), dict(momentum=0.9, nesterov=True)]
PATHS = {"gathered rows": (LinearRegression(3), 30, 2), "batch counts": (LinearRegression(3), 6, 2),
         "plain": (PlainRegression(3), 6, 2), "side by side": (Quadratic(3), 6, 2), "gathered": (Quadratic(7), 6, 2),
         "in place": (Quadratic(64), 5, 4), "whole set": (LeastSquares(3), 6, None)}


def examples(model, n, rng):
    dim, = model.parameter_shape
    if isinstance(model, Quadratic):
        return support.random_hessians(rng, n, dim), None
    x = rng.standard_normal((n, dim))
    return x, rng.standard_normal(n) if isinstance(model, LeastSquares) else None


def plain_steps(model, w, x, y, batches, lrs, noise, *, momentum, nesterov=False, dampening=0.0, weight_decay=0.0,
                fault=None):
    """One replica by the formulas of `refimpl.sgd`; `fault` plants one of the mistakes that people make."""
    v = None
    for batch, lr, kick in zip(batches, lrs, noise):
        g = model.gradient(w, x[batch], None if y is None else y[batch]) + kick
        if fault != "decay decoupled":
            g = g + weight_decay * w
        gain = 1 if fault == "dampening forgotten" else 1 - dampening
        if fault == "rate inside the velocity":
            v = lr * g if v is None else momentum * v + lr * gain * g
            w = w - v
            continue
        first = fault == "first step damped"
        v = (gain * g if first else g) if v is None else momentum * v + gain * g
        along = g + momentum * v if nesterov and fault != "heavy ball" else v
        w = w - lr * along
        if fault == "decay decoupled":
            w = w - lr * weight_decay * w
    return w


@pytest.mark.parametrize("rule", RULES, ids=str)
@pytest.mark.parametrize("path", PATHS)
def test_every_path_equals_the_plain_steps(rng, path, rule):
    """Decay, noise, schedule and batches given; a forgotten velocity is caught."""
    model, n, size = PATHS[path]
    x, y = examples(model, n, rng)
    steps, replicas = 8, 5
    w0, noise = (rng.standard_normal((*lead, replicas, *model.parameter_shape)) for lead in ((), (steps,)))
    indices = np.tile(np.arange(n), (steps, 1)) if size is None else rng.integers(0, n, (steps, replicas, size))
    lrs = rng.uniform(0.02, 0.1, (steps, replicas)) / (4 if isinstance(model, Quadratic) else 1)
    found = sgd.run(model, w0, x, y, lr=lrs, steps=steps, indices=None if size is None else indices, noise=noise,
                    weight_decay=0.1, **rule)

    def loop(**changes):
        return np.array([plain_steps(model, w0[r], x, y, indices if size is None else indices[:, r], lrs[:, r],
                                     noise[:, r], **{"weight_decay": 0.1, **rule, **changes}) for r in range(replicas)])

    assert_allclose(found.w, loop(), rtol=1e-11, atol=1e-12)
    assert np.abs(loop(momentum=0.0, nesterov=False, dampening=0.0) - found.w).max() > 1e-3


@given(st.floats(-0.95, 0.95), st.floats(0, 0.9), st.floats(0, 0.5), st.booleans(), support.seeds())
def test_any_rule_equals_the_plain_steps(factor, dampening, decay, nesterov, seed):
    assume(abs(factor) > 1e-3)
    rng = np.random.default_rng(seed)
    x, y, w0 = rng.standard_normal((5, 3)), rng.standard_normal(5), rng.standard_normal(3)
    indices, noise, lrs = rng.integers(0, 5, (12, 2)), rng.standard_normal((12, 3)), rng.uniform(0.01, 0.1, 12)
    rule = dict(momentum=factor, nesterov=nesterov, dampening=0.0 if nesterov else dampening, weight_decay=decay)
    found = sgd.run(LinearRegression(3), w0, x, y, lr=lrs, steps=12, indices=indices, noise=noise, **rule)
    expected = plain_steps(LinearRegression(3), w0, x, y, indices, lrs, noise, **rule)
    assert_allclose(found.w, expected, rtol=1e-10, atol=1e-11 * (1 + np.abs(expected).max()))


@pytest.mark.parametrize(("fault", "rule"), [
    ("dampening forgotten", RULES[2]), ("first step damped", RULES[2]), ("rate inside the velocity", RULES[0]),
    ("heavy ball", RULES[3]), ("decay decoupled", RULES[0])])
def test_the_mistakes_people_make_are_caught(rng, fault, rule):
    """Each is 1e-3 or more away on a fixed example; the right steps are within 1e-12."""
    x, w0 = np.array([[1.0, 0.5], [0.0, 2.0], [1.0, -1.0]]), np.array([1.0, -2.0])
    indices, lrs = [[0, 1], [2, 0], [1, 2], [0, 2], [1, 1]], [0.1, 0.05, 0.2, 0.1, 0.02]
    found = sgd.run(LinearRegression(2), w0, x, lr=lrs, steps=5, indices=indices, weight_decay=0.2, **rule).w
    steps = partial(plain_steps, LinearRegression(2), w0, x, None, indices, lrs, np.zeros((5, 2)), weight_decay=0.2)
    assert_allclose(found, steps(**rule), rtol=1e-12)
    assert np.abs(steps(**rule, fault=fault) - found).max() > 1e-3


@pytest.mark.parametrize("rule", [*RULES, dict(momentum=0.0, dampening=0.4), dict(momentum=0.0)], ids=str)
def test_steps_equal_those_of_pytorch(rng, rule):
    """Batches given, decay on; after 1, 2 and 9 steps, so that the first, undamped one is compared alone."""
    torch = pytest.importorskip("torch")
    if rule["momentum"] < 0:
        pytest.skip("PyTorch refuses a negative momentum")
    x, y, w0 = rng.standard_normal((7, 3)), rng.standard_normal(7), rng.standard_normal(3)
    indices = rng.integers(0, 7, (9, 2))
    w = torch.tensor(w0, requires_grad=True)
    optimiser = torch.optim.SGD([w], lr=0.1, weight_decay=0.05, **rule)
    for step, batch in enumerate(indices, 1):
        optimiser.zero_grad()
        ((torch.tensor(x[batch]) @ w - torch.tensor(y[batch]))**2).mean().div(2).backward()
        optimiser.step()
        if step in (1, 2, 9):
            mine = sgd.run(LinearRegression(3), w0, x, y, lr=0.1, steps=step, indices=indices[:step], weight_decay=0.05,
                           **rule)
            assert_allclose(mine.w, w.detach().numpy(), rtol=1e-12, atol=1e-13)


@pytest.mark.parametrize("path", PATHS)
def test_a_run_goes_on_from_its_velocity(rng, path):
    """To the last bit; started again with v = 0 it is caught."""
    model, n, size = PATHS[path]
    x, y = examples(model, n, rng)
    w0 = rng.standard_normal((3, *model.parameter_shape))
    indices = None if size is None else rng.integers(0, n, (10, size))

    def run(w, first, last, **more):
        return sgd.run(model, w, x, y, lr=0.02, steps=last - first, momentum=0.9,
                       indices=None if indices is None else indices[first:last], **more)

    half = run(w0, 0, 4)
    assert_array_equal(run(half.w, 4, 10, velocity=half.velocity).w, run(w0, 0, 10).w)
    assert np.abs(run(half.w, 4, 10).w - run(w0, 0, 10).w).max() > 1e-6
    assert sgd.run(model, w0, x, y, lr=0.02, steps=1).velocity is None


@pytest.mark.parametrize("path", PATHS)
def test_chunks_and_workers_do_not_change_a_bit(rng, path):
    model, n, size = PATHS[path]
    x, y = examples(model, n, rng)
    w0 = rng.standard_normal((300 if model.parameter_shape[0] < 60 else 40, *model.parameter_shape))
    run = partial(sgd.run, model, w0, x, y, lr=0.02, steps=9, batch_size=size, momentum=0.9, nesterov=True,
                  noise_std=0.1, weight_decay=0.01, rng=3)
    whole = run(chunk_size=300)
    for other in (run(chunk_size=1), run(workers=lambda function, tasks: [function(task) for task in tasks])):
        assert_array_equal(other.w, whole.w)
        assert_array_equal(other.velocity, whole.velocity)


def test_a_replica_that_diverges_keeps_its_velocity_and_stops_no_other():
    rates = np.tile([0.5, 9.0], (400, 1))
    both = sgd.run(LinearRegression(1), np.ones((2, 1)), [[1.0]], lr=rates, steps=400, momentum=0.5,
                   divergence_limit=1e6)
    alone = sgd.run(LinearRegression(1), np.ones((1, 1)), [[1.0]], lr=0.5, steps=400, momentum=0.5)
    assert both.status.tolist() == [sgd.SUCCESS, sgd.DIVERGED] and both.nit[0] == 400
    assert_array_equal(both.w[0], alone.w[0])
    last = sgd.run(LinearRegression(1), [1.0], [[1.0]], lr=9.0, steps=both.nit[1], momentum=0.5)
    assert_array_equal(both.velocity[1], last.velocity)


def test_the_stability_limit_of_gradient_descent_is_that_of_the_heavy_ball():
    """2(1 + μ)/λ on a quadratic; 2/λ, the limit without momentum, and 2/((1 − μ)λ) are caught."""
    run = partial(sgd.run, LinearRegression(1), [1.0], [[1.0]], steps=3000, momentum=0.5)
    assert abs(run(lr=0.99 * 3.0).w[0]) < 1e-3 and run(lr=1.01 * 3.0, divergence_limit=1e3).status == sgd.DIVERGED


def test_networks_train_with_momentum_and_decay(rng):
    """Block by block as in one run, whatever the length of a block; without momentum the minimum is another point."""
    model = network.MLP((2, 4, 1))
    x, starts = rng.standard_normal((6, 2)), np.stack([model.init(rng) for _ in range(2)])
    y = x[:, 0]
    run = partial(network.descend, model, starts, x, y, lr=[0.05, 0.1], target=1e-30, max_steps=60)
    found = run(momentum=0.9, weight_decay=1e-3, record_every=7)
    whole = sgd.run(model, starts, x, y, lr=np.tile([0.05, 0.1], (60, 1)), steps=60, momentum=0.9, weight_decay=1e-3)
    assert_array_equal(found.w, whole.w)
    assert found.status.tolist() == [sgd.STOPPED] * 2 and not found.success.any() and (found.nit == 60).all()
    assert np.abs(run(weight_decay=1e-3).w - found.w).max() > 1e-3
