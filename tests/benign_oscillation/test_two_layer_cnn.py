"""The network: derivatives against differences and rationals, strengths."""

from fractions import Fraction

import numpy as np
import pytest
from numpy.testing import assert_allclose

from refimpl import benign_oscillation as simulated

pytestmark = pytest.mark.chance("exact")


def random_case(rng, activation, n=3, patches=3, dim=4, width=2):
    model = simulated.TwoLayerCNN(dim, width, activation)
    w, v = rng.standard_normal((2, 5, *model.parameter_shape))
    return model, w, rng.standard_normal((n, patches, dim)), rng.choice([-1.0, 1.0], n), v


@pytest.mark.parametrize("activation", ["relu2", "relu", "square"])
def test_kink(rng, activation):
    """At z = 0 both derivatives are 0 (with z² the second is not), and f = 0 scores as wrong."""
    model, w, x, y, v = random_case(rng, activation)
    flat = np.zeros_like(w)
    assert not model.gradient(flat, x, y).any()
    assert model.hvp(flat, x, y, v).any() == (activation == "square")
    example = simulated.two_patches([1.0, 0.0, 0.0], [0.0, 0.1, 0.0])
    assert simulated.accuracy(simulated.TwoLayerCNN(3, 2, activation), np.zeros((2, 2, 3)), example) == 0
    assert model.init(1).std() == pytest.approx(0.01, rel=0.6) and model.init(1).shape == model.parameter_shape


@pytest.mark.claim("LWYZ24.two-patch")
@pytest.mark.parametrize("activation", ["relu2", "square"])
def test_gradient_against_exact_rational_arithmetic(rng, activation):
    """Loss and network written out in Fractions; its exact slope is a five-point formula, for degree 4 without error.

    The activation as a cube, or without its ReLU, is caught.
    """
    def fractions(low, high, shape, denominator):
        return np.vectorize(lambda value: Fraction(int(value), denominator))(rng.integers(low, high, shape))

    w, x, y = fractions(-6, 7, (2, 2, 3), 7), fractions(-4, 5, (2, 3, 3), 5), [Fraction(1), Fraction(-1)]

    def loss(w, kind):
        total = Fraction(0)
        for example, label in zip(x, y):
            output = Fraction(0)
            for sign, row in zip((1, 1, -1, -1), w.reshape(4, 3)):
                for patch in example:
                    z = (row * patch).sum()
                    output += Fraction(sign, 2) * (z * z if kind == "square" or z > 0 else 0)
            total += (output - label) ** 2
        return total / 2

    def slope(place, kind):
        step = Fraction(1, 10**9)  # preactivations are multiples of 1/35: none but 0 changes its sign

        def moved(times):
            other = w.copy()
            other[place] += times * step
            return loss(other, kind)

        return (moved(-2) - 8 * moved(-1) + 8 * moved(1) - moved(2)) / (12 * step)

    model = simulated.TwoLayerCNN(3, 2, activation)
    arrays = np.array(w, float), np.array(x, float), np.array(y, float)
    exact = np.array([float(slope(place, activation)) for place in np.ndindex(2, 2, 3)]).reshape(2, 2, 3)
    assert_allclose(model.loss(*arrays), float(loss(w, activation)), rtol=1e-13)
    assert_allclose(model.gradient(*arrays), exact, rtol=1e-9, atol=1e-9)
    other = {"relu2": "square", "square": "relu2"}[activation]
    assert not np.allclose(simulated.TwoLayerCNN(3, 2, other).gradient(*arrays), exact, atol=1e-3)


def test_strengths_add_up_to_the_output(rng):
    """y f on the strong patch is right minus wrong, for both classes; the classes swapped are caught."""
    model, u = simulated.TwoLayerCNN(6, 5), np.eye(6)[2]
    w = rng.standard_normal((3, *model.parameter_shape))
    right, wrong = simulated.strengths(w @ u)
    for k, label in enumerate((1.0, -1.0)):
        assert_allclose((right - wrong)[:, k], label * model.predict(w, label * u[None, None])[:, 0], rtol=1e-13)
    assert not np.allclose(right[:, 0], right[:, 1])
