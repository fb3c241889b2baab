"""Lanczos with full orthogonalisation: every vector that it makes also tests that the operator is symmetric.

For a symmetric operator that is the same at each call, ⟨q_j, A q_m⟩ is known
from the product A q_j before A q_m is asked for; the difference costs nothing.
"""

from dataclasses import dataclass

import numpy as np

_ENDED = 1e-13  # of the largest Ritz value: an image this close to the space so far lies in it


@dataclass(frozen=True, eq=False)
class Ritz:
    """The k largest Ritz pairs of a space, ascending."""

    values: np.ndarray     # (k,)
    vectors: np.ndarray    # (k, P)
    asymmetry: float       # largest |⟨u, A v⟩ − ⟨A u, v⟩| seen, u and v of length 1


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
    """`Ritz` pairs by Lanczos with thick restarts (Wu and Simon 2000).

    A restart keeps the best vectors, so that the space of more products
    contains that of fewer: no Ritz value ever falls. Ends when all k residuals
    that Lanczos predicts are within half the tolerance, or products run out.
    """
    size, most = len(start), min(len(start), 2 * k + 24)
    basis, projected = np.empty((most, size)), np.zeros((most, most))
    basis[0] = start / np.linalg.norm(start)
    m, expected, asymmetry = 0, np.zeros(0), 0.0
    while True:
        m += 1
        own, image, length, defect = extended(products, basis, m, expected)
        asymmetry = max(asymmetry, defect)
        projected[m - 1, :m - 1] = expected  # eigh reads the lower triangle alone
        projected[m - 1, m - 1] = own
        values, weights = np.linalg.eigh(projected[:m, :m])
        scale = max(np.abs(values).max(), np.finfo(float).tiny)
        within = length * np.abs(weights[-1, -k:]) <= products.tolerance(tolerance) / 2 * np.abs(values[-k:]).max()
        if m >= k and (within.all() or products.count >= max_products or m == size):
            return Ritz(values[-k:], weights[:, -k:].T @ basis[:m], asymmetry)
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
