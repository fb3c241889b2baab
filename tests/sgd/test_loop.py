"""The loop over steps: against a plain loop in Python, divergence, records."""

from functools import partial

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from refimpl import sgd
from refimpl.linear_stability import LinearRegression, Quadratic, simulate
from tests.sgd.models import plain_loop, problem

pytestmark = pytest.mark.chance("exact")


def decay_after_update(x, y, w0, indices, lrs, noise, decay):
    """A wrong order: decay multiplies the updated weights."""
    w = w0.copy()
    for batch, lr, kick in zip(indices, lrs, noise):
        gradient = sum((x[i] @ w - y[i]) * x[i] for i in batch) / len(batch)
        w = (1 - lr * decay) * (w - lr * (gradient + kick))
    return w


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


def test_shared_and_own_batches_noise_and_data(rng):
    given_ = problem(rng)
    x, y, w0 = (given_[key] for key in ("x", "y", "w0"))
    indices, noise = given_["indices"][:, 0], given_["noise"][:, 0]
    shared = sgd.run(LinearRegression(3), w0, x, y, lr=0.1, steps=9, indices=indices, noise=noise)
    own = sgd.run(LinearRegression(3), w0, np.tile(x, (6, 1, 1)), np.tile(y, (6, 1)), lr=0.1, steps=9,
                  stacked_data=True, indices=np.tile(indices[:, None], (1, 6, 1)),
                  noise=np.tile(noise[:, None], (1, 6, 1)))
    assert_allclose(own.w, shared.w, rtol=1e-13, atol=1e-14)
    shifted = np.stack([np.roll(x, r, axis=0) for r in range(6)])
    other = sgd.run(LinearRegression(3), w0, shifted, np.tile(y, (6, 1)), lr=0.1, steps=9,
                    stacked_data=True, indices=indices)
    assert not np.allclose(other.w[1:], shared.w[1:])


def test_a_chunk_gets_the_data_the_batches_and_the_rates_of_its_own_replicas(rng):
    """Chunks of 16 of 20 replicas: 17…20 with the labels of the first four are caught."""
    given_ = problem(rng, replicas=20)
    x, y = rng.standard_normal((20, 7, 3)), rng.standard_normal((20, 7))
    for indices in (None, given_["indices"][:, 0], given_["indices"]):
        run = partial(sgd.run, LinearRegression(3), given_["w0"], x, y, lr=given_["lrs"], steps=9, stacked_data=True,
                      indices=indices, noise=given_["noise"])
        assert_allclose(run(chunk_size=16).w, run().w, rtol=1e-13, atol=1e-14)
    alone = sgd.run(LinearRegression(3), given_["w0"][17], x[17], y[17], lr=given_["lrs"][:, 17], steps=9,
                    indices=given_["indices"][:, 17], noise=given_["noise"][:, 17])
    assert_allclose(run(chunk_size=16).w[17], alone.w, rtol=1e-12, atol=1e-13)
    assert np.abs(alone.w - run().w[1]).max() > 1e-3


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
    result = sgd.run(Quadratic(1), [[1.0], [1e99]], np.full((1, 1, 1), 1e305), lr=10.0, steps=3)
    assert_array_equal(result.status, [1, 1])
    assert_array_equal(result.nit, [1, 1])
    assert not np.isfinite(result.w[1, 0])


def test_a_limit_whose_square_overflows_is_a_limit(rng):
    """1e200: a replica diverges where it passes it, not before."""
    run = simulate(np.array([[1.0]]), np.array([1.0]), lr=1e10, batch_size=1, steps=30, divergence_limit=1e200)
    assert run.status == 1 and run.nit == 21      # |w| = (1e10 − 1)^t: below 1e200 at t = 20
    assert 1e200 < abs(run.w[0]) < 1e211


def test_all_records_exist_when_every_replica_diverges():
    result = simulate([[1.0]], np.ones((3, 1)), lr=5.0, batch_size=None, steps=1000, divergence_limit=10.0,
                      observe={"w": lambda w, x, y: w}, record_every=100)
    assert result.observed["w"].shape == (11, 3, 1)
    assert np.isnan(result.observed["w"][1:]).all()
    assert_array_equal(result.nit, 2)


def test_observables_must_be_one_a_replica():
    with pytest.raises(ValueError, match=r"observe\['loss'\] must return shape \(2, …\)"):
        simulate(np.eye(3), np.ones((2, 3)), lr=0.1, batch_size=1, steps=1, observe={"loss": lambda w, x, y: 1.0})
