"""Training to a goal: gradient descent or SGD of many replicas at once."""

from dataclasses import dataclass

import numpy as np

from refimpl import sgd
from theory import _checks


@dataclass(frozen=True)
class Minima:
    """Where the replicas of `descend` ended.

    Attributes
    ----------
    w : ndarray (R, P)
    loss : ndarray (R,)
        Of the whole set at `w`; NaN where the replica diverged.
    status : ndarray (R,) of int
        0 reached the goal, 1 diverged, 2 ran out of steps.
    nit : ndarray (R,) of int
        Steps made, to the block in which the goal was met.
    """

    w: np.ndarray
    loss: np.ndarray
    status: np.ndarray
    nit: np.ndarray


def descend(model, w0, x, y, *, lr, batch_size=None, goal=1e-7, max_steps=100_000, check_every=500, rng=None):
    """Run GD or SGD (independent batches) on replicas until each one's loss on the whole set is below a goal.

    Parameters
    ----------
    model : model
    w0 : array_like (R, P)
    x, y : array_like (n, …), (n, …)
    lr : float or array_like (R,)
    batch_size : int, optional
        None for gradient descent.
    goal : float
        The loss to reach; looked at every `check_every` steps.
    max_steps : int
    check_every : int
    rng : None, int or Generator

    Returns
    -------
    Minima

    Raises
    ------
    ValueError
        As `refimpl.sgd.run` does.
    """
    w = np.array(_checks.shaped(w0, "w0", (None, *model.parameter_shape)))
    count, rng = len(w), np.random.default_rng(rng)
    rates = np.broadcast_to(_checks.positive(lr, "lr"), (count,))
    goal, check_every = _checks.scalar(goal, "goal"), _checks.whole(check_every, "check_every")
    loss, status, nit = np.full(count, np.inf), np.full(count, 2), np.zeros(count, int)
    active = np.arange(count)
    for first in range(0, _checks.whole(max_steps, "max_steps"), check_every):
        steps = min(check_every, max_steps - first)
        block = np.broadcast_to(rates[active], (steps, len(active)))
        run = sgd.run(model, w[active], x, y, lr=block, steps=steps, batch_size=batch_size, rng=rng,
                      divergence_limit=1e6)
        w[active], nit[active] = run.w, first + run.nit
        loss[active] = np.where(run.success, [model.loss(one, x, y) for one in run.w], np.nan)
        status[active] = np.where(~run.success, 1, np.where(loss[active] < goal, 0, 2))
        active = active[status[active] == 2]
        if not len(active):
            break
    return Minima(w, loss, status, nit)
