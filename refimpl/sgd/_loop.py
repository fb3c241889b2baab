"""One chunk of a run of `refimpl.sgd`: the loop over its steps."""

from copy import copy
from dataclasses import dataclass

import numpy as np

from refimpl.sgd import _sampling
from refimpl.sgd._arguments import Batches, Momentum
from refimpl.sgd._kernel import PlainKernel
from refimpl.sgd._status import DIVERGED, STOPPED, SUCCESS, diverged
from refimpl.sgd._velocity import Velocity
from theory import _checks


@dataclass(frozen=True)
class Plan:
    """What all chunks of a run share."""

    model: object
    x: np.ndarray
    y: np.ndarray | None
    stacked_data: bool
    lr: object                   # float, (steps,) or (steps, R) array, or function of the step
    steps: int
    batches: Batches
    kernel: object               # the fast path, copied for each chunk; None for the general path
    index_seed: object
    noise_std: float
    noise: np.ndarray | None     # (steps, 1 or R, *P)
    noise_seed: object
    weight_decay: float
    momentum: Momentum | None
    observe: dict
    record_every: int
    limit: float
    stack: tuple = ()


@dataclass(frozen=True)
class Task:
    """A chunk: the replicas first…first+len(start)−1 of all `total`."""

    plan: Plan
    start: np.ndarray            # (C, *P)
    velocity: np.ndarray | None  # (C, *P)
    first: int
    total: int
    notify: object = None        # called as notify(w, velocity, status, nit, step) after each step: whether to stop


@dataclass(frozen=True)
class Part:
    """The outcome of a chunk."""

    w: np.ndarray
    velocity: np.ndarray | None
    status: np.ndarray
    nit: np.ndarray
    recorded_steps: np.ndarray
    records: dict


class _Chunk:
    """The replicas of a task: their state, who is alive, and what is kept of those who diverged."""

    def __init__(self, task):
        self.plan, plan, start = task.plan, task.plan, task.start
        self.first, self.count, self.dtype = task.first, len(start), start.dtype
        self.x, self.y = data_of(plan, self.first, self.count)
        self.kernel = (PlainKernel(plan.model, self.x, self.y, plan.stacked_data) if plan.kernel is None
                       else copy(plan.kernel))
        self.state = self.kernel.pack(start)
        self.velocity = None
        if plan.momentum is not None:
            self.velocity = Velocity(plan.momentum, None if task.velocity is None else self.kernel.pack(task.velocity))
        self.w, self.last_velocity = start.copy(), None if plan.momentum is None else np.zeros_like(start)
        self.status, self.nit = np.full(self.count, SUCCESS), np.full(self.count, plan.steps)
        self.alive = np.ones(self.count, bool)
        self.records = {name: [] for name in plan.observe}

    def move(self, indices, noise, rate):
        """One step."""
        decay, state = self.plan.weight_decay, self.state
        gradient = self.kernel.gradient(state, indices)
        if noise is not None:
            gradient += self.kernel.pack(noise)
        if self.velocity is None:
            if decay:
                state *= 1 - rate * decay
            gradient *= rate
        else:
            if decay:
                gradient += decay * state
            gradient = np.multiply(self.velocity.turn(gradient), rate, out=gradient)
        state -= gradient

    def settle(self, done):
        """Freeze the replicas that diverged in step `done`."""
        w = self.kernel.unpack(self.state)
        lost = self.alive & diverged(w.reshape(self.count, -1), self.plan.limit, axis=1)
        self.keep(lost)
        self.status[lost], self.nit[lost] = DIVERGED, done
        self.alive &= ~lost
        self.state = self._emptied(self.state)
        if self.velocity is not None:
            self.velocity.value = self._emptied(self.velocity.value)

    def keep(self, which):
        """Take over parameters and velocities of these replicas as they are now; they become new arrays."""
        self.w = _replaced(self.w, self.kernel.unpack(self.state), which)
        if self.velocity is not None and self.velocity.value is not None:
            self.last_velocity = _replaced(self.last_velocity, self.kernel.unpack(self.velocity.value), which)

    def _emptied(self, state):
        w = self.kernel.unpack(state).copy()
        w[~self.alive] = 0
        return self.kernel.pack(w)

    def record(self, step):
        if not self.records or step % self.plan.record_every:
            return
        w = self.kernel.unpack(self.state)
        for name, function in self.plan.observe.items():
            value = np.array(function(w.copy(), self.x, self.y), dtype=float)  # it may write
            if value.shape[:1] != self.alive.shape:
                raise ValueError(f"observe[{name!r}] must return shape ({self.count}, …), one entry per replica, "
                                 f"got {value.shape}; reduce over the axes of the parameters only")
            value[~self.alive] = np.nan
            self.records[name].append(value)


def run_chunk(task):
    """Run the replicas of a `Task`: a `Part`."""
    plan, chunk, done = task.plan, _Chunk(task), 0
    batches, noises, rate_at = _batches(plan, chunk), _noise(plan, chunk), _rates(plan, chunk, task.total)
    with np.errstate(over="ignore", under="ignore", invalid="ignore"):
        square = min(np.square(plan.limit), np.finfo(float).max)  # a sum that overflows must be looked at
        chunk.record(0)
        for step in range(plan.steps):
            chunk.move(next(batches), None if noises is None else next(noises), rate_at(step))
            done = step + 1
            # One scalar for the chunk decides whether any replica needs a closer look.
            lost = not np.vdot(chunk.state, chunk.state) <= square
            if lost:
                chunk.settle(done)
            chunk.record(done)
            if task.notify is not None:
                chunk.keep(chunk.alive)
                nit = np.where(chunk.alive, done, chunk.nit)
                if task.notify(chunk.w, chunk.last_velocity, chunk.status.copy(), nit, done):
                    chunk.status[chunk.alive], chunk.nit[chunk.alive] = STOPPED, done
                    break
            elif lost and not chunk.alive.any():
                break
        chunk.keep(chunk.alive)
    last = plan.steps if (chunk.status != STOPPED).all() else done
    recorded = np.arange(0, last + 1, plan.record_every) if chunk.records else np.arange(0)
    return Part(chunk.w, chunk.last_velocity, chunk.status, chunk.nit, recorded, _filled(chunk.records, last, plan))


def _replaced(w, other, where):
    """A copy of w with the replicas of `other` in place of those of `where`."""
    if where.all():
        return other.copy()
    w = w.copy()
    w[where] = other[where]
    return w


def _rates(plan, chunk, total):
    """A function of the step: the chunk's learning rates, a float or shaped to multiply a state."""
    if isinstance(plan.lr, float):
        return lambda step: plan.lr

    def at(step):
        if callable(plan.lr):
            rate = np.asarray(_checks.positive(plan.lr(step), f"lr({step})", zero=True))
            try:
                rate = np.broadcast_to(rate, plan.stack).reshape(-1)
            except ValueError:
                raise ValueError(f"lr({step}) must return one number or an array that broadcasts to the replicas "
                                 f"{plan.stack}, got shape {rate.shape}; return one rate per replica") from None
        else:
            rate = np.broadcast_to(plan.lr[step], (total,))
        return chunk.kernel.spread(rate[chunk.first:chunk.first + chunk.count].astype(chunk.dtype))

    return at


def data_of(plan, first, replicas):
    """(x, y) of the replicas first…first+replicas−1."""
    if not plan.stacked_data:
        return plan.x, plan.y
    return plan.x[first:first + replicas], None if plan.y is None else plan.y[first:first + replicas]


def _batches(plan, chunk):
    source = plan.batches
    if source.size is None:
        return iter(lambda: None, 0)
    if source.given is None:
        n = plan.x.shape[1 if plan.stacked_data else 0]
        return _sampling.batches(source.sampling, n, source.size, plan.index_seed, chunk.first, chunk.count)
    return (_own(step, chunk) for step in source.given)


def _noise(plan, chunk):
    shape = plan.model.parameter_shape
    if plan.noise is not None:
        return (_own(step, chunk) for step in plan.noise)
    if plan.noise_std:
        scale = np.asarray(plan.noise_std, chunk.dtype)
        drawn = _sampling.normals(shape, chunk.dtype, plan.noise_seed, chunk.first, chunk.count)
        return (scale * step for step in drawn)
    return None


def _own(step, chunk):
    """Entries of the chunk's replicas from those of all, (R, …), or one for all, (1, …)."""
    if len(step) == 1:
        return np.broadcast_to(step[0], (chunk.count, *step.shape[1:]))
    return step[chunk.first:chunk.first + chunk.count]


def _filled(records, last, plan):
    """Records as arrays, with NaN for the steps that were not run because every replica had diverged."""
    wanted = last // plan.record_every + 1
    full = {}
    for name, values in records.items():
        full[name] = np.full((wanted, *values[0].shape), np.nan)
        full[name][:len(values)] = values
    return full
