"""`run`: arguments, chunks of replicas, and the result put together."""

from dataclasses import dataclass

import numpy as np

from refimpl._parallel import count, in_order, mapper
from refimpl._renamed import renamed
from refimpl._streams import streams
from refimpl.sgd import _arguments, _sampling
from refimpl.sgd._kernel import PlainKernel, fast_kernel
from refimpl.sgd._loop import Plan, Task, run_chunk
from refimpl.sgd._status import SUCCESS, of_steps
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
        0 success, 1 diverged, 2 stopped by the callback.
    nit : ndarray (*S) of int
        Steps made; for a diverged replica the step at which an entry of w
        first was not finite or beyond `divergence_limit`.
    message : str
        What happened, in one sentence.
    recorded_steps : ndarray (K,) of int
        Steps at which observables were recorded: 0, k, 2k, …; none without observables.
    observed : dict of str to ndarray (K, *S, …)
        The observables; NaN from the step at which a replica diverged.
    velocity : ndarray (*S, *P) or None
        v after the last step, to go on from; None without momentum.
    """

    w: np.ndarray
    success: np.ndarray
    status: np.ndarray
    nit: np.ndarray
    message: str
    recorded_steps: np.ndarray
    observed: dict
    velocity: np.ndarray | None = None


@renamed(observe_every="record_every")
def run(model, w0, x, y=None, *, lr, steps, batch_size=None, sampling="without-replacement", indices=None,
        stacked_data=False, noise_std=0.0, noise=None, weight_decay=0.0, momentum=0.0, nesterov=False, dampening=0.0,
        velocity=None, observe=None, record_every=1, callback=None, divergence_limit=1e100, chunk_size=None, workers=1,
        rng=None):
    """Run SGD on every replica of a stack.

    Parameters
    ----------
    model : model
        See the module docstring. With a method ``kernel(x, y, batch_size)``
        that returns a fast path (or None) that path is used.
    w0 : array_like (*S, *P)
        Starts, one per replica; P is ``model.parameter_shape``. float32
        is kept, all else becomes float64.
    x, y : array_like (n, …)
        Examples and labels; `y` may be None for models without labels.
    lr : float, array_like (steps,), (1, *S) or (steps, *S), or callable
        Learning rate η > 0; a callable gets the step t = 0… and returns a
        number or an array that broadcasts to S. In a schedule, by step or by a
        callable, it may be 0 (a warm-up).
    steps : int
        At least 0.
    batch_size : int, optional
        B in 1…n; None (the default) uses the whole set: gradient descent.
    sampling : {"without-replacement", "with-replacement", "epoch"}
        How a batch is drawn at each step; "epoch" passes a fresh random
        permutation in consecutive batches, of which the last is short where B
        does not divide n.
    indices : array_like of int (steps, B) or (steps, *S, B), optional
        The batches themselves, instead of `batch_size` and `sampling`; or a
        list of batches (B_t,) or (*S, B_t) of unequal length, one per step.
    stacked_data : bool
        Whether `x` and `y` have the axes S in front, a data set per replica.
    noise_std : float
        τ_ξ, the standard deviation of the noise added to each gradient entry.
    noise : array_like (steps, *P) or (steps, *S, *P), optional
        The noise ξ_t itself, instead of `noise_std`.
    weight_decay : float
        λ ≥ 0.
    momentum : float
        μ in (−1, 1). With μ = 0 there is no velocity and, as in PyTorch,
        `dampening` is without effect.
    nesterov : bool
        Step along g + μ v instead of v; needs μ ≠ 0 and τ = 0.
    dampening : float
        τ in [0, 1).
    velocity : array_like (*S, *P), optional
        v before the first step, such as ``Result.velocity`` of a run that is
        continued; without it the first step sets v = g, undamped.
    observe : dict of str to callable, optional
        Observables f(w, x, y) of shape (R, …), given the parameters (R, *P) of
        some replicas and their data.
    record_every : int
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
    workers : int, executor or callable
        Processes to spread chunks over, -1 for all cores, an executor or a
        map-like callable; then everything given must pickle.
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

    References
    ----------
    PyTorch, ``torch.optim.SGD`` (momentum, Nesterov, dampening and decay).

    Examples
    --------
    >>> from refimpl.linear_stability import LinearRegression
    >>> x = [[1.0, 0.0], [0.0, 2.0]]
    >>> run(LinearRegression(2), [1.0, 1.0], x, lr=0.5, steps=3).w
    array([0.421875, 0.      ])
    >>> run(LinearRegression(2), [1.0, 1.0], x, lr=0.5, steps=3, momentum=0.5).w
    array([ 0.171875, -0.25    ])
    """
    start, stack = _arguments.starts(w0, model)
    _checks.one_of(stacked_data, "stacked_data", (True, False))
    x, y = _arguments.data(model, x, y, start.dtype, stack if stacked_data else None)
    n, steps = x.shape[1 if stacked_data else 0], _checks.whole(steps, "steps", 0)
    batches = _arguments.batches(batch_size, indices, sampling, n, steps, stack)
    noise, noise_std = _arguments.gradient_noise(noise, noise_std, start.dtype, steps, stack, model.parameter_shape)
    rule = _arguments.momentum_rule(momentum, nesterov, dampening)
    velocity = _velocity(velocity, rule, start, (*stack, *model.parameter_shape))
    kernel = None if stacked_data else fast_kernel(model, x, y, batches.sizes)
    index_seed, noise_seed = streams(rng, 2)
    plan = Plan(model=model, x=x, y=y, stacked_data=stacked_data,
                lr=lr if callable(lr) else _arguments.rates(lr, steps, stack), steps=steps, batches=batches,
                kernel=kernel, index_seed=index_seed, noise_std=noise_std, noise=noise, noise_seed=noise_seed,
                weight_decay=_checks.scalar(weight_decay, "weight_decay", zero=True), momentum=rule,
                observe=_arguments.observables(observe), record_every=_checks.whole(record_every, "record_every"),
                limit=_checks.scalar(divergence_limit, "divergence_limit"), stack=stack)
    if not (callback is None or callable(callback)):
        raise ValueError(f"callback must be a function, got {callback!r}; give f(intermediate_result=…)")
    if callback is not None and workers != 1:
        raise ValueError("callback needs workers=1, since it sees all replicas at every step; drop one of them")
    size = len(start) if callback else _chunk_size(plan, chunk_size, workers, len(start))
    notify = None if callback is None else _notifier(callback, plan)
    tasks = [Task(plan, start[first:first + size], None if velocity is None else velocity[first:first + size], first,
                  len(start), notify) for first in range(0, len(start), size)]
    if len(tasks) == 1:
        return _result([run_chunk(tasks[0])], plan)
    with mapper(workers) as spread:
        return _result(in_order(spread, run_chunk, tasks), plan)


def _velocity(velocity, rule, start, shape):
    """v before the first step, (R, *P), or None."""
    if velocity is None:
        return None
    if rule is None:
        raise ValueError("velocity needs a momentum other than 0, got momentum=0; drop the velocity")
    return _checks.shaped(velocity, "velocity", shape).astype(start.dtype).reshape(start.shape)


def _chunk_size(plan, chunk_size, workers, total):
    if chunk_size is not None:
        wanted = _checks.whole(chunk_size, "chunk_size")
    else:
        examples = plan.x[0].nbytes // (plan.x.shape[1] if plan.stacked_data else 1) * (plan.batches.size or 0)
        parameters = 4 * plan.x.itemsize * int(np.prod(plan.model.parameter_shape))
        wanted = getattr(plan.kernel, "chunk", max(64, _PLAIN_WORKING_SET // (examples + parameters)))
        wanted = min(wanted, -(-total // count(workers)))
    block = max((plan.kernel or PlainKernel).block, _sampling.BLOCK)
    return min(-(-wanted // block) * block, total)


def _notifier(callback, plan):
    def notify(w, velocity, status, nit, step):
        try:
            callback(intermediate_result=_shaped(plan, w, velocity, status, nit, f"after step {step} of {plan.steps}"))
        except StopIteration:
            return True
        return False

    return notify


def _shaped(plan, w, velocity, status, nit, message, **records):
    """A `Result` with the replicas' axes S in place of the flat one."""
    stack, records = plan.stack, records or {"recorded_steps": np.arange(0), "observed": {}}
    status, nit = status.reshape(stack)[()], nit.reshape(stack)[()]
    return Result(w=w.reshape(*stack, *w.shape[1:]), success=status == SUCCESS, status=status, nit=nit, message=message,
                  velocity=None if velocity is None else velocity.reshape(*stack, *w.shape[1:]), **records)


def _result(parts, plan):
    def joined(name):
        values = [getattr(part, name) for part in parts]
        return values[0] if len(values) == 1 or values[0] is None else np.concatenate(values)

    status, nit = joined("status"), joined("nit")
    observed = {name: np.concatenate([part.records[name] for part in parts], axis=1) for name in parts[0].records}
    observed = {name: values.reshape(len(values), *plan.stack, *values.shape[2:]) for name, values in observed.items()}
    return _shaped(plan, joined("w"), joined("velocity"), status, nit, of_steps(status, nit, plan.steps),
                   recorded_steps=parts[0].recorded_steps, observed=observed)
