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


@pytest.mark.claim("WME18.fig3")
@pytest.mark.parametrize("repeated", [False, True])
def test_polish_by_kernel_and_by_jacobian_is_one_step(fixed, repeated):
    """Against numpy's least squares with a well-conditioned kernel, and with a singular one (an example twice)."""
    model = network.MLP((30, 20, 2))
    w, x = model.init(fixed), fixed.standard_normal((6, 30))
    if repeated:
        x[5] = x[0]
    y = model.predict(w, x) + 1e-2 * fixed.standard_normal((6, 2))
    y[5] = y[0] if repeated else y[5]
    values = np.linalg.eigvalsh(model.gram(w, x))
    assert (values[0] < 1e-6 * values[-1]) == repeated
    jacobian, residual = model.jacobian(w, x).reshape(12, -1), (model.predict(w, x) - y).ravel()
    step = network.polish(model, w, x, y, steps=1) - w
    exact = -np.linalg.lstsq(jacobian, residual, rcond=1e-12)[0]
    assert_allclose(step, exact, rtol=0, atol=1e-9 * np.abs(exact).max())
    assert not np.allclose(step, -jacobian.T @ residual, rtol=0.1, atol=0)    # a gradient step is another
