"""Trace and spectral density against dense spectra and exact moments."""

from math import sqrt

import numpy as np
import pytest
from numpy.testing import assert_allclose

from refimpl import network
from refimpl.linear_stability import LinearRegression
from tests import support
from tests.network.nets import dense_curvature, problem

pytestmark = pytest.mark.chance("exact")


@pytest.mark.chance("law")
@pytest.mark.claim("WME18.fig4")
def test_trace_and_spectral_density(rng):
    """Exact trace; Hutchinson within its theoretical error 2‖H_offdiag‖²; a rule that ends where the spectrum does."""
    model, w, x, y = problem(np.random.default_rng(7), n=8, hidden=(8, 8))
    mean = dense_curvature(model, w, x, y).mean(axis=0)
    exact = network.trace(model, w, x, y, method="exact")
    assert_allclose(exact.value, np.trace(mean), rtol=1e-11)
    assert exact.converged and exact.products == len(w) + 2  # two more tell whether products are steady
    factors, probes = model.factors(w, x), 2000
    psd = factors.T @ factors / len(x)  # tr ≥ ‖·‖_F here, so that the null below is far away whatever the draw
    random = network.trace(model, w, x, y, curvature="gauss-newton", probes=probes, rng=rng)
    error = sqrt(2 * (np.linalg.norm(psd)**2 - np.linalg.norm(np.diag(psd))**2) / probes)
    # a quarter more than a Gaussian needs: zᵀHz is skewed by up to √8
    assert abs(random.value - np.trace(psd)) <= 1.25 * support.z_limit(1) * error
    assert 0.5 * error < random.residual < 2 * error and random.asymmetry == 0
    assert abs(2 * np.trace(psd) - np.trace(psd)) > 2.5 * support.z_limit(1) * error  # twice the trace would be seen
    assert not network.trace(model, w, x, y, probes=2, tolerance=1e-9, rng=rng).converged
    values = np.linalg.eigvalsh(mean)
    density = network.spectral_density(model, w, x, y, steps=40, probes=3, rng=rng)
    assert density.converged and density.residual <= 0.02 * values[-1]
    assert_allclose(density.weights.sum(), 1, rtol=1e-12)
    kept = np.isfinite(density.nodes)
    assert density.nodes[kept].max() <= values[-1] * (1 + 1e-9)
    assert density.nodes[kept].min() >= values[0] - 1e-9 * values[-1]
    assert_allclose(density.nodes[kept].max(), values[-1], rtol=1e-6)
    grid = np.linspace(values[0] - 1, values[-1] + 1, 4001)
    assert_allclose(np.trapezoid(density.smooth(grid, 0.05), grid), 1, rtol=1e-6)
    assert not network.spectral_density(model, w, x, y, steps=2, probes=2, tolerance=1e-6, rng=rng).converged


def test_the_error_of_a_trace_of_two_probes_is_half_their_difference():
    """n − 1 in the variance: the values of the probes are seen by the operator itself."""
    matrix, seen = np.arange(16.0).reshape(4, 4) + np.arange(16.0).reshape(4, 4).T, []
    found = network.trace(network.Operator(4, lambda v: seen.append(v @ matrix @ v) or matrix @ v), probes=2, rng=1)
    assert found.value == sum(seen) / 2 and seen[0] != seen[1]
    assert_allclose(found.residual, abs(seen[0] - seen[1]) / 2, rtol=1e-12)


@pytest.mark.claim("WME18.fig4")
def test_quadrature_is_exact_for_polynomials_under_the_start(rng):
    """Σ weight · node^k = zᵀH^k z/‖z‖² for k < 2·steps, with the start that the seed gives."""
    values = np.sort(rng.standard_normal(30))
    source = network.Operator(30, lambda v: values * v)
    density = network.spectral_density(source, steps=5, probes=1, rng=3)
    for power in range(10):   # signs have squares 1, so every start sees the true spectrum
        assert_allclose((density.weights * density.nodes**power).sum(), (values**power).mean(), rtol=1e-9, atol=1e-12)
    assert not np.isclose((density.weights * density.nodes**10).sum(), (values**10).mean(), rtol=1e-9)


@pytest.mark.parametrize("unit", [2.0**-30, 1.0, 2.0**30])
def test_a_rule_that_has_all_eigenvalues_says_so(unit):
    """Three values: after four steps the rule is exact and its residual 0, after three nobody knows; in any unit."""
    source = network.Operator(30, lambda v: unit * np.repeat([1.0, 2.0, 4.0], 10) * v)
    exact, unknown = (network.spectral_density(source, steps=steps, rng=0) for steps in (4, 3))
    assert exact.residual == 0 < unknown.residual and np.isnan(exact.nodes[:, 3]).all()


def test_spectra_of_one_value():
    """The identity ends after one step, at its value with the whole weight; the zero operator has trace 0, steady."""
    density = network.spectral_density(network.Operator(30, lambda v: 2 * v), probes=2, rng=0)
    assert_allclose(density.nodes[:, 0], 2, rtol=1e-14)
    assert_allclose(density.weights[:, 0], 0.5, rtol=1e-14)
    assert density.converged and density.residual == 0 and np.isnan(density.nodes[:, 1:]).all()
    for method in ("exact", "hutchinson"):
        nothing = network.trace(network.Operator(30, np.zeros_like), method=method, rng=0)
        assert nothing.value == 0 and nothing.converged


@pytest.mark.parametrize("size", [3, 60])
def test_a_model_of_passes_alone_has_a_curvature(rng, size):
    """Without `linearize`: least squares, whose Hessian is XᵀX/n and whose examples have x xᵀ."""
    x, w = rng.standard_normal((7, size)), rng.standard_normal(size)
    model, mean = LinearRegression(size), x.T @ x / 7
    assert_allclose(float(network.sharpness(model, w, x, rng=rng)), np.linalg.eigvalsh(mean)[-1], rtol=1e-6)
    square = np.einsum("ni,nj,n->ij", x, x, (x**2).sum(axis=1)) / 7
    assert_allclose(float(network.non_uniformity(model, w, x, rng=rng)),
                    sqrt(np.linalg.eigvalsh(square - mean @ mean)[-1]), rtol=1e-5)
    many, labels = rng.standard_normal((2, 40, size))     # three blocks of examples, each with its own labels
    point, v = network.operator(model, w, many, labels[:, 0]), rng.standard_normal(size)
    assert_allclose(point.square_product(v), many.T @ ((many**2).sum(axis=1) * (many @ v)) / 40, rtol=1e-10, atol=1e-10)
    with pytest.raises(ValueError, match="needs a model with linearize, got LinearRegression"):
        network.sharpness(model, w, x, curvature="gauss-newton")
