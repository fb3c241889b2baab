"""The kernels of the decoupled network against quadrature and draws.

Each test says which wrong answer it would catch and shows it caught.
"""

import numpy as np
import pytest
from numpy.testing import assert_allclose

from tests import support
from theory import learning_order as theory


@pytest.mark.claim("LWM19.4.2")
def test_kernels_against_quadrature():
    """Two-dimensional Gaussian quadrature in polar form; a kernel without its ½ is caught."""
    angle = (np.arange(200_000) + 0.5) * np.pi / 100_000
    for theta in (0.3, 1.2, 2.5):
        one, two = np.cos(angle), np.cos(angle - theta)
        both = (one > 0) & (two > 0)
        assert_allclose(theory.arc_cosine_kernel(0, np.cos(theta)), both.mean(), atol=2e-5)
        assert_allclose(theory.arc_cosine_kernel(1, np.cos(theta)), 2 * (one * two * both).mean(), atol=1e-8)
        assert abs(2 * theory.arc_cosine_kernel(0, np.cos(theta)) - both.mean()) > 0.01


@pytest.mark.chance("law")
@pytest.mark.claim("LWM19.4.2")
def test_lag_kernel_against_monte_carlo(rng):
    """400 000 pairs of weights at correlation ρ, bounded terms, error from the sample; the kernel at lag 0 is
    caught."""
    n, r = 400_000, 0.5
    x = np.array([[1, -r], [1, 0], [1, r]])
    weights = np.array([1, -2, 1])
    for rho in (0.95, 0.5):
        first = rng.standard_normal((n, 2))
        second = rho * first + np.sqrt(1 - rho**2) * rng.standard_normal((n, 2))
        terms = (((first @ x.T > 0) * weights @ x) * ((second @ x.T > 0) * weights @ x)).sum(axis=1)
        error = terms.std() / np.sqrt(n)
        assert abs(terms.mean() - theory.lag_kernel(rho, r)) <= support.z_limit(2) * error
        assert abs(terms.mean() - theory.lag_kernel(1.0, r)) > support.z_limit(2) * error
