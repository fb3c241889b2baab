"""Training to a target loss: gradient descent or SGD, with momentum and decay, of many replicas at once."""

from dataclasses import dataclass

import numpy as np

from refimpl import sgd
from refimpl._renamed import renamed
from refimpl._streams import source
from refimpl.sgd import _arguments
from refimpl.sgd._status import DIVERGED, STOPPED, SUCCESS, of_target
from theory import _checks


@dataclass(frozen=True)
class Minima:
    """Where the replicas of `descend` ended.

    Attributes
    ----------
    w : ndarray (R, P)
        Parameters at the end.
    success : ndarray (R,) of bool
        Whether the target was reached.
    status : ndarray (R,) of int
        0 reached the target, 1 diverged, 2 ran out of steps.
    nit : ndarray (R,) of int
        Steps made, to the record at which the target was met.
    message : str
        What happened, in one sentence.
    loss : ndarray (R,)
        Of the whole set at `w`; NaN where the replica diverged.
    """

    w: np.ndarray
    success: np.ndarray
    status: np.ndarray
    nit: np.ndarray
    message: str
    loss: np.ndarray


@renamed(goal="target", check_every="record_every")
def descend(model, w0, x, y, *, lr, batch_size=None, momentum=0.0, nesterov=False, dampening=0.0, weight_decay=0.0,
            target=1e-7, max_steps=100_000, record_every=500, rng=None):
    """Run GD or SGD (independent batches) on replicas until each one's loss on the whole set is down to a target.

    Parameters
    ----------
    model : model
        As for `refimpl.sgd.run`, with a `loss`.
    w0 : array_like (R, P)
        Starts, one per replica.
    x, y : array_like (n, …), (n, …)
        Examples and labels.
    lr : float or array_like (R,)
        η > 0, one for all replicas or one each.
    batch_size : int, optional
        B; None for gradient descent.
    momentum, nesterov, dampening, weight_decay
        As for `refimpl.sgd.run`: PyTorch's step. The loss of the target is without the decay's part.
    target : float
        The loss to reach; looked at every `record_every` steps.
    max_steps : int
        Steps after which a replica is given up.
    record_every : int
        Steps between two looks at the loss.
    rng : None, int or Generator
        Source of the batches.

    Returns
    -------
    Minima

    Raises
    ------
    ValueError
        As `refimpl.sgd.run` does.

    Examples
    --------
    >>> from refimpl.network import MLP
    >>> found = descend(MLP((1, 1)), [[0.0, 0.0]], [[0.0], [1.0]], [1.0, 3.0], lr=0.5, momentum=0.5, target=1e-9)
    >>> found.message, found.w.round(3).tolist()
    ('1 of 1 runs reached the target, 0 diverged, 0 used up their 100000 steps', [[2.0, 1.0]])
    """
    _checks.having(model, "model", "parameter_shape", "loss", "gradient")
    w = np.array(_checks.shaped(w0, "w0", (None, *model.parameter_shape)))
    count, rng = len(w), source(rng)
    rates = _each(lr, count)
    target, record_every = _checks.scalar(target, "target"), _checks.whole(record_every, "record_every")
    options = dict(batch_size=batch_size, nesterov=nesterov, dampening=dampening, weight_decay=weight_decay,
                   momentum=momentum, divergence_limit=1e6, rng=rng)
    velocity = None if _arguments.momentum_rule(momentum, nesterov, dampening) is None else np.zeros_like(w)
    loss, status, nit = np.full(count, np.inf), np.full(count, STOPPED), np.zeros(count, int)
    active = np.arange(count)
    for first in range(0, _checks.whole(max_steps, "max_steps"), record_every):
        steps = min(record_every, max_steps - first)
        block = np.broadcast_to(rates[active], (steps, len(active)))
        going = {} if velocity is None or not first else {"velocity": velocity[active]}
        run = sgd.run(model, w[active], x, y, lr=block, steps=steps, **going, **options)
        rng.spawn(2)                                # those that the run has used
        w[active], nit[active] = run.w, first + run.nit
        if velocity is not None:
            velocity[active] = run.velocity
        loss[active] = np.where(run.success, [model.loss(one, x, y) for one in run.w], np.nan)
        status[active] = np.where(~run.success, DIVERGED, np.where(loss[active] <= target, SUCCESS, STOPPED))
        active = active[status[active] == STOPPED]
        if not len(active):
            break
    return Minima(w, status == SUCCESS, status, nit, of_target(status, max_steps), loss)


def _each(lr, count):
    """η of each replica (R,)."""
    rates = np.asarray(_checks.positive(lr, "lr"))
    if rates.shape not in ((), (count,)):
        raise ValueError(f"lr must be one number or have shape ({count},), got {rates.shape}; give one per replica")
    return np.broadcast_to(rates, (count,))
