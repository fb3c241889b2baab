"""What later sources say of thresholds of SGD, against enumeration."""

import numpy as np
import pytest
from hypothesis import given
from numpy.testing import assert_allclose

from tests import support
from tests.linear_stability import augmented
from tests.linear_stability.augmented import Step
from tests.linear_stability.enumeration import mean_square, on_range
from theory import linear_stability as theory

pytestmark = pytest.mark.chance("exact")

UNEQUAL = np.array([[0.5, 0.1, 0.05], [0.2, 0.9, -0.1], [-0.7, 0.5, 0.4], [0.6, -1.4, 0.3], [2.4, 1.1, -0.9],
                    [0.4, 0.6, 2.2]])
OUTER = UNEQUAL[:, :, None] * UNEQUAL[:, None, :]


@pytest.mark.claim("MM24.threshold")
@given(support.ensembles(most=5, widest=3))
def test_a_mixture_of_full_and_single_steps_has_the_same_threshold(hessians):
    """Full with probability 1 − p, one example with p: the operator of all batches, and 1 at η*."""
    n, reduced, limits = len(hessians), on_range(hessians), []
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
    ensemble = theory.GaussNewton(UNEQUAL)
    lr = theory.critical_lr(ensemble, size)
    _, covariance = theory.perron_weight(ensemble, lr, size)
    batches, mean = OUTER[support.all_batches(6, size)].mean(axis=1), OUTER.mean(axis=0)
    square = np.trace(batches @ covariance @ batches, axis1=1, axis2=2).mean()
    assert_allclose(square / np.trace(mean @ covariance), 2 / lr, rtol=1e-7)
    roots = np.linalg.cholesky(covariance).T * np.sqrt(3)                  # three points with that second moment
    gradients = np.einsum("bij,pj->bpi", batches, roots).reshape(-1, 3)
    loss = np.tile(np.einsum("pi,ij,pj->p", roots, mean, roots) / 2, len(batches))
    assert_allclose(theory.gradient_ratio(gradients, loss), 2 / lr, rtol=1e-7)
    if size == 1:
        gradients = OUTER @ np.array([0.3, -1.0, 0.4])
        sharpness = np.mean(np.einsum("nd,nde,ne->n", gradients, OUTER, gradients) / (gradients**2).sum(axis=1))
        assert_allclose(sharpness, (UNEQUAL**2).sum(axis=1).mean(), rtol=1e-12)
        assert sharpness < 0.9 * 2 / lr
        equal = UNEQUAL / np.linalg.norm(UNEQUAL, axis=1, keepdims=True)
        assert_allclose(2 / theory.critical_lr(theory.GaussNewton(equal), 1), 1.0, rtol=1e-9)


@pytest.mark.claim("AB26.plateaus")
@pytest.mark.parametrize("momentum", [-0.5, 0.5, 0.9])
def test_the_two_plateaus_of_momentum_are_the_ends_of_one_threshold(momentum):
    """At 1 by enumeration at every B; neither rule of thumb holds between, and each holds at its end."""
    sharp = np.linalg.eigvalsh(OUTER.mean(axis=0))[-1]
    for size in (1, 2, 4):
        lr = theory.critical_lr(OUTER, size, momentum=momentum)
        assert_allclose(augmented.radius(OUTER, lr, size, Step(momentum)), 1, atol=1e-9)
        assert not np.isclose(lr, (1 - momentum) * theory.critical_lr(OUTER, size), rtol=1e-3)
        assert not np.isclose(lr, 2 * (1 + momentum) / sharp, rtol=1e-3)
    assert_allclose(theory.critical_lr(OUTER, 6, momentum=momentum), 2 * (1 + momentum) / sharp, rtol=1e-8)
    rare = np.eye(200)[:, :1]  # one example in 200 is curved: noise dominates
    assert_allclose(theory.critical_lr(theory.GaussNewton(rare), 1, momentum=momentum),
                    (1 - momentum) * theory.critical_lr(theory.GaussNewton(rare), 1), rtol=0.011)


@pytest.mark.claim("CKLKT21.momentum")
@pytest.mark.parametrize("beta", [0.0, 0.5, 0.9])
def test_heavy_ball_keeps_sharpness_up_to_two_plus_two_beta(beta):
    """The 2 × 2 step has radius at most 1 up to there, and 2(1 − β) is another limit."""
    limit = theory.critical_lr([[[1.0]]], 1, momentum=beta)
    assert_allclose(limit, 2 * (1 + beta), rtol=1e-9)
    radii = [augmented.radius(np.ones((1, 1, 1)), share * limit, 1, Step(beta)) for share in (0.99, 1.01)]
    assert radii[0] < 1 < radii[1]


@pytest.mark.claim("CKLKT21.nesterov")
@pytest.mark.parametrize("beta", [0.0, 0.5, 0.9])
def test_nesterov_keeps_sharpness_up_to_two_plus_two_beta_over_one_plus_two_beta(beta):
    """v ← βv + x, x ← x − η(x + βv) as a 2 × 2 step; the heavy ball's limit is another."""
    limit = theory.critical_lr([[[1.0]]], 1, momentum=beta, nesterov=True)
    assert_allclose(limit, 2 * (1 + beta) / (1 + 2 * beta), rtol=1e-9)
    radii = [np.abs(np.linalg.eigvals([[1 - lr * (1 + beta), -lr * beta**2], [1, beta]])).max()
             for lr in (0.99 * limit, 1.01 * limit)]
    assert radii[0] < 1 < radii[1]


@pytest.mark.claim("CGKDG22.adam")
def test_frozen_adam_keeps_preconditioned_sharpness_up_to_38_over_the_rate():
    """β = .9: 2(1 + β)/(1 − β) = 38 for the sharpness of S^-½ H S^-½, seen in a 2 × 2 step; 3.8 is another."""
    hessian, scales, beta = np.array([[2.0, 0.5], [0.5, 1.0]]), np.array([3.0, 0.2]), 0.9
    sharp = np.linalg.eigvalsh(hessian / np.sqrt(np.outer(scales, scales)))[-1]
    limit = theory.critical_lr(hessian[None], 1, momentum=beta, dampening=beta, preconditioner=scales)
    assert_allclose(limit * sharp, 38, rtol=1e-8)
    radii = [np.abs(np.linalg.eigvals([[1 - lr * sharp * (1 - beta), -lr * beta], [sharp * (1 - beta), beta]])).max()
             for lr in (0.99 * limit, 1.01 * limit)]
    assert radii[0] < 1 < radii[1]


@pytest.mark.claim("LZU21.covariance")
def test_noise_that_does_not_depend_on_place_has_the_discrete_time_covariance(rng):
    """ΣK + KΣ − ηKΣK = ηC, by enumeration where all H_i are equal; without the last term it differs."""
    curvature = np.array([[2.0, 0.4], [0.4, 0.7]])
    gradients = rng.standard_normal((5, 2))
    gradients -= gradients.mean(axis=0)
    lr, size = 0.6, 2
    got = theory.stationary_covariance(np.tile(curvature, (5, 1, 1)), gradients, lr, size)
    kicks = lr * gradients[support.all_batches(5, size)].mean(axis=1)
    exact = augmented.stationary(np.tile(curvature, (5, 1, 1)), gradients, lr, size)
    assert_allclose(got, exact, rtol=1e-9, atol=1e-12)
    both = got @ curvature + curvature @ got
    noise = kicks.T @ kicks / len(kicks) / lr**2
    assert_allclose(both - lr * curvature @ got @ curvature, lr * noise, rtol=1e-9, atol=1e-11)
    assert not np.allclose(both, lr * noise, rtol=0.05)


@pytest.mark.claim("LZU21.minibatch")
@pytest.mark.parametrize("size", [1, 2])
def test_a_minibatch_adds_the_noise_of_the_hessians_to_the_stationary_covariance(size):
    """All batches enumerated at half the limit; the gradients' noise alone loses more than a tenth."""
    labels = np.array([1.0, -0.5, 0.3, 0.8, -1.2, 0.4])
    gradients = (UNEQUAL @ np.linalg.lstsq(UNEQUAL, labels)[0] - labels)[:, None] * UNEQUAL
    lr = 0.5 * theory.critical_lr(OUTER, size)
    mean = np.broadcast_to(OUTER.mean(axis=0), OUTER.shape)
    exact, additive = (augmented.stationary(hessians, gradients, lr, size) for hessians in (OUTER, mean))
    found = theory.stationary_covariance(OUTER, gradients, lr, size)
    assert_allclose(found, exact, rtol=1e-8, atol=1e-10 * np.abs(exact).max())
    assert np.trace(mean[0] @ additive) < 0.9 * np.trace(mean[0] @ exact)
