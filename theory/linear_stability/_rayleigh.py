r"""Upper bounds on the critical rate from products with K = J Jᵀ: Rayleigh quotients at the best of many X.

For every symmetric X

.. math:: \eta^* \le \frac{2(1+\mu) \operatorname{tr}(X H X)}{(1-q) \operatorname{tr}(XHXH)
          + q \tfrac1n \sum_i \|J_i X J_i^T\|^2 - \frac{2\mu}{(1-\mu)^2} [\operatorname{tr}(X^2 H^2)
          - \operatorname{tr}(XHXH)]}, \qquad q = p\,\frac{1+\mu}{1-\mu} .

X = V Y Vᵀ + c I with the best Y and c, an eigenproblem. V is an orthonormal basis of
the vectors Jᵀu, u in a `Span`: VᵀHV, VᵀH²V and J V come from K u and K²u, so that
nothing of length P is kept. At large μ the bracket [ ] outweighs everything but
X that commute with H nearly: I does, and Ritz vectors of H do.
"""

from dataclasses import dataclass

import numpy as np
from scipy.special import gammaincinv

_DIRECTIONS = 16      # of V that X acts in
_EXPANSIONS = 3       # of the span by the direction in which the best X would rather lie
_NORM_PROBES = 16     # products that bound ‖H‖ from above, where q > 1
FALSE_ALARM = 1e-6    # that a bound by random products does not hold


@dataclass(frozen=True)
class Span:
    """Vectors u (N, m), with K u and K²u."""

    vectors: np.ndarray
    once: np.ndarray
    twice: np.ndarray

    @classmethod
    def of(cls, krylov):
        """Of Lanczos vectors of K: K sends all but the last to their span, which gives K²u without a product."""
        kept = krylov.basis.shape[1] - (0 if krylov.complete else 1)
        inner = krylov.basis.T @ krylov.images[:, :kept]
        return cls(krylov.basis[:, :kept], krylov.images[:, :kept], krylov.images @ inner)

    def with_vector(self, jacobian, vector):
        """One more, for two products with K."""
        size = np.linalg.norm(vector)
        if not size > 0:
            return self
        once = jacobian.kernel(vector / size)
        return Span(*(np.column_stack([old, new]) for old, new in
                      zip((self.vectors, self.once, self.twice), (vector / size, once, jacobian.kernel(once)))))

    def frame(self, epsilon):
        """T (m, r) with V = Jᵀ u T orthonormal: of what the products' rounding `epsilon` resolves; and its scales."""
        gram = self.vectors.T @ self.once
        values, vectors = np.linalg.eigh((gram + gram.T) / 2)
        kept = values > np.cbrt(epsilon) * values[-1]
        return vectors[:, kept] / np.sqrt(values[kept]), values[kept]


@dataclass(frozen=True)
class Form:
    """Both quadratic forms of X on a frame: weights of E_ij, the symmetric unit matrices, and last of I."""

    curved: np.ndarray        # tr(X H X), (M, M)
    growth: np.ndarray        # the denominator, (M, M)
    rows: np.ndarray          # J V, (n, k, r)
    identity: bool            # whether I is there
    epsilon: float

    def best(self):
        """(quotient, Y, c) of the X with the smallest quotient; the quotient without its 2(1 + μ)."""
        scale = 1 / np.sqrt(np.diag(self.curved))
        masses, axes = np.linalg.eigh(self.curved * np.outer(scale, scale))
        # V may span all of I: a mass that rounding hides is made larger, and with it the quotient
        axes = scale[:, None] * axes / np.sqrt(np.maximum(masses, 1e-9 + 64 * self.epsilon))
        values, vectors = np.linalg.eigh(axes.T @ self.growth @ axes)
        weights = axes @ vectors[:, -1]
        size = self.rows.shape[-1]
        i, j = np.triu_indices(size)
        matrix = np.zeros((size, size))
        matrix[i, j] = weights[:len(i)] / np.where(i == j, 1, np.sqrt(2))
        matrix = np.triu(matrix) + np.triu(matrix, 1).T
        return (1 / values[-1] if values[-1] > 0 else np.inf), matrix, (weights[-1] if self.identity else 0.0)


def smallest_quotient(jacobian, blocks, krylov, starts, noise, momentum, norm):
    """The bound over 1 + μ. `blocks` (n, k, k), or None where |J_i|² is not known exactly: then c = 0."""
    span, best = Span.of(krylov), np.inf
    for start in starts:
        span = span.with_vector(jacobian, start)
    for _ in range(_EXPANSIONS + 1):
        form = _form(jacobian, span, blocks, norm, noise, momentum)
        found, matrix, share = form.best()
        best = min(best, 2 * found)
        images = form.rows @ np.linalg.eigh(matrix)[1][:, [np.abs(np.linalg.eigvalsh(matrix)).argmax()]]
        weights = np.einsum("nka,ab,nlb->nkl", form.rows, matrix, form.rows, optimize=True)
        if blocks is not None:
            weights = weights + share * blocks
        span = span.with_vector(jacobian, (weights @ images)[..., 0].ravel())
    return best * (1 + 2 * np.sqrt(jacobian.epsilon))


def _form(jacobian, span, blocks, norm, noise, momentum):
    n, k = jacobian.rows
    frame, scales = span.frame(jacobian.epsilon)
    along = span.once @ frame                                                        # J V, rows first
    curvatures, turn = np.linalg.eigh(along.T @ along / n)
    turn = turn[:, ::-1][:, :_DIRECTIONS]
    curvatures = curvatures[::-1][:_DIRECTIONS]
    square = along.T @ (span.twice @ frame) / n**2                                   # VᵀH²V
    rounding = 16 * jacobian.epsilon * curvatures[0] ** 2 * scales[-1] / scales      # the commutator is a difference
    square, rounding = turn.T @ (square + square.T) @ turn / 2, turn.T * rounding @ turn
    rows = (along @ turn).reshape(n, k, -1)
    i, j = np.triu_indices(len(curvatures))
    unit = np.where(i == j, 1, np.sqrt(2))
    once, product = (curvatures[i] + curvatures[j]) / 2, np.diag(curvatures[i] * curvatures[j])
    fourth, mixed = _noise(rows, i, j, unit, blocks)
    commutator = 2 * momentum / (1 - momentum) ** 2 * (
        _two_sided(square + np.sign(momentum) * rounding, i, j) - product)
    curved, growth = np.diag(once), (1 - noise) * product + noise * fourth - commutator
    if blocks is None:
        return Form(curved, growth, rows, False, jacobian.epsilon)
    trace = np.trace(blocks, axis1=1, axis2=2).mean()
    own = (1 - noise) * norm + noise * np.square(blocks).sum(axis=(1, 2)).mean()
    beside = (1 - noise) * square[i, j] * unit + noise * mixed
    return Form(_bordered(curved, np.where(i == j, curvatures[i], 0), trace), _bordered(growth, beside, own), rows,
                True, jacobian.epsilon)


def _bordered(matrix, beside, corner):
    return np.block([[matrix, beside[:, None]], [beside, corner]])


def _noise(rows, i, j, unit, blocks):
    """mean ⟨J_i E J_iᵀ, J_i E' J_iᵀ⟩ (M, M), and mean ⟨J_i E J_iᵀ, J_i J_iᵀ⟩ (M,)."""
    n, k, _ = rows.shape
    fourth, mixed = np.zeros((len(i), len(i))), np.zeros(len(i))
    chunk = max(1, 2**21 // (k**2 * len(i)))
    for first in range(0, n, chunk):
        part = rows[first:first + chunk]
        left, right = part[:, :, None, i], part[:, None, :, j]
        features = left * right * unit
        if k > 1:
            features = (features + features.swapaxes(1, 2)) / 2
        features = features.reshape(-1, len(i))
        fourth += features.T @ features / n
        if blocks is not None:
            mixed += blocks[first:first + chunk].ravel() @ features / n
    return fourth, mixed


def _two_sided(square, i, j):
    """tr(E S E') for the symmetric unit matrices E, E'."""
    size, count = len(square), len(i)
    units = np.zeros((count, size, size))
    units[np.arange(count), i, j] = np.where(i == j, 1, np.sqrt(0.5))
    units = np.maximum(units, units.swapaxes(1, 2)).reshape(count, -1)
    images = (units.reshape(-1, size) @ square).reshape(count, -1)
    found = units @ images.T
    return (found + found.T) / 2


def norm_bound(jacobian, blocks, krylov, noise, rng):
    """‖H‖² = |K/n|², from below, or where q > 1, from above (with probability 1 − 1e-6)."""
    n, k = jacobian.rows
    basis, images = krylov.basis, krylov.images
    inner = basis.T @ images
    known = 2 * np.square(images).sum() - np.square(inner).sum()
    left, trace = n * k - basis.shape[1], np.trace(blocks, axis1=1, axis2=2).sum()
    rest = max(trace - np.trace(inner), 0.0)                                         # beyond the Lanczos vectors
    if not left or rest <= 1e-14 * trace:
        return known / n**2
    if noise <= 1:
        return (known + rest**2 / left) / n**2
    squares = 0.0
    for _ in range(_NORM_PROBES):
        probe = rng.standard_normal(n * k)
        probe -= basis @ (basis.T @ probe)
        image = jacobian.kernel(probe)
        squares += np.square(image - basis @ (basis.T @ image)).sum()
    return (known + min(squares / least_square(_NORM_PROBES, FALSE_ALARM), rest**2)) / n**2


def least_square(count, chance):
    """What the sum of the squares of so many standard normals falls below with that chance: the quantile of χ²."""
    return 2 * gammaincinv(count / 2, chance)
