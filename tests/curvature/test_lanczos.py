"""Restarts never lose what was found, and an operator that is not one symmetric matrix is told by its products."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

from refimpl.curvature import (Operator, bottom_eigenpairs, non_uniformity, sharpness, spectral_density, top_eigenpairs,
                               trace)

pytestmark = pytest.mark.chance("exact")


def test_more_products_never_give_less():
    """A crowded top, 2000 values in .99…1: finite, rising to λmax from below; NaN for the harder-worked is caught."""
    crowded = np.linspace(0.99, 1, 2000)
    found = [sharpness(Operator(2000, lambda v: crowded * v), max_products=most, rng=0)
             for most in (1, 2, 10, 25, 26, 27, 60, 200, 1000)]
    values = np.array([one.value for one in found])
    assert np.isfinite(values).all() and (np.diff(values) >= -1e-15).all() and values[-1] <= 1 + 1e-15
    assert found[-1].converged and not found[2].converged
    for one in found:                                          # one product more, for the residual
        assert np.abs(crowded - one.value).min() <= one.residual + 1e-15
    assert [one.products for one in found[:4]] == [2, 3, 11, 26]


@pytest.mark.parametrize("size", [30, 200])
def test_an_asymmetric_operator_does_not_converge(rng, size):
    """Residuals alone call it converged where its vectors are nearly orthogonal; the symmetric part alone converges."""
    matrix = rng.standard_normal((size, size))
    symmetric = (matrix + matrix.T) / 2
    for wrong in (matrix, symmetric + 1e-3 * (matrix - matrix.T)):
        for estimate in (sharpness, bottom_eigenpairs):
            found = estimate(Operator(size, lambda v: wrong @ v), rng=rng)
            assert not found.converged and "not symmetric" in found.message
        density = spectral_density(Operator(size, lambda v: wrong @ v), steps=25, rng=rng)
        assert not density.converged and "not symmetric" in density.message
    found = sharpness(Operator(size, lambda v: symmetric @ v), rng=rng)
    assert found.converged and found.asymmetry <= 1e-12 * found.value
    assert_allclose(found.value, np.linalg.eigvalsh(symmetric)[-1], rtol=1e-9)


@pytest.mark.parametrize("size", [30, 200])
def test_a_fresh_batch_at_each_product_does_not_converge(rng, size):
    """H of half the examples, drawn again at each product; the whole set, always the same, converges."""
    x = rng.standard_normal((400, size))

    def fresh(v):
        batch = x[rng.integers(400, size=200)]
        return batch.T @ (batch @ v) / 200

    random, fixed = Operator(size, fresh), Operator(size, lambda v: x.T @ (x @ v) / 400)
    assert not sharpness(random, rng=rng).converged and sharpness(fixed, rng=rng).converged
    assert not spectral_density(random, steps=25, rng=rng).converged
    assert not trace(random, method="exact").converged and trace(fixed, method="exact").converged
    # the trace is estimated without bias from fresh batches too, and its standard error knows them
    assert abs(trace(random, rng=rng).value - np.trace(x.T @ x) / 400) < 0.5 * size


def test_a_product_that_changes_slowly_does_not_converge():
    """A diagonal operator that grows by 1e-4 a call keeps symmetric columns, and is still told apart."""
    for size in (30, 200):
        calls = []

        def product(v):
            calls.append(1)
            return np.linspace(1, 2, size) * v * (1 + 1e-4 * len(calls))

        assert not sharpness(Operator(size, product), rng=0).converged
    grown = []
    drifting = Operator(30, lambda v: grown.append(1) or v * (1 + 1e-4 * len(grown)))
    assert_allclose(trace(drifting, method="exact").asymmetry, 1e-4, rtol=1e-9)   # of a vector of length 1


@pytest.mark.parametrize("scale", [1e-160, 1e-80, 1.0, 1e80, 1e160])
def test_both_ends_at_any_scale(scale):
    values = np.linspace(-1, 2, 300) ** 3
    source = Operator(300, lambda v: scale * values * v)
    top, bottom = (find(source, k=3, rng=0) for find in (top_eigenpairs, bottom_eigenpairs))
    assert top.converged and bottom.converged
    assert_allclose(top.values / scale, values[:-4:-1], rtol=1e-6)
    assert_allclose(bottom.values / scale, values[:3], rtol=1e-6)
    assert_allclose(np.abs(bottom.vectors[0, 0]), 1, rtol=1e-6)   # the first unit vector, not the last


def test_repeated_and_zero_eigenvalues():
    """More pairs than the Krylov space of one start holds: the identity, a threefold top, and the zero operator."""
    assert_allclose(top_eigenpairs(Operator(300, lambda v: v), k=3, rng=0).values, 1, rtol=1e-14)
    top = np.concatenate([np.full(3, 5.0), np.linspace(0, 3, 297)])
    found = top_eigenpairs(Operator(300, lambda v: top * v), k=1, rng=0)
    assert found.converged
    assert_allclose(found.values, 5, rtol=1e-9)
    zero = sharpness(Operator(300, np.zeros_like), rng=0)
    assert zero.converged and zero.value == 0 and zero.residual == 0
    several = top_eigenpairs(Operator(300, np.zeros_like), k=3, rng=0)
    assert several.converged and not several.values.any()
    assert_allclose(several.vectors @ several.vectors.T, np.eye(3), atol=1e-12)
    assert non_uniformity(Operator(300, np.zeros_like, np.zeros_like), rng=0).converged


@pytest.mark.parametrize("scale", [1e-160, 1e-100, 1e160])
def test_the_unit_of_curvature_does_not_matter(scale):
    """Traces and densities, and the work for an eigenvalue, of an operator whose squares leave the range of floats."""
    diagonal = np.linspace(-1, 2, 70)
    plain, scaled = (Operator(70, lambda v, unit=unit: unit * diagonal * v) for unit in (1.0, scale))
    assert top_eigenpairs(scaled, k=2, rng=0).products == top_eigenpairs(plain, k=2, rng=0).products
    assert_allclose(trace(scaled, rng=0).value / scale, trace(plain, rng=0).value, rtol=1e-9)
    one, other = (spectral_density(each, steps=20, rng=0) for each in (plain, scaled))
    assert_allclose(other.nodes[:, :20] / scale, one.nodes[:, :20], rtol=1e-6, atol=1e-8)
