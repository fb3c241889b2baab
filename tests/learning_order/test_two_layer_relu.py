"""The two-layer network: its loss, gradient and curvature.

Each test says which wrong answer it would catch and shows it caught.
"""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from refimpl import learning_order as simulated
from tests.learning_order._small import tiny


@pytest.mark.claim("LWM19.network")
@pytest.mark.parametrize("block", [True, False])
@pytest.mark.parametrize("lead", [(), (3,), (2, 3)])
def test_gradient_and_curvature_are_those_of_the_loss(rng, block, lead):
    """Central differences on any stack; a sum instead of the mean and a lost label are caught."""
    model, data, _ = tiny(rng, block)
    u, v = rng.standard_normal((2, *lead, *model.parameter_shape))
    # The loss is smooth only off the kinks of ReLU: take steps short enough that no pattern changes.
    h, change = model.preactivations(u, data.x), model.preactivations(v, data.x)
    moving = np.abs(change) > 0
    step = min(1e-5, 0.5 * np.abs(h[moving] / change[moving]).min())
    slope = (model.loss(u + step * v, data.x, data.y) - model.loss(u - step * v, data.x, data.y)) / (2 * step)
    found = (model.gradient(u, data.x, data.y) * v).sum(axis=(-2, -1))
    tolerance = 1e-4 * step / 1e-5 + 1e-13 / step
    assert_allclose(found, slope, rtol=0, atol=tolerance)
    ahead, behind = (model.gradient(u + sign * step * v, data.x, data.y) for sign in (1, -1))
    assert_allclose(model.hvp(u, data.x, data.y, v), (ahead - behind) / (2 * step), rtol=0, atol=tolerance)
    assert np.abs(model.gradient(u, data.x, -data.y) - model.gradient(u, data.x, data.y)).max() > 1e-3
    assert_allclose(model.predict(u, data.x, u), model.predict(u, data.x), rtol=1e-12, atol=1e-12)
    assert_array_equal(model.gradient(u, data.x, data.y) * (1 - model.mask), np.zeros_like(u))


@pytest.mark.claim("LWM19.network")
def test_logistic_loss_is_exact_for_large_margins():
    assert_allclose(simulated.logistic_loss([-800.0, 0.0, 40.0]), [800.0, np.log(2), np.exp(-40.0)], rtol=1e-14)
