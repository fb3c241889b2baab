"""Lanczos with full orthogonalisation: every vector that it makes also tests that the operator is symmetric.

For a symmetric operator that is the same at each call, ⟨q_j, A q_m⟩ is known
from the product A q_j before A q_m is asked for; the difference costs nothing.
"""

from dataclasses import dataclass, replace

import numpy as np

_ENDED = 1e-13  # of the largest Ritz value: an image this close to the space so far lies in it
_ROUNDING = 32  # units of it, of the largest Ritz value: no residual is less


@dataclass(frozen=True, eq=False)
class Ritz:
    """The k largest Ritz pairs of a space, ascending."""

    values: np.ndarray     # (k,)
    vectors: np.ndarray    # (k, P)
    asymmetry: float       # largest |⟨u, A v⟩ − ⟨A u, v⟩| seen, u and v of length 1
    scale: float           # largest Ritz value in modulus


class _Beside:
    """An operator on what is orthogonal to some vectors (k, P); along them it is `low`."""

    def __init__(self, products, vectors, low):
        self._products, self._vectors, self._low = products, vectors, low
        self.tolerance, self.eps = products.tolerance, products.eps

    count = property(lambda self: self._products.count)

    def across(self, v):
        return v - self._vectors.T @ (self._vectors @ v)

    def __call__(self, v):
        across = self.across(v)
        return self.across(self._products(across)) + self._low * (v - across)


def allowed(products, tolerance, values, scale):
    """The residual that counts as converged."""
    return max(products.tolerance(tolerance) * np.abs(values).max(), _ROUNDING * products.eps * scale)


def extended(apply, basis, m, expected):
    """⟨q, A q⟩ for the last of m basis vectors, A q made orthogonal to all, its length, and the asymmetry seen.

    `expected` (m − 1,) is ⟨A q_j, q⟩ for the others, as earlier products have it.
    """
    image = apply(basis[m - 1])
    known = basis[:m] @ image
    image -= basis[:m].T @ known
    image -= basis[:m].T @ (basis[:m] @ image)  # twice is enough (Kahan, Parlett)
    return float(known[-1]), image, float(np.linalg.norm(image)), float(np.linalg.norm(known[:-1] - expected))


def largest(products, start, k, tolerance, max_products, rng):
    """The k largest `Ritz` pairs.

    One start cannot show more than one vector of an eigenvalue, nor what is beyond the first of a flat space, as that
    of a low rank: with k > 1 more starts look beside what was found, for as many products again, until one adds
    nothing.
    """
    found = _from(start, products, k, tolerance, max_products, rng)
    while k > 1 and products.count < max_products:
        beside = _Beside(products, found.vectors, -2 * found.scale)
        more = _from(beside.across(rng.standard_normal(len(start))), beside, 1, tolerance,
                     min(max_products, 2 * products.count), rng)
        found = replace(found, asymmetry=max(found.asymmetry, more.asymmetry))
        if more.values[0] <= found.values[0] + allowed(products, tolerance, found.values, found.scale):
            break
        more = _from(more.vectors[0], beside, 1, tolerance, max_products, rng)
        space = np.linalg.qr(np.vstack([more.vectors, found.vectors]).T)[0].T
        small = space @ np.array([products(v) for v in space]).T
        values, weights = np.linalg.eigh((small + small.T) / 2)
        found = Ritz(values[-k:], weights[:, -k:].T @ space, max(found.asymmetry, np.linalg.norm(small - small.T, 2)),
                     found.scale)
    return found


def _from(start, products, k, tolerance, max_products, rng):
    """`Ritz` pairs by Lanczos with thick restarts (Wu and Simon 2000).

    A restart keeps the best vectors, so that the space of more products
    contains that of fewer: no Ritz value ever falls. Ends when all k residuals
    that Lanczos predicts are within half the tolerance, or products run out.
    """
    size, most = len(start), min(len(start), 2 * k + 24)
    basis, projected = np.empty((most, size)), np.zeros((most, most))
    basis[0] = start / np.linalg.norm(start)
    m, expected, asymmetry, scale = 0, np.zeros(0), 0.0, np.finfo(float).tiny
    while True:
        m += 1
        own, image, length, defect = extended(products, basis, m, expected)
        asymmetry = max(asymmetry, defect)
        projected[m - 1, :m - 1] = expected  # eigh reads the lower triangle alone
        projected[m - 1, m - 1] = own
        values, weights = np.linalg.eigh(projected[:m, :m])
        scale = max(np.abs(values).max(), scale)
        within = length * np.abs(weights[-1, -k:]) <= allowed(products, tolerance, values[-k:], scale) / 2
        if m >= k and (within.all() or products.count >= max_products or m == size):
            return Ritz(values[-k:], weights[:, -k:].T @ basis[:m], asymmetry, scale)
        if length <= _ENDED * scale:  # the space is invariant and too small: go on from outside it
            length, image = 0.0, rng.standard_normal(size)
            for _ in range(2):
                image -= basis[:m].T @ (basis[:m] @ image)
        if m == most:
            m = k + (most - k) // 2
            basis[:m] = weights[:, -m:].T @ basis
            projected[:m, :m] = np.diag(values[-m:])
            expected = length * weights[-1, -m:]
        else:
            expected = np.append(np.zeros(m - 1), length)
        basis[m] = image / np.linalg.norm(image)


def tridiagonal(products, start, steps):
    """Diagonal, off-diagonal and asymmetry of one Lanczos run; shorter than `steps` where the Krylov space ends."""
    basis = np.empty((steps, len(start)))
    basis[0] = start / np.linalg.norm(start)
    diagonal, beside, expected, asymmetry = [], [], np.zeros(0), 0.0
    for m in range(1, steps + 1):
        own, image, length, defect = extended(products, basis, m, expected)
        diagonal.append(own)
        asymmetry = max(asymmetry, defect)
        if m == steps or length <= 1e-10 * np.abs(diagonal).max():
            break
        beside.append(length)
        expected = np.append(np.zeros(m - 1), length)
        basis[m] = image / length
    return np.array(diagonal), np.array(beside), asymmetry
