"""Products of random 2 × 2 matrices by quadrature over directions: no random numbers, nothing of theory or refimpl."""

import numpy as np
from scipy.optimize import brentq
from scipy.sparse import csr_array

POINTS = 3000


def _transfer(matrices, weigh):
    """f ↦ mean over the matrices of weigh(|Mu|) f(Mu/|Mu|) on POINTS angles, by linear interpolation; and |Mu|."""
    angles = np.pi * np.arange(POINTS) / POINTS
    images = np.einsum("nij,jp->nip", matrices, np.array([np.cos(angles), np.sin(angles)]))
    norms = np.linalg.norm(images, axis=1)                             # (n, p)
    place = np.arctan2(images[:, 1], images[:, 0]) / np.pi % 1 * POINTS
    left = np.floor(place).astype(int)
    share, weights = place - left, weigh(norms) / len(matrices)
    rows = np.tile(np.arange(POINTS), len(matrices))
    parts = [csr_array(((weights * part).ravel(), (rows, column.ravel() % POINTS)), shape=(POINTS, POINTS))
             for part, column in ((1 - share, left), (share, left + 1))]
    return parts[0] + parts[1], norms


def exponent(matrices):
    """E log|Mu| under the stationary law of the direction."""
    operator, norms = _transfer(matrices, np.ones_like)
    law = np.full(POINTS, 1 / POINTS)
    for _ in range(3000):
        new = operator.T @ law
        if np.abs(new - law).sum() < 1e-13:
            break
        law = new
    return float(np.log(norms).mean(axis=0) @ law)


def growth_of_power(matrices, kappa):
    """log of the spectral radius ρ(κ)."""
    operator, _ = _transfer(matrices, lambda norms: norms**kappa)
    values, size = np.ones(POINTS), 1.0
    for _ in range(3000):
        values = operator @ values
        before, size = size, values.max()
        values /= size
        if abs(size - before) < 1e-13 * size:
            break
    return float(np.log(size))


def tail_exponent(matrices, low, high):
    """κ in [low, high] with ρ(κ) = 1."""
    return brentq(lambda kappa: growth_of_power(matrices, kappa), low, high, xtol=1e-9)
