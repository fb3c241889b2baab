r"""SGD in the space of inner products: arguments, loop and result.

The public names are those of `refimpl.benign_oscillation`; the state and its
step are in `_inner_products`.
"""

from dataclasses import dataclass
from itertools import islice, repeat

import numpy as np

from refimpl._streams import streams
from refimpl.benign_oscillation._inner_products import Space
from refimpl.sgd import _arguments, _sampling
from refimpl.sgd._arguments import Default
from refimpl.sgd._status import DIVERGED, SUCCESS, diverged, of_steps
from theory import _checks

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
        0 success, 1 diverged.
    nit : ndarray (*S) of int
        Steps made; for a diverged replica those before the first residual that
        was not finite or beyond the limit.
    message : str
        What happened, in one sentence.
    residuals : ndarray (steps, *S, B)
        1 − y f for the examples of each batch before its step; NaN from the
        step at which a replica diverged. Running sums are their `cumsum`.
    recorded_steps : ndarray (K,) of int
        Steps at which alignments were recorded.
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


def train(model, data, w0, *, lr, steps, batch_size=Default(1), sampling="epoch", indices=None, record_every=None,
          record_patches=False, divergence_limit=1e6, rng=None):
    """Run multi-pass SGD, or gradient descent, on the two-layer network.

    Parameters
    ----------
    model : TwoLayerCNN
        Its activation and width; the starts are `w0`.
    data : Data
        One set for all replicas, or one for each, with axes S.
    w0 : array_like (*S, 2, m, d)
        Starts.
    lr : float, array_like (steps,), (1, *S) or (steps, *S)
        Learning rate η > 0; with the steps in front it can be annealed, or 0
        at first (a warm-up).
    steps : int
        Single-example SGD makes n of them an epoch.
    batch_size : int or None
        B; 1 is the poster's, None the whole set: gradient descent.
    sampling : {"epoch", "with-replacement", "without-replacement"}
        How batches are drawn, as for `refimpl.sgd.run`: "epoch" is a fresh
        permutation for each pass, and here B must divide n. The same `rng`
        gives the same batches there.
    indices : array_like of int (steps, B) or (steps, *S, B), optional
        The batches themselves, instead of `batch_size` and `sampling`.
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
    start, stack = _arguments.starts(w0, model)
    steps = _checks.whole(steps, "steps", 0)
    n, _, dim = _checks.having(data, "data", "x", "y").x.shape[-3:]
    _checks.flag(record_patches, "record_patches")
    if data.x.shape[:-3] not in ((), stack) or dim != model.dim:
        raise ValueError(f"data.x must have shape (n, P, {model.dim}) or {stack} + (n, P, {model.dim}), got "
                         f"{data.x.shape}; give one set for all replicas or one for each")
    batches = _arguments.batches(batch_size, indices, sampling, n, steps, stack)
    if len(batches.sizes) > 1:
        raise ValueError(f"batch_size must divide the {n} examples for sampling='epoch', and batches of indices be of "
                         f"one length, got batches of {batches.sizes[-1]} and {batches.sizes[0]}; choose a divisor, or "
                         "sampling='without-replacement'")
    rates = np.reshape(_arguments.rates(lr, steps, stack), (1 if np.ndim(lr) == 0 else steps, -1))
    every = n if record_every is None else _checks.whole(record_every, "record_every")
    limit = _checks.scalar(divergence_limit, "divergence_limit")
    space = Space(model, data, start.astype(float))
    size, drawn = batches.size or n, _drawn(batches, n, len(start), rng)
    return _Loop(space, size, steps, every, record_patches, limit).run(
        np.broadcast_to(rates, (steps, rates.shape[1])), drawn).result(stack)


def _drawn(batches, n, replicas, rng):
    """Yield index arrays (R, B), one per step."""
    if batches.given is not None:
        return (np.broadcast_to(step, (replicas, batches.size)) for step in batches.given)
    if batches.size is None:
        return repeat(np.broadcast_to(np.arange(n), (replicas, n)))
    seed = streams(rng, 2)[0]  # as refimpl.sgd.run draws them
    return _sampling.batches(batches.sampling, n, batches.size, seed, 0, replicas)


class _Loop:
    """The steps of all replicas, and what is recorded of them."""

    def __init__(self, space, size, steps, every, record_patches, limit):
        self.space, self.steps, self.every, self.limit = space, steps, every, limit
        self.replicas = len(space.state)
        self.residuals = np.empty((steps, self.replicas, size))
        self.recorded = np.arange(0, steps + 1, every)
        shape = (len(self.recorded), self.replicas, 2, space.model.width)
        self.strong, self.weak = np.empty(shape), np.empty(shape)
        self.patches = np.empty((*shape[:2], space.n, space.patches, *shape[2:])) if record_patches else None
        self.nit, self.alive = np.full(self.replicas, steps), np.ones(self.replicas, bool)

    def run(self, rates, drawn):
        """All steps, in blocks, between which divergence is looked for."""
        step, factor = self.space.step_function(self.residuals.shape[-1])
        self._record(0)
        with np.errstate(over="ignore", invalid="ignore", under="ignore"):
            for first in range(0, self.steps, _BLOCK):
                count = min(_BLOCK, self.steps - first)
                chosen = np.stack(list(islice(drawn, count)))              # (T, R, B)
                self._block(step, first, factor * rates[first:first + count], chosen)
                if not self.alive.any():
                    break
        self._forget()
        return self

    def _block(self, step, first, rates, chosen):
        space, count = self.space, len(chosen)
        places = space.n * np.arange(self.replicas)[:, None] + chosen
        rows = space.rows[places].reshape(count, self.replicas, -1)
        examples, labels = space.example[:, None] + chosen, space.y[places]
        rate = np.broadcast_to(rates, (count, self.replicas))[..., None]
        errors = self.residuals[first:first + count]
        for t in range(count):
            step(rows[t], examples[t], labels[t], rate[t], errors[t])
            if (first + t + 1) % self.every == 0:
                self._record(first + t + 1)
        bad = diverged(errors, self.limit, axis=2) & self.alive             # (T, R)
        errors *= labels                                                    # y (y − f) = 1 − y f
        for r in np.flatnonzero(bad.any(axis=0)):
            self.nit[r] = first + int(np.argmax(bad[:, r]))
            self.alive[r] = False
        space.state[~self.alive] = 0.0
        space.state[np.abs(space.state) < _TINY] = 0.0

    def _record(self, done):
        place = done // self.every
        if done % self.every == 0:
            self.strong[place], self.weak[place] = self.space.feature(0), self.space.feature(1)
            if self.patches is not None:
                self.patches[place] = self.space.patch_alignments()

    def _forget(self):
        """NaN for what was recorded of a replica after it had diverged."""
        for r in np.flatnonzero(~self.alive):
            self.residuals[self.nit[r]:, r] = np.nan
            for values in (self.strong, self.weak, self.patches):
                if values is not None:
                    values[self.recorded > self.nit[r], r] = np.nan

    def result(self, stack):
        """The `Training`, with the replicas' axes S in place of the flat one."""
        def shaped(values, axis):
            return values.reshape(*values.shape[:axis], *stack, *values.shape[axis + 1:])

        patches = None if self.patches is None else shaped(self.patches, 1)
        w = self.space.parameters()
        w[~self.alive] = np.nan
        status = np.where(self.alive, SUCCESS, DIVERGED)
        return Training(w=shaped(w, 0), success=self.alive.reshape(stack)[()], status=status.reshape(stack)[()],
                        nit=self.nit.reshape(stack)[()], message=of_steps(status, self.nit, self.steps),
                        residuals=shaped(self.residuals, 1), recorded_steps=self.recorded,
                        strong=shaped(self.strong, 1), weak=shaped(self.weak, 1), patches=patches)
