"""The linearised path along given batches, over the whole range of floats."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

from theory import linear_stability as theory

pytestmark = pytest.mark.chance("exact")


@pytest.mark.claim("WME18.fig1-growth")
@pytest.mark.parametrize("factor", [1e-60, 1e60])
@pytest.mark.parametrize("factored", [True, False])
def test_the_path_does_not_see_the_unit_of_curvature_or_displacement(rng, factor, factored):
    """Losses of 1e-520 and 1e-280 are logs like any other; their squares would leave the range of floats."""
    factors, start = rng.standard_normal((5, 3)), rng.standard_normal(3)
    indices = rng.integers(0, 5, (30, 2))

    def path(scale, shrink):
        scaled = factors * scale
        ensemble = theory.GaussNewton(scaled) if factored else scaled[:, :, None] * scaled[:, None, :]
        return theory.path_log_loss(ensemble, 0.3 / scale**2, indices, start * shrink)

    assert_allclose(path(factor, 1e-200), path(1.0, 1.0) + 2 * np.log(factor) + 2 * np.log(1e-200), atol=1e-9)
    assert 0.0 == (1e-200) ** 2


def test_a_path_that_meets_the_minimum_stays_there():
    found = theory.path_log_loss([[[1.0]], [[3.0]]], 1.0, [[1], [0], [1]], [1.0])
    assert_allclose(found[:2], [0, np.log(4)], atol=1e-14)
    assert (found[2:] == -np.inf).all()
    assert (theory.path_log_loss([[[1.0]], [[3.0]]], 0.1, [[1], [0]], [0.0]) == -np.inf).all()


@pytest.mark.parametrize(("indices", "message"), [
    ([[0.0]], "an integer array"), ([0, 1], "an integer array"), ([[[0]]], "an integer array"),
    (np.zeros((2, 0), int), "an integer array"), ([[True]], "an integer array"), ([[2]], "in 0…1, got 2…2"),
    ([[-1], [0]], "in 0…1, got -1…0")])
def test_batches_that_are_none_are_refused(indices, message):
    with pytest.raises(ValueError, match=f"^indices must .*{message}"):
        theory.path_log_loss([[[1.0]], [[3.0]]], 0.1, indices, [1.0])


@pytest.mark.parametrize("dim", [3, 12])     # 12: more than the 10 rows of all factors
@pytest.mark.parametrize("factored", [True, False])
def test_the_path_is_that_of_the_batch_mean(rng, factored, dim):
    """Steps written out, batches of 2 of 5 examples with 2 outputs; the sum over a batch for its mean is caught."""
    jacobians, place = rng.standard_normal((5, 2, dim)) / np.sqrt(dim), rng.standard_normal(dim)
    hessians, indices = np.einsum("nki,nkj->nij", jacobians, jacobians), rng.integers(0, 5, (6, 2))
    places = [place]
    for batch in indices:
        places.append(places[-1] - 0.2 * hessians[batch].mean(axis=0) @ places[-1])
    exact = [np.log(x @ hessians.mean(axis=0) @ x / 2) for x in places]
    found = theory.path_log_loss(theory.GaussNewton(jacobians) if factored else hessians, 0.2, indices, place)
    assert_allclose(found, exact, rtol=0, atol=1e-9)
    assert np.abs(theory.path_log_loss(hessians, 0.4, indices, place) - exact)[-1] > 1e-6
