"""Random batches and gradient noise, drawn so that they do not depend on how replicas are chunked.

Indices come from one child stream per `BLOCK` replicas and noise from one per
replica, each addressed by its place in the whole stack. A stream is read some
steps ahead; how many is fixed by the sizes of the problem alone.
"""

import numpy as np

BLOCK = 16      # replicas that share a stream of indices; chunks are made of whole blocks
_AHEAD = 2048   # random numbers that one stream hands out at a time, about


def _stream(seed, place):
    child = np.random.SeedSequence(seed.entropy, spawn_key=(*seed.spawn_key, place), pool_size=seed.pool_size)
    return np.random.Generator(np.random.PCG64(child))


def batches(sampling, n, size, seed, first, count):
    """Yield index arrays (count, size), one per step, for replicas first…first+count−1."""
    streams = [_stream(seed, place) for place in range(first // BLOCK, (first + count - 1) // BLOCK + 1)]

    def uniform(width, draws):
        return np.concatenate([stream.random((width, draws, BLOCK)) for stream in streams], axis=2)[:, :, :count]

    def orders(draws):
        return np.argsort(np.moveaxis(uniform(n, draws), 0, -1), axis=-1)  # (draws, count, n)

    if sampling == "epoch":
        while True:
            for order in orders(max(1, _AHEAD // (BLOCK * n))):
                yield from (order[:, first:first + size] for first in range(0, n, size))
    draws = max(1, _AHEAD // (BLOCK * size))
    while True:
        if sampling == "with-replacement":
            yield from np.moveaxis((uniform(size, draws) * n).astype(np.intp), 0, -1)
        elif size * size <= 16 * n:
            yield from np.moveaxis(_floyd(uniform(size, draws), n), 0, -1)
        else:
            yield from orders(draws)[..., :size]


def _floyd(uniform, n):
    """Uniformly random subsets of 0…n−1 without replacement along axis 0 (Floyd's algorithm)."""
    chosen = np.empty(uniform.shape, np.intp)
    taken, same = np.empty((2, *uniform.shape[1:]), bool)
    for slot, last in enumerate(range(n - len(uniform), n)):
        np.multiply(uniform[slot], last + 1, out=chosen[slot], casting="unsafe")
        taken[:] = False
        for earlier in range(slot):
            taken |= np.equal(chosen[earlier], chosen[slot], out=same)
        np.copyto(chosen[slot], last, where=taken)
    return chosen


def normals(shape, dtype, seed, first, count):
    """Yield standard normal arrays (count, *shape), one per step, for replicas first…first+count−1."""
    streams = [_stream(seed, place) for place in range(first, first + count)]
    draws = max(1, _AHEAD // max(1, int(np.prod(shape))))
    ahead = np.empty((count, draws, *shape), dtype)
    while True:
        for stream, block in zip(streams, ahead):
            stream.standard_normal(dtype=dtype, out=block)
        yield from ahead.swapaxes(0, 1)  # views: each is used up before the next block is drawn
