"""Second-order products against dense matrices from differences of complex-step gradients."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

from tests.network.nets import NETS, dense_hessians, problem


@pytest.mark.claim("WME18.fig1-growth")
@pytest.mark.parametrize("activation, loss, outputs", NETS)
def test_second_order_products_equal_dense_matrices(activation, loss, outputs):
    """H v and mean H_i(H_i v) against H_i from differences; (mean H_i)² and a missing residual term are caught.

    The problem is fixed: how near another would come to its nulls has no law.
    """
    model, w, x, y = problem(np.random.default_rng(7), activation, loss, outputs, n=3)
    each = dense_hessians(model, w, x, y)
    mean, square = each.mean(axis=0), (each @ each).mean(axis=0)
    directions = np.eye(len(w))
    scale = np.abs(square).max()
    assert_allclose(model.hvp(w, x, y, directions), mean, atol=1e-7 * np.abs(mean).max())
    assert_allclose(model.mean_square_hvp(w, x, y, directions), square, atol=1e-7 * scale)
    if activation != "relu":  # all units of a small ReLU net may be dead
        assert not np.allclose(mean @ mean, square, atol=1e-3 * scale)
    factors = model.factors(w, x).reshape(len(x), -1, len(w))
    gauss_newton = factors.swapaxes(1, 2) @ factors
    point = model.linearize(w, x, y)
    assert_allclose(point.gauss_newton_product(directions), gauss_newton.mean(axis=0),
                    atol=1e-12 * np.abs(gauss_newton).max())
    assert_allclose(point.gauss_newton_square_product(directions), (gauss_newton @ gauss_newton).mean(axis=0),
                    atol=1e-12 * scale)
    if activation == "tanh":  # the residual term is there
        assert not np.allclose(gauss_newton.mean(axis=0), mean, atol=1e-4 * np.abs(mean).max())
