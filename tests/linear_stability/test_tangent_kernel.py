"""An ensemble given by its tangent kernel answers as the one given by its factors."""

import numpy as np
import pytest
from hypothesis import given, strategies as st
from numpy.testing import assert_allclose

from tests import support
from theory.linear_stability import GaussNewton, critical_lr, lambda_max, non_uniformity, sharpness

pytestmark = pytest.mark.chance("exact")


def kernel_of(jacobians):
    rows = jacobians.reshape(-1, jacobians.shape[-1])
    return rows @ rows.T


def answers(ensemble, batch_size):
    return [sharpness(ensemble), non_uniformity(ensemble), critical_lr(ensemble, batch_size),
            critical_lr(ensemble, batch_size, "sufficient"),
            lambda_max(ensemble, 0.3 / sharpness(ensemble), batch_size)]


@given(support.seeds(), st.integers(2, 7), st.integers(1, 3), st.integers(1, 9), st.sampled_from([1.0, 1e-60, 1e60]))
def test_all_that_depends_on_the_ensemble_depends_on_the_kernel_alone(seed, n, outputs, dim, scale):
    """Fewer and more parameters than rows, k outputs, extreme units. Null: the kernel read with one output."""
    jacobians = np.random.default_rng(seed).standard_normal((n, outputs, dim)) * scale
    found = answers(GaussNewton.from_kernel(kernel_of(jacobians), outputs), 2)[: 4 if dim > n * outputs else 5]
    wanted = answers(GaussNewton(jacobians), 2)[:len(found)]
    assert_allclose(found, wanted, rtol=1e-6)
    if outputs > 1 and n > 2:
        assert abs(critical_lr(GaussNewton.from_kernel(kernel_of(jacobians)), 2) / wanted[2] - 1) > 1e-6


def test_a_kernel_in_float32_is_judged_by_its_own_rounding(rng):
    jacobians = rng.standard_normal((8, 3))
    single = kernel_of(jacobians).astype(np.float32)
    exact = critical_lr(GaussNewton(jacobians), 2)
    assert critical_lr(GaussNewton.from_kernel(single), 2) == pytest.approx(exact, rel=1e-5)


@pytest.mark.parametrize(("kernel", "outputs", "message"), [
    (np.ones((2, 3)), 1, r"kernel must have shape \(n k, n k\) with k = outputs = 1, got \(2, 3\)"),
    (np.eye(3), 2, "with k = outputs = 2, got"),
    (np.array([[1.0, 2.0], [0.0, 1.0]]), 1, "kernel must be symmetric, got an asymmetry of 2"),
    (np.diag([1.0, -1.0]), 1, "kernel must be positive semi-definite, got the eigenvalue -1"),
    (np.zeros((2, 2)), 1, "kernel must not be all zero"),
    (np.full((2, 2), np.nan), 1, "kernel must be finite"),
    (np.eye(2), 0, "outputs must be at least 1"),
])
def test_what_is_no_kernel_is_refused(kernel, outputs, message):
    support.refused(message, GaussNewton.from_kernel, kernel, outputs)
