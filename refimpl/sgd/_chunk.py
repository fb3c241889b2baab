"""One chunk of a run of `refimpl.sgd`: the loop over its steps.

A kernel holds the state of the chunk's replicas and computes their gradients:
``pack`` and ``unpack`` turn parameters (C, *P) into a state and back, ``spread``
shapes one number a replica to multiply a state, and ``gradient`` returns an
array like the state that the loop may overwrite.
"""

from dataclasses import dataclass

import numpy as np

from refimpl.sgd import _sampling
from theory import _checks

COMPLETED, DIVERGED, STOPPED = 0, 1, 2


@dataclass(frozen=True)
class Plan:
    """What all chunks of a run share."""

    model: object
    x: np.ndarray
    y: np.ndarray | None
    stacked_data: bool
    lr: object                   # float, (steps,) or (steps, R) array, or function of the step
    steps: int
    batch: int | None            # None: the whole set, without indices
    sampling: str
    indices: np.ndarray | None   # (steps, 1 or R, B)
    index_seed: object
    noise_std: float
    noise: np.ndarray | None     # (steps, 1 or R, *P)
    noise_seed: object
    weight_decay: float
    observe: dict
    observe_every: int
    limit: float
    stack: tuple = ()


def run_chunk(task):
    """Run the replicas first…first+len(start)−1: (w, status, nit, recorded steps, records).

    The task is (plan, start, first, total, notify); `notify`, if not None, is
    called as notify(w, status, nit, step) after each step and says whether to stop.
    """
    plan, start, first, total, notify = task
    replicas = len(start)
    x, y = data_of(plan, first, replicas)
    kernel = kernel_of(plan, x, y)
    state = kernel.pack(start)
    final, status, nit = start.copy(), np.full(replicas, COMPLETED), np.full(replicas, plan.steps)
    alive = np.ones(replicas, bool)
    records = {name: [] for name in plan.observe}
    batches = _batches(plan, first, replicas)
    noises = _noise(plan, start.dtype, first, replicas)
    own = slice(first, first + replicas)
    done = 0
    with np.errstate(over="ignore", invalid="ignore"):
        square = min(np.square(plan.limit), np.finfo(float).max)  # a sum that overflows must be looked at
        _record(plan, records, 0, kernel, state, x, y, alive)
        for step in range(plan.steps):
            gradient = kernel.gradient(state, next(batches))
            if noises is not None:
                gradient += kernel.pack(next(noises))
            rate = _rate(plan, step, total)[own] if not isinstance(plan.lr, float) else plan.lr
            rate = rate if isinstance(rate, float) else kernel.spread(rate.astype(start.dtype))
            if plan.weight_decay:
                state *= 1 - rate * plan.weight_decay
            gradient *= rate
            state -= gradient
            done = step + 1
            # One scalar for the chunk decides whether any replica needs a closer look.
            if not np.vdot(state, state) <= square:
                w = kernel.unpack(state)
                lost = alive & ~(np.abs(w).reshape(replicas, -1).max(axis=1) <= plan.limit)
                final[lost], status[lost], nit[lost] = w[lost], DIVERGED, done
                alive &= ~lost
                w = w.copy()
                w[~alive] = 0
                state = kernel.pack(w)
            _record(plan, records, done, kernel, state, x, y, alive)
            if notify is not None:
                final = _replaced(final, kernel.unpack(state), alive)
                if notify(final, status.copy(), np.where(alive, done, nit), done):
                    status[alive], nit[alive] = STOPPED, done
                    break
            elif not alive.any():
                break
        final[alive] = kernel.unpack(state)[alive]
    last = plan.steps if (status != STOPPED).all() else done
    recorded = np.arange(0, last + 1, plan.observe_every) if records else np.arange(0)
    return final, status, nit, recorded, _filled(records, last, plan)


def _replaced(w, other, where):
    """A copy of w with the replicas of `other` in place of those of `where`."""
    if where.all():
        return other.copy()
    w = w.copy()
    w[where] = other[where]
    return w


class _PlainKernel:
    """The general path: gather the batch of every replica and call the model's own gradient."""

    block = 1

    def __init__(self, plan, x, y):
        self.model, self.x, self.y, self.stacked = plan.model, x, y, plan.stacked_data

    def pack(self, w):
        return w.copy()

    def unpack(self, state):
        return state

    def spread(self, values):
        return values.reshape(-1, *(1,) * len(self.model.parameter_shape))

    def gradient(self, state, indices):
        if indices is None:
            return self.model.gradient(state, self.x, self.y)
        pick = (np.arange(len(state))[:, None], indices) if self.stacked else indices
        return self.model.gradient(state, self.x[pick], None if self.y is None else self.y[pick])


def kernel_of(plan, x, y):
    """The model's own fast path where it has one for these data, else the general path."""
    make = getattr(plan.model, "kernel", None)
    fast = make(x, y, plan.batch) if make is not None and not plan.stacked_data else None
    return _PlainKernel(plan, x, y) if fast is None else fast


def _rate(plan, step, total):
    """Learning rates of all replicas (total,) at a step."""
    if not callable(plan.lr):
        return np.broadcast_to(plan.lr[step], (total,))
    rate = np.asarray(_checks.positive(plan.lr(step), f"lr({step})"))
    return np.broadcast_to(rate, plan.stack).reshape(-1)


def data_of(plan, first, replicas):
    """(x, y) of the replicas first…first+replicas−1."""
    if not plan.stacked_data:
        return plan.x, plan.y
    return plan.x[first:first + replicas], None if plan.y is None else plan.y[first:first + replicas]


def _batches(plan, first, replicas):
    if plan.batch is None:
        return iter(lambda: None, 0)
    if plan.indices is None:
        return _sampling.batches(plan.sampling, plan.x.shape[1 if plan.stacked_data else 0], plan.batch,
                                 plan.index_seed, first, replicas)
    shared = plan.indices.shape[1] == 1
    return (np.broadcast_to(step[0], (replicas, plan.batch)) if shared else step[first:first + replicas]
            for step in plan.indices)


def _noise(plan, dtype, first, replicas):
    shape = plan.model.parameter_shape
    if plan.noise is not None:
        if plan.noise.shape[1] == 1:
            return (np.broadcast_to(step[0], (replicas, *shape)) for step in plan.noise)
        return (step[first:first + replicas] for step in plan.noise)
    if plan.noise_std:
        scale = np.asarray(plan.noise_std, dtype)
        return (scale * step for step in _sampling.normals(shape, dtype, plan.noise_seed, first, replicas))
    return None


def _record(plan, records, step, kernel, state, x, y, alive):
    if not records or step % plan.observe_every:
        return
    w = kernel.unpack(state)
    for name, function in plan.observe.items():
        value = np.array(function(w, x, y), dtype=float)
        if value.shape[:1] != alive.shape:
            raise ValueError(f"observe[{name!r}] must return shape ({len(alive)}, …), one entry for each replica, "
                             f"got {value.shape}; reduce over the axes of the parameters only")
        value[~alive] = np.nan
        records[name].append(value)


def _filled(records, last, plan):
    """Records as arrays, with NaN for the steps that were not run because every replica had diverged."""
    wanted = last // plan.observe_every + 1
    full = {}
    for name, values in records.items():
        full[name] = np.full((wanted, *values[0].shape), np.nan)
        full[name][:len(values)] = values
    return full
