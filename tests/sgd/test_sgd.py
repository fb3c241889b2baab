"""The hot loop: against a plain loop in Python, and its promises on chunks, streams, divergence and memory."""

import pickle
import tracemalloc
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from math import sqrt

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

from refimpl import sgd
from refimpl.convex_annealing import LeastSquares
from refimpl.linear_stability import LinearRegression, Quadratic, simulate
from refimpl.sgd import _sampling
from tests import support


@dataclass(frozen=True)
class PlainRegression(LinearRegression):
    """The same model without its fast path."""

    kernel = None


@dataclass(frozen=True)
class PlainLeastSquares(LeastSquares):
    """The same model without its fast path."""

    kernel = None


@dataclass(frozen=True)
class PlainQuadratic(Quadratic):
    """The same model without its fast paths."""

    kernel = None


def plain_loop(x, y, w0, indices, lrs, noise, decay):
    """SGD on linear regression for one replica, as the docstring of `refimpl.sgd` writes it."""
    w = w0.copy()
    for batch, lr, kick in zip(indices, lrs, noise):
        gradient = sum((x[i] @ w - y[i]) * x[i] for i in batch) / len(batch)
        w = (1 - lr * decay) * w - lr * (gradient + kick)
    return w


def decay_after_update(x, y, w0, indices, lrs, noise, decay):
    """A wrong order: decay multiplies the updated weights."""
    w = w0.copy()
    for batch, lr, kick in zip(indices, lrs, noise):
        gradient = sum((x[i] @ w - y[i]) * x[i] for i in batch) / len(batch)
        w = (1 - lr * decay) * (w - lr * (gradient + kick))
    return w


def problem(rng, replicas=6, n=7, dim=3, size=2, steps=9):
    return {"x": rng.standard_normal((n, dim)), "y": rng.standard_normal(n), "w0": rng.standard_normal((replicas, dim)),
            "indices": rng.integers(0, n, (steps, replicas, size)), "lrs": rng.uniform(0.05, 0.3, (steps, replicas)),
            "noise": rng.standard_normal((steps, replicas, dim))}


@pytest.mark.parametrize("labelled", [True, False])
def test_trajectories_equal_a_plain_loop(rng, labelled):
    """Given everything, to rounding; noise of the other sign and decay after the update are caught."""
    given_ = problem(rng)
    x, w0, indices, lrs, noise = (given_[key] for key in ("x", "w0", "indices", "lrs", "noise"))
    y = given_["y"] if labelled else np.zeros(len(x))
    result = sgd.run(LinearRegression(3), w0, x, y if labelled else None, lr=lrs, steps=9, indices=indices, noise=noise,
                     weight_decay=0.1)

    def loop(function, sign):
        return np.array([function(x, y, w0[r], indices[:, r], lrs[:, r], sign * noise[:, r], 0.1) for r in range(6)])

    assert_allclose(result.w, loop(plain_loop, 1), rtol=1e-12, atol=1e-13)
    assert not np.allclose(result.w, loop(plain_loop, -1), rtol=1e-3)
    assert not np.allclose(result.w, loop(decay_after_update, 1), rtol=1e-3)
    assert result.success.all() and (result.nit == 9).all() and result.message == "all 6 replicas made 9 steps"


def test_each_way_to_give_a_schedule_means_the_same(rng):
    given_ = problem(rng)
    x, y, w0, indices = (given_[key] for key in ("x", "y", "w0", "indices"))
    run = partial(sgd.run, LinearRegression(3), w0, x, y, steps=9, indices=indices)
    schedule = given_["lrs"][:, 0]
    reference = run(lr=schedule).w
    assert_array_equal(run(lr=schedule[:, None]).w, reference)
    assert_array_equal(run(lr=lambda step: schedule[step]).w, reference)
    assert_array_equal(run(lr=lambda step: np.full(6, schedule[step])).w, reference)
    assert_array_equal(run(lr=np.full(9, 0.1)).w, run(lr=0.1).w)
    assert not np.allclose(run(lr=schedule[::-1]).w, reference)


def test_shared_and_own_batches_noise_and_data(rng):
    given_ = problem(rng)
    x, y, w0 = (given_[key] for key in ("x", "y", "w0"))
    indices, noise = given_["indices"][:, 0], given_["noise"][:, 0]
    shared = sgd.run(LinearRegression(3), w0, x, y, lr=0.1, steps=9, indices=indices, noise=noise)
    own = sgd.run(LinearRegression(3), w0, np.tile(x, (6, 1, 1)), np.tile(y, (6, 1)), lr=0.1, steps=9, stacked_data=True,
                  indices=np.tile(indices[:, None], (1, 6, 1)), noise=np.tile(noise[:, None], (1, 6, 1)))
    assert_allclose(own.w, shared.w, rtol=1e-13, atol=1e-14)
    shifted = np.stack([np.roll(x, r, axis=0) for r in range(6)])
    other = sgd.run(LinearRegression(3), w0, shifted, np.tile(y, (6, 1)), lr=0.1, steps=9, stacked_data=True, indices=indices)
    assert not np.allclose(other.w[1:], shared.w[1:])


@pytest.mark.parametrize("stack", [(), (3,), (2, 3)])
def test_replicas_may_have_any_leading_axes(rng, stack):
    x, w0 = rng.standard_normal((5, 2)), rng.standard_normal((*stack, 2))
    result = simulate(x, w0, lr=0.1, batch_size=2, steps=4, rng=1, observe={"w": lambda w, x, y: w}, record_every=2)
    flat = simulate(x, w0.reshape(-1, 2), lr=0.1, batch_size=2, steps=4, rng=1)
    assert_array_equal(result.w.reshape(-1, 2), flat.w)
    assert result.status.shape == result.nit.shape == result.success.shape == stack
    assert result.observed["w"].shape == (3, *stack, 2)
    assert_array_equal(result.recorded_steps, [0, 2, 4])
    assert_array_equal(result.observed["w"][[0, -1]], [w0, result.w])


# --- the fast path ----------------------------------------------------------------------------

@given(st.integers(1, 9), st.integers(1, 40), st.integers(1, 300), st.sampled_from([np.float64, np.float32]), support.seeds())
def test_rank_one_paths_equal_the_plain_path(dim, n, replicas, dtype, seed):
    """By a gather and by counts (B ≥ n/6), up to a replica that diverges."""
    rng = np.random.default_rng(seed)
    x, w0 = rng.standard_normal((n, dim)).astype(dtype), rng.standard_normal((replicas, dim)).astype(dtype)
    w0[0] *= 1e4
    indices = rng.integers(0, n, (3, replicas, rng.integers(1, n + 1)))
    fast, plain = (sgd.run(model, w0, x, lr=0.3, steps=3, indices=indices, divergence_limit=1e3)
                   for model in (LinearRegression(dim), PlainRegression(dim)))
    assert fast.w.dtype == plain.w.dtype == dtype
    assert_array_equal(fast.nit, plain.nit)
    rounding = 1e-12 if dtype is np.float64 else 1e-4
    assert (np.abs(fast.w - plain.w).max(axis=1) <= rounding * (1 + np.abs(plain.w).max(axis=1))).all()


@pytest.mark.parametrize("n", [5, 40])
def test_an_example_drawn_twice_counts_twice(rng, n):
    """On both rank-1 paths; counting it once is caught."""
    x, w0, indices = rng.standard_normal((n, 3)), rng.standard_normal((7, 3)), np.array([[2, 2, 1]])
    found = sgd.run(LinearRegression(3), w0, x, lr=0.3, steps=1, indices=indices).w
    thrice, once = ((x[list(batch)] * (w0 @ x[list(batch)].T)[:, :, None]).mean(axis=1) for batch in ((2, 2, 1), (2, 1)))
    assert_allclose(found, w0 - 0.3 * thrice, rtol=1e-12, atol=1e-13)
    assert not np.allclose(found, w0 - 0.3 * once, rtol=1e-6)


@given(st.sampled_from([1, 2, 4, 5, 7, 64]), st.integers(1, 6), st.integers(1, 90), st.integers(1, 5),
       st.sampled_from([np.float64, np.float32]), support.seeds())
def test_dense_paths_equal_the_plain_path(dim, n, replicas, size, dtype, seed):
    """Side by side (d ≤ 4), gathered, and in place (d = 64, B ≥ 4), up to a replica that diverges."""
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
    assert np.abs(doubled.w - plain.w).max() > 1e-3 * np.abs(plain.w - w0).max()  # the null: B and 2B differ


@given(st.integers(1, 8), st.integers(1, 9), st.integers(1, 200), support.seeds())
def test_whole_set_path_equals_the_plain_path(dim, n, replicas, seed):
    """Least squares by gradient descent; nor do chunks change a bit. Labels left out of the residual are caught."""
    rng = np.random.default_rng(seed)
    x, y, w0 = rng.standard_normal((n, dim)), rng.standard_normal(n), rng.standard_normal((replicas, dim))
    fast, plain = (sgd.run(model, w0, x, y, lr=0.1, steps=4, noise_std=0.1, weight_decay=0.1, rng=seed)
                   for model in (LeastSquares(dim), PlainLeastSquares(dim)))
    assert_allclose(fast.w, plain.w, rtol=0, atol=1e-13 * (1 + np.abs(plain.w).max()))
    parts = sgd.run(LeastSquares(dim), w0, x, y, lr=0.1, steps=4, noise_std=0.1, weight_decay=0.1, rng=seed, chunk_size=1)
    assert_array_equal(parts.w, fast.w)
    wrong = sgd.run(PlainLeastSquares(dim), w0, x, 0 * y, lr=0.1, steps=4, noise_std=0.1, weight_decay=0.1, rng=seed)
    assert np.abs(wrong.w - plain.w).max() > 1e-9 * np.abs(x.T @ y).max()


def test_rank_one_and_dense_hessians_take_the_same_steps(rng):
    factors, w0 = rng.standard_normal((6, 3)), rng.standard_normal((4, 3))
    hessians = factors[:, :, None] * factors[:, None, :]
    rank_one, dense = (simulate(array, w0, lr=0.1, batch_size=2, steps=8, rng=5).w for array in (factors, hessians))
    assert_allclose(rank_one, dense, rtol=1e-12)
    assert not np.allclose(simulate(2 * hessians, w0, lr=0.1, batch_size=2, steps=8, rng=5).w, dense)


@pytest.mark.parametrize("model", [LinearRegression(4), Quadratic(4)])
def test_gradients_and_products_by_finite_differences(rng, model):
    shape = (5, 4) if isinstance(model, LinearRegression) else (5, 4, 4)
    x = rng.standard_normal(shape)
    x = x if x.ndim == 2 else x @ x.swapaxes(1, 2)
    y = rng.standard_normal(5) if isinstance(model, LinearRegression) else None
    w, v, step = model.init(rng), rng.standard_normal(4), 1e-6
    along = (model.loss(w + step * v, x, y) - model.loss(w - step * v, x, y)) / (2 * step)
    assert_allclose(model.gradient(w, x, y) @ v, along, rtol=1e-7, atol=1e-7)
    turned = (model.gradient(w + step * v, x, y) - model.gradient(w - step * v, x, y)) / (2 * step)
    assert_allclose(model.hvp(w, x, y, v), turned, rtol=1e-6, atol=1e-6)
    assert abs(2 * model.gradient(w, x, y) @ v - along) > 1e-3 * abs(along)  # a missing ½ would show
    stack = rng.standard_normal((2, 3, 4))
    assert_allclose(model.gradient(stack, x, y)[1, 2], model.gradient(stack[1, 2], x, y), rtol=1e-12)


# --- streams and chunks -----------------------------------------------------------------------

@pytest.mark.parametrize("sampling", ["without-replacement", "with-replacement", "epoch"])
@pytest.mark.parametrize("model", [LinearRegression(2), LinearRegression(3), PlainRegression(3), Quadratic(3), Quadratic(7), Quadratic(128)], ids=repr)
def test_chunks_and_workers_do_not_change_a_bit(rng, sampling, model):
    dim, = model.parameter_shape
    n = 16 if isinstance(model, LinearRegression) and dim == 2 else 6  # more than 6 B: batches are gathered
    x, w0 = rng.standard_normal((n, dim)), rng.standard_normal((600 if dim < 100 else 60, dim))
    x = x if isinstance(model, LinearRegression) else support.random_hessians(rng, n, dim)
    run = partial(sgd.run, model, w0, x, lr=0.2, steps=20, batch_size=2, sampling=sampling, noise_std=0.1, rng=7,
                  observe={"norm": lambda w, x, y: (w**2).sum(axis=-1)}, record_every=5)
    whole = run(chunk_size=600)
    with ThreadPoolExecutor(2) as pool:
        for other in (run(chunk_size=1), run(chunk_size=100), run(), run(chunk_size=20, workers=pool.map)):
            assert_array_equal(other.w, whole.w)
            assert_array_equal(other.observed["norm"], whole.observed["norm"])
    part = sgd.run(model, w0[:5], x, lr=0.2, steps=20, batch_size=2, sampling=sampling, noise_std=0.1, rng=7)
    assert_array_equal(part.w, whole.w[:5])  # a replica does not see how many others there are
    assert not np.allclose(sgd.run(model, w0, x, lr=0.2, steps=20, batch_size=2, sampling=sampling, rng=8).w, whole.w)


def test_worker_processes_give_the_same_bits(rng):
    x, w0 = rng.standard_normal((6, 3)), rng.standard_normal((600, 3))
    run = partial(simulate, x, w0, lr=0.2, steps=5, batch_size=2, rng=7)
    assert_array_equal(run(workers=2, chunk_size=300).w, run().w)


@pytest.mark.parametrize(("sampling", "n", "size"), [
    ("without-replacement", 5, 2), ("without-replacement", 6, 5), ("without-replacement", 4, 4), ("without-replacement", 1, 1),
    ("with-replacement", 4, 2), ("epoch", 4, 2)])
def test_batches_are_uniform(rng, sampling, n, size):
    """3·10⁴ batches: every subset (or tuple) as often as every other, at a family-wise rate of 1e-6."""
    steps, replicas = 300, 100
    seen = batches_of(sampling, n, size, steps, replicas, rng)
    replacement = sampling == "with-replacement"
    if not replacement:
        assert (np.diff(np.sort(seen), axis=-1) > 0).all()
        seen = np.sort(seen)
    if sampling == "epoch":
        epochs = seen.reshape(steps // 2, 2, replicas, 2).swapaxes(1, 2).reshape(steps // 2, replicas, 4)
        assert (np.sort(epochs) == np.arange(4)).all()
    codes = (seen * n ** np.arange(size)).sum(axis=-1)
    possible = (support.all_batches(n, size, replacement) * n ** np.arange(size)).sum(axis=-1)
    assert np.isin(codes, possible).all()
    frequency = (codes[..., None] == possible).mean(axis=(0, 1))
    # Under "epoch" the two batches of an epoch determine each other: count the first ones only.
    samples = codes.size // (2 if sampling == "epoch" else 1)
    error = support.binomial_error(1 / len(possible), samples)
    assert (np.abs(frequency - 1 / len(possible)) <= support.z_limit(len(possible)) * error + 1e-15).all()


def batches_of(sampling, n, size, steps, replicas, rng):
    """The index arrays of a run, (steps, replicas, size)."""
    seed = rng.bit_generator.seed_seq.spawn(1)[0]
    source = _sampling.batches(sampling, n, size, seed, 0, replicas)
    return np.array([next(source) for _ in range(steps)])


def test_a_run_uses_the_batches_of_its_stream(rng):
    """One-hot examples: after one step the gradient shows how often each example was used."""
    n, size, replicas = 5, 2, 40
    result = simulate(np.eye(n), np.ones((replicas, n)), lr=0.1, batch_size=size, steps=1, rng=3)
    uses = np.rint((1 - result.w) / 0.1 * size).astype(int)
    assert ((uses.sum(axis=1) == size) & (uses.max(axis=1) == 1)).all()
    assert len(np.unique(uses, axis=0)) > 5  # replicas draw their own


def test_noise_has_the_standard_deviation_asked_for(rng):
    """10⁵ normal entries, after one step from 0: variance within its χ² error; τ² for τ is caught."""
    result = simulate(np.zeros((1, 10)) + 1e-300, np.zeros((10_000, 10)), lr=0.5, batch_size=1, steps=1, noise_std=0.3, rng=rng)
    measured, expected = np.mean(result.w**2), (0.5 * 0.3) ** 2
    limit = support.z_limit(1) * sqrt(2 / result.w.size)
    assert abs(measured / expected - 1) <= limit
    assert abs(measured / (0.5 * 0.3**2) ** 2 - 1) > limit
    assert len(np.unique(result.w)) == result.w.size


# --- divergence, callback, memory ------------------------------------------------------------

def test_divergence_is_a_status_with_its_step_and_stops_no_other(rng):
    curvature = np.array([[1.0]])
    rates = np.array([0.5, 2.5, 3.0, 1.0])
    result = simulate(curvature, np.ones((4, 1)), lr=np.tile(rates, (2000, 1)), batch_size=1, steps=2000,
                      divergence_limit=1e6, observe={"w": lambda w, x, y: w[:, 0]}, record_every=10, rng=0)
    crossed = [int(np.floor(np.log(1e6) / np.log(abs(1 - rate)))) + 1 for rate in rates[1:3]]  # first step beyond 1e6
    assert_array_equal(result.status, [0, 1, 1, 0])
    assert_array_equal(result.nit, [2000, *crossed, 2000])
    assert_allclose(np.abs(result.w[1:3, 0]), np.abs(1 - rates[1:3]) ** crossed, rtol=1e-10)
    assert result.message == f"2 of 4 replicas diverged, the first at step {min(crossed)}"
    records = result.observed["w"]
    for replica, step in zip((1, 2), crossed):
        assert_array_equal(np.isfinite(records[:, replica]), result.recorded_steps < step)
    alone = simulate(curvature, np.ones((1, 1)), lr=0.5, batch_size=1, steps=2000, rng=0)
    assert_array_equal(result.w[0], alone.w[0])


def test_overflow_is_divergence_too():
    """By default the limit is 1e100; one step from there to infinity or NaN is caught at that very step."""
    model = Quadratic(1)
    result = sgd.run(model, [[1.0], [1e99]], np.full((1, 1, 1), 1e305), lr=10.0, steps=3)
    assert_array_equal(result.status, [1, 1])
    assert_array_equal(result.nit, [1, 1])
    assert not np.isfinite(result.w[1, 0])


def test_all_records_exist_when_every_replica_diverges():
    result = simulate([[1.0]], np.ones((3, 1)), lr=5.0, batch_size=None, steps=1000, divergence_limit=10.0,
                      observe={"w": lambda w, x, y: w}, record_every=100)
    assert result.observed["w"].shape == (11, 3, 1)
    assert np.isnan(result.observed["w"][1:]).all()
    assert_array_equal(result.nit, 2)


def test_callback_sees_every_step_and_may_stop(rng):
    x, w0 = rng.standard_normal((4, 2)), rng.standard_normal((3, 2))
    seen = []

    def callback(intermediate_result):
        seen.append(intermediate_result.w.copy())
        if len(seen) == 5:
            raise StopIteration

    result = simulate(x, w0, lr=0.1, batch_size=2, steps=50, rng=2, callback=callback, observe={"w": lambda w, x, y: w})
    whole = simulate(x, w0, lr=0.1, batch_size=2, steps=5, rng=2, observe={"w": lambda w, x, y: w})
    assert_array_equal(seen, whole.observed["w"][1:])
    assert_array_equal(result.w, whole.w)
    assert_array_equal(result.status, 2)
    assert_array_equal(result.nit, 5)
    assert result.message == "stopped by the callback after step 5" and not result.success.any()
    assert_array_equal(result.recorded_steps, np.arange(6))


@pytest.mark.parametrize("sampling", ["without-replacement", "epoch"])
def test_memory_does_not_grow_with_steps(rng, sampling):
    x, w0 = rng.standard_normal((8, 4)), rng.standard_normal((32, 4))

    def peak(steps):
        tracemalloc.start()
        simulate(x, w0, lr=0.01, batch_size=2, steps=steps, sampling=sampling, noise_std=0.1, rng=1)
        size = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return size

    peak(2000)
    assert peak(32_000) - peak(2000) < 8 * 30_000  # less than one number a step, for 32 replicas


def test_no_steps_return_the_start(rng):
    w0 = rng.standard_normal((2, 3))
    result = simulate(np.eye(3), w0, lr=0.1, batch_size=1, steps=0, observe={"w": lambda w, x, y: w})
    assert_array_equal(result.w, w0)
    assert_array_equal(result.observed["w"], w0[None])
    assert result.success.all()


def test_observables_must_be_one_a_replica():
    with pytest.raises(ValueError, match=r"observe\['loss'\] must return shape \(2, …\)"):
        simulate(np.eye(3), np.ones((2, 3)), lr=0.1, batch_size=1, steps=1, observe={"loss": lambda w, x, y: 1.0})


def test_a_task_pickles(rng):
    """What a map-like `workers` receives survives pickling, as a process pool or a cluster needs it."""
    def spread(function, tasks):
        return [pickle.loads(pickle.dumps(function))(pickle.loads(pickle.dumps(task))) for task in tasks]

    x, w0 = rng.standard_normal((6, 3)), rng.standard_normal((40, 3))
    run = partial(sgd.run, PlainRegression(3), w0, x, lr=0.2, steps=5, batch_size=2, rng=7, chunk_size=16)
    assert_array_equal(run(workers=spread).w, run().w)


def test_a_limit_whose_square_overflows_is_a_limit(rng):
    """1e200: a replica diverges where it passes it, not before."""
    run = simulate(np.array([[1.0]]), np.array([1.0]), lr=1e10, batch_size=1, steps=30, divergence_limit=1e200)
    assert run.status == 1 and run.nit == 21      # |w| = (1e10 − 1)^t: below 1e200 at t = 20
    assert 1e200 < abs(run.w[0]) < 1e211
