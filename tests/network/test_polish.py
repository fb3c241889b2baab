"""The step to interpolation is the shortest."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from refimpl import network


@pytest.mark.claim("WME18.fig3")
def test_polish_takes_the_least_step_to_interpolation(trained, fixed):
    """Loss at rounding; the first step lies in the row space of J and solves J Δ = −r, which no shorter step does."""
    model, x, y = trained.model, trained.x, trained.y
    w = trained.found.w[0]
    assert model.loss(w, x, y) > 1e-9 and model.loss(trained.w, x, y) < 1e-20
    jacobian, residual = model.jacobian(w, x), model.predict(w, x) - y
    step = network.polish(model, w, x, y, steps=1) - w
    assert_allclose(jacobian @ step, -residual, atol=1e-8 * np.abs(residual).max())
    dual = np.linalg.lstsq(jacobian.T, step, rcond=None)[0]
    assert_allclose(jacobian.T @ dual, step, atol=1e-7 * np.abs(step).max())
    assert_array_equal(network.polish(model, w, x, y, steps=0), w)
    several = network.MLP((4, 12, 2))
    start, x = several.init(fixed), fixed.standard_normal((5, 4))
    target = several.predict(start, x) + 0.01 * fixed.standard_normal((5, 2))
    assert several.loss(network.polish(several, start, x, target), x, target) < 1e-20
