r"""The edge of ensembles with one output per example, sought on one number per example.

With H_i = g_i g_iᵀ the form X / k − pN(X) is

.. math:: \frac{X}{k'} - \frac pn \sum_i q_i\, g_i g_i^T, \qquad q_i = g_i^T X g_i, \quad
          \frac1{k'_{ab}} = \frac1{k_{ab}} + p\, a_a a_b ,

so it vanishes at X = (p/n) k' ∘ Σ q_i g_i g_iᵀ where q is an eigenvector to the eigenvalue 1 of the
symmetric (n, n) matrix

.. math:: M_{ij} = \frac pn \sum_{ab} g_{ia} g_{ib}\, k'_{ab}\, g_{ja} g_{jb} ,

which without momentum is nonnegative: q is its Perron vector. Lanczos vectors are n numbers in
place of r², and a product with M is one symmetric and one triangular product of matrices. What is
found is proved elsewhere (`_proofs`), by r × r matrices.
"""

import numpy as np
from scipy.linalg.blas import get_blas_funcs

_LEAST = 128            # dimension of range(H) from which this pays
_ROUNDS = 20            # values of t that a Lanczos run is made at
_STEPS = 60             # of one Lanczos run
_ROUGH, _FINE = 1e-5, 1e-10     # residuals of runs in single and in double precision
_SINGLE, _SETTLED = 1e-5, 1e-8  # |λ − 1| down to which single precision will do, and at the end


def applies(family):
    """Whether the ensemble has one output per example, noise, and a size at which this pays."""
    modes = family.modes
    return (modes.reduced.is_factored and modes.reduced.factors.shape[1] == 1 and modes.mean.ndim == 1
            and family.noise_factor > 0 and len(modes.curvatures) >= _LEAST)


def search(family, start):
    """(t, X, q, residual): the edge from below, where the form vanishes nearly, and q; None where none was found.

    `start` is a function that returns pairs (X, pN(X)), X diagonal.
    """
    rows = family.modes.reduced.factors[:, 0]
    t, diagonal = max(((family.edge_of(*pair), np.diagonal(pair[0]).copy()) for pair in start()),
                      key=lambda found: found[0])
    weights, precise, tolerance, before = rows**2 @ diagonal, False, 1e-2, np.inf
    for _ in range(_ROUNDS):
        at = family.above_floor(t)
        product = _Product(family, at, rows.dtype if precise else np.float32)
        weights, value, residual = largest(product, weights, _FINE if precise else max(tolerance, _ROUGH))
        weights = np.maximum(weights, 0)                # entries that are tiny are known to rounding of the others
        gap = 0.0 if t <= family.floor and value < 1 else abs(value - 1)
        stalled, before = gap > 0.3 * before, gap       # by rounding: of single precision, or of t next to the floor
        if precise and (gap <= _SETTLED or stalled):
            images = product(weights)
            matrix = _gram(rows, weights)
            matrix *= _kernel(family, at)
            found = _edge(family, matrix, np.vdot(images, images), at)
            matrix /= np.linalg.norm(matrix)
            return (found, matrix, images, residual / value + gap) if images.all() else None
        squares = np.square(_gram(product.rows, weights / np.linalg.norm(weights)), dtype=float)
        t = max(_crossing(family, squares, at, 0.01 * gap), family.floor)
        if not precise and (gap <= _SINGLE or stalled):
            precise, before = True, np.inf
        tolerance = min(tolerance, 0.03 * gap)
    return None


def _crossing(family, squares, near, tolerance):
    """Where qᵀM(t)q = 1 for fixed q of norm 1, by the secant method on 1/qᵀMq, which is nearly linear in t.

    `tolerance` is relative to the distance from `near`.
    """
    lowest = family.above_floor(0.0)

    def excess(t):
        return 1 / np.vdot(squares, _kernel(family, t)) - 1

    t, before = near, near + 1e-3 * max(near - family.floor, 1e-9 * near)
    here, there = excess(t), excess(before)
    for _ in range(10):
        if there == here or abs(t - before) <= max(tolerance * abs(t - near), 1e-14 * t):
            break
        t, before, there = max(t - here * (t - before) / (here - there), lowest), t, here
        here = excess(t)
        if t == lowest and here >= 0:
            return family.floor
    return t


def inside(family, t, near, accept, rounding):
    """X with X / k − pN(X) = diag(1 / k_ii) once `accept` takes it as proof, or None; `near` is the Perron vector.

    By conjugate gradients on q − Mq = b, b_i = g_iᵀ (k' ∘ diag(1 / k_aa)) g_i. There X − k ∘ pN(X) = I: not above
    `rounding` once X is scaled to unit diagonal where the diagonal is too large.
    """
    rows, share = family.modes.reduced.factors[:, 0], family.noise_factor / len(family.modes.reduced.factors)
    curved, product = np.diagonal(family.inverse_kernel(t)).copy(), _Product(family, t, float)
    if not (curved > 0).all():
        return None
    spread = curved + family.noise_factor * family.modes.mean**2            # 1 / k'_aa
    own = curved / spread
    right, weight = (np.square(rows) @ np.stack([own, share / curved], axis=1)).T
    image = near - product(near)
    bend = near @ image
    weights = near @ right / bend * near if bend > 0 else 0 * near
    rest = right - weights + product(weights) if bend > 0 else right
    direction, energy, wanted = rest, rest @ rest, 0.05
    if rounding * (share / spread * (weights @ np.square(rows))).max() > 1:
        return None
    for _ in range(_STEPS):
        if np.linalg.norm(rest * weight) < wanted:
            matrix = _gram(rows, weights)
            matrix *= _kernel(family, t)
            matrix.flat[::len(own) + 1] += own
            if accept(family, t, matrix):
                return matrix
            wanted /= 30
            if wanted < 1e-4:
                break
        image = direction - product(direction)
        bend = direction @ image
        if not bend > 0:
            break
        weights = weights + energy / bend * direction
        rest = rest - energy / bend * image
        energy, before = rest @ rest, energy
        direction = rest + energy / before * direction
    return None


def _gram(rows, weights):
    """Σ q_i g_i g_iᵀ, (r, r)."""
    scaled = rows * np.sqrt(np.abs(weights)).astype(rows.dtype)[:, None]
    gram = scaled.T @ scaled
    if (weights < 0).any():
        below = scaled[weights < 0]
        gram -= 2 * (below.T @ below)
    return gram


def _edge(family, matrix, squares, near):
    """The t below which the form of X is negative, from Σ (g_iᵀ X g_i)²."""
    weights, mean = matrix**2, family.modes.mean
    value = family.noise_factor * (squares / len(family.modes.reduced.factors) - mean @ weights @ mean)
    return family.edge_where(weights, value, near * (1 - 1e-2))


def _kernel(family, t):
    """(p/n) k'."""
    kernel = family.inverse_kernel(t)
    kernel += np.outer(family.noise_factor * family.modes.mean, family.modes.mean)
    return np.divide(family.noise_factor / len(family.modes.reduced.factors), kernel, out=kernel)


class _Product:
    """q ↦ M q at one t."""

    def __init__(self, family, t, dtype):
        self.rows = family.modes.reduced.factors[:, 0].astype(dtype, copy=False)
        self.kernel = _kernel(family, t).astype(dtype)
        self.kernel.flat[::len(self.kernel) + 1] /= 2   # gᵀXg is twice gᵀTg, T its triangle with half the diagonal
        self.syrk, self.trmm = get_blas_funcs(("syrk", "trmm"), (self.rows,))

    def __call__(self, weights):
        scaled = self.rows * np.sqrt(np.abs(weights)).astype(self.rows.dtype)[:, None]
        above = weights > 0
        triangle = self.syrk(1.0, scaled[above].T if not above.all() else scaled.T)
        if not above.all():
            triangle = self.syrk(-1.0, scaled[~above].T, beta=1.0, c=triangle, overwrite_c=1)
        triangle *= self.kernel
        images = self.trmm(2.0, triangle, self.rows.T, trans_a=1)
        return np.vecdot(images.T, self.rows).astype(float)


def largest(product, start, tolerance):
    """(q, λ, residual / |q|): the largest eigenvalue of M by Lanczos with every vector kept."""
    basis = np.empty((_STEPS + 1, len(start)))
    basis[0] = start / np.linalg.norm(start)
    form = np.zeros((_STEPS, _STEPS))
    for step in range(_STEPS):
        image = product(basis[step])
        known = basis[:step + 1]
        along = known @ image
        image -= along @ known
        again = known @ image
        image -= again @ known
        form[step, :step + 1] = form[:step + 1, step] = along + again
        values, vectors = np.linalg.eigh(form[:step + 1, :step + 1])
        size = np.linalg.norm(image)
        residual = size * abs(vectors[-1, -1])
        if residual <= tolerance * values[-1] or step + 1 == len(start):
            break
        basis[step + 1] = image / size
    found = vectors[:, -1] @ known
    return found * np.sign(found.sum()), float(values[-1]), float(residual)
