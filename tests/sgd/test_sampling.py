"""Batches and noise: uniform, of the stream asked for, and of the standard deviation asked for."""

from math import sqrt

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from refimpl.linear_stability import simulate
from refimpl.sgd import _sampling
from tests import support

pytestmark = pytest.mark.chance("exact")


@pytest.mark.chance("law")
@pytest.mark.parametrize(("sampling", "n", "size"), [
    ("without-replacement", 5, 2), ("without-replacement", 6, 5), ("without-replacement", 4, 4),
    ("without-replacement", 1, 1), ("with-replacement", 4, 2), ("epoch", 4, 2)])
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


@pytest.mark.chance("law")
def test_a_run_draws_as_it_is_told(rng):
    """300 runs, B = 2 of 4 unit rows at η = ½: a use in a step leaves .75 of a coordinate, two in one step .5, one in
    each of two steps .5625. That no run shows one of these has a chance of 1e-37; another way of sampling is caught."""
    def left(sampling, steps):
        run = simulate(np.eye(4), np.ones((300, 4)), lr=0.5, steps=steps, batch_size=2, sampling=sampling, rng=rng)
        return np.unique(run.w).tolist()

    assert left("without-replacement", 1) == [0.75, 1] and left("with-replacement", 1) == [0.5, 0.75, 1]
    assert left("without-replacement", 2) == [0.5625, 0.75, 1] and left("epoch", 2) == [0.75]


@pytest.mark.chance("law")
def test_batches_of_nearly_all_examples_are_uniform_too(rng):
    """17 of 18, which are sorted out of all: the one left out is each as often as every other, at 1e-6; the null is
    the last of 18 always."""
    seen = batches_of("without-replacement", 18, 17, 100, 100, rng)
    assert seen.shape == (100, 100, 17) and (np.diff(np.sort(seen), axis=-1) > 0).all()
    frequency = np.bincount(153 - seen.sum(axis=-1).ravel(), minlength=18) / 10_000
    assert (np.abs(frequency - 1 / 18) <= support.z_limit(18) * support.binomial_error(1 / 18, 10_000)).all()


def test_batches_without_replacement_have_the_exact_law():
    """Every outcome of the numbers that are drawn, for 3 of 5: 60 equally likely, 6 for each of 10 subsets. The null:
    a repeated example replaced by the next one."""
    numbers = np.stack(np.meshgrid(*((np.arange(k) + 0.5) / k for k in (3, 4, 5)))).reshape(3, -1)
    drawn = np.empty(numbers.shape, int)
    _sampling._floyd(numbers, 5, drawn)
    found, counts = np.unique(np.sort(drawn, axis=0), axis=1, return_counts=True)
    assert found.shape == (3, 10) and (counts == 6).all() and (np.diff(found, axis=0) > 0).all()
    first, second = (numbers[:2] * [[4], [5]]).astype(int)
    shifted = np.sort([first, np.where(second == first, (second + 1) % 5, second)], axis=0)
    assert np.ptp(np.unique(shifted, axis=1, return_counts=True)[1]) > 0


def batches_of(sampling, n, size, steps, replicas, rng):
    """The index arrays of a run, (steps, replicas, size)."""
    source = _sampling.batches(sampling, n, size, rng.bit_generator.seed_seq.spawn(1)[0], 0, replicas)
    return np.array([next(source) for _ in range(steps)])


@pytest.mark.parametrize("sampling", ["without-replacement", "with-replacement"])
def test_few_replicas_and_many_draw_the_same_batches(sampling):
    """Also where few of them read further ahead, and where streams are taken in two groups. The null: another order."""
    many, few, one, late = (_sampling.batches(sampling, 9, 8, np.random.SeedSequence(1), first, count)
                            for first, count in ((0, 260), (0, 3), (0, 1), (256, 3)))
    for _ in range(600 // 8):
        batch = next(many)
        assert_array_equal(next(few), batch[:3])
        assert_array_equal(next(one), batch[:1])
        assert_array_equal(next(late), batch[256:259])
    assert (next(many)[:3] != next(few)[::-1]).any()


def test_a_run_uses_the_batches_of_its_stream(rng):
    """One-hot examples: after one step the gradient shows how often each example was used."""
    n, size, replicas = 5, 2, 40
    result = simulate(np.eye(n), np.ones((replicas, n)), lr=0.1, batch_size=size, steps=1, rng=3)
    uses = np.rint((1 - result.w) / 0.1 * size).astype(int)
    assert ((uses.sum(axis=1) == size) & (uses.max(axis=1) == 1)).all()
    assert len(np.unique(uses, axis=0)) > 5  # replicas draw their own


@pytest.mark.parametrize("shape", [(), (3,), (2049,)])
def test_noise_is_that_of_the_stream_of_its_replica_whatever_its_size(shape):
    """Entry by entry, also where one step takes more numbers than are drawn ahead; from chunk to chunk the same."""
    seed = np.random.SeedSequence(5)
    drawn, later = (_sampling.normals(shape, float, seed, first, 2) for first in (0, 1))
    for step in range(2):
        steps = next(drawn).copy(), next(later).copy()
        assert steps[0].shape == (2, *shape)
        assert_array_equal(steps[0][1], steps[1][0])
        child = np.random.default_rng(np.random.SeedSequence(5, spawn_key=(0,)))
        size = int(np.prod(shape))
        assert_array_equal(steps[0][0], child.standard_normal((step + 1) * size)[-size:].reshape(shape))


@pytest.mark.chance("law")
def test_noise_has_the_standard_deviation_asked_for(rng):
    """10⁵ normal entries, after one step from 0: variance within its χ² error; τ² for τ is caught."""
    result = simulate(np.zeros((1, 10)) + 1e-300, np.zeros((10_000, 10)), lr=0.5, batch_size=1, steps=1,
                      noise_std=0.3, rng=rng)
    measured, expected = np.mean(result.w**2), (0.5 * 0.3) ** 2
    limit = support.z_limit(1) * sqrt(2 / result.w.size)
    assert abs(measured / expected - 1) <= limit
    assert abs(measured / (0.5 * 0.3**2) ** 2 - 1) > limit
    assert len(np.unique(result.w)) == result.w.size
