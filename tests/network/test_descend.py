"""Runs of many replicas to a target."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from refimpl import network, sgd

pytestmark = pytest.mark.chance("exact")


@pytest.mark.claim("WME18.tab1-gd")
def test_gradient_descent_blows_up_at_a_large_rate(trained):
    """A status, at a step, without a warning; the same start at η = 0.05 ran to the end."""
    found = network.descend(trained.model, trained.start[None], trained.x, trained.y, lr=4.0, max_steps=2000)
    assert found.status[0] == 1 and np.isnan(found.loss[0]) and 0 < found.nit[0] < 2000


@pytest.mark.claim("WME18.fig3")
def test_runs_to_a_target(rng):
    """Replicas with rates of their own end as they would alone; target, divergence and running out are told apart."""
    model = network.MLP((2, 6, 1))
    x = rng.standard_normal((5, 2))
    start = model.init(rng)
    y = model.predict(start, x) + 0.05
    found = network.descend(model, np.tile(start, (3, 1)), x, y, lr=[0.05, 1e-9, 1e3], target=1e-5, max_steps=1000,
                            record_every=2)
    assert_array_equal(found.status, [0, 2, 1])
    assert found.loss[0] < 1e-5 <= found.loss[1] and np.isnan(found.loss[2])
    assert found.nit[0] % 2 == 0 and found.nit[1] == 1000 and found.nit[2] < 100
    assert_allclose(found.w[0], sgd.run(model, start, x, y, lr=0.05, steps=int(found.nit[0])).w, rtol=1e-12)
    assert model.loss(sgd.run(model, start, x, y, lr=0.05, steps=int(found.nit[0]) - 2).w, x, y) >= 1e-5
    heavy = network.descend(model, start[None], x, y, lr=0.01, target=1e-300, max_steps=7, record_every=2, momentum=0.9)
    alone = sgd.run(model, start, x, y, lr=0.01, steps=7, momentum=0.9)   # the velocity goes on from look to look
    assert_allclose(heavy.w[0], alone.w, rtol=1e-12)
