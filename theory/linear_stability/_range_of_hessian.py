r"""An ensemble in an orthonormal eigenbasis of its mean H, on the range of H.

Each H_i is positive semi-definite, so range(H_i) lies in range(H), and there H
is the diagonal matrix of its r positive eigenvalues. No array here is larger
than r × r or than the factors themselves.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

_EPS = np.finfo(float).eps
_CANCELLED = 1e-3       # λmax(Σ) below this share of λmax(H)²: mean H_i² − H² has lost digits
_CHUNK = 2**25          # bytes of Hessians formed at a time


@dataclass(frozen=True, eq=False)
class Reduced:
    """An ensemble in the eigenbasis of H on range(H), of dimension r."""

    eigenvalues: np.ndarray     # (r,) of H, ascending, all positive
    factors: np.ndarray         # (n, k, r) with H_i = J_iᵀ J_i, or (n, r, r) the H_i themselves
    is_factored: bool
    vectors: np.ndarray         # (d, r) orthonormal columns, or (n k, r) those in the basis of Q, Q R = `rows`ᵀ
    rows: np.ndarray = None     # (n k, d)

    @cached_property
    def basis(self):
        """The eigenvectors of H in parameter space, (d, r)."""
        return self.vectors if self.rows is None else np.linalg.qr(self.rows.T)[0] @ self.vectors

    def mean_product(self, matrix):
        """mean_i H_i X H_i, shape (r, r), for a symmetric X."""
        return mean_product(self.factors, self.is_factored, matrix)

    def mean_square(self, scale=1.0):
        """S⁻¹ mean_i H_i² S⁻¹ for the diagonal S = `scale`, as mean_i (H_i S⁻¹)ᵀ(H_i S⁻¹).

        Dividing before squaring keeps the digits of flat directions when `scale` is small there.
        """
        divided = self.factors / scale
        if not self.is_factored:
            rows = divided.reshape(-1, divided.shape[-1])
            return rows.T @ rows / len(divided)
        weighted = self.inner @ divided                                # J_i J_iᵀ J_i S⁻¹
        rank = len(self.eigenvalues)
        return divided.reshape(-1, rank).T @ weighted.reshape(-1, rank) / len(self.factors)

    def mean_square_times(self, vector):
        """mean_i H_i² v."""
        images = self.factors @ vector                             # J_i v, or H_i v
        if self.is_factored:
            images = np.vecmat(images, self.inner)                 # J_i J_iᵀ symmetric
        return np.tensordot(images, self.factors, 2) / len(images)

    @cached_property
    def inner(self):
        """J_i J_iᵀ, or H_i."""
        return self.factors @ self.factors.swapaxes(1, 2) if self.is_factored else self.factors

    @cached_property
    def variance(self):
        """Σ = mean_i H_i² − H², shape (r, r); where that cancels, as mean_i (H_i − H)²."""
        sigma = self.mean_square() - np.diag(self.eigenvalues**2)
        if np.trace(sigma) > _CANCELLED * self.eigenvalues[-1] ** 2 * len(sigma):
            return (sigma + sigma.T) / 2
        if np.linalg.eigvalsh(sigma)[-1] > _CANCELLED * self.eigenvalues[-1] ** 2:
            return (sigma + sigma.T) / 2
        return self._centred_square()

    @cached_property
    def variance_trace(self):
        """tr Σ, by its matrix only where tr mean H_i² − tr H² cancels."""
        trace = np.vdot(self.inner, self.inner) / len(self.inner) - np.sum(self.eigenvalues**2)
        enough = _CANCELLED * self.eigenvalues[-1] ** 2 * len(self.eigenvalues)
        return trace if trace > enough else np.trace(self.variance)

    def _centred_square(self):
        """mean_i (H_i − H)², formed from differences to the first example, so that equal examples give 0 exactly."""
        count, rank = len(self.factors), len(self.eigenvalues)
        step = max(1, _CHUNK // (8 * rank**2))
        chunks = [self.factors[start:start + step] for start in range(0, count, step)]
        first = self._formed(self.factors[:1])
        shift = sum((self._formed(chunk) - first).sum(axis=0) for chunk in chunks) / count
        total = np.zeros((rank, rank))
        for chunk in chunks:
            centred = (self._formed(chunk) - first - shift).reshape(-1, rank)
            total += centred.T @ centred
        return total / count

    def _formed(self, factors):
        formed = factors.swapaxes(1, 2) @ factors if self.is_factored else factors
        return (formed + formed.swapaxes(1, 2)) / 2

    def to_parameters(self, matrix):
        """A (r, r) matrix on range(H) as a (d, d) matrix on parameter space."""
        return self.basis @ matrix @ self.basis.T


def mean_product(factors, is_factored, matrix):
    """mean_i H_i X H_i, X symmetric, from factors (n, k, r) with H_i = J_iᵀ J_i or the H_i (n, r, r) themselves."""
    if not is_factored:
        return np.matmul(factors @ matrix, factors).mean(axis=0)
    count, outputs, width = factors.shape
    rows = factors.reshape(count * outputs, width)
    images = rows @ matrix                                         # J_i X
    if outputs == 1:
        return weighted_gram(rows, np.vecdot(images, rows) / count)  # g_iᵀ X g_i
    inner = images.reshape(factors.shape) @ factors.swapaxes(1, 2)  # J_i X J_iᵀ, (n, k, k)
    return rows.T @ (inner @ factors).reshape(rows.shape) / count


def weighted_gram(rows, weights):
    """Σ q_i g_i g_iᵀ by sign of q_i: each half is a product AᵀA, which costs half of a general one."""
    scaled = rows * np.sqrt(np.abs(weights)).astype(rows.dtype)[:, None]
    below = weights < 0
    if not below.any():
        return scaled.T @ scaled
    above, below = scaled[~below], scaled[below]
    return above.T @ above - below.T @ below


def reduce_factors(jacobians):
    """Factors (n, k, d) on range(H), by a singular value decomposition of at most min(d, n k) columns.

    Nothing is squared before the singular values are known, so flat directions keep their digits.
    """
    count, outputs, dim = jacobians.shape
    rows = jacobians.reshape(count * outputs, dim)
    if dim <= len(rows):
        left, singular, right = np.linalg.svd(rows, full_matrices=False)
        kept_rows = None
    else:
        left, singular, right = np.linalg.svd(np.linalg.qr(rows.T, mode="r").T, full_matrices=False)
        kept_rows = rows
    kept = singular > 2 * max(rows.shape) * _EPS * singular[0]
    singular, left, right = singular[kept][::-1], left[:, kept][:, ::-1], right[kept][::-1]
    factors = np.ascontiguousarray(left * singular).reshape(count, outputs, -1)
    return Reduced(singular**2 / count, factors, True, np.ascontiguousarray(right.T), kept_rows)


def reduce_dense(stack, epsilon):
    """Hessians (n, d, d) on range(H); refused where rounding hides whether a direction is flat."""
    count, dim = stack.shape[:2]
    values, vectors = np.linalg.eigh(stack.mean(axis=0))
    kept = values > 8 * dim * epsilon * values[-1]
    flat, vectors, values = vectors[:, ~kept], vectors[:, kept], values[kept]
    if flat.size:
        # A flat eigenvector is known to rounding over the smallest eigenvalue kept, and H_i bends it by its root.
        bent = np.linalg.norm(stack @ flat, axis=(1, 2)).max()         # whatever basis of them was found
        allowed = 32 * dim * epsilon * values[-1] * np.sqrt(count * values[-1] / values[0])
        if bent > allowed:
            raise ValueError("hessians must be well enough conditioned to tell flat directions from curved ones, got "
                             f"one in which H is below its rounding while an H_i bends it by {bent:.3g} of the "
                             "largest entry; give float64, or the factors J_i of H_i = J_iᵀ J_i as GaussNewton(J)")
    return Reduced(values, np.ascontiguousarray(vectors.T @ stack @ vectors), False, vectors)
