"""Training to interpolation: a synthetic set, many runs at once, and the last step by Gauss–Newton."""

from dataclasses import dataclass

import numpy as np
from scipy.linalg import lstsq

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


def teacher_set(n=200, tests=2000, dim=20, hidden=10, *, flipped=0.25, decay=0.55, scale=1.5, rng=None):
    r"""A synthetic two-class set: a random tanh net's sign on Gaussian inputs, some training labels turned over.

    .. math:: y = \operatorname{sign} \sum_j a_j \tanh\langle u_j, z\rangle, \qquad x_k \propto k^{-decay} z_k,
              \qquad \overline{E x_k^2} = scale^2

    with standard normal z (dim) and a, u (entries of variance 1 and 1/dim).
    The coordinates' spread decays as principal components of images do; that
    and the turned labels give minima sharp enough to feel η = 0.02.

    Parameters
    ----------
    n, tests : int
        Examples to train and to test on.
    dim, hidden : int
        Inputs, and hidden units of the teacher.
    flipped : float
        Share of training labels turned over, in [0, 1); test labels stay true.
    decay, scale : float
        Exponent and root mean square of the coordinates' standard deviations.
    rng : None, int or Generator

    Returns
    -------
    x, y, test_x, test_y : ndarray (n, dim), (n,), (tests, dim), (tests,)
        Labels ±1.

    Raises
    ------
    ValueError
        If a number is outside its range.

    Examples
    --------
    >>> x, y, test_x, test_y = teacher_set(4, 2, 3, rng=0)
    >>> x.shape, sorted(set(y.tolist())), test_y.shape
    ((4, 3), [-1.0, 1.0], (2,))
    """
    n, tests, dim, hidden = (_checks.whole(value, name) for value, name in
                             ((n, "n"), (tests, "tests"), (dim, "dim"), (hidden, "hidden")))
    if not 0 <= flipped < 1:
        raise ValueError(f"flipped must be a share in [0, 1), got {flipped!r}; 0 keeps the teacher's labels")
    spread = np.arange(1.0, dim + 1) ** -_checks.scalar(decay, "decay", zero=True)
    spread *= _checks.scalar(scale, "scale") / np.sqrt((spread**2).mean())
    rng = np.random.default_rng(rng)
    inner, outer = rng.standard_normal((dim, hidden)) / np.sqrt(dim), rng.standard_normal(hidden)
    z = rng.standard_normal((n + tests, dim))
    y = np.where(np.tanh(z @ inner) @ outer >= 0, 1.0, -1.0)
    y[rng.permutation(n)[:round(flipped * n)]] *= -1
    x = z * spread
    return x[:n], y[:n], x[n:], y[n:]


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


def polish(model, w, x, y, *, steps=3):
    r"""Carry a near-minimum of the squared loss to interpolation by minimum-norm Gauss–Newton steps.

    .. math:: w \leftarrow w - J^\dagger (f - y)

    Each step moves w as little as the linearised residuals allow, so the
    minimum that is measured is the one that training was at.

    Parameters
    ----------
    model : MLP
        With the squared loss.
    w : array_like (P,)
    x, y : array_like (n, dim), (n,) or (n, k)
    steps : int

    Returns
    -------
    ndarray (P,)

    Raises
    ------
    ValueError
        If the loss is not the squared one: the cross-entropy has no finite minimum that interpolates.
    """
    if model.loss_kind != "squared":
        raise ValueError(f"model must have the squared loss to interpolate, got {model.loss_kind!r}; "
                         "its minimum is at infinity")
    w, y = np.array(_checks.shaped(w, "w", model.parameter_shape)), np.asarray(y)
    for _ in range(_checks.whole(steps, "steps", 0)):
        residual = (model.predict(w, x) - y).reshape(-1)
        # gelsd cuts singular values below rounding, as directions in which no step is known
        w -= lstsq(model.jacobian(w, x).reshape(len(residual), -1), residual, cond=1e-12)[0]
    return w
