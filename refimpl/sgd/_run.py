"""`run`: arguments, chunks of replicas, and the result put together."""

from dataclasses import dataclass

import numpy as np

from refimpl._parallel import count, mapper
from refimpl.sgd import _sampling
from refimpl.sgd._chunk import COMPLETED, DIVERGED, STOPPED, Plan, data_of, kernel_of, run_chunk
from theory import _checks

_PLAIN_WORKING_SET = 2**20  # bytes of parameters and gathered examples per chunk on the plain path


@dataclass(frozen=True)
class Result:
    """Outcome of `run` for replicas of shape S and parameters of shape P.

    Attributes
    ----------
    w : ndarray (*S, *P)
        Last iterate; for a diverged replica the iterate at which it diverged.
    success : ndarray (*S) of bool
        Whether all steps were made.
    status : ndarray (*S) of int
        0 completed, 1 diverged, 2 stopped by the callback.
    nit : ndarray (*S) of int
        Steps made; for a diverged replica the step at which an entry of w
        first was not finite or beyond `divergence_limit`.
    message : str
    recorded_steps : ndarray (K,) of int
        Steps at which observables were recorded: 0, k, 2k, …; none without observables.
    observed : dict of str to ndarray (K, *S, …)
        The observables; NaN from the step at which a replica diverged.
    """

    w: np.ndarray
    success: np.ndarray
    status: np.ndarray
    nit: np.ndarray
    message: str
    recorded_steps: np.ndarray
    observed: dict


def run(model, w0, x, y=None, *, lr, steps, batch_size=None, sampling="without-replacement", indices=None,
        stacked_data=False, noise_std=0.0, noise=None, weight_decay=0.0, observe=None, observe_every=1,
        callback=None, divergence_limit=1e100, chunk_size=None, workers=1, rng=None):
    """Run SGD on every replica of a stack.

    Parameters
    ----------
    model : model
        See the module docstring. With a method ``kernel(x, y, batch_size)``
        that returns a fast path (or None) that path is used.
    w0 : array_like (*S, *P)
        Starts, one for each replica; P is ``model.parameter_shape``. float32
        is kept, all else becomes float64.
    x, y : array_like (n, …)
        Examples and labels; `y` may be None for models without labels.
    lr : float, array_like (steps,) or (steps, *S), or callable
        Learning rate η > 0; a callable gets the step t = 0… and returns a
        number or an array that broadcasts to S.
    steps : int
        At least 0.
    batch_size : int, optional
        B in 1…n; None (the default) uses the whole set: gradient descent.
    sampling : {"without-replacement", "with-replacement", "epoch"}
        How a batch is drawn at each step; "epoch" passes a fresh random
        permutation in consecutive batches, and B must divide n.
    indices : array_like of int (steps, B) or (steps, *S, B), optional
        The batches themselves, instead of `batch_size` and `sampling`.
    stacked_data : bool
        Whether `x` and `y` have the axes S in front, a data set per replica.
    noise_std : float
        τ, the standard deviation of the noise added to each gradient entry.
    noise : array_like (steps, *P) or (steps, *S, *P), optional
        The noise ξ_t itself, instead of `noise_std`.
    weight_decay : float
        λ ≥ 0.
    observe : dict of str to callable, optional
        Observables f(w, x, y) of shape (R, …), given the parameters (R, *P) of
        some replicas and their data.
    observe_every : int
        Record at steps 0, k, 2k, ….
    callback : callable, optional
        ``callback(intermediate_result=Result)`` after every step; raising
        StopIteration ends the run. All replicas then run as one chunk.
    divergence_limit : float
        A replica diverges when an entry of w is not finite or exceeds this;
        it is frozen and the others go on.
    chunk_size : int, optional
        Replicas that run together, rounded up to what the streams and the
        fast path need; the default fits the cache. The result is the same.
    workers : int or callable
        Processes to spread chunks over, -1 for all cores, or a map-like
        callable; then everything given must pickle.
    rng : None, int, SeedSequence or Generator
        Source of batches and noise, by `numpy.random.default_rng`.

    Returns
    -------
    Result

    Raises
    ------
    ValueError
        If an argument is outside its range or shapes do not fit, before the
        first step (for a callable `lr`: at the step where it returns it).

    Examples
    --------
    >>> from refimpl.linear_stability import LinearRegression
    >>> x = [[1.0, 0.0], [0.0, 2.0]]
    >>> run(LinearRegression(2), [1.0, 1.0], x, lr=0.5, steps=3).w
    array([0.421875, 0.      ])
    """
    w0 = _checks.real(w0, "w0")
    core = len(model.parameter_shape)
    stack = w0.shape[:w0.ndim - core]
    w0 = _checks.shaped(w0, "w0", (*stack, *model.parameter_shape))
    start = w0.reshape(-1, *model.parameter_shape)
    total = len(start)
    x, y = _data(x, y, w0.dtype, stack if stacked_data else None)
    n = x.shape[1 if stacked_data else 0]
    steps = _checks.whole(steps, "steps", 0)
    _checks.one_of(sampling, "sampling", ("without-replacement", "with-replacement", "epoch"))
    batch, indices = _batch_source(batch_size, indices, sampling, n, steps, stack)
    if noise is not None:
        if noise_std:
            raise ValueError("noise and noise_std cannot both be given; drop one of them")
        noise = _per_step(_checks.real(noise, "noise").astype(w0.dtype), "noise", steps, stack, model.parameter_shape)
    index_seed, noise_seed = (child.bit_generator.seed_seq for child in np.random.default_rng(rng).spawn(2))
    plan = Plan(
        model, x, y, stacked_data, _rates(lr, steps, stack), steps, batch, sampling, indices, index_seed,
        _checks.scalar(noise_std, "noise_std", zero=True), noise, noise_seed,
        _checks.scalar(weight_decay, "weight_decay", zero=True), dict(observe or {}),
        _checks.whole(observe_every, "observe_every"), _checks.scalar(divergence_limit, "divergence_limit"), stack)
    if callback is not None and workers != 1:
        raise ValueError("callback needs workers=1, since it sees all replicas at every step; drop one of them")
    size = total if callback else _chunk_size(plan, chunk_size, workers, total)
    notify = None if callback is None else _notifier(callback, plan)
    tasks = [(plan, start[first:first + size], first, total, notify) for first in range(0, total, size)]
    if len(tasks) == 1:
        return _result([run_chunk(tasks[0])], plan)
    with mapper(workers) as spread:
        return _result(list(spread(run_chunk, tasks)), plan)


def _data(x, y, dtype, stack):
    x = _checks.real(x, "x").astype(dtype, copy=False)
    y = None if y is None else _checks.real(y, "y").astype(dtype, copy=False)
    lead = 0 if stack is None else len(stack)
    if x.ndim <= lead or 0 in x.shape or (stack is not None and x.shape[:lead] != stack):
        raise ValueError(f"x must have shape {'' if stack is None else f'{stack} + '}(n, …) with no empty axis, "
                         f"got {x.shape}; put the examples on the first axis{'' if stack is None else ' after the replicas'}")
    if y is not None and (y.ndim <= lead or y.shape[:lead + 1] != x.shape[:lead + 1]):
        raise ValueError(f"y must have one label for each of the examples of x, axes {x.shape[:lead + 1]}, "
                         f"got {y.shape}; match its first axes to those of x")
    if stack is not None:
        x = x.reshape(-1, *x.shape[lead:])
        y = None if y is None else y.reshape(-1, *y.shape[lead:])
    return x, y


def _batch_source(batch_size, indices, sampling, n, steps, stack):
    if indices is None:
        if batch_size is None:
            return None, None
        size = _checks.batch_size(batch_size, n)
        if sampling == "epoch" and n % size:
            raise ValueError(f"batch_size must divide the {n} examples for sampling='epoch', got {size}; choose a "
                             "divisor, or sampling='without-replacement'")
        return size, None
    indices = np.asarray(indices)
    if indices.dtype.kind not in "iu" or indices.ndim < 2:
        raise ValueError(f"indices must be an integer array (steps, B) or (steps, *S, B), got dtype {indices.dtype} and "
                         f"shape {indices.shape}; convert it with astype(int)")
    if indices.size and (indices.min() < 0 or indices.max() >= n):
        raise ValueError(f"indices must lie in 0…{n - 1}, got {indices.min()}…{indices.max()}; count examples from 0")
    size = indices.shape[-1]
    if batch_size not in (None, size):
        raise ValueError(f"batch_size must be the last axis of indices, {size}, or None, got {batch_size!r}; drop it")
    _checks.whole(size, "the last axis of indices")
    return size, _per_step(indices.astype(np.intp, copy=False), "indices", steps, stack, (size,))


def _per_step(array, name, steps, stack, tail):
    """`array` (steps, *tail) or (steps, *S, *tail) with S flattened, a length-1 axis where replicas share it."""
    if array.shape == (steps, *tail):
        return array[:, None]
    if array.shape != (steps, *stack, *tail):
        raise ValueError(f"{name} must have shape {(steps, *tail)} (shared by all replicas) or {(steps, *stack, *tail)}, "
                         f"got {array.shape}; the steps come first, then the replicas")
    return array.reshape(steps, -1, *tail)


def _rates(lr, steps, stack):
    if callable(lr):
        return lr
    rates = _checks.positive(lr, "lr")
    if isinstance(rates, float):
        return rates
    if rates.shape == (steps,):
        return rates
    if rates.ndim != 1 + len(stack) or rates.shape[0] != steps:
        raise ValueError(f"lr must be one number, or have shape {(steps,)} or {(steps, *stack)}, got {rates.shape}; "
                         "the steps come first, then the replicas")
    return np.broadcast_to(rates, (steps, *stack)).reshape(steps, -1)


def _chunk_size(plan, chunk_size, workers, total):
    x, y = data_of(plan, 0, 1)
    kernel = kernel_of(plan, x, y)
    if chunk_size is not None:
        wanted = _checks.whole(chunk_size, "chunk_size")
    else:
        examples = x[0].nbytes // (x.shape[1] if plan.stacked_data else 1) * (plan.batch or 0)
        parameters = 4 * x.itemsize * int(np.prod(plan.model.parameter_shape))
        wanted = getattr(kernel, "chunk", max(64, _PLAIN_WORKING_SET // (examples + parameters)))
        wanted = min(wanted, -(-total // count(workers)))
    block = max(kernel.block, _sampling.BLOCK)
    return min(-(-wanted // block) * block, total)


def _notifier(callback, plan):
    stack, nothing = plan.stack, np.arange(0)

    def notify(w, status, nit, step):
        message = f"after step {step} of {plan.steps}"
        w, status, nit = w.reshape(*stack, *w.shape[1:]), status.reshape(stack)[()], nit.reshape(stack)[()]
        try:
            callback(intermediate_result=Result(w, status == COMPLETED, status, nit, message, nothing, {}))
        except StopIteration:
            return True
        return False

    return notify


def _result(parts, plan):
    w, status, nit = parts[0][:3] if len(parts) == 1 else (np.concatenate([part[i] for part in parts]) for i in range(3))
    stack = plan.stack
    lost = status == DIVERGED
    if (status == STOPPED).any():
        message = f"stopped by the callback after step {nit[status == STOPPED].max()}"
    elif lost.any():
        message = f"{lost.sum()} of {len(lost)} replicas diverged, the first at step {nit[lost].min()}"
    else:
        message = f"all {len(lost)} replicas made {plan.steps} steps"
    observed = {name: np.concatenate([part[4][name] for part in parts], axis=1) for name in parts[0][4]}
    observed = {name: values.reshape(len(values), *stack, *values.shape[2:]) for name, values in observed.items()}
    return Result(w.reshape(*stack, *w.shape[1:]), (status == COMPLETED).reshape(stack)[()], status.reshape(stack)[()],
                  nit.reshape(stack)[()], message, parts[0][3], observed)
