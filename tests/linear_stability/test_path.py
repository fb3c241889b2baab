"""Log loss along given batches against the simulator."""

from math import log

import numpy as np
import pytest
from numpy.testing import assert_allclose

from refimpl import sgd
from refimpl.linear_stability import LinearRegression
from theory import linear_stability as theory


@pytest.mark.claim("WME18.fig1-growth")
@pytest.mark.parametrize("kind", ["factors", "dense", "wide"])
def test_path_log_loss_equals_the_quadratic_dynamics(rng, kind):
    """Against the simulator of `refimpl.linear_stability`, given the same batches; a missing 1/B or ½ is caught."""
    n, dim, steps, lr = 6, 12 if kind == "wide" else 3, 30, 0.3
    factors, start = rng.standard_normal((n, dim)), rng.standard_normal(dim)
    indices = np.argsort(rng.random((steps, n)), axis=-1)[:, :2]
    run = sgd.run(LinearRegression(dim), start, factors, np.zeros(n), lr=lr, steps=steps, indices=indices,
                  observe={"loss": LinearRegression(dim).loss})
    exact = np.log(run.observed["loss"])
    hessians = theory.GaussNewton(factors) if kind != "dense" else factors[:, :, None] * factors[:, None, :]
    predicted = theory.path_log_loss(hessians, lr, indices, start)
    assert_allclose(predicted, exact, atol=1e-9)
    assert not np.allclose(theory.path_log_loss(hessians, 2 * lr, indices, start), exact, atol=0.1)
    far = theory.path_log_loss(np.full((1, 1, 1), 4.0), 1.0, np.zeros((2000, 1), int), [1.0])
    assert_allclose(far[-1], log(2) + 4000 * log(3), rtol=1e-12)  # far beyond the range of floats
    assert theory.path_log_loss(np.full((1, 1, 1), 1.0), 1.0, [[0]], [1.0])[1] == -np.inf


@pytest.mark.claim("WME18.fig1-growth")
@pytest.mark.parametrize("indices, word", [([[0.5]], "integer"), ([0], "integer"), ([[3]], "0…1"), ([[-1]], "0…1")])
def test_path_log_loss_refuses_bad_batches(indices, word):
    with pytest.raises(ValueError, match=word):
        theory.path_log_loss([[[1.0]], [[2.0]]], 0.1, indices, [1.0])
