"""`descend`: gradient descent and SGD that stop at a train loss."""

from dataclasses import dataclass
from warnings import warn

import numpy as np

from refimpl import sgd
from refimpl.convex_annealing._problem import LeastSquares
from refimpl.convex_annealing._whole_set import Starts
from refimpl.sgd import _arguments
from refimpl.sgd._columns import columns
from refimpl.sgd._path_whole_set import FEW, residuals
from refimpl.sgd._status import DIVERGED, STOPPED, SUCCESS, of_target
from theory import _checks


@dataclass(frozen=True)
class Descent:
    """Outcome of `descend` for replicas of shape S.

    Attributes
    ----------
    w : ndarray (*S, d)
        Parameters at the stop; where the target was not reached, the last ones.
    success : ndarray (*S) of bool
        Whether the train loss came down to the target.
    status : ndarray (*S) of int
        0 target reached, 1 diverged, 2 steps used up.
    nit : ndarray (*S) of int
        Steps made.
    message : str
        What happened, in one sentence.
    train_loss, test_loss : ndarray (*S)
        L̂ and P at w.
    target : float
        ε.
    anneal_step : ndarray (*S) of int
        Step from which the small rate was used: 0 without a large one, −1
        where the run ended before.
    path : ndarray (K, *S, d) or None
        Iterates 0…K−1 if asked for; a replica goes on after its own stop at
        ``nit`` until all have stopped.
    """

    w: np.ndarray
    success: np.ndarray
    status: np.ndarray
    nit: np.ndarray
    message: str
    train_loss: np.ndarray
    test_loss: np.ndarray
    target: float
    anneal_step: np.ndarray
    path: np.ndarray | None

    @property
    def switch(self):
        """`anneal_step` under its old name, with a DeprecationWarning."""
        warn("Descent.switch is now Descent.anneal_step; the old name goes in the next version", DeprecationWarning,
             stacklevel=2)
        return self.anneal_step

    @property
    def loss_ratio(self):
        """P/L, the test loss over the train loss that was reached; NaN where L is 0 or no stop was."""
        held = self.success & (self.train_loss > 0)
        return np.divide(self.test_loss, self.train_loss, out=np.full(np.shape(held), np.nan), where=held)[()]

    @property
    def target_ratio(self):
        """P/ε, the test loss over the target: too low by what the last step overshot; NaN without a stop."""
        return np.where(self.success, self.test_loss / self.target, np.nan)[()]


@_checks.renamed(switch_loss="anneal_loss", switch_step="large_steps")
def descend(problem, target, *, lr, large_lr=None, large_steps=None, anneal_loss=None, w0=None, max_steps=100_000,
            record=False, **options):
    r"""Run gradient descent or SGD until the train loss is at most ε.

    .. math:: \beta_{t+1} = \beta_t - \eta_t \nabla\hat L_{B_t}(\beta_t),
              \qquad \text{stop at } \hat L(\beta_t) \le \varepsilon

    The loss that stops a run, and that anneals it, is that of the whole train
    set after each step, whatever the batch.

    Parameters
    ----------
    problem : Problem
        Train and test sets.
    target : float
        ε, between the smallest train loss that exists and the loss at the start.
    lr : float or array_like (max_steps,) or callable
        Learning rate as for `refimpl.sgd.run`; with `large_lr` one number, the
        small rate after it.
    large_lr : float, optional
        Large learning rate of the steps before the switch.
    large_steps : int, optional
        Number of large steps.
    anneal_loss : float, optional
        Anneal when the train loss is at most this, above ε; instead of
        `large_steps`.
    w0 : array_like (*S, d), optional
        Starts, one per replica; the default is 0 as on the slides. With
        a stack of train sets S must be its shape.
    max_steps : int
        Steps after which a run is given up.
    record : bool
        Whether to keep the path.
    **options
        batch_size, sampling, indices, rng, … of `refimpl.sgd.run`; the default
        is gradient descent on the whole set.

    Returns
    -------
    Descent

    Raises
    ------
    ValueError
        If an argument is outside its range, or the target is above the loss
        at the start or below what any parameters reach, before the first step.

    References
    ----------
    [NAK20] "until L̂ = ε with small learning rate (a) and large learning rate with annealing (b)".

    Examples
    --------
    >>> small = descend(three_samples(), 1e-3, lr=0.01)
    >>> annealed = descend(three_samples(), 1e-3, lr=0.01, large_lr=1.3, anneal_loss=2e-3)
    >>> round(float(small.loss_ratio), 4), round(float(annealed.loss_ratio), 4)
    (1.4957, 0.75)
    """
    dim = _checks.having(problem, "problem", "x", "y", "x_test").x.shape[-1]
    _checks.flag(record, "record")
    stack = problem.x.shape[:-2]
    model = LeastSquares(dim)
    w0 = np.zeros((*stack, dim)) if w0 is None else _checks.real(w0, "w0")
    if w0.shape[-1:] != (dim,) or not w0.size or (stack and w0.shape[:-1] != stack):
        wanted = f"{stack} + ({dim},)" if stack else f"(*S, {dim})"
        raise ValueError(f"w0 must have shape {wanted}, got {w0.shape}; give one start per replica")
    w0 = w0.astype(np.float64, copy=False)
    target = _target(problem, target, w0)
    lr = lr if callable(lr) else _checks.real(lr, "lr")[()]
    schedule = _schedule(lr, large_lr, large_steps, anneal_loss, target)
    max_steps = _checks.whole(max_steps, "max_steps")
    if problem.x.ndim == 2 and dim <= FEW and not (record or options or callable(lr) or np.ndim(lr)):
        starts = Starts(problem, w0.reshape(-1, dim), _arguments.rates(lr, max_steps, ()), schedule, target)
        starts.descend(max_steps)
        found = [array.reshape(w0.shape[:-1]) for array in (starts.status, starts.nit, starts.anneal_step)]
        w, path = starts.w.reshape(w0.shape), None
    else:
        watch = _Watch(problem, target, w0, schedule)
        result = sgd.run(model, w0, problem.x, problem.y, lr=lr if schedule is None else watch.rate, steps=max_steps,
                         stacked_data=bool(stack), callback=watch, observe={"w": lambda w, x, y: w} if record else None,
                         **options)
        w, found = watch.outcome(result)
        path = result.observed["w"] if record else None
    return _descent(problem, target, max_steps, w, *found, path)


def _descent(problem, target, max_steps, w, status, nit, anneal_step, path):
    with np.errstate(over="ignore", under="ignore", invalid="ignore"):
        losses = problem.train_loss(w), problem.test_loss(w)
    return Descent(w=w, success=(status == SUCCESS)[()], status=status[()], nit=nit[()],
                   message=of_target(status, max_steps), train_loss=losses[0], test_loss=losses[1], target=target,
                   anneal_step=anneal_step[()], path=path)


@dataclass(frozen=True)
class _Schedule:
    """A large rate until a step or a loss, then a small one."""

    large: float
    small: float
    large_steps: int | None
    anneal_loss: float | None


class _Watch:
    """Sees every step of `sgd.run`: anneals and stops each replica at its loss, and ends the run after the last."""

    def __init__(self, problem, target, w0, schedule):
        self.problem, self.target, self.schedule = problem, target, schedule
        shape = w0.shape[:-1]
        self.rates = None if schedule is None else np.full(shape, schedule.large)
        self.anneal_step = np.full(shape, 0 if schedule is None else -1)
        self.stopped = np.zeros(shape, bool)
        self.w, self.nit, self.step = w0.copy(), np.zeros(shape, int), 0
        if schedule is not None:
            self._anneal(problem.train_loss(w0))

    def rate(self, step):
        return self.rates

    def __call__(self, intermediate_result):
        now = intermediate_result
        going = ~self.stopped & (now.status != DIVERGED)
        with np.errstate(over="ignore", under="ignore", invalid="ignore"):
            loss = self._loss(now.w)
        self.step += 1
        hit = going & (loss <= self.target)
        self.w[hit], self.nit[hit] = now.w[hit], self.step
        self.stopped |= hit
        if not (going & ~hit).any():
            raise StopIteration
        if self.rates is not None:
            self._anneal(np.where(going & ~hit, loss, np.inf))

    def outcome(self, result):
        """(w, (status, nit, anneal_step)), with each replica as it stopped."""
        status = np.where(self.stopped, SUCCESS, np.where(result.status == DIVERGED, DIVERGED, STOPPED))
        return (np.where(self.stopped[..., None], self.w, result.w),
                (status, np.where(self.stopped, self.nit, result.nit), self.anneal_step))

    def _loss(self, w):
        """The train loss, by the pass of the fast path where that is taken."""
        x, y = self.problem.x, self.problem.y
        if x.ndim > 2 or x.shape[-1] > FEW:
            return self.problem.train_loss(w)
        found = residuals(columns(w.reshape(-1, w.shape[-1])), x, y)
        found *= found
        return (found.sum(axis=0) / len(x))[:w[..., 0].size].reshape(w.shape[:-1])

    def _anneal(self, loss):
        if self.schedule.large_steps is None:
            due = loss <= self.schedule.anneal_loss
        else:
            due = (self.step >= self.schedule.large_steps) & (loss < np.inf)
        due &= self.anneal_step < 0
        self.rates[due], self.anneal_step[due] = self.schedule.small, self.step


def _schedule(lr, large_lr, large_steps, anneal_loss, target):
    """The `_Schedule`, checked; None without a large rate."""
    if large_lr is None:
        if large_steps is not None or anneal_loss is not None:
            raise ValueError("large_lr must be given with large_steps or anneal_loss, got None; without one, drop "
                             "them")
        return None
    large, small = _checks.scalar(large_lr, "large_lr"), _checks.scalar(lr, "lr")
    if (large_steps is None) == (anneal_loss is None):
        raise ValueError(f"large_lr needs exactly one of large_steps and anneal_loss, got {large_steps!r} and "
                         f"{anneal_loss!r}; say when to anneal")
    if large_steps is not None:
        return _Schedule(large, small, _checks.whole(large_steps, "large_steps"), None)
    anneal_loss = _checks.scalar(anneal_loss, "anneal_loss")
    if anneal_loss < target:
        raise ValueError(f"anneal_loss must be at least the target {target:g}, got {anneal_loss:g}; below it the run "
                         "has stopped before it anneals")
    return _Schedule(large, small, None, anneal_loss)


def _target(problem, target, w0):
    """The target, refused where the run would stop before its first step or never."""
    target = _checks.scalar(target, "target")
    start = float(problem.train_loss(w0).min())
    if target >= start:
        raise ValueError(f"target must be below the train loss at the start, {start:g}, got {target:g}; start further "
                         "away or lower the target")
    best = np.einsum("...dn,...n->...d", np.linalg.pinv(problem.x), problem.y)
    least = float(problem.train_loss(best).max())
    if target <= least:
        raise ValueError(f"target must be above the smallest train loss that exists, {least:g}, got {target:g}; the "
                         "labels are not a linear function of the examples: raise the target")
    return target
