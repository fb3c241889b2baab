r"""SGD in the space of inner products. The public names are those of `refimpl.benign_oscillation`.

A step changes every filter by a multiple of each patch g of its batch, so that
all that the dynamics needs are the inner products a = ⟨w_r, g_k⟩ with the K
distinct patches of the data (and with u and v), and their Gram matrix:

.. math:: a_{jrk} \leftarrow a_{jrk} \pm \frac{2\eta}{Bm} \sum_{i \in B} (y_i - f_i)
          \sum_p \sigma'(\langle w_{jr}, x_{ip} \rangle) \langle x_{ip}, g_k \rangle

The filters come back in the end, since w − w₀ lies in the span of the patches.
"""

from dataclasses import dataclass
from itertools import islice, repeat

import numpy as np

from refimpl.sgd import _sampling
from theory import _checks

COMPLETED, DIVERGED = 0, 1
_BLOCK = 512       # steps between two looks for divergence
_TINY = 1e-280     # below it numbers lose their digits and slow the processor: set to 0


@dataclass(frozen=True)
class Training:
    """Outcome of `train` for replicas of shape S.

    Attributes
    ----------
    w : ndarray (*S, 2, m, d)
        Parameters after the last step; NaN for a replica that diverged.
    success : ndarray (*S) of bool
        Whether all steps were made.
    status : ndarray (*S) of int
        0 completed, 1 diverged.
    nit : ndarray (*S) of int
        Steps made; for a diverged replica those before the first residual that
        was not finite or beyond the limit.
    message : str
    residuals : ndarray (steps, *S, B)
        1 − y f for the examples of each batch before its step; NaN from the
        step at which a replica diverged. Running sums are their `cumsum`.
    recorded_steps : ndarray (K,) of int
    strong, weak : ndarray (K, *S, 2, m)
        ⟨w_r, u⟩ and ⟨w_r, v⟩ at these steps.
    patches : ndarray (K, *S, n, P, 2, m) or None
        ⟨w_r, x_ip⟩ if asked for: where a patch is noise, its alignment.
    """

    w: np.ndarray
    success: np.ndarray
    status: np.ndarray
    nit: np.ndarray
    message: str
    residuals: np.ndarray
    recorded_steps: np.ndarray
    strong: np.ndarray
    weak: np.ndarray
    patches: np.ndarray | None


def train(model, data, w0, *, lr, steps, batch_size=1, sampling="epoch", indices=None, record_every=None,
          record_patches=False, divergence_limit=1e6, rng=None):
    """Run multi-pass SGD, or gradient descent, on the two-layer network.

    Parameters
    ----------
    model : TwoLayerCNN
    data : Data
        One set for all replicas, or one for each, with axes S.
    w0 : array_like (*S, 2, m, d)
        Starts.
    lr : float, array_like (steps,), (1, *S) or (steps, *S)
        Learning rate η > 0; with the steps in front it can be annealed.
    steps : int
        Single-example SGD makes n of them an epoch.
    batch_size : int or None
        B; 1 is the poster's, None the whole set: gradient descent.
    sampling : {"epoch", "with-replacement", "without-replacement"}
        How batches are drawn, as for `refimpl.sgd.run`: "epoch" is a fresh
        permutation for each pass. The same `rng` gives the same batches there.
    indices : array_like of int (steps, B) or (steps, *S, B), optional
        The batches themselves.
    record_every : int, optional
        Record alignments at steps 0, k, 2k, …; the default is once an epoch.
    record_patches : bool
        Whether to record the alignments with all patches too.
    divergence_limit : float
        A replica diverges when the residual of an example that it visits is
        not finite or exceeds this; the others go on.
    rng : None, int, SeedSequence or Generator
        Source of the batches.

    Returns
    -------
    Training

    Raises
    ------
    ValueError
        If an argument is outside its range or shapes do not fit.

    Examples
    --------
    >>> from refimpl.benign_oscillation import TwoLayerCNN, sample, strengths
    >>> model = TwoLayerCNN(dim=16, width=4)
    >>> data = sample(4, dim=16, weak=0.3 * np.eye(16)[1])
    >>> run = train(model, data, model.init(rng=0), lr=1.2, steps=4000, rng=1)    # c = 4·1.2/4
    >>> strengths(run.weak[-1])[0].round(3)       # the weak feature, of both classes
    array([0.187, 0.187])
    """
    w0 = _checks.real(w0, "w0").astype(float)
    if w0.ndim < 3 or w0.shape[-3:] != model.parameter_shape or 0 in w0.shape:
        raise ValueError(f"w0 must have shape (*S, {', '.join(map(str, model.parameter_shape))}), got {w0.shape}; draw "
                         "it with model.init")
    stack = w0.shape[:-3]
    steps = _checks.whole(steps, "steps", 0)
    n, patches, dim = data.x.shape[-3:]
    if data.x.shape[:-3] not in ((), stack) or dim != model.dim:
        raise ValueError(f"data.x must have shape (n, P, {model.dim}) or {stack} + (n, P, {model.dim}), got "
                         f"{data.x.shape}; give one set for all replicas or one for each")
    batches = _batch_source(batch_size, sampling, indices, n, steps, stack, rng)
    rates = _rates(lr, steps, stack)
    limit = _checks.scalar(divergence_limit, "divergence_limit")
    every = n if record_every is None else _checks.whole(record_every, "record_every")
    space = _Space(model, data, w0.reshape(-1, *model.parameter_shape))
    return _run(space, rates, batches, steps, every, record_patches, limit, stack)


class _Space:
    """Inner products of the filters of R replicas with the distinct patches of their data."""

    def __init__(self, model, data, start):
        self.model, self.start = model, start
        replicas, (n, patches, dim) = len(start), data.x.shape[-3:]
        sets = data.x.reshape(-1, n * patches, dim)
        found = [np.unique(np.concatenate([[data.strong_vector, data.weak_vector], rows]), axis=0, return_inverse=True)
                 for rows in sets]
        most = max(len(rows) for rows, _ in found)
        vectors = np.stack([np.pad(rows, ((0, most - len(rows)), (0, 0))) for rows, _ in found])    # (sets, K, d)
        places = np.stack([inverse.reshape(-1) for _, inverse in found])                            # (sets, 2 + nP)
        share = np.zeros(replicas, int) if len(sets) == 1 else np.arange(replicas)                  # set of a replica
        self.vectors = vectors[share]
        self.state = np.matmul(self.vectors, start.reshape(replicas, -1, dim).swapaxes(1, 2))       # (R, K, 2m)
        self.features = places[share, :2]
        self.rows = (places[share, 2:] + most * np.arange(replicas)[:, None]).reshape(replicas * n, patches)
        gram = np.matmul(sets, vectors.swapaxes(1, 2)).reshape(-1, n, patches, most)
        self.gram = gram.reshape(-1, patches, most)                                                 # of example s·n + i
        self.example = share * n
        self.n, self.patches = n, patches
        self.y = np.broadcast_to(data.y.reshape(-1, n), (replicas, n)).reshape(-1)

    def step_function(self, batch):
        """A function (rows, examples, y, rate, residual) that makes a step in place; all its buffers are made here."""
        replicas, most, filters = self.state.shape
        kind, m = self.model.activation, self.model.width
        shape = (replicas, batch, self.patches * filters)
        flat, delta = self.state.reshape(-1, filters), np.empty_like(self.state)
        z, slope = np.empty(shape), np.empty(shape)
        by_row = (replicas, batch * self.patches, filters)
        z_rows, slope_rows = z.reshape(by_row), slope.reshape(by_row)
        gram = np.empty((replicas, batch, self.patches, most))
        gram_columns = gram.reshape(replicas, -1, most).swapaxes(1, 2)
        scale, output = np.empty((replicas, batch)), np.empty((replicas, batch))
        scale_all = scale[..., None]
        signs = np.repeat([1.0, -1.0], m) / m
        state, table = self.state, self.gram
        take, maximum, multiply, subtract, vecdot, matmul, add = (
            np.take, np.maximum, np.multiply, np.subtract, np.vecdot, np.matmul, np.add)

        def step(rows, examples, y, rate, residual):
            take(flat, rows, axis=0, out=z_rows, mode="clip")
            if kind == "square":
                multiply(z_rows, signs, out=slope_rows)
            else:
                maximum(z_rows, 0.0, out=z_rows)
                multiply(z_rows if kind == "relu2" else z_rows > 0, signs, out=slope_rows)
            vecdot(z, slope, out=output)                   # z·σ'(z)/2, or z·σ'(z) for "relu", is σ(z)
            subtract(y, output, out=residual)
            multiply(residual, rate, out=scale)
            multiply(slope, scale_all, out=slope)
            take(table, examples, axis=0, out=gram, mode="clip")
            matmul(gram_columns, slope_rows, out=delta)
            add(state, delta, out=state)

        return step, (2.0 if kind == "relu" else 4.0) / batch

    def feature(self, which):
        """⟨w_r, u⟩ or ⟨w_r, v⟩, (R, 2, m)."""
        values = self.state[np.arange(len(self.state)), self.features[:, which]]
        return values.reshape(len(values), 2, -1)

    def patch_alignments(self):
        """⟨w_r, x_ip⟩, (R, n, P, 2, m)."""
        values = self.state.reshape(-1, self.state.shape[-1])[self.rows]
        return values.reshape(len(self.state), self.n, self.patches, 2, -1)

    def parameters(self):
        """The filters: w₀ plus what, in the span of the patches, has the inner products of the state."""
        flat = self.start.reshape(len(self.start), -1, self.start.shape[-1])
        gained = self.state - np.matmul(self.vectors, flat.swapaxes(1, 2))
        moved = np.matmul(np.linalg.pinv(self.vectors), gained).swapaxes(1, 2)
        return self.start + moved.reshape(self.start.shape)


def _run(space, rates, batches, steps, every, record_patches, limit, stack):
    replicas, (size, drawn) = len(space.state), batches
    step, factor = space.step_function(size)
    residuals = np.empty((steps, replicas, size))
    recorded = np.arange(0, steps + 1, every)
    shape = (len(recorded), replicas, 2, space.model.width)
    strong, weak = np.empty(shape), np.empty(shape)
    kept = np.empty((*shape[:2], space.n, space.patches, *shape[2:])) if record_patches else None
    nit, alive = np.full(replicas, steps), np.ones(replicas, bool)
    own, member = space.n * np.arange(replicas)[:, None], space.example[:, None]

    def record(done):
        if done % every == 0:
            strong[done // every], weak[done // every] = space.feature(0), space.feature(1)
            if record_patches:
                kept[done // every] = space.patch_alignments()

    record(0)
    with np.errstate(over="ignore", invalid="ignore", under="ignore"):
        for first in range(0, steps, _BLOCK):
            count = min(_BLOCK, steps - first)
            chosen = np.stack(list(islice(drawn, count)))              # (T, R, B)
            places = own + chosen
            rows = space.rows[places].reshape(count, replicas, -1)
            examples, labels = member + chosen, space.y[places]
            rate = np.broadcast_to(factor * rates[first:first + count], (count, replicas))[..., None]
            errors = residuals[first:first + count]
            for t in range(count):
                step(rows[t], examples[t], labels[t], rate[t], errors[t])
                if (first + t + 1) % every == 0:
                    record(first + t + 1)
            bad = ~(np.abs(errors) <= limit).all(axis=2) & alive        # (T, R)
            errors *= labels                                            # y (y − f) = 1 − y f
            for r in np.flatnonzero(bad.any(axis=0)):
                nit[r] = first + int(np.argmax(bad[:, r]))
                alive[r] = False
            space.state[~alive] = 0.0
            space.state[np.abs(space.state) < _TINY] = 0.0
            if not alive.any():
                break
    for r in np.flatnonzero(~alive):
        residuals[nit[r]:, r] = np.nan
        after = recorded > nit[r]
        for values in (strong, weak, kept):
            if values is not None:
                values[after, r] = np.nan
    w = space.parameters()
    w[~alive] = np.nan
    lost = int((~alive).sum())
    message = (f"{lost} of {replicas} replicas diverged, the first at step {nit[~alive].min()}" if lost
               else f"all {replicas} replicas made {steps} steps")

    def shaped(values, axis):
        return values.reshape(*values.shape[:axis], *stack, *values.shape[axis + 1:])

    return Training(shaped(w, 0), alive.reshape(stack)[()], np.where(alive, COMPLETED, DIVERGED).reshape(stack)[()],
                    nit.reshape(stack)[()], message, shaped(residuals, 1), recorded, shaped(strong, 1), shaped(weak, 1),
                    None if kept is None else shaped(kept, 1))


def _batch_source(batch_size, sampling, indices, n, steps, stack, rng):
    """(B, iterator of index arrays (R, B), one a step)."""
    replicas = int(np.prod(stack))
    _checks.one_of(sampling, "sampling", ("epoch", "with-replacement", "without-replacement"))
    if indices is not None:
        indices = np.asarray(indices)
        if indices.dtype.kind not in "iu" or indices.ndim < 2 or indices.shape[-1] == 0 \
                or indices.shape[:-1] not in ((steps,), (steps, *stack)):
            raise ValueError(f"indices must be an integer array of shape ({steps}, B) or {(steps, *stack)} + (B,), got "
                             f"{indices.dtype} {indices.shape}; the steps come first, then the replicas")
        if indices.size and (indices.min() < 0 or indices.max() >= n):
            raise ValueError(f"indices must lie in 0…{n - 1}, got {indices.min()}…{indices.max()}; count examples from "
                             "0")
        size = indices.shape[-1]
        flat = indices.reshape(steps, -1, size)
        return size, (np.broadcast_to(step, (replicas, size)) for step in flat)
    size = n if batch_size is None else _checks.batch_size(batch_size, n)
    if size == n and batch_size is None:
        whole = np.broadcast_to(np.arange(n), (replicas, n))
        return size, repeat(whole)
    if sampling == "epoch" and n % size:
        raise ValueError(f"batch_size must divide the {n} examples for sampling='epoch', got {size}; choose a divisor, "
                         "or sampling='without-replacement'")
    seed = np.random.default_rng(rng).spawn(2)[0].bit_generator.seed_seq  # as refimpl.sgd.run draws them
    return size, _sampling.batches(sampling, n, size, seed, 0, replicas)


def _rates(lr, steps, stack):
    """η as (steps, 1 or R)."""
    rates = np.asarray(_checks.positive(lr, "lr"))
    if rates.ndim == 0 or rates.shape == (steps,):
        return np.broadcast_to(rates.reshape(-1, 1), (steps, 1))
    if rates.shape not in ((1, *stack), (steps, *stack)):
        raise ValueError(f"lr must be one number, or have shape {(steps,)}, {(1, *stack)} or {(steps, *stack)}, got "
                         f"{rates.shape}; the steps come first, then the replicas")
    return np.broadcast_to(rates.reshape(len(rates), -1), (steps, rates.reshape(len(rates), -1).shape[1]))
