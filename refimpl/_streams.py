"""Independent streams of random numbers from whatever `rng` is."""

import numpy as np

from theory import _checks


def source(rng):
    """A `SeedSequence` for all streams of one call.

    That of an int or None is its own, and a `SeedSequence` is copied, so that it
    gives the same streams in every call. That of a generator
    is drawn from it: the generator moves on, and one whose
    ``bit_generator.state`` is restored gives the same streams again, which
    its children, counted beside the state, would not.
    """
    generator = _checks.generator(rng)
    if isinstance(rng, (np.random.Generator, np.random.BitGenerator, np.random.RandomState)):
        return np.random.SeedSequence(generator.integers(2**32, size=8, dtype=np.uint32).tolist())
    seed = generator.bit_generator.seed_seq
    return np.random.SeedSequence(seed.entropy, spawn_key=seed.spawn_key, pool_size=seed.pool_size,
                                  n_children_spawned=seed.n_children_spawned)


def streams(rng, count):
    """Seeds of `count` independent streams, the children of the `source`."""
    return source(rng).spawn(count)
