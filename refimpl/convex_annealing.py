r"""Simulate Nakkiran 2020: gradient descent and SGD that stop at a train loss.

The loss is the mean of squares without a factor ½, as on the slides,
L̂(β) = (1/n) Σ (⟨β, x_i⟩ − y_i)², so that its Hessian is (2/n) Σ x_i x_iᵀ.
The test loss P is the same mean over a test set; for the slides' distribution,
uniform on the basis vectors, the basis itself is a test set without error.
"""

from dataclasses import dataclass

import numpy as np

from refimpl import _checks, sgd
from refimpl._columns import ColumnsKernel, columns, residuals

REACHED, DIVERGED, EXHAUSTED = 0, 1, 2
_FEW = 8  # parameters up to which replicas side by side are faster


@dataclass(frozen=True)
class LeastSquares:
    r"""Linear model with the loss of the slides, L = (1/n) Σ (⟨w, x_i⟩ − y_i)², without ½.

    Parameters
    ----------
    dim : int
        Number of parameters d.
    """

    dim: int

    @property
    def parameter_shape(self):
        """Shape of the parameters, (d,)."""
        return (self.dim,)

    def init(self, rng=None):
        """The slides' start, zeros (d,), whatever `rng`."""
        return np.zeros(self.dim)

    def predict(self, w, x):
        """⟨w, x_i⟩, shape (…, n), for w (…, d) and x (…, n, d)."""
        return np.einsum("...d,...nd->...n", w, x)

    def loss(self, w, x, y):
        """(1/n) Σ (⟨w, x_i⟩ − y_i)², shape (…)."""
        return ((self.predict(w, x) - y) ** 2).mean(axis=-1)

    def gradient(self, w, x, y):
        """(2/n) Σ (⟨w, x_i⟩ − y_i) x_i, shape (…, d)."""
        return np.einsum("...n,...nd->...d", self.predict(w, x) - y, x) * (2 / x.shape[-2])

    def hvp(self, w, x, y, v):
        """Hessian-vector product (2/n) Σ x_i ⟨x_i, v⟩, shape (…, d), whatever w and y."""
        return np.einsum("...n,...nd->...d", self.predict(v, x), x) * (2 / x.shape[-2])

    def kernel(self, x, y, batch_size):
        """Fast path of `refimpl.sgd.run` on the whole set, for few parameters."""
        return ColumnsKernel(x, y, 2) if batch_size is None and self.dim <= _FEW and y is not None else None


@dataclass(frozen=True)
class Problem:
    """Train and test sets of a linear regression; S are axes of independent train sets.

    Attributes
    ----------
    x : ndarray (*S, n, d)
    y : ndarray (*S, n)
    x_test : ndarray (m, d)
    y_test : ndarray (m,)
    """

    x: np.ndarray
    y: np.ndarray
    x_test: np.ndarray
    y_test: np.ndarray

    def __post_init__(self):
        for examples, labels in (("x", "y"), ("x_test", "y_test")):
            x, y = _checks.real(getattr(self, examples), examples), _checks.real(getattr(self, labels), labels)
            if x.ndim < 2 or 0 in x.shape or y.shape != x.shape[:-1]:
                raise ValueError(f"{examples} must have shape (…, n, d) with no empty axis and {labels} (…, n), "
                                 f"got {x.shape} and {y.shape}; give one label an example")
            object.__setattr__(self, examples, x.astype(np.float64, copy=False))
            object.__setattr__(self, labels, y.astype(np.float64, copy=False))
        if self.x_test.ndim != 2 or self.x_test.shape[-1] != self.x.shape[-1]:
            raise ValueError(f"x_test must have shape (m, {self.x.shape[-1]}), got {self.x_test.shape}; "
                             "give one test set with as many inputs as the train set")

    def train_loss(self, w):
        """L̂ at w (…, d), shape (…)."""
        return LeastSquares(self.x.shape[-1]).loss(w, self.x, self.y)

    def test_loss(self, w):
        """P at w (…, d), shape (…)."""
        return LeastSquares(self.x.shape[-1]).loss(w, self.x_test, self.y_test)


def three_samples(minimum=(1.0, 1.0)):
    """The sample of the slides, (e₁, e₁, e₂) with y = ⟨β*, x⟩, tested on the whole distribution.

    Parameters
    ----------
    minimum : array_like (2,)
        β*.

    Returns
    -------
    Problem

    Raises
    ------
    ValueError
        If `minimum` does not hold two finite numbers.

    References
    ----------
    [NAK20] "Assume you have n = 3".

    Examples
    --------
    >>> float(three_samples().train_loss(np.array([0.0, 1.0])))   # 2/3
    0.6666666666666666
    """
    return _basis_problem(np.array([0, 0, 1]), _checks.shaped(minimum, "minimum", (2,)))


def draw_samples(n, minimum=(1.0, 1.0), *, size=(), rng=None):
    """Train sets of n basis vectors drawn uniformly, with y = ⟨β*, x⟩, tested on the whole distribution.

    Parameters
    ----------
    n : int
        Examples in a train set.
    minimum : array_like (d,)
        β*; its length is the number of basis vectors.
    size : tuple of int
        Shape S of the stack of train sets.
    rng : None, int, SeedSequence or Generator
        By `numpy.random.default_rng`.

    Returns
    -------
    Problem

    Raises
    ------
    ValueError
        If an argument is outside its range.

    References
    ----------
    [NAK20] "for drawn n samples from the distribution".

    Examples
    --------
    >>> draw_samples(5, size=(4,), rng=0).x.shape
    (4, 5, 2)
    """
    minimum = _checks.shaped(minimum, "minimum", (None,))
    n = _checks.whole(n, "n")
    drawn = np.random.default_rng(rng).integers(len(minimum), size=(*size, n))
    return _basis_problem(drawn, minimum)


def from_hessians(train_hessian, test_hessian, minimum):
    """A problem whose train and test losses have these Hessians, any two, around one minimum.

    Parameters
    ----------
    train_hessian, test_hessian : array_like (d, d)
        Second derivatives of the losses, symmetric positive semi-definite.
    minimum : array_like (d,)
        w*, where both losses are 0.

    Returns
    -------
    Problem
        With n = d examples that are √(d/2) times the rows of the square root
        of the Hessian, since L = (1/d) Σ ⟨r, x_i⟩² = ½ rᵀHr.

    Raises
    ------
    ValueError
        If a Hessian is not symmetric positive semi-definite or sizes differ.

    Examples
    --------
    >>> problem = from_hessians([[4.0, 0.0], [0.0, 1.0]], [[1.0, 0.0], [0.0, 1.0]], [0.0, 0.0])
    >>> float(problem.train_loss(np.array([1.0, 2.0])))   # (4·1 + 1·4) / 2
    4.0
    """
    minimum = _checks.shaped(minimum, "minimum", (None,))
    dim = len(minimum)
    rows = []
    for hessian, name in ((train_hessian, "train_hessian"), (test_hessian, "test_hessian")):
        values, vectors = np.linalg.eigh(_checks.symmetric(hessian, name, dim))
        rows.append(np.sqrt(dim / 2) * (vectors * np.sqrt(np.maximum(values, 0))) @ vectors.T)
    return Problem(rows[0], rows[0] @ minimum, rows[1], rows[1] @ minimum)


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
    train_loss, test_loss : ndarray (*S)
        L̂ and P at w.
    target : float
        ε.
    switch : ndarray (*S) of int
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
    switch: np.ndarray
    path: np.ndarray | None

    @property
    def loss_ratio(self):
        """P/L, the test loss over the train loss that was reached; NaN where L is 0 or no stop was."""
        held = self.success & (self.train_loss > 0)
        return np.divide(self.test_loss, self.train_loss, out=np.full(np.shape(held), np.nan), where=held)[()]

    @property
    def target_ratio(self):
        """P/ε, the test loss over the target: too low by what the last step overshot; NaN without a stop."""
        return np.where(self.success, self.test_loss / self.target, np.nan)[()]


def descend(problem, target, *, lr, large_lr=None, switch_step=None, switch_loss=None, w0=None, max_steps=100_000,
            record=False, **options):
    r"""Run gradient descent or SGD until the train loss is at most ε.

    .. math:: \beta_{t+1} = \beta_t - \eta_t \nabla\hat L_{B_t}(\beta_t),
              \qquad \text{stop at } \hat L(\beta_t) \le \varepsilon

    The loss that stops a run, and that anneals it, is that of the whole train
    set after each step, whatever the batch.

    Parameters
    ----------
    problem : Problem
    target : float
        ε, between the smallest train loss that exists and the loss at the start.
    lr : float or array_like (max_steps,) or callable
        Learning rate as for `refimpl.sgd.run`; with `large_lr` one number, the
        small rate after it.
    large_lr : float, optional
        Large learning rate of the steps before the switch.
    switch_step : int, optional
        Number of large steps.
    switch_loss : float, optional
        Anneal when the train loss is at most this, above ε; instead of
        `switch_step`.
    w0 : array_like (*S, d), optional
        Starts, one for each replica; the default is 0 as on the slides. With
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
    >>> annealed = descend(three_samples(), 1e-3, lr=0.01, large_lr=1.3, switch_loss=2e-3)
    >>> round(float(small.loss_ratio), 4), round(float(annealed.loss_ratio), 4)
    (1.4957, 0.75)
    """
    dim = problem.x.shape[-1]
    stack = problem.x.shape[:-2]
    model = LeastSquares(dim)
    w0 = np.zeros((*stack, dim)) if w0 is None else _checks.real(w0, "w0")
    if w0.shape[-1:] != (dim,) or (stack and w0.shape[:-1] != stack):
        wanted = f"{stack} + ({dim},)" if stack else f"(*S, {dim})"
        raise ValueError(f"w0 must have shape {wanted}, got {w0.shape}; give one start a replica")
    w0 = w0.astype(np.float64, copy=False)
    target = _target(problem, target, w0)
    watch = _Watch(problem, target, w0, *_schedule(lr, large_lr, switch_step, switch_loss, target))
    result = sgd.run(model, w0, problem.x, problem.y, lr=watch.rate if large_lr is not None else lr,
                     steps=_checks.whole(max_steps, "max_steps"), stacked_data=bool(stack), callback=watch,
                     observe={"w": lambda w, x, y: w} if record else None, **options)
    status = np.where(watch.stopped, REACHED, np.where(result.status == sgd.DIVERGED, DIVERGED, EXHAUSTED))
    w = np.where(watch.stopped[..., None], watch.w, result.w)
    nit = np.where(watch.stopped, watch.nit, result.nit)
    counts = [int((status == code).sum()) for code in (REACHED, DIVERGED, EXHAUSTED)]
    message = (f"{counts[0]} of {status.size} runs reached the target, {counts[1]} diverged, "
               f"{counts[2]} used up their {max_steps} steps")
    with np.errstate(over="ignore", invalid="ignore"):
        losses = problem.train_loss(w), problem.test_loss(w)
    return Descent(w, (status == REACHED)[()], status[()], nit[()], message, *losses, target,
                   watch.switch[()], result.observed["w"] if record else None)


class _Watch:
    """Sees every step of `sgd.run`: anneals and stops each replica at its loss, and ends the run after the last."""

    def __init__(self, problem, target, w0, large, small, switch_step, switch_loss):
        self.problem, self.target = problem, target
        self.small, self.switch_step, self.switch_loss = small, switch_step, switch_loss
        shape = w0.shape[:-1]
        self.rates = None if large is None else np.full(shape, large)
        self.switch = np.full(shape, 0 if large is None else -1)
        self.stopped = np.zeros(shape, bool)
        self.w, self.nit, self.step = w0.copy(), np.zeros(shape, int), 0
        if large is not None:
            self._anneal(problem.train_loss(w0))

    def rate(self, step):
        return self.rates

    def __call__(self, intermediate_result):
        now = intermediate_result
        going = ~self.stopped & (now.status != sgd.DIVERGED)
        with np.errstate(over="ignore", invalid="ignore"):
            loss = self._loss(now.w)
        self.step += 1
        hit = going & (loss <= self.target)
        self.w[hit], self.nit[hit] = now.w[hit], self.step
        self.stopped |= hit
        if not (going & ~hit).any():
            raise StopIteration
        if self.rates is not None:
            self._anneal(np.where(going & ~hit, loss, np.inf))

    def _loss(self, w):
        """The train loss, by the pass of the fast path where that is taken."""
        x, y = self.problem.x, self.problem.y
        if x.ndim > 2 or x.shape[-1] > _FEW:
            return self.problem.train_loss(w)
        found = residuals(columns(w.reshape(-1, w.shape[-1])), x, y)
        found *= found
        return (found.sum(axis=0) / len(x))[:w[..., 0].size].reshape(w.shape[:-1])

    def _anneal(self, loss):
        if self.switch_step is None:
            due = loss <= self.switch_loss
        else:
            due = (self.step >= self.switch_step) & (loss < np.inf)
        due &= self.switch < 0
        self.rates[due], self.switch[due] = self.small, self.step


def _schedule(lr, large_lr, switch_step, switch_loss, target):
    """(large, small, switch step, switch loss), checked."""
    if large_lr is None:
        if switch_step is not None or switch_loss is not None:
            raise ValueError("large_lr must be given with switch_step or switch_loss, got None; without one, drop the "
                             "switch")
        return None, None, None, None
    large, small = _checks.scalar(large_lr, "large_lr"), _checks.scalar(lr, "lr")
    if (switch_step is None) == (switch_loss is None):
        raise ValueError(f"large_lr needs exactly one of switch_step and switch_loss, got {switch_step!r} and "
                         f"{switch_loss!r}; say when to anneal")
    if switch_step is not None:
        return large, small, _checks.whole(switch_step, "switch_step"), None
    switch_loss = _checks.scalar(switch_loss, "switch_loss")
    if switch_loss < target:
        raise ValueError(f"switch_loss must be at least the target {target:g}, got {switch_loss:g}; below it the run "
                         "has stopped before it anneals")
    return large, small, None, switch_loss


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


def _basis_problem(drawn, minimum):
    basis = np.eye(len(minimum))
    return Problem(basis[drawn], np.asarray(minimum, float)[drawn], basis, minimum)
