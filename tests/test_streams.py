"""Streams are those of the seed, or of the state of the generator; nothing else decides them."""

import numpy as np
import pytest

from refimpl import benign_oscillation, images, sgd, sweep
from refimpl._streams import streams
from refimpl.linear_stability import LinearRegression

NET = images.ConvNet(channels=1, height=4, width=4, classes=2, size=2, filters=2)
MODEL = benign_oscillation.TwoLayerCNN(4, 1)
DATA = benign_oscillation.sample(4, dim=4, weak=[0.0, 0.3, 0.0, 0.0], noise_std=0.3, rng=0)
X = np.array([[1.0, 0.5], [0.0, 2.0], [1.0, -1.0], [0.3, 0.1]])


def drawn(seed=0, rng=None):
    return np.random.default_rng(rng).standard_normal()


RUNS = {
    "sgd": lambda rng: sgd.run(LinearRegression(2), np.ones(2), X, lr=0.1, steps=5, batch_size=1, noise_std=0.1,
                               rng=rng).w,
    "benign oscillation": lambda rng: benign_oscillation.train(MODEL, DATA, MODEL.init(0), lr=0.1, steps=8, rng=rng).w,
    "images": lambda rng: images.train(NET, NET.init(0), np.arange(128.0).reshape(8, 1, 4, 4) / 99, np.arange(8) % 2,
                                       lr=0.1, epochs=1, batch_size=2, preactivation_std=0.1, rng=rng).w,
    "sweep": lambda rng: list(sweep.run(drawn, {"seed": [0, 1]}, rng=rng).values.values()),
}


@pytest.mark.parametrize("name", RUNS)
def test_a_restored_generator_gives_the_same_run(name):
    """A second run goes on in the stream; children that are counted beside the state would never come back."""
    run, rng = RUNS[name], np.random.default_rng(5)
    state = rng.bit_generator.state
    first, second = run(rng), run(rng)
    rng.bit_generator.state = state
    assert np.array_equal(run(rng), first) and not np.array_equal(second, first)


@pytest.mark.parametrize("name", RUNS)
def test_a_seed_gives_the_same_run(name):
    """So does a SeedSequence, as often as it is given, and another after children were taken of it."""
    assert np.array_equal(RUNS[name](5), RUNS[name](5)) and not np.array_equal(RUNS[name](6), RUNS[name](5))
    sequence = np.random.SeedSequence(5)
    assert np.array_equal(RUNS[name](sequence), RUNS[name](5)) and np.array_equal(RUNS[name](sequence), RUNS[name](5))
    sequence.spawn(2)
    assert not np.array_equal(RUNS[name](sequence), RUNS[name](5))


def test_streams_of_a_seed_are_its_children_and_differ():
    one, two = streams(7, 2)
    assert [one.spawn_key, two.spawn_key] == [(0,), (1,)] and one.entropy == two.entropy == 7
    assert len({stream.generate_state(1)[0] for stream in streams(np.random.default_rng(7), 50)}) > 45
