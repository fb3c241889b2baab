r"""The ensemble of Hessians: checked once, brought to order one once, reduced once.

All functions of this study take an (n, d, d) array, a `GaussNewton` or an
`Ensemble`. An array is checked and reduced in each call; the other two keep
their reduction, so that the second call on them costs only itself.
"""

from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np

from theory import _checks
from theory.linear_stability._range_of_hessian import Reduced, reduce_dense, reduce_factors
from theory.linear_stability._sampling_factor import sampling_factor
from theory.linear_stability._tangent_kernel import reduce_kernel

_LARGEST = 1e70     # of η times a curvature


@dataclass(frozen=True, eq=False, repr=False)
class GaussNewton:
    r"""Hessians H_i = J_iᵀ J_i given by their factors, never formed.

    Holds a read-only copy of the factors and, once a function has needed it,
    their reduction: pass the same object to several functions. Equal to
    another one if the factors are.

    Parameters
    ----------
    jacobians : array_like (n, d) or (n, k, d)
        J_i: the derivative of the k outputs for example i with respect to the
        d parameters, times the square root of the loss's second derivative
        with respect to the outputs (1 for the loss ½(f−y)²). Two axes mean
        one output, H_i = g_i g_iᵀ.

    Raises
    ------
    ValueError
        If the shape is another, an axis is empty, or an entry is not finite.

    Examples
    --------
    >>> GaussNewton([[1.0, 0.5], [0.0, 2.0]])
    GaussNewton(n=2, outputs=1, dim=2)
    """

    jacobians: np.ndarray  # (n, k, d), read-only

    def __post_init__(self):
        jacobians = _checks.real(self.jacobians, "jacobians")
        if jacobians.ndim == 2:
            jacobians = jacobians[:, None, :]
        if jacobians.ndim != 3 or 0 in jacobians.shape:
            raise ValueError(f"jacobians must have shape (n, d) or (n, k, d) with no empty axis, "
                             f"got {jacobians.shape}; put the n examples first and the d parameters last")
        jacobians = np.ascontiguousarray(jacobians, dtype=np.float64)  # `real` has made it a copy, if it was float64
        jacobians.flags.writeable = False
        object.__setattr__(self, "jacobians", jacobians)

    def __repr__(self):
        n, outputs, dim = self.jacobians.shape
        return f"GaussNewton(n={n}, outputs={outputs}, dim={dim})"

    def __eq__(self, other):
        return np.array_equal(self.jacobians, other.jacobians) if isinstance(other, GaussNewton) else NotImplemented

    def __hash__(self):
        return hash((self.jacobians.shape, float(self.jacobians.flat[0]), float(self.jacobians.flat[-1])))

    def __reduce__(self):
        return GaussNewton, (self.jacobians,)

    @classmethod
    def from_kernel(cls, kernel, outputs=1):
        r"""The ensemble of an empirical tangent kernel K = J Jᵀ: all that rates depend on, however many parameters.

        Factors are in an eigenbasis of H, so d of the result is the rank of K
        and its parameters are not those of the model. K is known to rounding
        only: directions in which J is below √(8 n k ε) of its largest singular
        value (4e-7 at n k = 100, 2e-6 at 2000) are left out. They move
        `critical_lr` by the square of that, and eq. 4 possibly by a factor:
        where they matter give J itself.

        Parameters
        ----------
        kernel : array_like (n k, n k)
            ⟨∇f_ia, ∇f_jb⟩, example by example, outputs inside; each row of J
            times the square root of the loss's second derivative (1 for
            ½(f − y)²), divided by nothing. Memory for K takes n k up to about 4000.
        outputs : int
            Outputs k per example.

        Returns
        -------
        GaussNewton

        Raises
        ------
        ValueError
            If `kernel` is not square, symmetric, positive semi-definite and not
            all zero, or its size is not a multiple of `outputs`.

        Examples
        --------
        >>> J = np.array([[1.0, 0.0], [1.0, 2.0], [0.0, 1.0]])
        >>> round(critical_lr(GaussNewton.from_kernel(J @ J.T), 1) / critical_lr(GaussNewton(J), 1), 12)
        1.0
        """
        exponent, reduced = reduce_kernel(kernel, outputs)
        result = cls(np.ldexp(reduced.factors, exponent // 2))
        shift = exponent - result._ensemble.exponent                # to the scale that the ensemble chooses
        result._ensemble.__dict__["reduced"] = replace(
            reduced, eigenvalues=np.ldexp(reduced.eigenvalues, shift), factors=np.ldexp(reduced.factors, shift // 2))
        return result

    @cached_property
    def _ensemble(self):
        return Ensemble(self)


@dataclass(frozen=True, eq=False, repr=False)
class Ensemble:
    r"""Hessians of the n examples, checked and reduced once for any number of calls.

    Dense Hessians that several functions are asked about are best wrapped in
    this; a `GaussNewton` holds one by itself.

    Inside, curvatures are divided by a power of two, which is exact, so that
    the largest entry is of order one: units do not decide what is small.
    Directions that no example curves are left out. A dense H is known to
    rounding only, and a direction in which it is smaller than that counts as
    flat if no example bends it; otherwise the ensemble is refused, and needs
    its factors. Factors are not squared: singular values above rounding of the
    largest, 2 max(n k, d) ε, are kept.

    Parameters
    ----------
    hessians : array_like (n, d, d) or GaussNewton
        Symmetric positive semi-definite, to 1e-10 of each one's largest entry
        (float32: to 1e-5).

    Attributes
    ----------
    n, dim : int
        Examples, and parameters d.
    is_factored : bool
        Whether it was given by factors.

    Raises
    ------
    ValueError
        If the Hessians are not symmetric positive semi-definite, finite and
        not all zero; if they look like factors; or if they are too close to
        singular for dense Hessians (on first use).

    Examples
    --------
    >>> toy = Ensemble([[[0.2]], [[3.8]]])
    >>> sharpness(toy), round(non_uniformity(toy), 12)
    (2.0, 1.8)
    """

    hessians: object         # (n, d, d) read-only, or GaussNewton
    exponent: int = field(default=0, init=False)        # curvatures are 2**exponent times the scaled ones
    epsilon: float = field(default=0.0, init=False)     # rounding of what was given

    def __post_init__(self):
        factored = isinstance(self.hessians, GaussNewton)
        checked = self.hessians if factored else _dense(self.hessians)
        largest = np.abs(checked.jacobians if factored else checked).max()
        if largest == 0:
            raise ValueError("hessians must not all be zero: without curvature every learning rate is stable and no "
                             "critical rate exists; check that the examples are the ones you meant")
        object.__setattr__(self, "epsilon", float(np.finfo(np.float64 if factored else checked.dtype).eps))
        object.__setattr__(self, "exponent", int(np.frexp(largest)[1]) * (2 if factored else 1))
        if not factored:
            checked = np.array(checked, dtype=np.float64)
            checked.flags.writeable = False
        object.__setattr__(self, "hessians", checked)

    def __repr__(self):
        return f"Ensemble({self.hessians!r})" if self.is_factored else f"Ensemble(n={self.n}, dim={self.dim})"

    @property
    def is_factored(self):
        return isinstance(self.hessians, GaussNewton)

    @property
    def n(self):
        return len(self.hessians.jacobians if self.is_factored else self.hessians)

    @property
    def dim(self):
        return (self.hessians.jacobians if self.is_factored else self.hessians).shape[-1]

    @property
    def scaled(self):
        """The factors (n, k, d), or the Hessians (n, d, d), with entries of order one."""
        if self.is_factored:
            return np.ldexp(self.hessians.jacobians, -(self.exponent // 2))
        return np.ldexp(self.hessians, -self.exponent)

    @cached_property
    def reduced(self):
        """The scaled ensemble on range(H)."""
        if self.is_factored:
            return reduce_factors(self.scaled)
        return reduce_dense(self.scaled, self.epsilon)

    def curvature(self, value):
        """A scaled curvature in the caller's units."""
        return _in_range(value, self.exponent, "curvature")

    def rate(self, value):
        """A learning rate for the scaled ensemble in the caller's units."""
        return _in_range(value, -self.exponent, "learning rate")

    def scaled_lr(self, lr):
        """The caller's learning rate (float or array) for the scaled ensemble."""
        with np.errstate(over="ignore", under="ignore"):
            scaled = np.ldexp(lr, self.exponent)
        if not (np.isfinite(scaled) & (scaled > 0)).all():
            raise ValueError(f"lr = {lr!r} times curvatures of order 2**{self.exponent} leaves the range of "
                             "float64; rescale the parameters")
        return scaled if np.ndim(lr) else float(scaled)

    def squared_lr(self, lr):
        """`scaled_lr` where the fourth power of η times a curvature is taken, refused where that overflows."""
        scaled = self.scaled_lr(lr)
        if np.max(scaled, initial=0.0) > _LARGEST:
            raise ValueError(f"lr must be below {_LARGEST:g} / largest curvature, got {np.max(lr):g} beside curvatures "
                             f"of order 2**{self.exponent}; every rate that far beyond 2 / curvature is unstable")
        return scaled


def as_ensemble(hessians):
    """What the public functions accept, as an `Ensemble`; that of a `GaussNewton` is made once."""
    if isinstance(hessians, Ensemble):
        return hessians
    return hessians._ensemble if isinstance(hessians, GaussNewton) else Ensemble(hessians)


def as_curvature(hessians):
    """`hessians` checked: a (n, d, d) array or a `GaussNewton`, with some curvature in it."""
    return as_ensemble(hessians).hessians


def size_of(curvature):
    """(n, d) of a checked ensemble."""
    array = curvature.jacobians if isinstance(curvature, GaussNewton) else curvature
    return array.shape[0], array.shape[-1]


def reduce(curvature):
    """The ensemble on range(H), in the caller's units."""
    ensemble = as_ensemble(curvature)
    reduced, half = ensemble.reduced, ensemble.exponent // 2
    factors = np.ldexp(reduced.factors, half if ensemble.is_factored else ensemble.exponent)
    return Reduced(np.ldexp(reduced.eigenvalues, ensemble.exponent), factors, reduced.is_factored, reduced.vectors,
                   reduced.rows)


def problem(hessians, lr, batch_size, replacement):
    """The arguments that most functions share, checked: (ensemble, scaled η, p)."""
    ensemble = as_ensemble(hessians)
    noise = sampling_factor(ensemble.n, batch_size, replacement=replacement)
    return ensemble, ensemble.squared_lr(_checks.scalar(lr, "lr")), noise


def _dense(hessians):
    """An (n, d, d) stack checked; what can only be factors is told so."""
    shape = np.shape(hessians) if isinstance(hessians, np.ndarray) else _checks.real(hessians, "hessians").shape
    if len(shape) == 2 or (len(shape) == 3 and shape[1] != shape[2]):
        raise ValueError(f"hessians must have shape (n, d, d), got {shape}; put the n examples first and make each "
                         "matrix square, or, if these are the factors J_i of H_i = J_iᵀ J_i, write GaussNewton(J)")
    return _checks.hessians(hessians)


def _in_range(value, exponent, name):
    with np.errstate(over="ignore", under="ignore"):
        result = float(np.ldexp(value, exponent))
    if not np.isfinite(result) or (value != 0 and abs(result) < np.finfo(float).tiny):
        raise ValueError(f"hessians give a {name} of {value:.3g} * 2**{exponent}, outside the range of float64; "
                         "rescale the parameters")
    return result
