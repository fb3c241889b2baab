"""Wu, Ma and E 2018: every prediction of linear stability against an enumeration or a simulation.

Each test says which wrong answer it would catch and shows it caught.
"""

import tracemalloc
from itertools import product
from math import sqrt

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from refimpl import linear_stability as simulated
from tests import support
from theory import linear_stability as theory

CRITERIA = ("sufficient", "mean-square", "gd")
TOY = np.array([0.2, 3.8])  # curvatures of the toy's examples at x = 1
ABOVE_EDGE = np.array([[10.0, 1.0], [3.0, 5.0], [-4.0, 9.0]])  # stable although s exceeds 1/(η√p)


def stack_1d(curvatures):
    return np.asarray(curvatures, float)[:, None, None]


def some_lr(hessians, fraction):
    """A learning rate at a fraction of gradient descent's limit, without using theory."""
    return fraction * 2 / np.linalg.eigvalsh(hessians.mean(axis=0))[-1]


def range_basis(hessians):
    values, vectors = np.linalg.eigh(hessians.mean(axis=0))
    return vectors[:, values > 1e-12 * values[-1]]


def enumerated_operator(hessians, lr, size, replacement=False):
    """mean over batches of (I − ηH_B) ⊗ (I − ηH_B), on the range of H."""
    basis = range_basis(hessians)
    matrices = basis.T @ support.step_matrices(hessians, lr, size, replacement) @ basis
    return np.mean([np.kron(matrix, matrix) for matrix in matrices], axis=0)


# --- eqs. 1–2: the second moment -------------------------------------------------------------

@pytest.mark.claim("WME18.eq2")
@given(support.sampled_ensembles(most=5, widest=4), st.floats(0.05, 1.5), support.seeds())
def test_one_step_moment_equals_the_mean_over_all_batches(problem, fraction, seed):
    hessians, size, replacement = problem
    lr, dim = some_lr(hessians, fraction), hessians.shape[-1]
    moment = support.random_hessians(np.random.default_rng(seed), 1, dim)[0]
    matrices = support.step_matrices(hessians, lr, size, replacement)
    exact = (matrices @ moment @ matrices.swapaxes(1, 2)).mean(axis=0)
    predicted = theory.second_moment(hessians, lr, size, moment, 1, replacement=replacement)[1]
    scale = (1 + lr * np.abs(hessians).max()) ** 2 * np.abs(moment).max() * dim**2  # of the terms before they cancel
    assert_allclose(predicted, exact, rtol=0, atol=1e-13 * scale)


@pytest.mark.claim("WME18.eq2")
def test_one_step_moment_tells_the_sampling_variants_apart(rng):
    hessians, moment = support.random_hessians(rng, 4, 3, rank=1), np.eye(3)
    matrices = support.step_matrices(hessians, 0.3, 2)
    exact = (matrices @ moment @ matrices.swapaxes(1, 2)).mean(axis=0)
    assert_allclose(theory.second_moment(hessians, 0.3, 2, moment, 1)[1], exact, rtol=1e-12)
    assert not np.allclose(theory.second_moment(hessians, 0.3, 2, moment, 1, replacement=True)[1], exact, rtol=1e-3)


@pytest.mark.claim("WME18.eq2")
@pytest.mark.parametrize("rank_one", [True, False])
@pytest.mark.parametrize("size", [1, 2])
def test_simulation_averaged_over_all_index_sequences_equals_the_moment(rng, rank_one, size):
    """Exact expectation of the simulated dynamics, no Monte Carlo; a missing ½, 1/B or wrong p fails."""
    n, dim, steps = 3, 2, 5
    factors, start = rng.standard_normal((n, dim)), rng.standard_normal(dim)
    hessians = factors[:, :, None] * factors[:, None, :]
    lr = 0.7 * theory.critical_lr(hessians, size)
    batches = support.all_batches(n, size)
    sequences = np.array(list(product(range(len(batches)), repeat=steps)))  # (R, steps)
    indices = batches[sequences].swapaxes(0, 1)                             # (steps, R, B)
    result = simulated.simulate(factors if rank_one else hessians, np.tile(start, (len(sequences), 1)), lr=lr,
                                batch_size=size, steps=steps, indices=indices)
    exact = np.einsum("ri,rj->ij", result.w, result.w) / len(sequences)
    predicted = theory.second_moment(hessians, lr, size, np.outer(start, start), steps)[-1]
    assert_allclose(predicted, exact, rtol=1e-12, atol=1e-13)
    wrong = [theory.second_moment(hessians, lr, size, np.outer(start, start), steps, replacement=size > 1)[-1],
             theory.second_moment(hessians, 2 * lr, size, np.outer(start, start), steps)[-1],
             theory.second_moment(hessians, lr, size, np.outer(start, start), steps - 1)[-1]]
    assert not any(np.allclose(other, exact, rtol=1e-3) for other in (wrong if size > 1 else wrong[1:]))


@pytest.mark.claim("WME18.eq2")
@pytest.mark.parametrize("sampling", ["without-replacement", "with-replacement"])
def test_simulated_ensemble_follows_the_moments(rng, sampling):
    """40 000 runs at 8 times; the standard errors are exact, and tails light enough for a Gaussian mean."""
    replicas, steps, size = 40_000, 8, 2
    factors = np.array([[1.0, 0.2], [0.3, 0.8], [-0.5, 0.6], [0.9, -0.4]])
    hessians, start = factors[:, :, None] * factors[:, None, :], np.array([1.0, -0.5])
    replacement = sampling == "with-replacement"
    lr = 0.15 * theory.critical_lr(hessians, size, replacement=replacement)
    second = np.trace(theory.second_moment(hessians, lr, size, np.outer(start, start), steps, replacement=replacement),
                      axis1=1, axis2=2)
    enumerated, deviation = support.square_norm_moments(hessians, lr, size, start, steps, replacement)
    assert_allclose(second, enumerated, rtol=1e-12)
    error = deviation[1:] / sqrt(replicas)
    assert (error / second[1:]).max() < 0.005  # far below the 0.05 beyond which tails decide
    result = simulated.simulate(factors, np.tile(start, (replicas, 1)), lr=lr, batch_size=size, steps=steps, rng=rng,
                                sampling=sampling, observe={"square": lambda w, x, y: (w**2).sum(axis=-1)})
    measured = result.observed["square"].mean(axis=1)[1:]
    assert (np.abs(measured - second[1:]) <= support.z_limit(steps) * error).all()
    other = np.trace(theory.second_moment(hessians, lr, size, np.outer(start, start), steps,
                                          replacement=not replacement), axis1=1, axis2=2)
    assert (np.abs(measured - other[1:]) > support.z_limit(steps) * error).any()


@pytest.mark.claim("WME18.eq2")
@given(support.sampled_ensembles(most=4, widest=4), st.floats(0.1, 2.0), support.seeds())
def test_perron_weight_makes_every_step_a_martingale(problem, fraction, seed):
    """E[x₊ᵀWx₊] = ρ xᵀWx from every x; the plain norm (W = I) does not satisfy it."""
    hessians, size, replacement = problem
    lr = some_lr(hessians, fraction)
    rate, weight = theory.perron_weight(hessians, lr, size, replacement=replacement)
    x = np.random.default_rng(seed).standard_normal((5, hessians.shape[-1]))
    stepped = np.einsum("bij,kj->bki", support.step_matrices(hessians, lr, size, replacement), x)
    grown = np.einsum("bki,ij,bkj->k", stepped, weight, stepped) / len(stepped)
    assert_allclose(grown, rate * np.einsum("ki,ij,kj->k", x, weight, x), rtol=1e-6,
                    atol=1e-8 * (x**2).sum() * (1 + rate))


@pytest.mark.claim("WME18.eq2")
def test_martingale_ratio_of_simulated_steps_beyond_the_threshold(rng):
    """At 1.3 η*, where ‖x‖² is heavy-tailed in time, 20 000 single steps from each of 6 points, exact errors."""
    hessians, size, replicas = support.random_hessians(rng, 5, 3, rank=1), 2, 20_000
    lr = 1.3 * theory.critical_lr(hessians, size)
    rate, weight = theory.perron_weight(hessians, lr, size)
    points = rng.standard_normal((6, 3))
    result = simulated.simulate(hessians, np.repeat(points, replicas, axis=0).reshape(6, replicas, 3), lr=lr,
                                batch_size=size, steps=1, rng=rng)
    stepped = np.einsum("bij,kj->bki", support.step_matrices(hessians, lr, size), points)
    outcomes = np.einsum("bki,ij,bkj->bk", stepped, weight, stepped)  # ten equally likely values for each point
    measured = np.einsum("kri,ij,krj->kr", result.w, weight, result.w).mean(axis=1)
    start = np.einsum("ki,ij,kj->k", points, weight, points)
    error = outcomes.std(axis=0) / sqrt(replicas) + 1e-12 * start
    assert (np.abs(measured - rate * start) <= support.z_limit(6) * error).all()
    other = theory.mean_square_rate(hessians, lr, size, replacement=True)
    assert (np.abs(measured - other * start) > support.z_limit(6) * error).any()


# --- eq. 4: the theorem ----------------------------------------------------------------------

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
                assert not np.allclose(theory.sampling_factor(n, n - size) * sigma, exact) or 2 * size == n or replacement


# --- the exact threshold beside eq. 4 ---------------------------------------------------------

@pytest.mark.claim("WME18.eq4-sharp")
@given(support.sampled_ensembles(most=5, widest=4))
def test_critical_rates_are_ordered(problem):
    hessians, size, replacement = problem
    sufficient, exact, full = (theory.critical_lr(hessians, size, which, replacement=replacement) for which in CRITERIA)
    assert sufficient <= exact * (1 + 1e-9) <= full * (1 + 2e-9)
    for condition in ("trace", "eigenvector"):
        assert exact <= theory.necessary_lr(hessians, size, condition, replacement=replacement) * (1 + 1e-9)


@pytest.mark.claim("WME18.eq4-sharp")
@given(support.sampled_ensembles(most=5, widest=4))
def test_critical_rate_is_where_the_enumerated_operator_reaches_one(problem):
    """Spectral radius from an enumeration of batches: 1 at η*, above 1 just above; the sufficient limit is no such point."""
    hessians, size, replacement = problem
    lr = theory.critical_lr(hessians, size, replacement=replacement)

    def radius(rate):
        operator = enumerated_operator(hessians, rate, size, replacement)
        return np.linalg.eigvalsh((operator + operator.T) / 2)[-1]

    assert abs(radius(lr) - 1) < 1e-8
    assert radius(1.001 * lr) > 1 + 1e-6
    assert_allclose(theory.mean_square_rate(hessians, 1.001 * lr, size, replacement=replacement), radius(1.001 * lr),
                    rtol=1e-8)


@pytest.mark.claim("WME18.eq4-sharp")
def test_eq4_is_sharp_where_the_examples_commute_or_have_equal_norms(rng):
    rotation = support.random_rotation(rng, 4)
    commuting = rotation @ (rng.random((5, 4))[:, :, None] * np.eye(4)) @ rotation.T
    one_dimensional = rng.random((5, 1, 1))
    for hessians in (commuting, one_dimensional):
        for size in (1, 2, 5):
            limits = [theory.critical_lr(hessians, size, which) for which in CRITERIA[:2]]
            assert_allclose(limits[0], limits[1], rtol=1e-9)
    factors = rng.standard_normal((6, 4))
    factors *= 1.7 / np.linalg.norm(factors, axis=1, keepdims=True)
    equal = theory.GaussNewton(factors)
    for which in CRITERIA[:2]:
        assert_allclose(theory.critical_lr(equal, 1, which), 2 / 1.7**2, rtol=1e-9)
    uneven = theory.GaussNewton(ABOVE_EDGE)  # the null: elsewhere they differ
    assert theory.critical_lr(uneven, 1, "sufficient") < 0.95 * theory.critical_lr(uneven, 1)


@pytest.mark.claim("WME18.eq4-sharp")
def test_flat_directions_keep_their_digits(rng):
    """Equal norms at B = 1 with a singular value of 1e-5: 2/‖g‖² to 1e-12; inverting H after squaring loses 1e-6.

    Dense Hessians hold H only to rounding there, 1e-5 of its smallest eigenvalue: the exact limit does not mind, the
    sufficient one inherits it.
    """
    left, right = support.random_rotation(rng, 12), support.random_rotation(rng, 12)
    factors = left * np.r_[np.ones(11), 1e-5] @ right
    factors /= np.linalg.norm(factors, axis=1, keepdims=True)
    for which in CRITERIA[:2]:
        assert_allclose(theory.critical_lr(theory.GaussNewton(factors), 1, which), 2.0, rtol=1e-12)
    assert_allclose(theory.critical_lr(factors[:, :, None] * factors[:, None, :], 1), 2.0, rtol=1e-12)


@pytest.mark.claim("WME18.eq4-sharp")
def test_between_the_two_limits_the_ensemble_decays_although_eq4_fails():
    hessians = ABOVE_EDGE[:, :, None] * ABOVE_EDGE[:, None, :]
    sufficient, exact = (theory.critical_lr(hessians, 1, which) for which in CRITERIA[:2])
    lr, start = 0.5 * (sufficient + exact), np.array([1.0, 1.0])
    assert theory.lambda_max(hessians, lr, 1) > 1
    norms, _ = support.square_norm_moments(hessians, lr, 1, start, 400)
    assert norms[-1] < 1e-3 * norms[0]
    norms, _ = support.square_norm_moments(hessians, 1.05 * exact, 1, start, 400)
    assert norms[-1] > norms[0]


@pytest.mark.claim("WME18.eq4-sharp")
@given(support.sampled_ensembles(most=5, widest=4), st.floats(0.01, 100.0), support.seeds())
def test_critical_rates_scale_and_do_not_see_rotation_or_order(problem, factor, seed):
    """η*(cH) = η*(H)/c; a formula with the wrong power of curvature, or one that reads coordinates, fails."""
    hessians, size, replacement = problem
    rng = np.random.default_rng(seed)
    rotation = support.random_rotation(rng, hessians.shape[-1])
    turned = rotation @ hessians[rng.permutation(len(hessians))] @ rotation.T
    turned = (turned + turned.swapaxes(1, 2)) / 2
    for which in CRITERIA:
        lr = theory.critical_lr(hessians, size, which, replacement=replacement)
        assert_allclose(theory.critical_lr(factor * hessians, size, which, replacement=replacement), lr / factor, rtol=1e-8)
        assert_allclose(theory.critical_lr(turned, size, which, replacement=replacement), lr, rtol=1e-7)


@pytest.mark.claim("WME18.eq4-sharp")
def test_repeating_the_examples_changes_only_the_sampling_factor(rng):
    hessians = support.random_hessians(rng, 4, 3, rank=1)
    twice = np.concatenate([hessians, hessians])
    for which in CRITERIA:
        assert_allclose(theory.critical_lr(twice, 2, which, replacement=True),
                        theory.critical_lr(hessians, 2, which, replacement=True), rtol=1e-8)
    assert theory.critical_lr(twice, 2) < theory.critical_lr(hessians, 2) * 0.99  # p is 3/7, no longer 1/3


@pytest.mark.claim("WME18.eq4-sharp")
@pytest.mark.parametrize("shape", [(7, 3), (3, 7), (4, 2, 3), (3, 2, 12)])
def test_factors_and_dense_hessians_agree(rng, shape):
    jacobians = rng.standard_normal(shape)
    factored = theory.GaussNewton(jacobians)
    rows = jacobians[:, None] if jacobians.ndim == 2 else jacobians
    hessians = rows.swapaxes(1, 2) @ rows
    n, size = len(hessians), 2
    for which in CRITERIA:
        assert_allclose(theory.critical_lr(factored, size, which), theory.critical_lr(hessians, size, which), rtol=1e-9)
    assert_allclose(theory.sharpness(factored), theory.sharpness(hessians), rtol=1e-12)
    assert_allclose(theory.non_uniformity(factored), theory.non_uniformity(hessians), rtol=1e-10)
    assert_allclose(theory.stability_matrix(factored, 0.1, size), theory.stability_matrix(hessians, 0.1, size), atol=1e-12)
    assert_allclose(theory.lambda_max(factored, 0.1, size), theory.lambda_max(hessians, 0.1, size), rtol=1e-10)
    assert_allclose(theory.mean_square_rate(factored, 0.1, size), theory.mean_square_rate(hessians, 0.1, size), rtol=1e-8)
    for condition in ("trace", "eigenvector"):
        assert_allclose(theory.necessary_lr(factored, size, condition), theory.necessary_lr(hessians, size, condition), rtol=1e-9)
    moment = np.eye(shape[-1])
    assert_allclose(theory.second_moment(factored, 0.1, size, moment, 3), theory.second_moment(hessians, 0.1, size, moment, 3),
                    rtol=1e-9, atol=1e-12)
    assert not np.isclose(theory.critical_lr(factored, size), theory.critical_lr(hessians / n, size))


@pytest.mark.claim("WME18.eq4-sharp")
def test_ten_thousand_parameters_never_make_a_square_matrix(rng):
    """d = 10 000: one d × d array would take 800 MB; equal to the same ensemble written in 40 coordinates."""
    small = rng.standard_normal((40, 40))
    orthonormal = np.linalg.qr(rng.standard_normal((10_000, 40)))[0]
    wide = theory.GaussNewton(small @ orthonormal.T)
    tracemalloc.start()
    limit, spectrum = theory.critical_lr(wide, 3, full_output=True)
    rate = theory.mean_square_rate(wide, limit, 3)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 40e6
    assert spectrum.converged and spectrum.rank == 40 and spectrum.residual <= 2e-9 * spectrum.eigenvalue
    assert_allclose(limit, theory.critical_lr(theory.GaussNewton(small), 3), rtol=1e-9)
    assert_allclose(rate, 1, atol=1e-8)


# --- the diagram of Fig. 2 --------------------------------------------------------------------

@pytest.mark.claim("WME18.s")
@given(support.sampled_ensembles(most=5, widest=4), st.floats(0.5, 50.0))
def test_non_uniformity_is_a_curvature_and_eq4_bounds_it(problem, factor):
    hessians, size, replacement = problem
    measured = theory.non_uniformity(hessians)
    assert_allclose(theory.non_uniformity(factor * hessians), factor * measured, rtol=1e-6, atol=1e-6 * factor * theory.sharpness(hessians))
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
    assert_allclose(theory.non_uniformity_limit(lr / factor, n, size), factor * theory.non_uniformity_limit(lr, n, size), rtol=1e-12)
    sharp = share / lr
    assert_allclose(theory.mean_square_non_uniformity(sharp * factor, lr / factor, n, size),
                    factor * theory.mean_square_non_uniformity(sharp, lr, n, size), rtol=1e-9)
    # The scale itself, against the definition in d = 1: E(1 − ηh_B)² = 1 at the top of the half-ellipse.
    s = theory.non_uniformity_limit(lr, n, size)
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


@pytest.mark.claim("WME18.fig2", "WME18.eq4-sharp")
def test_closed_forms_at_hand_computed_points():
    """(1 − 0.2)² + s²p = 1 at ηa = 0.2; curvatures 0.2 and 3.8 have 2·2/mean(h²): powers and order of means matter."""
    assert_allclose(theory.mean_square_non_uniformity(0.2, 1.0, 2, 1), 0.6, rtol=1e-12)
    for condition in ("trace", "eigenvector"):
        assert_allclose(theory.necessary_lr(stack_1d(TOY), 1, condition), 4 / 7.24, rtol=1e-12)
    assert_allclose(theory.necessary_lr(theory.GaussNewton(np.sqrt(TOY)[:, None]), 1, "eigenvector"), 4 / 7.24, rtol=1e-12)
