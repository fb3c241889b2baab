"""The two-layer network: its loss, gradient and curvature.

Each test says which wrong answer it would catch and shows it caught.
"""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from refimpl import learning_order as simulated
from tests.learning_order.problems import tiny

pytestmark = [pytest.mark.chance("exact"), pytest.mark.claim("LWM19.network")]


@pytest.mark.parametrize("block", [True, False])
def test_network_is_that_of_the_paper(rng, block):
    """Neuron by neuron; the other output weights, and rows that see all coordinates or only their own, are caught."""
    model, data, _ = tiny(rng, block)
    u, m, d = rng.standard_normal(model.parameter_shape), model.w_width, model.dim
    expected, other = np.zeros((2, len(data.x)))
    for j, weight in enumerate(model.output_weights):
        sees = (slice(None) if not block else slice(d) if j < m else slice(d, None))
        for i, x in enumerate(data.x):
            expected[i] += weight * max(u[j, sees] @ x[sees], 0.0)
            other[i] += weight * max(u[j, :d] @ x[:d] if not block else u[j] @ x, 0.0)
    assert_allclose(model.predict(u, data.x), expected, rtol=1e-12, atol=1e-12)
    assert_allclose(model.loss(u, data.x, data.y), np.log1p(np.exp(-data.y * expected)).mean(), rtol=1e-12)
    assert np.abs(other - expected).max() > 1e-3


@pytest.mark.parametrize("block", [True, False])
def test_own_pattern_gives_the_network_and_blocks_have_no_gradient_outside(rng, block):
    model, data, _ = tiny(rng, block)
    u = rng.standard_normal(model.parameter_shape)
    assert_allclose(model.predict(u, data.x, u), model.predict(u, data.x), rtol=1e-12, atol=1e-12)
    assert_array_equal(model.gradient(u, data.x, data.y) * (1 - model.mask), np.zeros_like(u))


def test_logistic_loss_is_exact_for_large_margins():
    assert_allclose(simulated.logistic_loss([-800.0, 0.0, 40.0]), [800.0, np.log(2), np.exp(-40.0)], rtol=1e-14)
