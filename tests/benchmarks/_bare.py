"""The limit beside a row: the bare NumPy calls that its work cannot do without, in a loop that does nothing else.

Same numbers, shapes and dtype as ours, every result into an array that is there, replicas in chunks that stay in the
cache; no argument is checked, nobody is asked whether he diverged, no callback or observable is thought of. Every
arrangement that ours chooses from is tried, and the fastest here is the limit: what is left between it and another
framework is what NumPy's calls cost beside a compiled loop.
"""

from itertools import product
from time import perf_counter

import numpy as np

BARE = "bare NumPy calls"
_BLOCK = 64                   # replicas side by side are padded to whole blocks
_WORKING_SETS = 2**18, 2**20  # bytes of what is gathered for a chunk


def quadratic(data, w0, indices, lr, momentum=0.0):
    """A function that makes the steps of SGD on factors (n, d) or Hessians (n, d, d) and returns the last iterates."""
    dim, size = w0.shape[1], indices.shape[2]
    if data.ndim == 2:
        paths = (_rank_one_rows, _rank_one_columns, _rank_one_counts)
    else:
        paths = (_dense_rows,) + (_dense_columns,) * (dim <= 4) + (_dense_in_place,) * (dim >= 64)
    gathered = 8 * size * data[0].size
    sizes = sorted({int(np.clip(bytes_ // gathered // _BLOCK * _BLOCK, _BLOCK, len(w0))) for bytes_ in _WORKING_SETS})
    return _fastest([_run(path, data, w0, indices, lr, momentum, chunk) for path, chunk in product(paths, sizes)])


def _fastest(functions):
    taken = []
    for function in functions:
        function()
        started = perf_counter()
        function()
        taken.append(perf_counter() - started)
    return functions[int(np.argmin(taken))]


def _run(path, data, w0, indices, lr, momentum, chunk):
    share = lr / indices.shape[2]

    def run():
        found = np.empty_like(w0)
        for first in range(0, len(w0), chunk):
            part = slice(first, first + chunk)
            state, gradient, unpack = path(data, w0[part], indices[0, part], share)
            velocity = np.zeros_like(state)
            for batch in indices[:, part]:
                step = gradient(batch)
                if momentum:
                    velocity *= momentum
                    velocity += step
                    step = velocity
                state -= step
            found[part] = unpack(state)
        return found

    return run


def _rank_one_rows(x, w0, batch, share):
    """Gather, a product with each replica's rows, scale, a product back."""
    state, rows = w0.copy(), np.empty((*batch.shape, x.shape[1]))
    residuals, result = np.empty(batch.shape), np.empty_like(w0)

    def gradient(batch):
        x.take(batch, 0, rows, "clip")
        np.matvec(rows, state, out=residuals)
        np.multiply(residuals, share, out=residuals)
        return np.vecmat(residuals, rows, out=result)

    return state, gradient, np.asarray


def _rank_one_columns(x, w0, batch, share):
    """The same with replicas side by side."""
    state, table, transposed = _columns(w0), x.T.copy(), _transposed(w0, batch)
    gathered = np.empty((len(state), *transposed.shape))
    residuals, result = np.empty(transposed.shape), np.empty_like(state)

    def gradient(batch):
        transposed[:, :len(batch)] = batch.T
        table.take(transposed, 1, gathered, "clip")
        np.einsum("dbr,dr->br", gathered, state, out=residuals)
        np.multiply(residuals, share, out=residuals)
        if len(residuals) == 1:
            return np.multiply(gathered[:, 0], residuals, out=result)
        return np.einsum("dbr,br->dr", gathered, residuals, out=result)

    return state, gradient, lambda state: state[:, :len(w0)].T


def _rank_one_counts(x, w0, batch, share):
    """All n residuals, each times how often its example is in the batch."""
    state, residuals, scaled = w0.copy(), np.empty((len(w0), len(x))), x * share
    offsets, result, back = len(x) * np.arange(len(w0))[:, None], np.empty_like(w0), x.T.copy()

    def gradient(batch):
        counts = np.bincount((batch + offsets).ravel(), minlength=residuals.size)
        np.matmul(state, back, out=residuals)
        np.multiply(residuals, counts.reshape(residuals.shape), out=residuals)
        return np.matmul(residuals, scaled, out=result)

    return state, gradient, np.asarray


def _dense_rows(x, w0, batch, share):
    """Gather, w repeated and scaled, one product with each replica's matrices."""
    state, table, (count, dim) = w0.copy(), x.swapaxes(1, 2).copy(), w0.shape
    gathered, repeated = np.empty((*batch.shape, dim, dim)), np.empty((*batch.shape, dim))
    result = np.empty_like(w0)

    def gradient(batch):
        table.take(batch, 0, gathered, "clip")
        np.multiply(state[:, None], share, out=repeated)
        return np.vecmat(repeated.reshape(count, -1), gathered.reshape(count, -1, dim), out=result)

    return state, gradient, np.asarray


def _dense_columns(x, w0, batch, share):
    """Gather, sum over the batch, one product of all replicas side by side, scale."""
    state, table, transposed = _columns(w0), np.moveaxis(x, 0, -1).copy(), _transposed(w0, batch)
    gathered = np.empty((len(state), *state.shape[:1], *transposed.shape))
    sums, result = np.empty((len(state), *state.shape)), np.empty_like(state)

    def gradient(batch):
        transposed[:, :len(batch)] = batch.T
        table.take(transposed, 2, gathered, "clip")
        total = gathered[:, :, 0] if len(transposed) == 1 else np.sum(gathered, axis=2, out=sums)
        np.einsum("ijr,jr->ir", total, state, out=result)
        return np.multiply(result, share, out=result)

    return state, gradient, lambda state: state[:, :len(w0)].T


def _dense_in_place(x, w0, batch, share):
    """One product per example, where its matrix lies."""
    state, result, images = w0.copy(), np.empty_like(w0), np.empty((*batch.shape, w0.shape[1]))

    def gradient(batch):
        for w, examples, image in zip(state, batch.tolist(), images):
            for example, target in zip(examples, image):
                np.dot(x[example], w, out=target)
        np.sum(images, axis=1, out=result)
        return np.multiply(result, share, out=result)

    return state, gradient, np.asarray


def _columns(w0):
    state = np.zeros((w0.shape[1], -(-len(w0) // _BLOCK) * _BLOCK))
    state[:, :len(w0)] = w0.T
    return state


def _transposed(w0, batch):
    """Room for the indices of a step, replicas along the rows."""
    return np.zeros((batch.shape[1], -(-len(w0) // _BLOCK) * _BLOCK), np.intp)


def annealed(problem, starts, nit, anneal_step, large, small):
    """A function that makes the passes of annealed descent over the starts that are still on their way.

    When each start is annealed and arrives is known beforehand: those that arrive first lie last, and whole
    blocks of 64 are left out as soon as all of them have arrived.
    """
    order = np.argsort(-nit, kind="stable")
    nit, anneal_step, x, y = nit[order], anneal_step[order], problem.x, problem.y[:, None]
    scaled = x * (2 / len(x))
    on_way = -(-np.searchsorted(-nit, -np.arange(1, nit[0] + 1), side="right") // _BLOCK) * _BLOCK

    def run():
        state, rates = np.ascontiguousarray(starts[order].T), np.full(len(nit), large)
        turns = iter(np.unique(anneal_step))
        turn, width = next(turns, None), 0
        for step, wanted in enumerate(on_way.tolist()):
            if wanted != width:
                width, state, rates = wanted, state[:, :wanted].copy(), rates[:wanted].copy()
                found, squares, gradient = np.empty((len(x), width)), np.empty((len(x), width)), np.empty_like(state)
                loss, due = np.empty(width), np.empty(width, bool)
                np.einsum("nd,dr->nr", x, state, out=found)
                np.subtract(found, y, out=found)
            if step == turn:
                rates[anneal_step[:width] == step], turn = small, next(turns, None)
            np.einsum("nd,nr->dr", scaled, found, out=gradient)
            np.multiply(gradient, rates, out=gradient)
            np.subtract(state, gradient, out=state)
            np.einsum("nd,dr->nr", x, state, out=found)
            np.subtract(found, y, out=found)
            np.sum(np.square(found, out=squares), axis=0, out=loss)
            np.less_equal(loss, small, out=due).any()

    return run
