"""The linear classifier on P: its error and the linear part of a ReLU network.

Each test says which wrong answer it would catch and shows it caught.
"""

import numpy as np
import pytest
from numpy.testing import assert_allclose

from refimpl import learning_order as simulated
from tests import support
from tests.learning_order.problems import tiny
from theory import learning_order as theory

pytestmark = pytest.mark.chance("exact")


@pytest.mark.chance("law")
@pytest.mark.claim("LWM19.bayes")
def test_linear_error_on_p(rng):
    """100 000 draws at three angles; the error without the margin, φ/π, is caught. Along w* nothing is wrong."""
    n, dim = 100_000, 10
    data = simulated.full_sample(simulated.Distribution(dim), n, rng)
    for cosine in (0.9, 0.6, 0.2):
        u = np.zeros(dim)
        u[:2] = cosine, np.sqrt(1 - cosine**2)
        predicted = theory.linear_error(cosine, dim**-0.5, dim)
        wrong = np.mean(data.y * (data.x1 @ u) <= 0)
        assert abs(wrong - predicted) <= support.z_limit(3) * support.binomial_error(predicted, n) < \
            np.arccos(cosine) / np.pi - predicted
        assert_allclose(theory.linear_error(cosine, 0.0, dim), np.arccos(cosine) / np.pi, rtol=1e-9)
    assert (data.y * data.x1[:, 0] > 0).all() and theory.linear_error(1.0, 0.1, dim) == 0


@pytest.mark.claim("LWM19.5.3")
def test_odd_part_of_a_relu_network_is_linear(rng):
    """r(x) − r(−x) = 2⟨α, x⟩ to rounding for any W; without the ½ it is not."""
    model, data, u = tiny(rng, n=30)
    x1 = data.x.copy()
    x1[:, model.dim:] = 0
    alpha = theory.odd_part(u[:model.w_width, :model.dim], model.output_weights[:model.w_width])
    odd = model.predict(u, x1) - model.predict(u, -x1)
    assert_allclose(odd, 2 * x1[:, :model.dim] @ alpha, rtol=0, atol=1e-13)
    assert np.abs(odd - 4 * x1[:, :model.dim] @ alpha).max() > 1e-3
