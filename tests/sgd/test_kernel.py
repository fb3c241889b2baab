"""Fast paths: equal to the plain path, to rounding and up to a replica that diverges."""

import numpy as np
import pytest
from hypothesis import given, strategies as st
from numpy.testing import assert_allclose, assert_array_equal

from refimpl import sgd
from refimpl.convex_annealing import LeastSquares
from refimpl.linear_stability import LinearRegression, Quadratic, simulate
from tests import support
from tests.sgd.models import PlainLeastSquares, PlainQuadratic, PlainRegression

pytestmark = pytest.mark.chance("exact")


@given(st.integers(1, 24), st.integers(1, 40), st.integers(1, 300), st.sampled_from([np.float64, np.float32]),
       st.booleans(), support.seeds())
def test_rank_one_paths_equal_the_plain_path(dim, n, replicas, dtype, labelled, seed):
    """Side by side, gathered in rows (dB ≥ 64, or d ≥ 16 with B = 1) and by counts (B ≥ n/6), up to a replica that
    diverges."""
    rng = np.random.default_rng(seed)
    y = rng.standard_normal(n).astype(dtype) if labelled else None
    x, w0 = rng.standard_normal((n, dim)).astype(dtype), rng.standard_normal((replicas, dim)).astype(dtype)
    w0[0] *= 1e4
    indices = rng.integers(0, n, (3, replicas, rng.integers(1, n + 1)))
    fast, plain = (sgd.run(model, w0, x, y, lr=0.3, steps=3, indices=indices, divergence_limit=1e3)
                   for model in (LinearRegression(dim), PlainRegression(dim)))
    assert fast.w.dtype == plain.w.dtype == dtype
    assert_array_equal(fast.nit, plain.nit)
    rounding = 1e-12 if dtype is np.float64 else 1e-4
    assert (np.abs(fast.w - plain.w).max(axis=1) <= rounding * (1 + np.abs(plain.w).max(axis=1))).all()


@given(st.sampled_from([1, 2, 4, 5, 7, 64]), st.integers(1, 6), st.integers(1, 90), st.integers(1, 5),
       st.sampled_from([np.float64, np.float32]), support.seeds())
def test_dense_paths_equal_the_plain_path(dim, n, replicas, size, dtype, seed):
    """Side by side (d ≤ 3, or Bd² ≤ 48), gathered, and in place (d = 64, B ≥ 4), up to a replica that diverges."""
    rng = np.random.default_rng(seed)
    x = support.random_hessians(rng, n, dim).astype(dtype)
    w0 = rng.standard_normal((replicas, dim)).astype(dtype)
    w0[0] *= 1e4
    indices = rng.integers(0, n, (3, replicas, size))
    fast, plain = (sgd.run(model, w0, x, lr=0.3, steps=3, indices=indices, divergence_limit=1e3)
                   for model in (Quadratic(dim), PlainQuadratic(dim)))
    assert fast.w.dtype == plain.w.dtype == dtype
    assert_array_equal(fast.nit, plain.nit)
    error = np.abs(fast.w - plain.w).max(axis=1) / (1 + np.abs(plain.w).max(axis=1))
    assert error.max() < (1e-12 if dtype is np.float64 else 1e-4)
    doubled = sgd.run(PlainQuadratic(dim), w0, 2 * x, lr=0.3, steps=3, indices=indices, divergence_limit=1e3)
    assert np.abs(doubled.w - plain.w).max() > 1e-6 * np.abs(plain.w - w0).max()  # the null: B and 2B differ


@given(st.integers(1, 8), st.integers(1, 9), st.integers(1, 200), support.seeds())
def test_whole_set_path_equals_the_plain_path(dim, n, replicas, seed):
    """Least squares by gradient descent; nor do chunks change a bit. Labels left out of the residual are caught."""
    rng = np.random.default_rng(seed)
    x, y, w0 = rng.standard_normal((n, dim)), rng.standard_normal(n), rng.standard_normal((replicas, dim))
    fast, plain = (sgd.run(model, w0, x, y, lr=0.1, steps=4, noise_std=0.1, weight_decay=0.1, rng=seed)
                   for model in (LeastSquares(dim), PlainLeastSquares(dim)))
    assert_allclose(fast.w, plain.w, rtol=0, atol=1e-13 * (1 + np.abs(plain.w).max()))
    parts = sgd.run(LeastSquares(dim), w0, x, y, lr=0.1, steps=4, noise_std=0.1, weight_decay=0.1, rng=seed,
                    chunk_size=1)
    assert_array_equal(parts.w, fast.w)
    wrong = sgd.run(PlainLeastSquares(dim), w0, x, 0 * y, lr=0.1, steps=4, noise_std=0.1, weight_decay=0.1, rng=seed)
    assert np.abs(wrong.w - plain.w).max() > 1e-9 * np.abs(x.T @ y).max()


def test_rank_one_and_dense_hessians_take_the_same_steps(rng):
    factors, w0 = rng.standard_normal((6, 3)), rng.standard_normal((4, 3))
    hessians = factors[:, :, None] * factors[:, None, :]
    rank_one, dense = (simulate(array, w0, lr=0.1, batch_size=2, steps=8, rng=5).w for array in (factors, hessians))
    assert_allclose(rank_one, dense, rtol=1e-12)
    assert not np.allclose(simulate(2 * hessians, w0, lr=0.1, batch_size=2, steps=8, rng=5).w, dense)
