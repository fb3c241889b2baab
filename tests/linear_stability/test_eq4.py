"""Eq. 4, its sampling factor, and the diagram of Fig. 2 against enumerations of batches."""

import numpy as np
import pytest
from hypothesis import given, strategies as st
from numpy.testing import assert_allclose

from refimpl import linear_stability as simulated
from tests import support
from tests.linear_stability.enumeration import ABOVE_EDGE, enumerated_operator, some_lr
from tests.linear_stability.one_dimension import TOY, stack_1d
from theory import linear_stability as theory

pytestmark = pytest.mark.chance("exact")


@pytest.mark.claim("WME18.eq4")
@given(support.sampled_ensembles(most=4, widest=4), st.floats(0.05, 2.0), support.seeds())
def test_eq4_is_the_largest_one_step_growth(problem, fraction, seed):
    """λmax bounds E‖x₊‖²/‖x‖² for every x and is attained: a larger or smaller matrix fails."""
    hessians, size, replacement = problem
    lr, dim = some_lr(hessians, fraction), hessians.shape[-1]
    matrix = theory.stability_matrix(hessians, lr, size, replacement=replacement)
    bound = theory.lambda_max(hessians, lr, size, replacement=replacement)
    matrices = support.step_matrices(hessians, lr, size, replacement)
    x = np.random.default_rng(seed).standard_normal((dim, 20))
    x = np.column_stack([x / np.linalg.norm(x, axis=0), np.linalg.eigh(matrix)[1][:, -1]])
    growth = ((matrices @ x) ** 2).sum(axis=1).mean(axis=0)
    slack = 1e-12 * (1 + np.abs(matrices).max() ** 2 * dim)
    assert growth.max() <= bound + slack
    assert_allclose(growth[-1], bound, rtol=0, atol=slack)


@pytest.mark.claim("WME18.eq4")
@given(support.sampled_ensembles(most=5, widest=4), st.floats(0.2, 1.0))
def test_eq4_suffices_for_stability(problem, fraction):
    hessians, size, replacement = problem
    lr = fraction * theory.critical_lr(hessians, size, "sufficient", replacement=replacement)
    assert theory.lambda_max(hessians, lr, size, replacement=replacement) <= 1 + 1e-9
    operator = enumerated_operator(hessians, lr, size, replacement)
    assert np.abs(np.linalg.eigvalsh((operator + operator.T) / 2)).max() <= 1 + 1e-9


@pytest.mark.claim("WME18.eq4")
def test_without_the_noise_term_eq4_would_not_suffice():
    """The null: (I − ηH)² alone calls the toy's x = 1 stable at η = 0.7, where E‖x‖² grows by 1.7476 a step."""
    operator = enumerated_operator(stack_1d(TOY), 0.7, 1)
    assert (1 - 0.7 * TOY.mean()) ** 2 < 1 < operator[0, 0]
    assert_allclose(theory.lambda_max(stack_1d(TOY), 0.7, 1), operator[0, 0], rtol=1e-14)


@pytest.mark.claim("WME18.p")
@pytest.mark.parametrize("n", range(1, 7))
def test_variance_of_a_batch_mean(n, rng):
    """E[H_B²] − H² = pΣ by enumeration; 1/B without replacement and B, n swapped are caught."""
    hessians = support.random_hessians(rng, n, 2)
    mean = hessians.mean(axis=0)
    sigma = (hessians @ hessians).mean(axis=0) - mean @ mean
    for replacement in (False, True):
        for size in range(1, n + 1 if not replacement else min(n, 4) + 1):
            means = hessians[support.all_batches(n, size, replacement)].mean(axis=1)
            exact = (means @ means).mean(axis=0) - mean @ mean
            factor = theory.sampling_factor(n, size, replacement=replacement)
            assert_allclose(factor * sigma, exact, rtol=0, atol=1e-12)
            if 1 < size < n:
                other = theory.sampling_factor(n, size, replacement=not replacement)
                assert not np.allclose(other * sigma, exact, rtol=1e-3, atol=0)
                swapped = theory.sampling_factor(n, n - size)
                assert 2 * size == n or replacement or not np.allclose(swapped * sigma, exact)


@pytest.mark.claim("WME18.s")
@given(support.sampled_ensembles(most=5, widest=4), st.floats(0.5, 50.0))
def test_non_uniformity_is_a_curvature_and_eq4_bounds_it(problem, factor):
    hessians, size, replacement = problem
    measured, scaled = theory.non_uniformity(hessians), theory.non_uniformity(factor * hessians)
    assert_allclose(scaled, factor * measured, rtol=1e-6, atol=1e-6 * factor * theory.sharpness(hessians))
    lr = theory.critical_lr(hessians, size, "sufficient", replacement=replacement)
    assert measured <= theory.non_uniformity_limit(lr, len(hessians), size, replacement=replacement) * (1 + 1e-7)


@pytest.mark.claim("WME18.s")
def test_the_printed_non_uniformity_breaks_its_own_bound():
    """λmax(Σ) scales as curvature², so sharp ensembles that satisfy eq. 4 exceed 1/(η√p); its root touches it."""
    curvatures = stack_1d([0.0, 40.0])  # a = s = 20
    lr = 1 / 20                         # ηa = 1: eq. 4 holds up to ηs√p = 1, with equality here
    assert_allclose(theory.lambda_max(curvatures, lr, 1), 1.0, rtol=1e-12)
    limit = theory.non_uniformity_limit(lr, 2, 1)
    assert_allclose(theory.non_uniformity(curvatures), limit, rtol=1e-12)
    assert theory.non_uniformity(curvatures) ** 2 > 10 * limit


@pytest.mark.claim("WME18.fig2")
@given(st.floats(0.02, 1.98), st.floats(0.01, 1.0), st.floats(0.1, 10.0), st.integers(1, 3))
def test_in_one_dimension_the_stable_region_is_the_half_ellipse(sharp, spread, lr, size):
    """Curvatures a ± s, each twice: E(1 − ηh_B)² by enumeration is below 1 exactly inside."""
    n, s = 4, spread * sharp
    curvatures = np.array([sharp - s, sharp - s, sharp + s, sharp + s]) / lr
    growth = np.mean((1 - lr * curvatures[support.all_batches(n, size)].mean(axis=1)) ** 2)
    edge = theory.mean_square_non_uniformity(sharp / lr, lr, n, size)
    assert_allclose(theory.non_uniformity(stack_1d(curvatures)), s / lr, rtol=1e-6, atol=1e-7 * sharp / lr)
    if abs(growth - 1) > 1e-9:
        assert (growth < 1) == (s / lr < edge)
    assert_allclose(theory.mean_square_rate(stack_1d(curvatures), lr, size), growth, rtol=1e-8, atol=1e-12)


@pytest.mark.claim("WME18.fig2")
def test_the_rectangle_is_neither_sufficient_nor_necessary():
    lr = 0.1
    inside = stack_1d([10.0, 28.0])  # a = 19 < 20 and s = 9 < 10: in a corner of the rectangle
    assert theory.sharpness(inside) < theory.sharpness_limit(lr)
    assert theory.non_uniformity(inside) < theory.non_uniformity_limit(lr, 2, 1)
    assert theory.mean_square_rate(inside, lr, 1) > 1.5
    stable = theory.GaussNewton(ABOVE_EDGE)  # d = 2: above the rectangle, stable
    lr = 0.999 * theory.critical_lr(stable, 1)
    assert theory.non_uniformity(stable) > 1.07 * theory.non_uniformity_limit(lr, 3, 1)
    hessians = ABOVE_EDGE[:, :, None] * ABOVE_EDGE[:, None, :]
    assert np.linalg.eigvalsh(enumerated_operator(hessians, lr, 1))[-1] < 1


@pytest.mark.claim("WME18.fig2-B")
@given(support.ensembles(most=6, widest=4))
def test_larger_batches_admit_larger_rates(hessians):
    n = len(hessians)
    for which in ("mean-square", "sufficient"):
        limits = np.array([theory.critical_lr(hessians, size, which) for size in range(1, n + 1)])
        assert (np.diff(limits) >= -1e-8 * limits[0]).all()
        assert_allclose(limits[-1], theory.critical_lr(hessians, n, "gd"), rtol=1e-8)
    edges = np.array([theory.non_uniformity_limit(0.1, n, size) for size in range(1, n + 1)])
    assert (edges[1:] > edges[:-1]).all()  # strictly: with n and B swapped in p it would fall


@pytest.mark.claim("WME18.fig2-lr")
@given(st.floats(1e-3, 10.0), st.floats(1.1, 100.0), st.integers(2, 50), st.floats(0.01, 1.99))
def test_the_region_scales_as_one_over_the_rate(lr, factor, n, share):
    size = n // 2
    assert_allclose(theory.sharpness_limit(lr / factor), factor * theory.sharpness_limit(lr), rtol=1e-12)
    s = theory.non_uniformity_limit(lr, n, size)
    assert_allclose(theory.non_uniformity_limit(lr / factor, n, size), factor * s, rtol=1e-12)
    sharp = share / lr
    assert_allclose(theory.mean_square_non_uniformity(sharp * factor, lr / factor, n, size),
                    factor * theory.mean_square_non_uniformity(sharp, lr, n, size), rtol=1e-9)
    # The scale itself, against the definition in d = 1: E(1 − ηh_B)² = 1 at the top of the half-ellipse.
    variance = (n - size) / (size * (n - 1))
    assert_allclose(variance * (lr * s) ** 2, 1, rtol=1e-12)


@pytest.mark.claim("WME18.a")
def test_gradient_descent_keeps_sharpness_up_to_two_over_the_rate(rng):
    """Simulated just inside and just outside 2/λmax; half of it or 1/λmax as the limit would be refuted."""
    hessians = support.random_hessians(rng, 4, 3)
    limit = 2 / np.linalg.eigvalsh(hessians.mean(axis=0))[-1]
    start = rng.standard_normal((8, 3)) + 0.1
    for lr, stays in ((0.99 * limit, True), (1.01 * limit, False)):
        result = simulated.simulate(hessians, start, lr=lr, batch_size=None, steps=4000)
        assert ((np.linalg.norm(result.w, axis=1) < np.linalg.norm(start, axis=1)) == stays).all()
        assert (theory.sharpness(hessians) <= theory.sharpness_limit(lr)) == stays
    assert_allclose(theory.critical_lr(hessians, 4), limit, rtol=1e-9)


@pytest.mark.claim("WME18.a")
@given(support.sampled_ensembles(most=5, widest=4), st.floats(1.001, 2.0))
def test_no_batch_size_keeps_a_sharper_minimum(problem, factor):
    hessians, size, replacement = problem
    lr = some_lr(hessians, factor)
    assert theory.sharpness(hessians) > theory.sharpness_limit(lr)
    operator = enumerated_operator(hessians, lr, size, replacement)
    assert np.linalg.eigvalsh((operator + operator.T) / 2)[-1] > 1
