"""Sharpness, eigenpairs and non-uniformity against dense matrices, Gram matrices and closed forms."""

from math import sqrt

import numpy as np
import pytest
from numpy.testing import assert_allclose

from refimpl import network
from tests import support
from tests.network.nets import NETS, dense_curvature, problem
from theory import linear_stability as theory

pytestmark = [pytest.mark.chance("exact"), pytest.mark.claim("WME18.fig4")]


@pytest.mark.parametrize("activation, loss, outputs", NETS)
def test_eigenvalues_and_non_uniformity_equal_dense_ones(rng, activation, loss, outputs):
    """P = 92…118, so Lanczos runs; the smallest eigenvalue, λmax(mean H_i²) and s² are caught, on one fixed problem."""
    model, w, x, y = problem(np.random.default_rng(7), activation, loss, outputs, n=8, hidden=(7, 7))
    assert len(w) > 48
    each = dense_curvature(model, w, x, y)
    mean = each.mean(axis=0)
    values = np.linalg.eigvalsh(mean)
    square = (each @ each).mean(axis=0)
    found = network.top_eigenpairs(model, w, x, y, k=3, tolerance=1e-8, rng=rng)
    assert found.converged and found.residuals.max() <= 1e-8 * values[-1]
    assert_allclose(found.values, values[::-1][:3], rtol=1e-7)
    assert_allclose(np.linalg.norm(found.vectors, axis=1), 1, rtol=1e-10)
    assert_allclose(float(network.sharpness(model, w, x, y, rng=rng)), values[-1], rtol=1e-6)
    spread = network.non_uniformity(model, w, x, y, rng=rng)
    exact = np.linalg.eigvalsh(square - mean @ mean)[-1]
    assert spread.converged
    assert_allclose(spread.value, sqrt(exact), rtol=1e-6)
    assert not np.isclose(spread.value, exact, rtol=1e-3)
    assert not np.isclose(spread.value, sqrt(np.linalg.eigvalsh(square)[-1]), rtol=1e-6)
    assert not np.isclose(values[-1], -values[0], rtol=1e-3)


@pytest.mark.parametrize("outputs", [1, 3])
def test_matrix_free_values_equal_those_of_the_gram_matrix(rng, outputs):
    """Gauss–Newton by products against K = J Jᵀ: a = λmax(K)/n, and for one output s² from K; one fixed problem."""
    model, w, x, y = problem(np.random.default_rng(7), outputs=outputs, n=7, hidden=(7, 7))
    gram, n = model.gram(w, x), len(x)
    sharp = network.sharpness(model, w, x, y, curvature="gauss-newton", rng=rng)
    spread = network.non_uniformity(model, w, x, y, curvature="gauss-newton", rng=rng)
    assert_allclose(sharp.value, np.linalg.eigvalsh(gram)[-1] / n, rtol=1e-6)
    factors = theory.GaussNewton(model.factors(w, x))
    assert_allclose([sharp.value, spread.value], [theory.sharpness(factors), theory.non_uniformity(factors)], rtol=1e-5)
    if outputs == 1:
        values, vectors = np.linalg.eigh(gram)
        root = (vectors * np.sqrt(np.maximum(values, 0))) @ vectors.T
        square = np.linalg.eigvalsh(root @ (np.diag(np.diag(gram)) / n - gram / n**2) @ root)[-1]
        assert_allclose(spread.value, sqrt(square), rtol=1e-5)
        assert not np.isclose(spread.value, sqrt(np.linalg.eigvalsh(root @ (np.diag(np.diag(gram)) / n) @ root)[-1]),
                              rtol=1e-5)


def test_closed_forms_of_logistic_regression(rng):
    """Softmax of two classes is logistic: H = (1/n)Σ q(1−q) x xᵀ ⊗ [[1, −1], [−1, 1]]."""
    x = rng.standard_normal((30, 60)) * np.linspace(0.2, 2, 60)
    logistic = network.MLP((60, 2), loss_kind="cross-entropy")
    w, y = logistic.init(rng), rng.integers(2, size=30)
    ones = np.column_stack([x, np.ones(30)])
    weights = w[:120].reshape(60, 2), w[120:]
    margin = ones @ np.append(weights[0][:, 0] - weights[0][:, 1], weights[1][0] - weights[1][1])
    share = 1 / (1 + np.exp(-margin))
    closed = np.einsum("n,ni,nj->ij", share * (1 - share), ones, ones) / 30
    assert_allclose(float(network.sharpness(logistic, w, x, y, rng=rng)), 2 * np.linalg.eigvalsh(closed)[-1], rtol=1e-6)
    assert_allclose(network.trace(logistic, w, x, y, method="exact").value, 2 * np.trace(closed), rtol=1e-11)


def test_no_convergence_is_said(rng):
    """A crowded top with too few products: a residual above the tolerance, and converged False, never an exception."""
    values = 1 - np.linspace(0, 1, 400) ** 4 * 1e-3
    found = network.sharpness(network.Operator(400, lambda v: values * v), tolerance=1e-14, max_products=25, rng=rng)
    assert not found.converged
    low = network.top_eigenpairs(network.Operator(60, lambda v: -np.arange(1.0, 61) * v), k=2, rng=rng)
    assert low.converged
    assert_allclose(low.values, [-1, -2], rtol=1e-6)  # algebraically largest, not largest in modulus


def test_memory_holds_neither_p_by_p_nor_n_by_p(rng):
    """P = 33 153, n = 400: some 25 vectors and the activations, where n × P would be 106 MB and P × P 9 GB."""
    model = network.MLP((64, 128, 128, 64, 1))
    w, x, y = model.init(rng), rng.standard_normal((400, 64)), rng.standard_normal(400)
    _, peak = support.peak_memory(lambda: network.non_uniformity(model, w, x, y, tolerance=1e-2, rng=rng))
    assert peak < 400 * w.nbytes / 4


def test_non_uniformity_of_one_example_is_lost_in_rounding_and_says_so(rng):
    """s = 0 exactly; about 1e-8 of the sharpness is found, within its residual, and not called converged."""
    model, w, x, y = problem(rng, n=1, hidden=(7, 7))
    found = network.non_uniformity(model, w, x, y, rng=rng)
    assert found.value <= found.residual and not found.converged and "rounding" in found.message
    assert found.residual < 1e-5 * float(network.sharpness(model, w, x, y, rng=rng))


def test_pairs_are_judged_beside_the_largest_of_them(rng):
    """Rank one: the second value is 0, whose residual is rounding of the first."""
    vector = rng.standard_normal(30)
    found = network.top_eigenpairs(network.Operator(30, lambda v: vector * (vector @ v)), k=2)
    assert found.converged and found.vectors.shape == (2, 30)
    assert_allclose(found.values, [vector @ vector, 0], rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("size, k, products", [(48, 1, 49), (49, 1, 4), (50, 49, 99), (60, 20, 80)])
def test_all_products_are_taken_where_the_matrix_is_small(size, k, products):
    """All P and k more for the residuals: up to 48 parameters, or 4k of them, at a tolerance that nothing meets. With
    three eigenvalues, above that, the space of one start ends at the third."""
    values = np.linspace(1, 2, size) if k > 1 else np.resize([1.0, 2.0, 4.0], size)
    found = network.top_eigenpairs(network.Operator(size, lambda v: values * v), k=k, rng=0,
                                   tolerance=None if k == 1 else 1e-300)
    assert found.products == products and found.vectors.shape == (k, size)
    assert_allclose(found.values, np.sort(values)[::-1][:k], rtol=1e-12)


def test_a_space_that_ends_is_gone_on_from_outside_it():
    """Eight pairs where one start holds three: all of the largest, at right angles; vectors of rounding in place of a
    start, and the three of one start for the eight largest, are caught."""
    values = np.resize(np.sqrt([2.0, 3.0, 5.0]), 200)
    found = network.top_eigenpairs(network.Operator(200, lambda v: values * v), k=8, rng=0)
    assert found.converged and found.asymmetry <= 1e-14
    assert_allclose(found.vectors @ found.vectors.T, np.eye(8), atol=1e-12)
    assert_allclose(found.values, np.sqrt(5), rtol=1e-12)


def test_of_a_low_rank_the_flat_end_is_found():
    """Rank 3 of 200: both ends, 0 several times; the third of the few that one start shows is caught."""
    values = np.append([1.0, 2.0, 3.0], np.zeros(197))
    for sign in (1, -1):
        source = network.Operator(200, lambda v: sign * values * v)
        low, high = network.bottom_eigenpairs(source, k=2, rng=0), network.top_eigenpairs(source, k=5, rng=0)
        assert low.converged and high.converged and high.products < 100
        assert_allclose(low.values, np.sort(sign * values)[:2], atol=1e-13)
        assert_allclose(high.values, np.sort(sign * values)[:-6:-1], atol=1e-13)


def test_the_worst_of_all_pairs_decides_and_the_message_says_which_evidence():
    """One value far above a crowd is found at once, the others are not; symmetric, so the residual is what is named."""
    values = np.append(np.linspace(0, 1, 399), 100.0)
    found = network.top_eigenpairs(network.Operator(400, lambda v: values * v), k=3, max_products=12, rng=0)
    assert found.residuals[0] < 1e-6 * 100 < found.residuals[2]
    assert not found.converged and "take more products" in found.message


@pytest.mark.parametrize("single", ["product", "square"])
@pytest.mark.parametrize("above", [2.0**-20, 0.0])
def test_the_residual_of_a_non_uniformity_is_that_of_its_root(above, single):
    """One parameter, float32 in one of both products: mean H_i² − H² = δ exactly, known to 4 ε₃₂ (1 + δ). The root of
    δ lies within the further of both ends, which at δ = 0 is the upper one; a residual of float64 is caught."""
    parts = {"product": lambda v: v, "square": lambda v: (1 + above) * v}
    parts[single] = lambda v, exact=parts[single]: exact(v).astype(np.float32)
    found = network.non_uniformity(network.Operator(1, parts["product"], parts["square"]))
    rounding = 4 * 2.0**-23 * (1 + above)
    assert found.value == sqrt(above) and found.converged == (above > 0)
    if above:       # the default tolerance is that of the less precise part
        assert found.message == f"converged: residual 0, tolerance {1e-4 * above:.2g}"
    assert_allclose(found.residual, sqrt(above) - sqrt(above - rounding) if above else sqrt(rounding), rtol=1e-12)
