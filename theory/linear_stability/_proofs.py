r"""Proofs of stability and of instability, and the edge between them enclosed.

For a `Family` of forms X / k(t) − p N(X) at a t above its floor:

- *Stable side* (Collatz and Wielandt). X ↦ k ∘ pN(X) keeps the positive cone,
  so any X ≻ 0 with X − k ∘ pN(X) ≻ 0 proves that its spectral radius is below
  1, hence that t lies above the edge. Such an X is found by conjugate
  gradients on X / k − pN(X) = diag(1 / k_ii), whose solution is at least I.
- *Unstable side* (Rayleigh). The form is symmetric: one X on which it is
  negative proves that t lies below the edge. Conjugate gradients meet one, or
  a locally optimal search for the smallest eigenvalue does.

Rounding: X and X − k ∘ pN(X), scaled to a unit diagonal of X, must exceed
16 r ε (‖X‖ + ‖k ∘ pN(X)‖) and what rounding of 1/k makes of it; X is large along
the Perron eigenvector, so that this is of the order r ε cond(X). The quotients
of the unstable side are moved by 16 r ε.
"""

from dataclasses import dataclass

import numpy as np

from theory.linear_stability import _perron_vector
from theory.linear_stability._lanczos import conjugate_gradients, smallest_form

_EPS = np.finfo(float).eps
_WIDTHS = (5e-10, 5e-9, 5e-8, 4e-7)     # relative widths tried, the narrowest first
_NARROW = (5e-10, 9.8e-10, 5e-9)        # the same after a search on one number per example
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
    size, diagonal = len(matrix), np.diagonal(matrix)
    inverse = family.inverse_kernel(t)
    if not ((diagonal > 0).all() and (inverse > 0).all()):
        return False
    image = family.noise(matrix)
    image /= inverse
    # Scaled to unit diagonal: each direction is judged by its own rounding.
    scale = 1 / np.sqrt(diagonal)
    scaled = matrix * scale
    scaled *= scale[:, None]
    image *= scale
    image *= scale[:, None]
    allowed = margin(size) * (np.linalg.norm(scaled) + np.linalg.norm(image))
    np.divide(image, inverse, out=inverse)
    inverse *= family.kernel_rounding(t)
    allowed += _EPS * np.linalg.norm(inverse)
    del inverse
    if not _positive(scaled, allowed):
        return False
    scaled -= image
    return _positive(scaled, allowed)


def _positive(matrix, allowed):
    if not np.isfinite(matrix).all() or not np.isfinite(allowed):
        return False
    symmetric = matrix + matrix.T
    symmetric /= 2
    symmetric.flat[::len(matrix) + 1] -= allowed
    try:
        np.linalg.cholesky(symmetric)
    except np.linalg.LinAlgError:
        return False
    return True


def enclose(family, mode, absolute=0.0):
    """The `Edge` of a family, searched from X = I and from one `mode`."""
    if _perron_vector.applies(family) and (found := _perron_vector.search(family, mode)):
        lower, rounding = found.edge, 2 * margin(len(found.matrix)) * np.sqrt(len(found.matrix))
        for width in _NARROW:
            upper = lower * (1 + width) + absolute
            inside = _perron_vector.inside(family, upper, found, proves_stability, rounding)
            if inside is not None:
                return Edge(lower, lower * (1 - margin(len(inside))), upper, found.matrix, inside, found.residual)
        pairs = [(found.matrix, family.noise(found.matrix))]
    else:
        pairs = family.start_pairs(mode)
    lower, matrix, residual = 0.0, pairs[0][0], 0.0
    widths = iter(_WIDTHS)
    width = next(widths)
    for _ in range(_ROUNDS):
        t, matrix, residual = smallest_form(family, pairs)
        lower = max(lower, t)
        upper = lower * (1 + width) + absolute
        inside, bent = conjugate_gradients(family, upper, matrix, proves_stability)
        while inside is None and bent is None and (width := next(widths, None)):
            upper = lower * (1 + width) + absolute
            inside, bent = conjugate_gradients(family, upper, matrix, proves_stability)
        if inside is not None:
            return Edge(lower, lower * (1 - margin(len(matrix))), upper, matrix, inside, residual)
        if bent is None:
            break
        pairs = [(bent, family.noise(bent)), (matrix, family.noise(matrix))]
    return Edge(lower, lower, np.inf, matrix, None, residual)
