r"""The second-moment operator of SGD on the range of the mean Hessian.

For x ← x − η H_B x with batches B drawn independently, X = E[x xᵀ] evolves by

.. math:: Q(X) = X - \eta (H X + X H) + \eta^2 D(X), \qquad
          D(X) = (1 - p) H X H + p\,\frac1n\sum_i H_i X H_i .

Each H_i is positive semi-definite, so range(H_i) lies in range(H), and
everything is written in an orthonormal eigenbasis of H on that range, where H
is the diagonal matrix of its r positive eigenvalues. No array here is larger
than r × r or than the factors themselves.
"""

from dataclasses import dataclass

import numpy as np
from scipy.linalg import eigh_tridiagonal

from theory import _checks

_LANCZOS_MEMORY = 2**26  # bytes of Lanczos vectors kept at a time


@dataclass(frozen=True)
class GaussNewton:
    r"""Hessians H_i = J_iᵀ J_i given by their factors, never formed.

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
    """

    jacobians: np.ndarray  # (n, k, d)

    def __post_init__(self):
        jacobians = _checks.real(self.jacobians, "jacobians")
        if jacobians.ndim == 2:
            jacobians = jacobians[:, None, :]
        if jacobians.ndim != 3 or 0 in jacobians.shape:
            raise ValueError(f"jacobians must have shape (n, d) or (n, k, d) with no empty axis, "
                             f"got {jacobians.shape}; put the n examples first and the d parameters last")
        object.__setattr__(self, "jacobians", jacobians.astype(np.float64, copy=False))


def as_curvature(hessians):
    """`hessians` checked: a (n, d, d) array or a `GaussNewton`, with some curvature in it."""
    if isinstance(hessians, GaussNewton):
        checked, largest = hessians, np.abs(hessians.jacobians).max()
    else:
        checked = _checks.hessians(hessians).astype(np.float64, copy=False)
        largest = np.abs(checked).max()
    if largest == 0:
        raise ValueError("hessians must not all be zero: without curvature every learning rate is stable and no "
                         "critical rate exists; check that the examples are the ones you meant")
    return checked


def size_of(curvature):
    """(n, d) of a checked ensemble."""
    array = curvature.jacobians if isinstance(curvature, GaussNewton) else curvature
    return array.shape[0], array.shape[-1]


def sampling_factor(n, batch_size, *, replacement=False):
    r"""Variance of a batch mean, in units of the variance of one example.

    .. math:: p = \frac{n - B}{B (n - 1)} \ \text{(without replacement)}, \qquad p = \frac1B \ \text{(with)}

    Parameters
    ----------
    n : int
        Number of examples, at least 1.
    batch_size : int
        Examples in a batch B, in 1…n.
    replacement : bool
        Whether a batch may hold an example twice.

    Returns
    -------
    float
        p in [0, 1]; 0 for the whole set without replacement, also at n = 1.

    Raises
    ------
    ValueError
        If `n` or `batch_size` is outside its range.

    References
    ----------
    [WME18]_, eq. 4.

    Examples
    --------
    >>> sampling_factor(5, 2)
    0.375
    """
    n = _checks.whole(n, "n")
    size = _checks.batch_size(batch_size, n)
    if replacement:
        return 1.0 / size
    return (n - size) / (size * (n - 1)) if n > 1 else 0.0


def mean_product(factors, is_factored, matrix):
    """mean_i H_i X H_i for a symmetric X, from factors (n, k, r) with H_i = J_iᵀ J_i or the H_i (n, r, r) themselves."""
    if not is_factored:
        return np.matmul(factors @ matrix, factors).mean(axis=0)
    count, outputs, width = factors.shape
    rows = factors.reshape(count * outputs, width)
    images = rows @ matrix                                         # J_i X
    if outputs == 1:
        # Σ q_i g_i g_iᵀ by sign of q_i: each half is a product AᵀA, which costs half of a general one.
        weights = np.vecdot(images, rows)                          # q_i = g_iᵀ X g_i
        scaled = rows * np.sqrt(np.abs(weights))[:, None]
        above, below = scaled[weights > 0], scaled[weights < 0]
        return (above.T @ above - below.T @ below) / count
    inner = images.reshape(factors.shape) @ factors.swapaxes(1, 2)  # J_i X J_iᵀ, (n, k, k)
    return rows.T @ (inner @ factors).reshape(rows.shape) / count


@dataclass(frozen=True)
class Reduced:
    """An ensemble in the eigenbasis of H on range(H), of dimension r."""

    eigenvalues: np.ndarray  # (r,) of H, ascending, all positive
    factors: np.ndarray      # (n, k, r) with H_i = J_iᵀ J_i, or (n, r, r) the H_i themselves
    basis: np.ndarray        # (d, r) orthonormal columns, or the pair to form it from
    is_factored: bool

    def mean_product(self, matrix):
        """mean_i H_i X H_i, shape (r, r), for a symmetric X."""
        return mean_product(self.factors, self.is_factored, matrix)

    def mean_square(self, scale=1.0):
        """S⁻¹ mean_i H_i² S⁻¹ for the diagonal S = `scale`, as mean_i (H_i S⁻¹)ᵀ(H_i S⁻¹).

        Dividing before squaring keeps the digits of flat directions when `scale` is small there.
        """
        divided = self.factors / scale
        if not self.is_factored:
            return (divided.swapaxes(1, 2) @ divided).mean(axis=0)
        weighted = self.factors @ self.factors.swapaxes(1, 2) @ divided  # J_i J_iᵀ J_i S⁻¹
        rank = len(self.eigenvalues)
        return divided.reshape(-1, rank).T @ weighted.reshape(-1, rank) / len(self.factors)


def reduce(curvature):
    """The ensemble on range(H); the matrix that is diagonalised is at most min(d, n k) wide."""
    if not isinstance(curvature, GaussNewton):
        values, vectors = _positive_part(np.linalg.eigh(curvature.mean(axis=0)), curvature.shape[1])
        return Reduced(values, vectors.T @ curvature @ vectors, vectors, False)
    count, outputs, dim = curvature.jacobians.shape
    rows = curvature.jacobians.reshape(count * outputs, dim)
    if dim <= len(rows):
        left, singular, right = np.linalg.svd(rows, full_matrices=False)  # squares nothing: flat directions keep their digits
        values, vectors = _positive_part((singular[::-1] ** 2 / count, right[::-1].T), dim)
        scaled = left[:, ::-1][:, -len(values):] * np.sqrt(values * count)
        return Reduced(values, scaled.reshape(count, outputs, -1), vectors, True)
    # The Gram matrix J Jᵀ / n has the eigenvalues of H = Jᵀ J / n and is the smaller of the two.
    values, vectors = _positive_part(np.linalg.eigh(rows @ rows.T / count), len(rows))
    scaled = vectors * np.sqrt(values * count)
    return Reduced(values, scaled.reshape(count, outputs, -1), (rows, vectors / np.sqrt(values * count)), True)


def to_parameters(reduced, matrix):
    """A (r, r) matrix on range(H) as a (d, d) matrix on parameter space."""
    basis = reduced.basis
    if isinstance(basis, tuple):
        rows, coefficients = basis
        basis = rows.T @ coefficients
    return basis @ matrix @ basis.T


def problem(hessians, lr, batch_size, replacement):
    """The arguments that most functions share, checked: (curvature, η, p, reduced ensemble)."""
    curvature = as_curvature(hessians)
    noise = sampling_factor(size_of(curvature)[0], batch_size, replacement=replacement)
    return curvature, _checks.scalar(lr, "lr"), noise, reduce(curvature)


@dataclass(frozen=True)
class Eigenpair:
    """Largest eigenvalue of a symmetric operator on symmetric (r, r) matrices."""

    value: float
    matrix: np.ndarray  # (r, r), unit Frobenius norm
    residual: float     # ‖A V − value V‖_F, which bounds the distance to the nearest eigenvalue
    converged: bool


def largest_eigenvalue(apply, start, shift=0.0, tolerance=1e-9, max_products=20_000):
    """Lanczos for the largest eigenvalue of a map A of symmetric (r, r) matrices that keeps the positive cone.

    `start` must lie inside the cone: it then overlaps the Perron eigenvector,
    so the largest eigenvalue cannot be missed. `tolerance` bounds the
    residual, hence the error, relative to the largest eigenvalue of A + `shift`.

    Restarted from the Ritz vector after a cycle of as many products as
    `_LANCZOS_MEMORY` holds vectors, between 24 and 800. Within a cycle nothing
    is orthogonalised again: rounding then repeats eigenvalues that have
    converged but never moves the largest one (Paige 1980), and ARPACK, which
    orthogonalises at each step, takes half as long again at r = 400.
    """
    ritz, products = start / np.linalg.norm(start), 0
    cycle = max(24, min(800, _LANCZOS_MEMORY // start.nbytes))
    while True:
        vectors, diagonal, beside = [ritz], [], []
        while len(diagonal) < cycle:
            image = apply(vectors[-1])
            diagonal.append(np.vdot(vectors[-1], image))
            image -= diagonal[-1] * vectors[-1]
            if beside:
                image -= beside[-1] * vectors[-2]
            beside.append(np.linalg.norm(image))
            top = len(diagonal) - 1
            (value,), weights = eigh_tridiagonal(diagonal, beside[:-1], select="i", select_range=(top, top))
            goal = tolerance * (abs(value) + shift)
            if beside[-1] * abs(weights[-1, 0]) <= goal:
                break
            vectors.append(image / beside[-1])
        products += len(diagonal)
        ritz = np.tensordot(weights[:, 0], vectors[:len(diagonal)], 1)
        ritz = (ritz + ritz.T) / np.linalg.norm(ritz + ritz.T)
        image = apply(ritz)
        value = float(np.vdot(ritz, image))
        residual = float(np.linalg.norm(image - value * ritz))
        converged = residual <= 2 * goal
        if converged or products >= max_products:
            return Eigenpair(value, ritz, residual, bool(converged))


def _positive_part(eigen, size):
    values, vectors = eigen
    kept = values > 8 * size * np.finfo(float).eps * values[-1]
    return values[kept], vectors[:, kept]
