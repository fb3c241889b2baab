"""Krylov methods for the forms X / k(t) − p N(X) on symmetric (r, r) matrices.

Both are preconditioned by k(t) entrywise, which leaves k^½ pN k^½: its largest
eigenvalue is 1 at the edge, whatever the momentum. Without that the commutator
of heavy-ball momentum spreads the spectrum as 1/(1−μ)².
"""

import numpy as np

_TINY = 1e-13                   # squared sine below which search directions count as dependent
_MOST_STEPS = 1500


def smallest_form(family, start, tolerance=3e-10):
    """Where the form of the best X changes sign: (t, X, relative residual), by locally optimal conjugate gradients.

    `start` is a list of pairs (X, pN(X)). t never exceeds the edge, and rises
    with each step; the form is taken at the present t, so that limits and
    rates, linear in t or not, cost one product a step.
    """
    pairs = sorted(start, key=lambda pair: family.edge_of(*pair))
    (matrix, image), previous = pairs[-1], pairs[:-1]
    t, before = family.edge_of(matrix, image), -np.inf
    for step in range(_MOST_STEPS):
        inverse = family.inverse_kernel(family.above_floor(t))
        inverse = np.maximum(inverse, 1e-30 * np.abs(inverse).max())    # rounding next to the floor
        slope = image - inverse * matrix
        pull = slope / inverse
        mass = np.vdot(matrix, inverse * matrix)
        residual = float(np.sqrt(max(np.vdot(slope, pull), 0.0) / mass)) if mass > 0 else np.inf
        if residual <= tolerance or not np.isfinite(residual):
            break
        directions = [(matrix, image), (pull, family.noise(pull)), *previous]
        weights = _best_combination(directions, inverse)
        if weights is None:
            break
        rest = [sum(w * pair[k] for w, pair in zip(weights[1:], directions[1:])) for k in (0, 1)]
        matrix, image = weights[0] * matrix + rest[0], weights[0] * image + rest[1]
        previous = [tuple(rest)]
        t = max(t, family.edge_of(matrix, image, t))
        if step % 12 == 11:
            if t - before <= 1e-14 * t:
                break                                   # rounding of 1/k, or no noise at the slowest mode
            image, before = family.noise(matrix), t     # the recurrence gathers rounding
    matrix = _oriented(matrix)
    return family.edge_of(matrix, family.noise(matrix), t * (1 - 1e-9)), matrix, residual


def _best_combination(directions, inverse):
    """Coefficients of the combination with the largest ⟨X, pN X⟩ / ⟨X, X / k⟩, or None."""
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
    vectors = np.linalg.eigh(axes.T @ form @ axes)[1]
    weights = axes @ vectors[:, -1] * scaled
    return weights if np.isfinite(weights).all() and weights.any() else None


def descend(apply, rest, inverse=1.0):
    """Conjugate gradients for apply(x) = `rest` with the preconditioner 1 / `inverse`, step by step.

    Yields x, what is left over `inverse`, its square in that norm, and None; at the end a direction in which `apply`
    is not positive, where there is one.
    """
    solution, pull = 0 * rest, rest / inverse
    direction, energy = pull, np.vdot(rest, pull)
    yield solution, pull, energy, None
    while energy > 0:
        image = apply(direction)
        bend = np.vdot(direction, image)
        if not bend > 0:
            yield solution, pull, energy, direction
            break
        length = energy / bend
        solution = solution + length * direction
        rest = rest - length * image
        pull = rest / inverse
        energy, before = np.vdot(rest, pull), energy
        yield solution, pull, energy, None
        direction = pull + energy / before * direction


def conjugate_gradients(family, t, near, accept):
    """X / k − pN(X) = diag(1 / k_ii) until `accept` takes X as proof: (X, None), (None, Y) or (None, None).

    Y is a matrix on which the form is negative: there is no such X. `near` is
    the eigenvector along which X will be large.
    """
    inverse = family.inverse_kernel(t)
    if not (inverse > 0).all():
        return None, None
    image = inverse * near - family.noise(near)
    bend = np.vdot(near, image)
    share = np.vdot(np.diagonal(near), np.diagonal(inverse)) / bend if bend > 0 else 0.0
    steps = descend(lambda matrix: inverse * matrix - family.noise(matrix),
                    np.diag(np.diagonal(inverse)) - share * image, inverse)
    wanted = 0.5
    for _, (solution, pull, _, bent) in zip(range(_MOST_STEPS), steps):
        if bent is not None:
            return None, bent if family.edge_of(bent, family.noise(bent), t) > t else None
        if np.linalg.norm(pull) < wanted:
            solution = share * near + solution
            solution = (solution + solution.T) / 2
            if accept(family, t, solution):
                return solution, None
            wanted /= 30
            if wanted < 1e-6:
                break
    return None, None


def solve(family, t, right):
    """X with X / k − pN(X) = `right`, at a t proved stable, to a relative residual of 1e-12 in the norm of k."""
    inverse = family.inverse_kernel(t)
    wanted, least, stalled = None, np.inf, 0
    for solution, _, energy, _ in descend(lambda matrix: inverse * matrix - family.noise(matrix), right, inverse):
        wanted = 1e-24 * energy if wanted is None else wanted
        least, stalled = (energy, 0) if energy < 0.5 * least else (least, stalled + 1)
        if energy <= wanted or stalled == 50:
            break
    if energy > 1e12 * wanted:
        raise RuntimeError(f"conjugate gradients left a relative residual of {np.sqrt(energy / wanted) * 1e-12:.3g}; "
                           "this usually means that lr is within rounding of the critical rate; take it smaller")
    return (solution + solution.T) / 2


def _oriented(matrix):
    matrix = (matrix + matrix.T) / 2
    return matrix * np.sign(np.trace(matrix) or 1.0) / np.linalg.norm(matrix)
