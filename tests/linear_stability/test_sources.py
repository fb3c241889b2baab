"""What later sources say of thresholds of SGD, against enumeration."""

import numpy as np
import pytest
from hypothesis import given
from numpy.testing import assert_allclose

from tests import support
from theory import linear_stability as theory

UNEQUAL = np.array([[0.5, 0.1, 0.05], [0.2, 0.9, -0.1], [-0.7, 0.5, 0.4],
                   [0.6, -1.4, 0.3], [2.4, 1.1, -0.9], [0.4, 0.6, 2.2]])


@pytest.mark.claim("MM24.threshold")
@given(support.ensembles(most=5, widest=3))
def test_a_mixture_of_full_and_single_steps_has_the_same_threshold(hessians):
    """Full with probability 1 − p, one example with p: the operator of all batches, and 1 at η*."""
    n, basis = len(hessians), support_of(hessians)
    reduced = basis.T @ hessians @ basis
    limits = []
    for size in range(1, n + 1):
        lr = theory.critical_lr(hessians, size)
        share = theory.sampling_factor(n, size)
        full, single = (mean_square(support.step_matrices(reduced, lr, count)) for count in (n, 1))
        mixture = (1 - share) * full + share * single
        scale = np.abs(full).max() + np.abs(single).max()
        assert_allclose(mixture, mean_square(support.step_matrices(reduced, lr, size)), rtol=0, atol=1e-12 * scale)
        assert abs(np.linalg.eigvalsh((mixture + mixture.T) / 2)[-1] - 1) < 1e-8
        limits.append(lr)
    assert (np.diff(limits) >= -1e-8 * limits[0]).all()


def test_with_the_other_sampling_factor_the_mixture_is_another(rng):
    hessians = support.random_hessians(rng, 4, 2, rank=1)
    lr = theory.critical_lr(hessians, 2)
    full, single, pairs = (mean_square(support.step_matrices(hessians, lr, size)) for size in (4, 1, 2))
    assert_allclose(2 / 3 * full + 1 / 3 * single, pairs, rtol=1e-10, atol=1e-12)  # p = (n − B)/(B(n − 1))
    assert not np.allclose(full / 2 + single / 2, pairs, rtol=1e-6)               # p = 1/B


@pytest.mark.claim("AB24.batch-sharpness")
@pytest.mark.parametrize("size", [1, 2, 3])
def test_at_the_threshold_the_gradient_ratio_is_two_over_the_rate_and_batch_sharpness_is_not(size):
    """All batches enumerated under the marginal covariance; batch sharpness of one example is ‖g_i‖² whatever x."""
    factors = UNEQUAL
    ensemble = theory.GaussNewton(factors)
    lr = theory.critical_lr(ensemble, size)
    _, covariance = theory.perron_weight(ensemble, lr, size)
    hessians = factors[:, :, None] * factors[:, None, :]
    batches = hessians[support.all_batches(6, size)].mean(axis=1)
    square = np.trace(batches @ covariance @ batches, axis1=1, axis2=2).mean()
    assert_allclose(square / np.trace(hessians.mean(axis=0) @ covariance), 2 / lr, rtol=1e-7)
    if size == 1:
        gradients = hessians @ np.array([0.3, -1.0, 0.4])
        sharpness = np.mean(np.einsum("nd,nde,ne->n", gradients, hessians, gradients) / (gradients**2).sum(axis=1))
        assert_allclose(sharpness, (factors**2).sum(axis=1).mean(), rtol=1e-12)
        assert sharpness < 0.9 * 2 / lr
        equal = factors / np.linalg.norm(factors, axis=1, keepdims=True)
        assert_allclose(2 / theory.critical_lr(theory.GaussNewton(equal), 1), 1.0, rtol=1e-9)


def support_of(hessians):
    """Orthonormal basis of the range of the mean."""
    values, vectors = np.linalg.eigh(hessians.mean(axis=0))
    return vectors[:, values > 1e-12 * values[-1]]


def mean_square(matrices):
    """mean of M ⊗ M."""
    return np.mean([np.kron(matrix, matrix) for matrix in matrices], axis=0)
