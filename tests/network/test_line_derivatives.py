"""Derivatives along a line up to the fourth, against Cauchy's integral of the plain loss and against rationals."""

from fractions import Fraction
from math import factorial

import numpy as np
import pytest
from numpy.testing import assert_allclose

from refimpl import network
from tests.network.nets import NETS, plain_loss, problem
from tests.support import refused

pytestmark = pytest.mark.chance("exact")

RADIUS, POINTS = 0.04, 16


def by_cauchy(model, w, x, y, u, v, order):
    """D^{k+1}L[u, v, …, v], k = 0…order, as coefficients of s tᵏ of L(w + s u + t v) by sums over two circles.

    No differences; an error of radius¹⁶ of the distance to the next singularity, and rounding over radiusᵏ⁺¹.
    """
    circle = RADIUS * np.exp(2j * np.pi * np.arange(POINTS) / POINTS)
    values = np.array([[plain_loss(model, w + s * u + t * v, x, y) for t in circle] for s in circle])
    found = np.fft.fft2(values) / POINTS**2
    return np.array([factorial(k) * found[1, k].real / RADIUS ** (k + 1) for k in range(order + 1)])


@pytest.mark.parametrize("activation, loss, outputs", NETS)
def test_every_derivative_along_a_line_against_cauchy_s_integral(rng, activation, loss, outputs):
    """Gradient, H v, T[v, v], F[v, v, v] along a second direction; T/2 and F/6 are caught."""
    model, w, x, y = problem(rng, activation, loss, outputs, n=2, hidden=(3,) if activation == "relu" else (3, 2))
    u, v = rng.standard_normal((2, len(w)))
    u, v = 0.3 * u, 0.3 * v
    if activation == "relu":    # a line on which no unit passes its kink within the circle
        w[9:12] = np.array([1.0, 1.0, -1.0]) * (1 + np.abs(x @ w[:9].reshape(3, 3)).max())
        u[:12] *= 0.1
        v[:12] *= 0.1
    found = network.line_derivatives(model, w, x, y, v) @ u
    exact = by_cauchy(model, w, x, y, u, v, 3)
    scale = max(np.abs(exact).max(), plain_loss(model, w, x, y))
    assert_allclose(found, exact, rtol=0, atol=1e-8 * scale)
    assert_allclose(found[:2], [model.gradient(w, x, y) @ u, model.hvp(w, x, y, v) @ u], rtol=1e-12, atol=1e-13)
    for k in (2, 3):            # without the factorial
        if abs(exact[k]) > 1e-6 * scale:
            assert abs(found[k] / factorial(k) - exact[k]) > 1e-7 * scale


def test_units_on_both_sides_of_the_kink(rng):
    """ReLU at a point where half of the units are off, by little too: order 0 and 1 are the gradient and H v."""
    model, w, x, y = problem(rng, "relu", n=9, hidden=(8, 6))
    v = rng.standard_normal(len(w))
    assert_allclose(network.line_derivatives(model, w, x, y, v, order=1), [model.gradient(w, x, y),
                                                                         model.hvp(w, x, y, v)], rtol=1e-11, atol=1e-12)


def test_a_linear_net_in_rationals():
    """Two layers: the loss is of degree four on a line, so that five values give its derivatives there exactly."""
    model, half = network.MLP((2, 2, 1), activation="identity"), Fraction(1, 2)
    w = np.array([Fraction(k * k % 7 - 3, k % 3 + 1) for k in range(9)])
    v = np.array([Fraction(k % 5 - 2, 2) for k in range(9)])
    x, y = np.array([[1, half], [-2, 3]], object), np.array([half, -1], object)

    def loss(p):
        outputs = ((row @ p[:4].reshape(2, 2) + p[4:6]) @ p[6:8] + p[8] for row in x)
        return sum((f - label) ** 2 for f, label in zip(outputs, y)) / 4

    found = network.line_derivatives(model, w, x, y, v)
    losses = np.array([loss(w + t * v) for t in range(-2, 3)])
    weights = ((1, -8, 0, 8, -1), (-1, 16, -30, 16, -1), (-1, 2, 0, -2, 1), (1, -4, 6, -4, 1))
    for derivative, weight, divisor in zip(found, weights, (12, 12, 2, 1)):
        assert derivative @ v == losses @ weight / divisor != 0


def test_replicas_order_and_homogeneity(rng):
    """Leading axes as one by one; entry k is of degree k in v; order 0 is the gradient; a negative order is refused."""
    model, w, x, y = problem(rng, outputs=2)
    many = w + 0.1 * rng.standard_normal((3, len(w)))
    v = rng.standard_normal((3, len(w)))
    found = network.line_derivatives(model, many, x, y, v)
    assert_allclose(found[:, 1], network.line_derivatives(model, many[1], x, y, v[1]), rtol=1e-12, atol=1e-12)
    assert_allclose(network.line_derivatives(model, many, x, y, 2 * v),
                    found * np.array([1, 2, 4, 8]).reshape(4, 1, 1), rtol=1e-12, atol=1e-12 * np.abs(found).max())
    assert_allclose(network.line_derivatives(model, w, x, y, v[0], order=0)[0], model.gradient(w, x, y), rtol=1e-13,
                    atol=1e-15)
    own = x + rng.standard_normal((3, *x.shape))
    assert_allclose(network.line_derivatives(model, w, own, y, v[0])[:, 2],
                    network.line_derivatives(model, w, own[2], y, v[0]), rtol=1e-11, atol=1e-11)
    refused("order must be at least 0", network.line_derivatives, model, w, x, y, v[0], order=-1)
    refused("v must have shape", network.line_derivatives, model, w, x, y, v[0][:-1])
