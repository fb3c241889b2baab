"""How a run is judged by its last points."""

from types import SimpleNamespace

import numpy as np
from numpy.testing import assert_allclose, assert_array_equal

from refimpl import edge_of_stability as simulated


def test_a_run_is_judged_by_its_last_three_points():
    """Curvatures 1 and 3: multipliers (0, −2), (1/3, −1) and (.4, −.8), known before; one that leaves is enough."""
    loss = SimpleNamespace(parameter_shape=(2,), gradient=lambda w: w * [1.0, 3.0])
    run = simulated.oscillate(loss, np.ones((6, 2)), np.array([1, 2 / 3, 0.6, 2 / 3, 0.6, 2 / 3]), 60)
    assert_array_equal(run.status, [simulated.DIVERGED, 0, 2, 0, 2, 0])
    assert run.message == "3 of 6 runs alternate between two points, 1 diverged, 2 do neither"
    assert run.nit.tolist() == [10] + [60] * 5                       # 2¹⁰ is the first beyond 10³
    assert_allclose(run.amplitude[1::2], 1, rtol=1e-12)
    assert_allclose(np.abs(run.points[1, 2]), [0.4**60, 0.8**60], rtol=1e-12)


def test_stacks_of_losses_and_of_data_are_taken():
    """Two leading axes, and labels counted by the last one: 2 data sets of 5."""
    shapes = [(2, 3) + (2,) * order for order in (2, 3, 4)]
    loss = simulated.CubicQuartic.symmetrised(*(np.ones(shape) for shape in shapes))
    assert loss.hessian.shape == shapes[0]
    simulated.LinearNet(3).check_data(np.ones((2, 5)), np.ones((2, 5)))
