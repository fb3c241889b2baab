"""The whole spectrum of the curvature at a point, from products with random vectors: trace and density.

Every estimate carries a residual that was computed from the result itself and
a flag that compares it with the tolerance.
"""

from dataclasses import dataclass

import numpy as np

from refimpl.curvature._eigenvalues import Estimate, lanczos_step
from refimpl.curvature._operator import as_operator, units
from theory import _checks


@dataclass(frozen=True)
class Density:
    """A spectral density as quadrature nodes: Σ weights · δ(λ − nodes), weights summing to 1."""

    nodes: np.ndarray      # (probes, steps), Ritz values, NaN beyond a Krylov space that ended
    weights: np.ndarray    # (probes, steps), each row sums to 1 / probes
    residual: float        # mean Wasserstein-1 distance between the rule of all steps and that of half, a curvature
    converged: bool
    products: int

    def smooth(self, grid, width):
        """The density convolved with a Gaussian of standard deviation `width`, on `grid`."""
        kept = np.isfinite(self.nodes)
        z = (np.asarray(grid)[:, None] - self.nodes[kept]) / width
        return np.exp(-0.5 * z**2) @ self.weights[kept] / (width * np.sqrt(2 * np.pi))


def trace(source, w=None, x=None, y=None, *, curvature="hessian", method="hutchinson", probes=64, tolerance=0.05,
          rng=None):
    r"""Trace of the curvature, as an `Estimate`.

    "hutchinson" averages zᵀHz over random signs z, with E = tr H; its residual
    is the standard error. "exact" takes all P products.

    Parameters
    ----------
    source, w, x, y, curvature
        As for `top_eigenpairs`.
    method : {"hutchinson", "exact"}
    probes : int
        Random vectors, at least 2.
    tolerance : float
        Largest standard error that counts as converged, relative to the trace.
    rng : None, int or Generator

    Returns
    -------
    Estimate
    """
    source = as_operator(source, w, x, y, curvature)
    if _checks.one_of(method, "method", ("hutchinson", "exact")) == "exact":
        return Estimate(float(sum(source.product(unit)[i] for i, unit in enumerate(units(source.size)))), 0.0, True,
                        source.size)
    rng, probes = np.random.default_rng(rng), _checks.whole(probes, "probes", 2)
    signs = (rng.integers(2, size=source.size) * 2.0 - 1 for _ in range(probes))
    values = np.array([sign @ source.product(sign) for sign in signs])
    error = float(values.std(ddof=1) / np.sqrt(probes))
    return Estimate(float(values.mean()), error, bool(error <= tolerance * abs(values.mean())), probes)


def spectral_density(source, w=None, x=None, y=None, *, curvature="hessian", steps=64, probes=4, tolerance=0.02,
                     rng=None):
    r"""Spectral density (1/P) Σ δ(λ − λ_j) by stochastic Lanczos quadrature.

    From each random start of independent signs, `steps` Lanczos steps with full
    orthogonalisation give a quadrature rule that is exact for polynomials of
    degree up to 2·steps − 1 under the start's spectral measure.

    Parameters
    ----------
    source, w, x, y, curvature
        As for `top_eigenpairs`.
    steps, probes : int
        Memory is steps · P numbers.
    tolerance : float
        Largest residual that counts as converged, relative to the largest
        node in modulus.
    rng : None, int or Generator

    Returns
    -------
    Density
    """
    source = as_operator(source, w, x, y, curvature)
    steps, probes = _checks.whole(steps, "steps", 2), _checks.whole(probes, "probes")
    rng = np.random.default_rng(rng)
    nodes, weights = np.full((probes, steps), np.nan), np.zeros((probes, steps))
    distance, products = 0.0, 0
    for j in range(probes):
        start = rng.integers(2, size=source.size) * 2.0 - 1
        diagonal, beside = _lanczos(source.product, start / np.linalg.norm(start), steps)
        rules = [_rule(diagonal[:m], beside[:m - 1]) for m in (len(diagonal), max(1, len(diagonal) // 2))]
        nodes[j, :len(diagonal)], weights[j, :len(diagonal)] = rules[0]
        ended = len(diagonal) < steps  # the Krylov space is exhausted: the rule is exact
        distance += 0.0 if ended else _wasserstein(*rules) / probes
        products += len(diagonal)
    largest = np.nanmax(np.abs(nodes))
    return Density(nodes, weights / probes, float(distance), bool(distance <= tolerance * largest), products)


def _lanczos(apply, start, steps):
    """Diagonal and off-diagonal of the tridiagonal matrix; shorter than `steps` where the Krylov space ends."""
    basis = np.empty((steps, len(start)))
    basis[0] = start
    diagonal, beside = [], []
    for m in range(1, steps + 1):
        image, length = lanczos_step(apply, basis, m, diagonal)
        if m == steps or length <= 1e-10 * np.abs(diagonal).max():
            break
        beside.append(length)
        basis[m] = image / length
    return np.array(diagonal), np.array(beside)


def _rule(diagonal, beside):
    values, vectors = np.linalg.eigh(np.diag(diagonal) + np.diag(beside, 1) + np.diag(beside, -1))
    return values, vectors[0]**2


def _wasserstein(first, second):
    """∫ |F₁ − F₂| of two discrete measures."""
    nodes = np.concatenate([first[0], second[0]])
    masses = np.concatenate([first[1], -second[1]])
    order = np.argsort(nodes)
    return float(np.abs(np.cumsum(masses[order])[:-1]) @ np.diff(nodes[order]))
