"""The map of four numbers is the network on one example."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

from figures.benign_oscillation._runs import KAPPA, SIGNS, balanced
from refimpl import benign_oscillation as simulated, sgd
from theory import benign_oscillation as theory

pytestmark = pytest.mark.chance("exact")


@pytest.mark.claim("LWYZ24.two-patch")
@pytest.mark.parametrize("c", [0.3, 0.95, 1.05, 1.2])
def test_network_equals_the_four_number_map(rng, c):
    """All d dimensions, by sgd.run: 600 steps to 1e-12; a loss with its ½ (half of c) is caught."""
    model = simulated.TwoLayerCNN(12, 4, init_std=0.1)
    data = simulated.two_patches(2 * np.eye(12)[0], 0.4 * np.eye(12)[1])
    w0 = balanced(model, rng, (6,))
    lr = c * model.width / (4 * 2.0**2)
    assert_allclose(theory.effective_rate(lr, 2.0, model.width), c, rtol=1e-15)

    def four(w, x, y):
        return np.concatenate([np.stack([simulated.strengths(w[..., k] * scale)[which][..., 0]
                                         for k, scale in ((0, 2), (1, 0.4))], axis=-1) for which in (0, 1)], axis=-1)

    path = sgd.run(model, w0, data.x, data.y, lr=lr, steps=600, observe={"four": four}).observed["four"]
    assert_allclose(simulated.descend_reduced(path[0], c, 0.04, 600), path, rtol=0, atol=1e-12)
    for t in (0, 3, 400):
        assert_allclose(theory.feature_map(path[t], c, 0.04), path[t + 1], rtol=1e-12, atol=1e-15)
    assert np.abs(simulated.descend_reduced(path[0], c / 2, 0.04, 600) - path).max() > 0.01


@pytest.mark.claim("LWYZ24.two-patch")
def test_network_equals_the_map_on_a_short_prefix_in_chaos(rng):
    """c = 1.5: rounding grows by e^0.5 a step, so 25 steps agree to 1e-8 and 400 do not at all."""
    model = simulated.TwoLayerCNN(12, 4, init_std=0.1)
    data = simulated.two_patches(np.eye(12)[0], 0.1 * np.eye(12)[1])
    w0 = balanced(model, rng)
    start = np.concatenate(np.stack([[part[0] for part in simulated.strengths(w0[..., k] * scale)]
                                     for k, scale in ((0, 1), (1, 0.1))], axis=-1))
    full = simulated.train(model, data, w0, lr=1.5, steps=400)
    path = simulated.descend_reduced(start, 1.5, KAPPA, 400) @ SIGNS
    outputs = 1 - full.residuals[:, 0]
    assert_allclose(path[:25], outputs[:25], rtol=0, atol=1e-8)
    assert np.abs(path[:400] - outputs).max() > 0.1
