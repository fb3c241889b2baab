"""The exact limit beside eq. 4: where the enumerated operator reaches 1, and how it scales."""

from contextlib import nullcontext

import numpy as np
import pytest
from hypothesis import given, strategies as st
from numpy.testing import assert_allclose

from tests import support
from tests.linear_stability.enumeration import ABOVE_EDGE, CRITERIA, enumerated_operator
from theory import linear_stability as theory

pytestmark = [pytest.mark.chance("exact"), pytest.mark.claim("WME18.eq4-sharp")]


@given(support.sampled_ensembles(most=5, widest=4))
def test_critical_rate_is_where_the_enumerated_operator_reaches_one(problem):
    """Spectral radius from an enumeration of batches: 1 at η*, above 1 just above; the sufficient limit is no such
    point."""
    hessians, size, replacement = problem
    lr = theory.critical_lr(hessians, size, replacement=replacement)

    def radius(rate):
        operator = enumerated_operator(hessians, rate, size, replacement)
        return np.linalg.eigvalsh((operator + operator.T) / 2)[-1]

    assert abs(radius(lr) - 1) < 1e-8
    assert radius(1.001 * lr) > 1 + 1e-6
    assert_allclose(theory.mean_square_rate(hessians, 1.001 * lr, size, replacement=replacement), radius(1.001 * lr),
                    rtol=1e-8)


def test_eq4_is_sharp_where_the_examples_commute_or_have_equal_norms(rng):
    rotation = support.random_rotation(rng, 4)
    commuting = rotation @ (rng.random((5, 4))[:, :, None] * np.eye(4)) @ rotation.T
    for hessians in (commuting, rng.random((5, 1, 1))):
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


def test_between_the_two_limits_the_ensemble_decays_although_eq4_fails():
    hessians = ABOVE_EDGE[:, :, None] * ABOVE_EDGE[:, None, :]
    sufficient, exact = (theory.critical_lr(hessians, 1, which) for which in CRITERIA[:2])
    lr, start = 0.5 * (sufficient + exact), np.array([1.0, 1.0])
    assert theory.lambda_max(hessians, lr, 1) > 1
    norms, _ = support.square_norm_moments(hessians, lr, 1, start, 400)
    assert norms[-1] < 1e-3 * norms[0]
    norms, _ = support.square_norm_moments(hessians, 1.05 * exact, 1, start, 400)
    assert norms[-1] > norms[0]


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
        assert_allclose(theory.critical_lr(factor * hessians, size, which, replacement=replacement), lr / factor,
                        rtol=1e-8)
        assert_allclose(theory.critical_lr(turned, size, which, replacement=replacement), lr, rtol=1e-7)


def test_repeating_the_examples_changes_only_the_sampling_factor(example):
    rng, chosen = example
    hessians = support.random_hessians(rng, 4, 3, rank=1)
    twice = np.concatenate([hessians, hessians])
    for which in CRITERIA:
        assert_allclose(theory.critical_lr(twice, 2, which, replacement=True),
                        theory.critical_lr(hessians, 2, which, replacement=True), rtol=1e-8)
    assert not chosen or theory.critical_lr(twice, 2) < theory.critical_lr(hessians, 2) * 0.99  # p 3/7, not 1/3


def test_ten_thousand_parameters_never_make_a_square_matrix(rng):
    """d = 10 000: one d × d array would take 800 MB; equal to the same ensemble written in 40 coordinates."""
    small = rng.standard_normal((40, 40))
    orthonormal = np.linalg.qr(rng.standard_normal((10_000, 40)))[0]
    wide = theory.GaussNewton(small @ orthonormal.T)
    (limit, spectrum), peak = support.peak_memory(lambda: theory.critical_lr(wide, 3, full_output=True))
    rate, more = support.peak_memory(lambda: theory.mean_square_rate(wide, limit, 3))
    assert max(peak, more) < 40e6
    assert spectrum.converged and spectrum.rank == 40 and spectrum.residual <= 2e-9 * spectrum.eigenvalue
    assert_allclose(limit, theory.critical_lr(theory.GaussNewton(small), 3), rtol=1e-9)
    assert_allclose(rate, 1, atol=1e-8)


@pytest.mark.parametrize("size", [1, 7])
def test_limits_where_a_quotient_stands_for_all_eigenvalues(size):
    """160 examples along directions of their own: η* is 2B/max |g|², as eq. 4 has it; without noise, 2n/max |g|²."""
    minimum = theory.GaussNewton(np.diag(np.geomspace(1, 3, 160)))
    for criterion in ("mean-square", "sufficient"):
        assert_allclose(theory.critical_lr(minimum, size, criterion), 2 * size / 9, rtol=2e-9)


def test_curvature_is_negative_beyond_what_rounding_allows_and_no_sooner():
    """One of 60 eigenvalues is −.4 or −1.1 times 1e-10 d of the largest entry: taken, and refused."""
    turn = np.linalg.qr(np.random.default_rng(0).standard_normal((60, 60)))[0]
    for share, taken in ((-0.4, True), (-1.1, False)):
        values = np.ones(60)
        largest = np.abs((turn * values) @ turn.T).max()
        values[0] = share * 1e-10 * 60 * largest
        flat = (turn * values) @ turn.T
        with nullcontext() if taken else pytest.raises(ValueError, match="positive semi-definite"):
            theory.critical_lr([(flat + flat.T) / 2, np.eye(60)], 1, "gd")
