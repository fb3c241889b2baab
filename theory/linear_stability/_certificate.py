r"""Proofs of stability and of instability, and the edge between them enclosed.

For a `Family` of forms X / k(t) − p N(X) at a t above its floor:

- *Stable side* (Collatz and Wielandt). X ↦ k ∘ pN(X) keeps the positive cone,
  so any X ≻ 0 with X − k ∘ pN(X) ≻ 0 proves that its spectral radius is below
  1, hence that t lies above the edge. Such an X is found by conjugate
  gradients on X / k − pN(X) = diag(1 / k_ii), whose solution is at least I.
- *Unstable side* (Rayleigh). The form is symmetric: one X on which it is
  negative proves that t lies below the edge. Conjugate gradients meet one, or
  a locally optimal search for the smallest eigenvalue does.

Rounding: X − k ∘ pN(X) must exceed 16 r ε (‖X‖ + ‖k ∘ pN(X)‖), and the
quotients of the unstable side are moved by 16 r ε.
"""

from dataclasses import dataclass

import numpy as np

from theory.linear_stability._lanczos import conjugate_gradients, smallest_form

_EPS = np.finfo(float).eps
_WIDTHS = (5e-10, 5e-9, 5e-8, 4e-7)     # relative widths tried, the narrowest first
_ROUNDS = 12                            # searches before the widest enclosure is tried


@dataclass(frozen=True, eq=False)
class Edge:
    """The edge of a family, enclosed: unstable at `lower` (or at the floor), stable at `upper`."""

    value: float
    lower: float
    upper: float
    matrix: np.ndarray          # X at which the form vanishes, nearly: the Perron eigenvector
    inside: np.ndarray          # the X ≻ 0 that proves the stable side
    residual: float             # of the eigenvalue 1 of k^½ pN k^½ at `value`, relative


def margin(size):
    """Relative rounding of a product on (r, r) matrices."""
    return 16 * size * _EPS


def proves_stability(family, t, matrix):
    """Whether X ≻ 0 and X − k ∘ pN(X) ≻ 0 by more than rounding."""
    size = len(matrix)
    image = family.noise(matrix) / family.inverse_kernel(t)
    # Scaled to unit diagonal: each direction is judged by its own rounding.
    diagonal = np.diagonal(matrix)
    if not (diagonal > 0).all() or not np.isfinite(image).all():
        return False
    scale = 1 / np.sqrt(diagonal)
    scale = scale[:, None] * scale
    allowed = margin(size) * (np.linalg.norm(matrix * scale, 2 if size < 3 else "fro") + np.linalg.norm(image * scale))
    return _positive(matrix * scale, allowed) and _positive((matrix - image) * scale, allowed)


def _positive(matrix, allowed):
    try:
        np.linalg.cholesky((matrix + matrix.T) / 2 - allowed * np.eye(len(matrix)))
    except np.linalg.LinAlgError:
        return False
    return True


def enclose(family, start, absolute=0.0):
    """The `Edge` of a family, from `start`: pairs (X, pN(X)) to search from."""
    lower, matrix, residual = 0.0, start[0][0], 0.0
    widths = iter(_WIDTHS)
    width = next(widths)
    for _ in range(_ROUNDS):
        t, matrix, residual = smallest_form(family, start)
        lower = max(lower, t)
        upper = lower * (1 + width) + absolute
        while True:
            inside, bent = conjugate_gradients(family, upper, matrix, proves_stability)
            if bent is not None or inside is not None:
                break
            width = next(widths, None)
            if width is None:
                return Edge(lower, lower, np.inf, matrix, None, residual)
            upper = lower * (1 + width) + absolute
        if inside is not None:
            return Edge(lower, lower * (1 - margin(len(matrix))), upper, matrix, inside, residual)
        start = [(bent, family.noise(bent)), (matrix, family.noise(matrix))]
    return Edge(lower, lower, np.inf, matrix, None, residual)
