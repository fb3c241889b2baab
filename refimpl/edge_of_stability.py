r"""Simulate gradient descent beyond 2/λ: losses of degree four, and a two-layer linear net.

`CubicQuartic` is ½wᵀHw + T[w, w, w]/6 + F[w, w, w, w]/24, any Hessian, third and
fourth derivative at its minimum 0; `oscillate` runs gradient descent on it and
says whether it ends in an orbit of period two. `LinearNet` is f = u·v x/√m with
the loss ½(f − y)² and runs by `refimpl.sgd.run` as any model; with one example
x = 1, y = 0 its kernel is κ = (|u|² + |v|²)/m.
"""

from dataclasses import dataclass
from itertools import permutations

import numpy as np

from refimpl._public import publish
from theory import _checks

__all__ = ["CubicQuartic", "random_loss", "Oscillation", "oscillate", "LinearNet", "ALTERNATES", "DIVERGED",
           "UNDECIDED"]

ALTERNATES, DIVERGED, UNDECIDED = 0, 1, 2
_CLOSED = 1e-7  # an orbit has period two where two steps move by less than this share of one


@dataclass(frozen=True)
class CubicQuartic:
    r"""L(w) = ½ Σ H_ij w_i w_j + (1/6) Σ T_ijk w_i w_j w_k + (1/24) Σ F_ijkl w_i w_j w_k w_l.

    Attributes
    ----------
    hessian : ndarray (*S, d, d)
        H, symmetric; S are axes of independent losses.
    third : ndarray (*S, d, d, d)
        T, symmetric in its three axes.
    fourth : ndarray (*S, d, d, d, d)
        F, symmetric in its four axes.

    Examples
    --------
    >>> loss = CubicQuartic([[2.0]], [[[3.0]]], [[[[6.0]]]])
    >>> round(float(loss.loss(np.array([1.0]))), 12), loss.gradient(np.array([1.0])).tolist()
    (1.75, [4.5])
    """

    hessian: np.ndarray
    third: np.ndarray
    fourth: np.ndarray

    def __post_init__(self):
        for name, order in (("hessian", 2), ("third", 3), ("fourth", 4)):
            value = _checks.real(getattr(self, name), name).astype(float)
            size = value.shape[-1] if value.ndim else 0
            if value.ndim < order or value.shape[value.ndim - order:] != (size,) * order or not size:
                raise ValueError(f"{name} must have {order} equal last axes, got shape {value.shape}; give all "
                                 f"derivatives of "
                                 f"order {order}")
            if np.abs(value - _symmetric(value, order)).max() > 1e-10 * max(np.abs(value).max(), 1e-300):
                raise ValueError(f"{name} must be symmetric in its last {order} axes, got one that is not; take the "
                                 f"mean over "
                                 "their permutations")
            object.__setattr__(self, name, value)
        if not self.hessian.shape[:-2] == self.third.shape[:-3] == self.fourth.shape[:-4] \
                or not self.hessian.shape[-1] == self.third.shape[-1] == self.fourth.shape[-1]:
            raise ValueError(f"third and fourth must go with hessian {self.hessian.shape}, got {self.third.shape} and "
                             f"{self.fourth.shape}; match the losses and the dimension")

    def loss(self, w):
        """L(w), shape (*S), for w (*S, d)."""
        return ((w * (np.einsum("...ij,...j->...i", self.hessian, w) / 2 + self.third_along(w) / 6)).sum(axis=-1)
                + self.fourth_along(w) / 24)

    def gradient(self, w):
        """∇L(w) = Hw + T[w, w]/2 + F[w, w, w]/6, shape (*S, d)."""
        return (np.einsum("...ij,...j->...i", self.hessian, w) + self.third_along(w) / 2
                + np.einsum("...ijkl,...j,...k,...l->...i", self.fourth, w, w, w) / 6)

    def third_along(self, v):
        """T[v, v], shape (*S, d)."""
        return np.einsum("...ijk,...j,...k->...i", self.third, v, v)

    def fourth_along(self, v):
        """F[v, v, v, v], shape (*S)."""
        return np.einsum("...ijkl,...i,...j,...k,...l->...", self.fourth, v, v, v, v)


@dataclass(frozen=True)
class Oscillation:
    """Where `oscillate` ended, for losses of shape S.

    Attributes
    ----------
    points : ndarray (2, *S, d)
        The last two iterates; NaN where the run diverged.
    success : ndarray (*S) of bool
        Whether they are an orbit of period two.
    status : ndarray (*S) of int
        0 alternates, 1 diverged, 2 neither after all steps.
    nit : ndarray (*S) of int
        Steps made.
    message : str
    """

    points: np.ndarray
    success: np.ndarray
    status: np.ndarray
    nit: np.ndarray
    message: str

    @property
    def amplitude(self):
        """Half the distance of both points, (*S)."""
        return np.linalg.norm(self.points[0] - self.points[1], axis=-1) / 2


def random_loss(dim, *, size=(), third_std=1.0, fourth_std=1.0, rng=None):
    """Losses with a top eigenvalue 1, the others in (0.2, 0.8), and normal third and fourth derivatives.

    Normal numbers with these standard deviations, made symmetric by the mean
    over all orders of the axes.

    Parameters
    ----------
    dim : int
        d.
    size : tuple of int
        Shape S of the stack of losses.
    third_std, fourth_std : float
        At least 0; 0 for derivatives that vanish.
    rng : None, int, SeedSequence or Generator
        By `numpy.random.default_rng`.

    Returns
    -------
    CubicQuartic

    Raises
    ------
    ValueError
        If an argument is outside its range.

    Examples
    --------
    >>> random_loss(3, size=(5,), rng=0).third.shape
    (5, 3, 3, 3)
    """
    dim, rng = _checks.whole(dim, "dim"), np.random.default_rng(rng)
    basis = np.linalg.qr(rng.standard_normal((*size, dim, dim)))[0]
    values = np.concatenate([np.ones((*size, 1)), rng.uniform(0.2, 0.8, (*size, dim - 1))], axis=-1)
    hessian = (basis * values[..., None, :]) @ basis.swapaxes(-1, -2)
    scales = (_checks.scalar(third_std, "third_std", zero=True), _checks.scalar(fourth_std, "fourth_std", zero=True))
    third, fourth = (scale * _symmetric(rng.standard_normal((*size, *(dim,) * order)), order)
                     for scale, order in zip(scales, (3, 4)))
    return CubicQuartic(_symmetric(hessian, 2), third, fourth)


def oscillate(loss, start, lr, steps, *, divergence_limit=1e3):
    """Gradient descent on a stack of losses, and whether it ends in an orbit of period two.

    Parameters
    ----------
    loss : CubicQuartic
        With axes S.
    start : array_like (*S, d)
        One start per replica.
    lr : float or array_like (*S)
        η > 0.
    steps : int
        At least 3.
    divergence_limit : float
        A run diverges when an entry of w is not finite or beyond this.

    Returns
    -------
    Oscillation

    Raises
    ------
    ValueError
        If an argument is outside its range or shapes do not fit.

    Examples
    --------
    >>> found = oscillate(CubicQuartic([[2.0]], [[[3.0]]], [[[[6.0]]]]), [0.01], 1.001, 20_000)
    >>> bool(found.success), round(float(found.amplitude), 4)
    (True, 0.0401)
    """
    w = _checks.shaped(start, "start", loss.hessian.shape[:-1]).astype(float)
    stack, steps = w.shape[:-1], _checks.whole(steps, "steps", 3)
    rates = np.asarray(_checks.positive(lr, "lr"), float)
    limit = _checks.scalar(divergence_limit, "divergence_limit")
    if rates.shape not in ((), stack):
        raise ValueError(f"lr must be one number or have shape {stack}, got {rates.shape}; give one rate per loss")
    rates, nit = rates[..., None], np.full(stack, steps)
    recent = [w, w, w]
    with np.errstate(over="ignore", invalid="ignore"):
        for step in range(1, steps + 1):
            w = w - rates * loss.gradient(w)
            lost = ~(np.abs(w) <= limit).all(axis=-1) & (nit == steps)
            if lost.any():
                nit[lost] = step
            w = np.where(np.isnan(w) | (np.abs(w) > limit), np.nan, w)
            recent = [*recent[1:], w]
    gone = np.isnan(w).any(axis=-1)
    apart, moved = (np.linalg.norm(recent[2] - recent[k], axis=-1) for k in (1, 0))
    closed = ~gone & (moved <= _CLOSED * apart)
    status = np.where(gone, DIVERGED, np.where(closed, ALTERNATES, UNDECIDED))
    counts = [int((status == code).sum()) for code in (ALTERNATES, DIVERGED, UNDECIDED)]
    message = "{} of {} runs alternate between two points, {} diverged, {} do neither".format(counts[0], status.size,
                                                                                              *counts[1:])
    return Oscillation(np.stack(recent[1:]), closed[()], status[()], nit[()], message)


@dataclass(frozen=True)
class LinearNet:
    r"""f(x_i) = u·v x_i/√m with weights w = (u, v), shape (2, m), and the loss (1/2n) Σ (f(x_i) − y_i)².

    Parameters
    ----------
    width : int
        m.

    Examples
    --------
    >>> net = LinearNet(4)
    >>> w = np.array([[1.0, 0.0, 0.0, 0.0], [1.0, 1.0, 0.0, 0.0]])
    >>> net.predict(w, np.ones(1)).tolist(), float(net.tangent_kernel(w))
    ([0.5], 0.75)
    """

    width: int

    def __post_init__(self):
        _checks.whole(self.width, "width")

    @property
    def parameter_shape(self):
        """Shape of the parameters, (2, m)."""
        return (2, self.width)

    def init(self, rng=None):
        """Standard normal weights (2, m)."""
        return np.random.default_rng(rng).standard_normal(self.parameter_shape)

    def predict(self, w, x):
        """f(x_i), shape (…, n), for w (…, 2, m) and x (…, n)."""
        return (w[..., 0, :] * w[..., 1, :]).sum(axis=-1)[..., None] / np.sqrt(self.width) * x

    def loss(self, w, x, y):
        """(1/2n) Σ (f(x_i) − y_i)², shape (…)."""
        return ((self.predict(w, x) - y) ** 2).mean(axis=-1) / 2

    def gradient(self, w, x, y):
        """(1/n) Σ (f(x_i) − y_i) x_i (v, u)/√m, shape (…, 2, m)."""
        slope = ((self.predict(w, x) - y) * x).mean(axis=-1) / np.sqrt(self.width)
        return slope[..., None, None] * w[..., ::-1, :]

    def hvp(self, w, x, y, v):
        """Hessian-vector product, shape (…, 2, m)."""
        root = np.sqrt(self.width)
        slope = ((self.predict(w, x) - y) * x).mean(axis=-1) / root
        along = (w[..., ::-1, :] * v).sum(axis=(-2, -1)) * (x * x).mean(axis=-1) / self.width
        return slope[..., None, None] * v[..., ::-1, :] + along[..., None, None] * w[..., ::-1, :]

    def tangent_kernel(self, w):
        """κ = (|u|² + |v|²)/m, shape (…)."""
        return (w * w).sum(axis=(-2, -1)) / self.width


def _symmetric(value, order):
    """Mean over the permutations of the last axes."""
    lead = value.ndim - order
    axes = [(*range(lead), *(lead + k for k in places)) for places in permutations(range(order))]
    return sum(value.transpose(one) for one in axes) / len(axes)


publish(__name__)
