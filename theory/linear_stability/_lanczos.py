"""Krylov methods for the forms X / k(t) − p N(X) on symmetric (r, r) matrices.

Both are preconditioned by k(t) entrywise, which leaves k^½ pN k^½: its largest
eigenvalue is 1 at the edge, whatever the momentum. Without that the commutator
of heavy-ball momentum spreads the spectrum as 1/(1−μ)².
"""

import numpy as np
from scipy.linalg import eigh

_TINY = 1e-13                   # squared sine below which search directions count as dependent
_MOST_STEPS = 1500


def smallest_form(family, start, tolerance=3e-10):
    """Where the form of the best X changes sign: (t, X, relative residual), by locally optimal conjugate gradients.

    `start` is a list of pairs (X, pN(X)). t never exceeds the edge, and rises
    with each step; at each the form is linearised at the present t, so that
    limits and rates, linear in t or not, take one product a step.
    """
    basis = [pair for pair in start if np.linalg.norm(pair[0]) > 0]
    best = max(basis, key=lambda pair: family.edge_of(*pair))
    matrix, image = best
    previous = [pair for pair in basis if pair is not best]
    t, residual = family.edge_of(matrix, image), np.inf
    before = -np.inf
    for step in range(_MOST_STEPS):
        above = max(t, family.floor * (1 + 1e-14))
        inverse = np.maximum(family.inverse_kernel(above), 1e-300)
        size = np.sqrt(np.vdot(matrix, inverse * matrix))
        slope = image - (inverse if above == t else family.inverse_kernel(t)) * matrix
        pull = slope / inverse
        residual = float(np.sqrt(max(np.vdot(slope, pull), 0.0)) / size)
        if residual <= tolerance:
            break
        directions = [(matrix, image), (pull, family.noise(pull)), *previous]
        weights, value = _best_combination(directions, inverse)
        if weights is None:
            break
        rest = [sum(w * pair[k] for w, pair in zip(weights[1:], directions[1:])) for k in (0, 1)]
        matrix, image = weights[0] * matrix + rest[0], weights[0] * image + rest[1]
        previous = [tuple(rest)]
        t = max(t, family.edge_of(matrix, image))
        if step % 12 == 11:
            if t - before <= 1e-14 * t:
                break                                   # rounding of 1/k, or no noise at the slowest mode
            image, before = family.noise(matrix), t     # the recurrence gathers rounding
    image = family.noise(matrix)
    return family.edge_of(matrix, image), _oriented(matrix), residual


def _best_combination(directions, inverse):
    """Coefficients of the combination with the largest ⟨X, pN X⟩ / ⟨X, X / k⟩, and that quotient."""
    scaled = [1 / np.sqrt(np.vdot(x, inverse * x)) if x.any() else 0.0 for x, _ in directions]
    count = len(directions)
    mass, form = np.eye(count), np.empty((count, count))
    for i, (x, _) in enumerate(directions):
        weighted = inverse * x
        for j in range(i + 1):
            y, image = directions[j]
            form[i, j] = form[j, i] = scaled[i] * scaled[j] * np.vdot(x, image)
            if i != j:
                mass[i, j] = mass[j, i] = scaled[i] * scaled[j] * np.vdot(weighted, y)
    shares, axes = np.linalg.eigh(mass)
    axes = axes[:, shares > _TINY] / np.sqrt(shares[shares > _TINY])
    values, vectors = eigh(axes.T @ form @ axes)
    weights = axes @ vectors[:, -1] * scaled
    if not np.isfinite(weights).all() or not weights.any():
        return None, values[-1]
    return weights, values[-1]


def conjugate_gradients(family, t, near, accept):
    """X / k − pN(X) = diag(1 / k_ii) until `accept` takes X as proof: (X, None), (None, Y) or (None, None).

    Y is a matrix on which the form is negative: there is no such X. `near` is
    the eigenvector along which X will be large.
    """
    inverse = family.inverse_kernel(t)
    if not (inverse > 0).all():
        return None, None
    size = len(inverse)
    image = inverse * near - family.noise(near)
    bend = np.vdot(near, image)
    if bend < 0 and family.edge_of(near, inverse * near - image) > t:
        return None, near
    share = np.vdot(np.diagonal(near), np.diagonal(inverse)) / bend if bend > 0 else 0.0
    solution = share * near
    rest = np.diag(np.diagonal(inverse)) - share * image
    pull = rest / inverse
    direction, energy = pull, np.vdot(rest, pull)
    wanted = 0.5
    for step in range(_MOST_STEPS):
        if np.linalg.norm(pull) < wanted:
            solution = (solution + solution.T) / 2
            if accept(family, t, solution):
                return solution, None
            wanted /= 30
            if wanted < 1e-6:
                return None, None
        image = inverse * direction - family.noise(direction)
        bend = np.vdot(direction, image)
        if bend <= 0:
            return (None, direction) if family.edge_of(direction, inverse * direction - image) > t else (None, None)
        length = energy / bend
        solution = solution + length * direction
        rest = rest - length * image
        pull = rest / inverse
        energy, before = np.vdot(rest, pull), energy
        direction = pull + energy / before * direction
    return None, None


def _oriented(matrix):
    matrix = (matrix + matrix.T) / 2
    return matrix * np.sign(np.trace(matrix) or 1.0) / np.linalg.norm(matrix)
