"""The catapult of a two-layer linear net: two numbers against all weights, and where the kernel ends."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

from refimpl import edge_of_stability as simulated, sgd
from tests import support
from theory import edge_of_stability as theory

pytestmark = pytest.mark.chance("exact")

X, Y = np.ones(1), np.zeros(1)


def weights(rng, width, f, kernel):
    """Random weights (2, m) with this output and kernel: u ± v have the lengths √(m(κ ± 2f/√m)), in any directions."""
    p, q = rng.standard_normal((2, width))
    p, q = (np.sqrt(width * (kernel + sign * 2 * f / np.sqrt(width))) * part / np.linalg.norm(part)
            for sign, part in ((1, p), (-1, q)))
    return np.stack([p + q, p - q]) / 2


def run(w0, lr, steps, net):
    """Outputs and kernels along gradient descent, (steps + 1,) each."""
    watched = {"f": lambda w, x, y: net.predict(w, x)[..., 0], "kernel": lambda w, x, y: net.tangent_kernel(w)}
    found = sgd.run(net, w0, X, Y, lr=lr, steps=steps, divergence_limit=1e6, observe=watched)
    return found.observed["f"], found.observed["kernel"]


@pytest.mark.claim("LBDSG20.map", "LBDSG20.flatter")
@pytest.mark.parametrize("k", [1.0, 2.5, 3.2, 3.8])
def test_two_numbers_follow_the_whole_net(rng, k):
    """m = 50, 60 steps, to 1e-10 of the largest; the map without its η²f²/m, or with −2 for −4, is caught.

    √(κ² − 4f²/m) is the flow's end times Π|1 − η²f²/m| to 1e-13.
    """
    f, kernel, width = 0.4, 2.0, 50
    net, lr = simulated.LinearNet(width), k / kernel
    outputs, kernels = run(weights(rng, width, f, kernel), lr, 60, net)
    path = [(f, kernel)]
    for _ in range(60):
        path.append(theory.catapult_step(*path[-1], lr, width))
    for found, own in zip((outputs, kernels), np.transpose(path)):
        assert_allclose(own, found, rtol=0, atol=1e-10 * np.abs(found).max())
    left = np.sqrt(kernels**2 - 4 * outputs**2 / width)          # the identity of the kernel, at every step
    product = np.cumprod(np.append(1, np.abs(1 - lr**2 * outputs[:-1] ** 2 / width)))
    assert_allclose(left, theory.flow_kernel(f, kernel, width) * product, rtol=0, atol=1e-13)
    assert np.abs(left - left[0]).max() > 1e-4                   # the flow's end alone is caught
    f, kernel = outputs[:-1], kernels[:-1]
    peak = np.argmax(np.abs(f))
    moved = kernels[1:] - kernel
    assert abs(lr * f[peak] ** 2 / width * (lr * kernel[peak] - 2) - moved[peak]) > 0.1 * abs(moved[peak])
    assert abs(f[peak] * (1 - lr * kernel[peak]) - outputs[peak + 1]) > 1e-4 * abs(f[peak])


@pytest.mark.claim("LBDSG20.flatter")
def test_kernel_at_the_end_is_the_flow_s_times_a_product(rng):
    """Of 60 nets those that converge: κ_∞ = √(κ₀² − 4f₀²/m) Π|1 − η²f²/m| to 1e-9; the square root alone is caught.

    Flatter than the flow while every η²f²/m < 2.
    """
    width, lr = 9, 0.5
    k = rng.uniform(0.2, 3.4, 60)
    f, kernel = rng.uniform(0.05, 1, 60) * np.minimum(k / 2, 1) * 0.9 * 3 / lr, k / lr
    f[:2], kernel[:2] = (0.9, 1.2), (2.4, 5.2)   # below the edge and above it: two that come to rest
    w0 = np.stack([weights(rng, width, *one) for one in zip(f, kernel)])
    outputs, kernels = run(w0, lr, 1500, simulated.LinearNet(width))
    rested = np.abs(outputs[-1]) < 1e-9                              # not diverged, nor on its way next to k = 2
    assert rested[:2].all()
    f, kernel, end, squares = f[rested], kernel[rested], kernels[-1, rested], lr**2 * outputs[:, rested] ** 2 / width
    flow, largest = theory.flow_kernel(f, kernel, width), squares.max(axis=0)
    assert_allclose(end, flow * np.abs(np.prod(1 - squares, axis=0)), rtol=1e-9, atol=1e-10)
    assert_allclose(theory.final_kernel(f, kernel, lr, width), end, rtol=1e-6, atol=1e-9)
    assert (np.abs(end / flow - 1) > 1e-4)[(largest > 1e-3) & (largest <= 1)].all()
    assert (end <= flow * (1 + 1e-12))[largest < 2].all()


@pytest.mark.claim("LBDSG20.flatter")
@pytest.mark.parametrize("x, k, ends, flows", [(1.45, 3.0, 0.8278, 0.7681), (1.6, 3.3, 1.0198, 0.8062)])
def test_descent_does_not_always_end_flatter_than_the_flow(rng, x, k, ends, flows):
    """Two starts with η²f²/m > 2, in all weights at m = 16: "flatter" is caught. From k₀ = 2.5, x₀ small, it holds."""
    outputs, kernels = run(weights(rng, 16, 4 * x, k), 1.0, 2000, simulated.LinearNet(16))
    flow = theory.flow_kernel(4 * x, k, 16)
    assert abs(outputs[-1]) < 1e-9 and abs(kernels[-1] - ends) < 1e-4 and abs(flow - flows) < 1e-4
    assert_allclose(theory.final_kernel(4 * x, k, 1.0, 16), kernels[-1], rtol=1e-9)
    assert kernels[-1] > flow
    assert theory.final_kernel(1e-3, 2.5, 1.0, 16) < 0.6 * theory.flow_kernel(1e-3, 2.5, 16)


@pytest.mark.claim("LBDSG20.flatter")
def test_gradient_flow_keeps_its_square_root(rng):
    """Simulated at η = .02, .01, .005: the kernel at the end tends to √(κ₀² − 4f₀²/m), the difference halving."""
    net, w0 = simulated.LinearNet(9), weights(rng, 9, 2.0, 1.6)
    flow = theory.flow_kernel(2.0, 1.6, 9)
    errors = [run(w0, lr, int(40 / lr), net)[1][-1] - flow for lr in (0.02, 0.01, 0.005)]
    assert_allclose(np.divide(errors[:2], errors[1:]), 2, rtol=0.05)
    assert abs(errors[-1]) < 0.02 < abs(1.6 - flow)


@pytest.mark.claim("LBDSG20.catapult", "LBDSG20.divergence")
def test_three_phases_of_the_rate(rng):
    """k₀ = 1.5, 3 and 4.05 from f = 0.1: monotone; up first, then converged below 2/η; diverged. 2 for 4 is caught."""
    net = simulated.LinearNet(25)
    losses = {}
    for k in (1.5, 3.0, 4.05):
        outputs, kernels = run(weights(rng, 25, 0.1, 1.0), k, 1000, net)
        losses[k] = outputs**2 / 2, k * kernels
    fall = losses[1.5][0]
    assert (np.diff(fall[:np.argmax(fall < 1e-20)]) < 0).all() and fall[-1] < 1e-20  # below it is rounding of u·v
    loss, kernels = losses[3.0]
    assert loss.max() > 100 * loss[0] and loss[-1] < 1e-20 and kernels[-1] < 2
    assert np.isnan(losses[4.05][0][-1])
    support.refused("diverges from lr · kernel = 4.05", theory.final_kernel, 0.1, 1.0, 4.05, 25)


@pytest.mark.claim("LBDSG20.catapult")
def test_the_end_is_one_number_up_to_two_and_a_half_and_none_from_three_on():
    """As x₀ → 0: 1.89288 at k₀ = 2.1 and 1.28234 at 2.5 (to 5e-6), between .18 and .25 at 3.

    A limit at 3 is caught.
    """
    starts = 10.0 ** -np.arange(4, 10, 0.25)
    for k, limit in ((2.1, 1.8928807), (2.5, 1.282337)):
        assert np.abs(theory.final_kernel(starts, k, 1.0, 1) - limit).max() < 6e-6
    ends = theory.final_kernel(starts, 3.0, 1.0, 1)
    assert ends.min() < 0.195 and ends.max() > 0.235


@pytest.mark.claim("CB22.factorisation")
def test_a_product_of_two_numbers_oscillates_balanced(rng):
    """½(uv − 1)² at η = 1.1, 20 starts near u = v: the difference dies out, and both alternate by √((c − 1)/4c).

    At η = 0.9 they come to rest with u ≠ v; an orbit that keeps its difference is caught.
    """
    start = 1 + rng.uniform(-0.2, 0.2, (20, 2, 1))
    for lr in (1.1, 0.9):
        found = [sgd.run(simulated.LinearNet(1), start, X, np.ones(1), lr=lr, steps=steps).w[..., 0]
                 for steps in (3000, 3001)]
        apart = np.abs(found[0][:, 0] - found[0][:, 1])
        half = np.abs(found[1] - found[0]) / 2
        if lr > 1:
            assert apart.max() < 1e-9
            assert_allclose(half, np.sqrt((lr - 1) / (4 * lr)), rtol=1e-9)
        else:
            assert half.max() < 1e-9 and np.median(apart) > 0.01


def test_shapes_and_scales():
    """Arguments broadcast; κ in units of 1/η at 1e-80 and 1e80; a start at rest keeps its kernel."""
    many = theory.final_kernel(np.full((3, 1), 1e-3), [2.1, 2.5], 1.0, 1)
    assert many.shape == (3, 2) and (many == many[0]).all()
    for scale in (1e-80, 1e80):
        assert_allclose(theory.final_kernel(1e-3 * scale, 2.5 * scale, 1 / scale, 1), scale * many[0, 1], rtol=1e-12)
        assert_allclose(theory.flow_kernel(scale, 2.5 * scale, 4), scale * theory.flow_kernel(1.0, 2.5, 4), rtol=1e-14)
    assert theory.final_kernel(0.0, 5.0, 1.0, 3) == 5.0
    assert theory.flow_kernel(1.0, 1.0, 4) == 0.0


@pytest.mark.parametrize("call, message", [
    (lambda: theory.catapult_step([0.1, 1.0], 0.5, 1.0, 4), r"kernel must be at least 2\|f\|/√m = 1, got 0.5"),
    (lambda: theory.catapult_step([1.0, 3.0], [0.5, 10.0], 1.0, 4), r"2\|f\|/√m = 1, got 0.5"),
    (lambda: theory.flow_kernel([1.0, 2.0], [3.0, 4.0, 5.0], 4), "kernel must broadcast"),
    (lambda: theory.catapult_step(1.0, 3.0, -1.0, 4), "lr must be positive"),
    (lambda: theory.catapult_step(1.0, 3.0, 1.0, 0), "width must be at least 1"),
    (lambda: theory.catapult_step(np.nan, 3.0, 1.0, 1), "f must be finite"),
    (lambda: theory.final_kernel(1e-9, 2.0, 1.0, 1), "lr must let the run come to rest"),
    (lambda: simulated.LinearNet(0), "width must be at least 1")])
def test_bad_arguments_are_refused(call, message, monkeypatch):
    monkeypatch.setattr("theory.edge_of_stability._catapult._MOST_STEPS", 1000)
    support.refused(message, call)


def test_replicas_may_have_examples_of_their_own(rng):
    """Stacks of points, examples and directions as one by one; a mean over replicas is caught."""
    net, w, v = simulated.LinearNet(3), *rng.standard_normal((2, 4, 2, 3))
    x, y = rng.standard_normal((2, 4, 5))
    for name, given in (("predict", (w, x)), ("loss", (w, x, y)), ("gradient", (w, x, y)), ("hvp", (w, x, y, v))):
        assert_allclose(getattr(net, name)(*given), [getattr(net, name)(*one) for one in zip(*given)], rtol=1e-12,
                        atol=1e-14)
    assert_allclose(net.hvp(w[0], x, y, v[0])[2], net.hvp(w[0], x[2], y[2], v[0]), rtol=1e-12)
