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

from dataclasses import dataclass
from itertools import islice

import numpy as np
from scipy.linalg.blas import get_blas_funcs

from theory.linear_stability._lanczos import descend
from theory.linear_stability._range_of_hessian import weighted_gram

_LEAST = 128            # dimension of range(H) from which this pays
_ROUNDS = 20            # values of t that a Lanczos run is made at
_STEPS = 60             # of one Lanczos run, and of one run of conjugate gradients
_ROUGH, _FINE = 1e-5, 1e-10     # residuals of runs in single and in double precision
_SINGLE, _SETTLED = 1e-5, 1e-7  # |λ − 1| down to which single precision will do, and at the end
_FAR = 1e6              # size of z beside what its equation is solved to: beyond, single precision will not do


def applies(family):
    """Whether the ensemble has one output per example, noise, and a size at which this pays."""
    modes = family.modes
    return (modes.reduced.is_factored and modes.reduced.factors.shape[1] == 1 and modes.mean.ndim == 1
            and family.noise_factor > 0 and len(modes.curvatures) >= _LEAST)


@dataclass(frozen=True, eq=False)
class Found:
    """The edge from below, q with M q at a t beside it, and X at which the form vanishes nearly."""

    edge: float
    at: float
    weights: np.ndarray     # (n,) q, of norm 1
    rest: np.ndarray        # q − M q
    matrix: np.ndarray      # (r, r), of norm 1
    residual: float         # of the eigenvalue 1 of M, relative


def search(family, mode):
    """What is `Found` from X = I or one `mode`, whichever has the higher edge; None where nothing is."""
    rows = family.modes.reduced.factors[:, 0]
    t, diagonal = max(family.start_edges(mode), key=lambda found: found[0])
    weights, precise, tolerance, before = rows**2 @ diagonal, False, 1e-2, np.inf
    for _ in range(_ROUNDS):
        at = family.above_floor(t)
        kernel = _kernel(family, at)
        if precise:
            product = _Product(rows, kernel)
            weights = _refined(product, _Product(rows, kernel, np.float32), weights)
        else:
            product = _Product(rows, kernel, np.float32)
        weights, value, rest = largest(product, weights, _FINE if precise else max(tolerance, _ROUGH))
        gap = 0.0 if t <= family.floor and value < 1 else abs(value - 1)
        stalled, before = gap > 0.3 * before, gap       # by rounding: of single precision, or of t next to the floor
        if precise and (gap <= _SETTLED or stalled):
            return _found(family, at, weights, value, rest, product)
        squares = np.square(weighted_gram(product.rows, weights), dtype=float)
        t = max(_crossing(family, squares, at, value, 0.01 * gap), family.floor)
        if not precise and (gap <= _SINGLE or stalled):
            precise, before = True, np.inf
        tolerance = min(tolerance, 0.03 * gap)
    return None


def _found(family, at, weights, value, rest, product):
    """From the eigenvector `weights` of M to the eigenvalue `value`, nearly 1, at `at`; None where q has zeros."""
    residual = np.linalg.norm(rest) / value + abs(value - 1)
    images = value * weights + rest
    if (weights < 0).any():                             # entries that are tiny are known to rounding of the others
        weights = np.maximum(weights, 0)
        images = product(weights)
    if not images.all():
        return None
    matrix = weighted_gram(family.modes.reduced.factors[:, 0], weights)
    matrix *= _kernel(family, at)
    edge = _edge(family, matrix, np.vdot(images, images), at)
    matrix /= np.linalg.norm(matrix)
    return Found(edge, at, weights, weights - images, matrix, residual)


def _refined(product, rough, weights):
    """The eigenvector q near `weights`, by one product with M and, for the correction, by rough ones."""
    vector = weights / np.linalg.norm(weights)
    image = product(vector)
    value = vector @ image
    rest = image - value * vector
    wanted = max(0.5 * _FINE * value, 1e-5 * np.linalg.norm(rest))

    def across(direction):
        image = value * direction - rough(direction)
        return image - vector @ image * vector

    for correction, left, *_ in islice(descend(across, rest), _STEPS):
        if np.linalg.norm(left) <= wanted:
            break
    return vector + correction


def _crossing(family, squares, near, value, tolerance):
    """Where qᵀM(t)q = 1 to `tolerance`, for fixed q of norm 1, by the secant method on 1/qᵀMq, nearly linear in t.

    `value` is qᵀMq at `near`.
    """
    def excess(t):
        return 1 / np.vdot(squares, _kernel(family, t)) - 1

    lowest = family.above_floor(0.0)
    t, here, before = near, 1 / value - 1, near + 1e-3 * max(near - family.floor, 1e-9 * near)
    there = excess(before)
    for _ in range(10):
        if there == here or abs(here) <= tolerance or abs(t - before) <= 1e-14 * t:
            break
        t, before, there = max(t - here * (t - before) / (here - there), lowest), t, here
        here = excess(t)
        if t == lowest and here >= 0:
            return family.floor
    return t


def inside(family, t, found, accept, rounding):
    """X with X / k − pN(X) = diag(1 / k_ii) once `accept` takes it as proof, or None.

    By conjugate gradients on q − Mq = b, b_i = g_iᵀ (k' ∘ diag(1 / k_aa)) g_i, for what is beside the Perron vector v,
    of which q has very much: with u = v − Mv and s = vᵀu, (I − M − u uᵀ/s) z = b − (vᵀb/s) u. There X − k ∘ pN(X) = I:
    not above `rounding` once X is scaled to unit diagonal where the diagonal is too large.
    """
    rows, share = family.modes.reduced.factors[:, 0], family.noise_factor / len(family.modes.reduced.factors)
    curved, kernel = np.diagonal(family.inverse_kernel(t)).copy(), _kernel(family, t)
    if not (curved > 0).all():
        return None
    spread = curved + family.noise_factor * family.modes.mean**2            # 1 / k'_aa
    own = curved / spread
    right, weight = (np.square(rows) @ np.stack([own, share / curved], axis=1)).T
    # M's change since `found` is small: single precision will do for it.
    image = found.rest + _Product(rows, _kernel(family, found.at) - kernel, np.float32)(found.weights)
    bend = found.weights @ image
    much = found.weights @ right / bend if bend > 0 else 0.0
    if not much > 0 or rounding * (much * share / spread * (found.weights @ np.square(rows))).max() > 1:
        return None
    wanted = 0.3
    for dtype in (np.float32, float):
        product = _Product(rows, kernel, dtype)
        steps = descend(lambda z: z - product(z) - image @ z / bend * image, right - much * image)
        for z, left, *_ in islice(steps, _STEPS):
            if dtype is np.float32 and np.linalg.norm(z * weight) > _FAR:
                break
            if np.linalg.norm(left * weight) < wanted:
                matrix = weighted_gram(rows, (much - image @ z / bend) * found.weights + z)
                matrix *= kernel
                matrix.flat[::len(own) + 1] += own
                if accept(family, t, matrix):
                    return matrix
                wanted /= 30
                if wanted < 1e-4:
                    return None
    return None


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
    """q ↦ M q of one (p/n) k'."""

    def __init__(self, rows, kernel, dtype=float):
        self.rows = rows.astype(dtype, copy=False)
        self.kernel = kernel.astype(dtype)
        self.kernel.flat[::len(kernel) + 1] /= 2        # gᵀXg is twice gᵀTg, T its triangle with half the diagonal
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
    """(q, λ, M q − λ q): the largest eigenvalue of M by Lanczos with every vector kept."""
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
        if size * abs(vectors[-1, -1]) <= tolerance * values[-1] or step + 1 == len(start):
            break
        basis[step + 1] = image / size
    found = vectors[:, -1] @ known
    sign = np.sign(found.sum())
    return sign * found, float(values[-1]), sign * vectors[-1, -1] * image
