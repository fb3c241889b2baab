"""`run`: schedules, replicas, chunks and workers, callback, memory."""

import pickle
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from refimpl import sgd
from refimpl.sgd import _status
from refimpl.linear_stability import LinearRegression, Quadratic, simulate
from tests import support
from tests.sgd.models import PlainRegression, problem

pytestmark = pytest.mark.chance("exact")


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


@pytest.mark.parametrize("sampling", ["without-replacement", "with-replacement", "epoch"])
@pytest.mark.parametrize("model", [
    LinearRegression(2), LinearRegression(3), PlainRegression(3), Quadratic(3), Quadratic(7), Quadratic(128)], ids=repr)
def test_chunks_and_workers_do_not_change_a_bit(rng, sampling, model):
    dim, = model.parameter_shape
    n = 16 if isinstance(model, LinearRegression) and dim == 2 else 6  # more than 6 B: batches are gathered
    x, w0 = rng.standard_normal((n, dim)), rng.standard_normal((600 if dim < 100 else 60, dim))
    x = x if isinstance(model, LinearRegression) else support.random_hessians(rng, n, dim)
    run = partial(sgd.run, model, w0, x, lr=0.2, steps=20, batch_size=2, sampling=sampling, noise_std=0.1, rng=7,
                  observe={"norm": lambda w, x, y: (w**2).sum(axis=-1)}, record_every=5)
    whole = run(chunk_size=600)
    with ThreadPoolExecutor(2) as pool:
        for other in (run(chunk_size=100), run(), run(chunk_size=20, workers=pool.map)):
            assert_array_equal(other.w, whole.w)
            assert_array_equal(other.observed["norm"], whole.observed["norm"])
    for count, chunk in ((5, None), (50, 1)):  # a replica does not see how many others there are
        part = sgd.run(model, w0[:count], x, lr=0.2, steps=20, batch_size=2, sampling=sampling, noise_std=0.1, rng=7,
                       chunk_size=chunk)
        assert_array_equal(part.w, whole.w[:count])
    assert not np.allclose(sgd.run(model, w0, x, lr=0.2, steps=20, batch_size=2, sampling=sampling, rng=8).w, whole.w)


def test_worker_processes_give_the_same_bits(rng):
    x, w0 = rng.standard_normal((6, 3)), rng.standard_normal((600, 3))
    run = partial(simulate, x, w0, lr=0.2, steps=5, batch_size=2, rng=7)
    assert_array_equal(run(workers=2, chunk_size=300).w, run().w)


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


def test_a_run_that_is_stopped_after_a_replica_diverged_has_no_records_of_steps_that_were_not_made():
    def callback(intermediate_result):
        if intermediate_result.status.any():
            raise StopIteration

    result = simulate([[1.0]], np.ones((2, 1)), lr=np.tile([0.5, 9.0], (50, 1)), batch_size=1, steps=50,
                      callback=callback, divergence_limit=100.0, observe={"w": lambda w, x, y: w})
    assert_array_equal(result.status, [2, 1])
    assert_array_equal(result.nit, 3)                                  # 8³ > 100
    assert_array_equal(result.recorded_steps, np.arange(4))
    assert result.observed["w"].shape == (4, 2, 1) and result.message == "stopped by the callback after step 3"


def test_the_message_of_a_loop_with_a_target_counts_each_outcome():
    assert (_status.of_target([0, 0, 0, 1, 2, 2], 9)
            == "3 of 6 runs reached the target, 1 diverged, 2 used up their 9 steps")


@pytest.mark.parametrize("sampling", ["without-replacement", "epoch"])
def test_memory_does_not_grow_with_steps(rng, sampling):
    x, w0 = rng.standard_normal((8, 4)), rng.standard_normal((32, 4))

    def peak(steps):
        return support.peak_memory(lambda: simulate(x, w0, lr=0.01, batch_size=2, steps=steps, sampling=sampling,
                                                    noise_std=0.1, rng=1))[1]

    peak(1000)
    assert peak(6000) - peak(1000) < 8 * 5000  # less than one number per step, for 32 replicas


def test_no_steps_return_the_start(rng):
    w0 = rng.standard_normal((2, 3))
    result = simulate(np.eye(3), w0, lr=0.1, batch_size=1, steps=0, observe={"w": lambda w, x, y: w})
    assert_array_equal(result.w, w0)
    assert_array_equal(result.observed["w"], w0[None])
    assert result.success.all()


@pytest.mark.parametrize("size", [None, 1])
def test_floating_point_errors_that_a_caller_asks_for_are_not_those_of_a_step(size):
    """Steps to below the least float and beyond the largest, where NumPy raises on either: the same statuses."""
    with np.errstate(all="raise"):
        small, large = (simulate(np.eye(1), np.ones((2, 1)), lr=lr, batch_size=size, steps=2000) for lr in (0.9, 9.0))
    assert (small.status == 0).all() and np.abs(small.w).max() < 1e-300 and (large.status == 1).all()


def test_a_task_pickles(rng):
    """What a map-like `workers` receives survives pickling, as a process pool or a cluster needs it; what it gives back
    may be in any order, but not lack any."""
    def spread(function, tasks):
        return [pickle.loads(pickle.dumps(function))(pickle.loads(pickle.dumps(task))) for task in tasks][::-1]

    x, w0 = rng.standard_normal((6, 3)), rng.standard_normal((40, 3))
    run = partial(sgd.run, PlainRegression(3), w0, x, lr=0.2, steps=5, batch_size=2, rng=7, chunk_size=16)
    assert_array_equal(run(workers=spread).w, run().w)
    for wrong in (lambda *given: spread(*given)[1:], lambda *given: None, lambda *given: spread(*given) * 2,
                  lambda *given: [*spread(*given), None], lambda *given: [(), *spread(*given)]):
        support.refused("workers must give back one result for each of 3 tasks", run, workers=wrong)
