"""Losses of degree four with any Hessian, third and fourth derivative at their minimum 0."""

from dataclasses import dataclass
from itertools import permutations

import numpy as np

from refimpl import _inputs
from theory import _checks


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
                                 f"derivatives of order {order}")
            if np.abs(value - _symmetric(value, order)).max() > 1e-10 * max(np.abs(value).max(), 1e-300):
                raise ValueError(f"{name} must be symmetric in its last {order} axes, got one that is not; take the "
                                 "mean over their permutations")
            object.__setattr__(self, name, value)
        if not self.hessian.shape[:-2] == self.third.shape[:-3] == self.fourth.shape[:-4] \
                or not self.hessian.shape[-1] == self.third.shape[-1] == self.fourth.shape[-1]:
            raise ValueError(f"third and fourth must go with hessian {self.hessian.shape}, got {self.third.shape} and "
                             f"{self.fourth.shape}; match the losses and the dimension")

    @classmethod
    def symmetrised(cls, hessian, third, fourth):
        """The loss of the symmetric parts of arrays of these shapes: the mean over all orders of their last axes."""
        parts = (("hessian", hessian, 2), ("third", third, 3), ("fourth", fourth, 4))
        return cls(*(_symmetric(_checks.double(part, name), order) for name, part, order in parts))

    @property
    def parameter_shape(self):
        """(*S, d)."""
        return self.hessian.shape[:-1]

    def loss(self, w):
        """L(w), shape (*S), for w (*S, d)."""
        w = _inputs.parameters(w, self.parameter_shape)
        return ((w * (np.einsum("...ij,...j->...i", self.hessian, w) / 2 + self.third_along(w) / 6)).sum(axis=-1)
                + self.fourth_along(w) / 24)

    def gradient(self, w):
        """∇L(w) = Hw + T[w, w]/2 + F[w, w, w]/6, shape (*S, d)."""
        w = _inputs.parameters(w, self.parameter_shape)
        return (np.einsum("...ij,...j->...i", self.hessian, w) + self.third_along(w) / 2
                + np.einsum("...ijkl,...j,...k,...l->...i", self.fourth, w, w, w) / 6)

    def third_along(self, v):
        """T[v, v], shape (*S, d)."""
        v = _inputs.parameters(v, self.parameter_shape, "v")
        return np.einsum("...ijk,...j,...k->...i", self.third, v, v)

    def fourth_along(self, v):
        """F[v, v, v, v], shape (*S)."""
        v = _inputs.parameters(v, self.parameter_shape, "v")
        return np.einsum("...ijkl,...i,...j,...k,...l->...", self.fourth, v, v, v, v)


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
    dim, size, rng = _checks.whole(dim, "dim"), _checks.sizes(size, "size"), _checks.generator(rng)
    basis = np.linalg.qr(rng.standard_normal((*size, dim, dim)))[0]
    values = np.concatenate([np.ones((*size, 1)), rng.uniform(0.2, 0.8, (*size, dim - 1))], axis=-1)
    hessian = (basis * values[..., None, :]) @ basis.swapaxes(-1, -2)
    scales = (_checks.scalar(third_std, "third_std", zero=True), _checks.scalar(fourth_std, "fourth_std", zero=True))
    third, fourth = (scale * _symmetric(rng.standard_normal((*size, *(dim,) * order)), order)
                     for scale, order in zip(scales, (3, 4)))
    return CubicQuartic(_symmetric(hessian, 2), third, fourth)


def _symmetric(value, order):
    """Mean over the permutations of the last axes."""
    lead = value.ndim - order
    axes = [(*range(lead), *(lead + k for k in places)) for places in permutations(range(order))]
    return sum(value.transpose(one) for one in axes) / len(axes)
