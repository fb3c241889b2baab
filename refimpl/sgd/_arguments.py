"""Arguments of every loop over steps, checked once and by one rule: starts, data, batches, rates, noise, momentum.

Each check names the argument that the caller wrote. Arrays by step come back
as (steps, 1 or R, …) with the replicas S flattened to R, a 1 where all replicas
share the entry.
"""

import math
from dataclasses import dataclass

import numpy as np

from theory import _checks

SAMPLINGS = ("without-replacement", "with-replacement", "epoch")


class Default(int):
    """A batch size that the caller did not write: it yields to what `indices` say."""


@dataclass(frozen=True)
class Batches:
    """Where the batches of a run come from."""

    sizes: tuple            # of all batches that occur, the largest first; () for the whole set without indices
    sampling: str
    given: object = None    # (steps, 1 or R, B), or a tuple of (1 or R, B_t) where sizes differ

    @property
    def size(self):
        """B, the largest; None for the whole set."""
        return self.sizes[0] if self.sizes else None


@dataclass(frozen=True)
class Momentum:
    """v ← μ v + (1 − τ) g, and by Nesterov's rule the step along g + μ v instead of v; PyTorch's conventions."""

    factor: float = 0.0
    nesterov: bool = False
    dampening: float = 0.0


def starts(w0, model):
    """(w0 (R, *P), S) for starts (*S, *P)."""
    shape, w0 = _checks.having(model, "model", "parameter_shape").parameter_shape, _checks.real(w0, "w0")
    stack = w0.shape[:max(0, w0.ndim - len(shape))]
    if w0.shape[len(stack):] != shape or 0 in w0.shape:
        raise ValueError(f"w0 must have shape (*S, {', '.join(map(str, shape))}) with no empty axis, got {w0.shape}; "
                         "draw it with model.init, one start per replica")
    return w0.reshape(-1, *shape), stack


def data(model, x, y, dtype, stack=None):
    """(x, y) as arrays of `dtype` with the axes S, if a `stack` is given, flattened; refused where the model does."""
    x = _checks.real(x, "x").astype(dtype, copy=False)
    y = None if y is None else _checks.real(y, "y").astype(dtype, copy=False)
    lead = 0 if stack is None else len(stack)
    if x.ndim <= lead or 0 in x.shape or (stack is not None and x.shape[:lead] != stack):
        before, place = ("", "") if stack is None else (f"{stack} + ", " after the replicas")
        raise ValueError(f"x must have shape {before}(n, …) with no empty axis, got {x.shape}; put the examples on the "
                         f"first axis{place}")
    if y is not None and (y.ndim <= lead or y.shape[:lead + 1] != x.shape[:lead + 1]):
        raise ValueError(f"y must have one label for each of the examples of x, axes {x.shape[:lead + 1]}, "
                         f"got {y.shape}; match its first axes to those of x")
    if stack is not None:
        x = x.reshape(-1, *x.shape[lead:])
        y = None if y is None else y.reshape(-1, *y.shape[lead:])
    check = getattr(model, "check_data", None)
    if check is not None:
        check(x, y)
    one = (0, slice(1)) if lead else (slice(1),)
    with np.errstate(all="ignore"):
        found = np.shape(model.gradient(np.zeros(model.parameter_shape, dtype), x[one], None if y is None else y[one]))
    if found != model.parameter_shape:
        raise ValueError(f"x must have the examples on its first axis{' after the replicas' if lead else ''} and no "
                         f"other before those of one example, got {x.shape}: one example has a gradient of shape "
                         f"{found}, not {model.parameter_shape}; each replica would learn from data of its own")
    return x, y


def batches(batch_size, indices, sampling, n, steps, stack):
    """The `Batches` of a loop of so many steps over n examples."""
    _checks.one_of(sampling, "sampling", SAMPLINGS)
    if indices is None:
        if batch_size is None:
            return Batches((), sampling)
        size = _checks.batch_size(int(batch_size) if isinstance(batch_size, Default) else batch_size, n)
        short = n % size if sampling == "epoch" else 0
        return Batches((size, short) if short else (size,), sampling)
    if _ragged(indices):
        return _ragged_batches(batch_size, indices, sampling, n, steps, stack)
    given = index_array(indices, n, "(steps, B) or (steps, *S, B)", 2)
    size = given.shape[-1]
    agreeing(batch_size, size)
    return Batches((size,), sampling, per_step(given, "indices", steps, stack, (size,)))


def _ragged(indices):
    """Whether `indices` is a list of batches that are not all of one shape."""
    if not isinstance(indices, (list, tuple)):
        return False
    try:
        return len({np.shape(batch) for batch in indices}) > 1
    except ValueError:
        raise ValueError("indices must hold one batch (B,) or (*S, B) per step, got a batch whose rows differ in "
                         "length; give all replicas batches of one length at each step") from None


def _ragged_batches(batch_size, indices, sampling, n, steps, stack):
    if len(indices) != steps:
        raise ValueError(f"indices must hold one batch per step, {steps}, got {len(indices)}; add or drop batches")
    rows = [index_array(batch, n, "(B,) or (*S, B), one per step", 1) for batch in indices]
    given = tuple(per_step(row[None], f"indices[{t}] (after the step)", 1, stack, row.shape[-1:])[0]
                  for t, row in enumerate(rows))
    sizes = sorted({row.shape[-1] for row in rows}, reverse=True)
    if batch_size is not None and not isinstance(batch_size, Default):
        raise ValueError(f"batch_size must be None where the batches of indices have {sizes[-1]} to {sizes[0]} "
                         f"examples, got {batch_size!r}; drop it")
    return Batches(tuple(sizes), sampling, given)


def index_array(indices, n, wanted, least):
    """`indices` as an array of numbers in 0…n−1 with no empty batch and at least so many axes."""
    array = _checks.array(indices, "indices")
    if array.dtype.kind not in "iu" or array.ndim < least:
        raise ValueError(f"indices must be an integer array {wanted}, got dtype {array.dtype} and shape {array.shape}; "
                         "convert it with astype(int)")
    places = array.astype(np.intp, copy=False)
    if array.size and places.view(np.uintp).max() >= n:  # negative ones are huge there: one pass for both ends
        raise ValueError(f"indices must lie in 0…{n - 1}, got {array.min()}…{array.max()}; count examples from 0")
    _checks.whole(array.shape[-1], "the last axis of indices")
    return places


def agreeing(batch_size, size):
    """Refuse a batch size, if the caller wrote one, that contradicts the last axis of `indices`."""
    if batch_size is not None and not isinstance(batch_size, Default) and batch_size != size:
        raise ValueError(f"batch_size must be the last axis of indices, {size}, or be left out, got {batch_size!r}; "
                         "drop it")


def per_step(array, name, steps, stack, tail):
    """`array` (steps, *tail) or (steps, *S, *tail) as (steps, 1 or R, *tail)."""
    if array.shape == (steps, *tail):
        return array[:, None]
    if array.shape != (steps, *stack, *tail):
        raise ValueError(f"{name} must have shape {(steps, *tail)} (shared by all replicas) or "
                         f"{(steps, *stack, *tail)}, got {array.shape}; the steps come first, then the replicas")
    return array.reshape(steps, math.prod(stack), *tail)


def rates(lr, steps, stack):
    """η as a float, or an array (steps,) or (steps, R); 0 only where an entry for each step is given (a warm-up)."""
    array = _checks.real(lr, "lr")
    if array.ndim == 0:
        return _checks.positive(array, "lr")
    array = np.asarray(_checks.positive(array, "lr", zero=len(array) == steps))
    if array.shape == (steps,):
        return array
    fits = stack and array.ndim == 1 + len(stack) and array.shape[0] in (1, steps)
    if not fits or any(got not in (1, want) for got, want in zip(array.shape[1:], stack)):
        raise ValueError(f"lr must be one number, or have shape {(steps,)}, {(1, *stack)} or {(steps, *stack)}, got "
                         f"{array.shape}; the steps come first, then the replicas")
    return np.broadcast_to(array, (steps, *stack)).reshape(steps, -1)


def gradient_noise(noise, noise_std, dtype, steps, stack, shape):
    """(noise (steps, 1 or R, *P) or None, τ), of which one may be given."""
    noise_std = _checks.scalar(noise_std, "noise_std", zero=True)
    if noise is None:
        return None, noise_std
    if noise_std:
        raise ValueError("noise and noise_std cannot both be given; drop one of them")
    return per_step(_checks.real(noise, "noise").astype(dtype), "noise", steps, stack, shape), 0.0


def momentum_rule(momentum, nesterov=False, dampening=0.0):
    """The `Momentum` of a loop, or None for μ = 0."""
    factor = _checks.real(momentum, "momentum")
    if factor.ndim or not abs(factor) < 1:
        raise ValueError(f"momentum must be one number above −1 and below 1, got {momentum!r}; 0.9 is usual")
    _checks.one_of(nesterov, "nesterov", (True, False))
    dampening = _checks.scalar(dampening, "dampening", zero=True)
    if dampening >= 1:
        raise ValueError(f"dampening must be below 1, got {dampening:g}; 0 leaves the gradient as it is")
    if nesterov and (dampening or not factor):
        raise ValueError(f"nesterov needs a momentum other than 0 and no dampening, got momentum={float(factor):g} and "
                         f"dampening={dampening:g}; drop nesterov or change them")
    return Momentum(float(factor), bool(nesterov), dampening) if factor else None


def observables(observe):
    """`observe` as a dict of functions."""
    observe = {} if observe is None else observe
    if not isinstance(observe, dict) or not all(map(callable, observe.values())):
        raise ValueError(f"observe must be a dict of functions, got {str(observe)[:60]}; name each: "
                         "observe={'loss': model.loss}")
    return dict(observe)


def per_epoch(value, name, epochs, *, zero=False):
    """`value` as an array (epochs,) from one number or one for each; 0 only with `zero` or in such a schedule."""
    array = _checks.real(value, name)
    array = np.asarray(_checks.positive(array, name, zero=zero or array.ndim > 0))
    if array.shape not in ((), (epochs,)):
        raise ValueError(f"{name} must be one number or have shape ({epochs},), got {array.shape}; give one per epoch")
    return np.broadcast_to(array, (epochs,))
