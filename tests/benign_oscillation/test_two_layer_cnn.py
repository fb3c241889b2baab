"""The network: derivatives against differences and rationals, strengths."""

from fractions import Fraction

import numpy as np
import pytest
from numpy.testing import assert_allclose

from refimpl import benign_oscillation as simulated

pytestmark = pytest.mark.chance("exact")


@pytest.mark.parametrize("activation", ["relu2", "relu", "square"])
def test_kink(rng, activation):
    """At z = 0 both derivatives are 0 (with z² the second is not), and f = 0 scores as wrong."""
    model, x, y = simulated.TwoLayerCNN(4, 2, activation), rng.standard_normal((3, 3, 4)), rng.choice([-1.0, 1.0], 3)
    flat, v = np.zeros((5, *model.parameter_shape)), rng.standard_normal((5, *model.parameter_shape))
    assert not model.gradient(flat, x, y).any()
    assert model.hvp(flat, x, y, v).any() == (activation == "square")
    example = simulated.two_patches([1.0, 0.0, 0.0], [0.0, 0.1, 0.0])
    assert simulated.accuracy(simulated.TwoLayerCNN(3, 2, activation), np.zeros((2, 2, 3)), example) == 0
    assert model.init(1).std() == pytest.approx(0.01, rel=0.6) and model.init(1).shape == model.parameter_shape


@pytest.mark.claim("LWYZ24.two-patch")
@pytest.mark.parametrize("activation", ["relu2", "square"])
def test_loss_against_exact_rational_arithmetic(example, activation):
    """Loss and network written out in Fractions; the activation without its ReLU, or with one, is caught.

    Both losses are the same number in one draw of 20 000. That the gradient is the slope of the loss is a law of all
    models.
    """
    rng, chosen = example

    def fractions(low, high, shape, denominator):
        return np.vectorize(lambda value: Fraction(int(value), denominator))(rng.integers(low, high, shape))

    w, x, y = fractions(-6, 7, (2, 2, 3), 7), fractions(-4, 5, (2, 3, 3), 5), [Fraction(1), Fraction(-1)]

    def loss(kind):
        total = Fraction(0)
        for example, label in zip(x, y):
            z = w.reshape(4, 3) @ example.T                                # (neurons, patches)
            output = (np.array([1, 1, -1, -1]) @ np.where((z > 0) | (kind == "square"), z, 0) ** 2).sum() / 2
            total += (output - label) ** 2
        return float(total / 2)

    found = simulated.TwoLayerCNN(3, 2, activation).loss(*(np.array(part, float) for part in (w, x, y)))
    assert_allclose(found, loss(activation), rtol=1e-13)
    assert not chosen or not np.isclose(found, loss({"relu2": "square", "square": "relu2"}[activation]), rtol=1e-6)


def test_strengths_add_up_to_the_output(rng):
    """y f on the strong patch is right minus wrong, for both classes; the classes swapped are caught."""
    model, u = simulated.TwoLayerCNN(6, 5), np.eye(6)[2]
    w = rng.standard_normal((3, *model.parameter_shape))
    right, wrong = simulated.strengths(w @ u)
    for k, label in enumerate((1.0, -1.0)):
        assert_allclose((right - wrong)[:, k], label * model.predict(w, label * u[None, None])[:, 0], rtol=1e-13)
    assert not np.allclose(right[:, 0], right[:, 1])
