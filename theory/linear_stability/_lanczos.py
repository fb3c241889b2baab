"""Krylov methods for symmetric operators on symmetric (r, r) matrices."""

from dataclasses import dataclass

import numpy as np
from scipy.linalg import eigh_tridiagonal

_LANCZOS_MEMORY = 2**26  # bytes of Lanczos vectors kept at a time


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
