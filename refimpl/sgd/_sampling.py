"""Random batches and gradient noise, drawn so that they do not depend on how replicas are chunked.

Indices come from one child stream per `BLOCK` replicas and noise from one per
replica, each addressed by its place in the whole stack. A stream is read some
steps ahead; how many is fixed by the sizes of the problem alone.
"""

import numpy as np

BLOCK = 16      # replicas that share a stream of indices; chunks are made of whole blocks
_TOGETHER = 16  # streams whose batches are made in one pass, which stays in the cache
_AHEAD = 2048   # random numbers that one stream hands out at a time, about


def _stream(seed, place):
    child = np.random.SeedSequence(seed.entropy, spawn_key=(*seed.spawn_key, place), pool_size=seed.pool_size)
    return np.random.Generator(np.random.PCG64(child))


def batches(sampling, n, size, seed, first, count):
    """Yield index arrays (count, size), one per step, for replicas first…first+count−1."""
    streams = [_stream(seed, place) for place in range(first // BLOCK, (first + count - 1) // BLOCK + 1)]
    if sampling == "epoch":
        while True:
            for order in _orders(streams, n, max(1, _AHEAD // (BLOCK * n)), count):
                yield from (order[:, first:first + size] for first in range(0, n, size))
    draws, rounds = max(1, _AHEAD // (BLOCK * size)), 1
    while True:
        if sampling != "with-replacement" and size * size > 16 * n:
            yield from _orders(streams, n, draws, count)[..., :size]
            continue
        chosen = np.empty((size, rounds, draws, len(streams), min(count, BLOCK)), np.intp)
        for place, part in _uniform(streams, size, draws, rounds, count):
            target = chosen[..., place:place + part.shape[3], :]
            if sampling == "with-replacement":
                np.multiply(part, n, out=target, casting="unsafe")
            else:
                _floyd(part, n, target)
        yield from np.moveaxis(chosen.reshape(size, rounds * draws, -1)[..., :count], 0, -1)
        if 2 * rounds * count <= BLOCK:  # few replicas: more rounds at a time, of the same numbers
            rounds *= 2


def _uniform(streams, width, draws, rounds, count):
    """(place, numbers (width, rounds, draws, streams, replicas)) of some streams after the other, each from a place on.

    They are what the streams hand out in so many rounds of (width, draws, BLOCK).
    """
    numbers = np.empty((min(_TOGETHER, len(streams)), rounds, width, draws, BLOCK))
    for place in range(0, len(streams), _TOGETHER):
        group = streams[place:place + _TOGETHER]
        for stream, block in zip(group, numbers):
            stream.random(out=block)
        yield place, numbers[:len(group), ..., :min(count, BLOCK)].transpose(2, 1, 3, 0, 4)


def _orders(streams, n, draws, count):
    """Random permutations (draws, count, n)."""
    found = [np.argsort(np.moveaxis(part[:, 0], 0, -1), axis=-1) for _, part in _uniform(streams, n, draws, 1, count)]
    return np.concatenate(found, axis=1).reshape(draws, -1, n)[:, :count]


def _floyd(uniform, n, chosen):
    """Fill `chosen` with random subsets of 0…n−1 without replacement along axis 0 (Floyd's algorithm)."""
    taken, same = np.empty((2, *uniform.shape[1:]), bool)
    for slot, last in enumerate(range(n - len(uniform), n)):
        np.multiply(uniform[slot], last + 1, out=chosen[slot], casting="unsafe")
        if slot:
            np.equal(chosen[0], chosen[slot], out=taken)
            for earlier in range(1, slot):
                taken |= np.equal(chosen[earlier], chosen[slot], out=same)
            np.copyto(chosen[slot], last, where=taken)


def normals(shape, dtype, seed, first, count):
    """Yield standard normal arrays (count, *shape), one per step, for replicas first…first+count−1."""
    streams = [_stream(seed, place) for place in range(first, first + count)]
    draws = max(1, _AHEAD // max(1, int(np.prod(shape))))
    ahead = np.empty((count, draws, *shape), dtype)
    while True:
        for stream, block in zip(streams, ahead):
            stream.standard_normal(dtype=dtype, out=block)
        yield from ahead.swapaxes(0, 1)  # views: each is used up before the next block is drawn
