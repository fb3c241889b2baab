"""The whole spectrum of the curvature at a point, from products with random vectors: trace and density.

Every estimate carries a residual that was computed from the result itself and
a flag that compares it with the tolerance.
"""

from dataclasses import dataclass, field

import numpy as np

from refimpl.curvature._eigenvalues import Estimate, verdict
from refimpl.curvature._lanczos import tridiagonal
from refimpl.curvature._operator import as_operator, units
from refimpl.curvature._products import Products
from theory import _checks


_SYMMETRIC = 1e-4  # of the largest node: products by finite differences are that good, those of fresh batches are not


@dataclass(frozen=True)
class Density:
    """A spectral density as quadrature nodes: Σ weights · δ(λ − nodes), weights summing to 1."""

    nodes: np.ndarray = field(repr=False)    # (probes, steps), Ritz values, NaN beyond a Krylov space that ended
    weights: np.ndarray = field(repr=False)  # (probes, steps), each row sums to 1 / probes
    residual: float        # mean Wasserstein-1 distance between the rule of all steps and that of half, a curvature
    converged: bool        # the residual within the tolerance, the operator symmetric
    products: int
    asymmetry: float = 0.0  # as in `Estimate`
    message: str = ""

    def smooth(self, grid, width):
        """The density convolved with a Gaussian of standard deviation `width`, on `grid`."""
        grid, width = _checks.shaped(grid, "grid", (None,)), _checks.scalar(width, "width")
        kept = np.isfinite(self.nodes)
        z = (grid[:, None] - self.nodes[kept]) / width
        return np.exp(-0.5 * z**2) @ self.weights[kept] / (width * np.sqrt(2 * np.pi))


def trace(source, w=None, x=None, y=None, *, curvature="hessian", method="hutchinson", probes=64, tolerance=0.05,
          rng=None):
    r"""Trace of the curvature, as an `Estimate`.

    "hutchinson" averages zᵀHz over random signs z, with E = tr H; its residual
    is the standard error, also where every product has a fresh batch. "exact"
    takes all P products, and two more that tell whether they are steady.

    Parameters
    ----------
    source, w, x, y, curvature
        As for `top_eigenpairs`.
    method : {"hutchinson", "exact"}
        A random estimate, or the sum of the diagonal.
    probes : int
        Random vectors, at least 2.
    tolerance : float
        Largest standard error that counts as converged, relative to the trace.
    rng : None, int or Generator
        Source of the signs.

    Returns
    -------
    Estimate

    Raises
    ------
    ValueError
        If a number is out of range, or a product is not a finite vector (P,).

    Examples
    --------
    >>> from refimpl.curvature import Operator, trace
    >>> trace(Operator(2, lambda v: v * [1.0, 3.0]), method="exact").value
    4.0
    """
    source = as_operator(source, w, x, y, curvature)
    products = Products(source.product, source.size, source.dtype)
    tolerance, probes = _checks.scalar(tolerance, "tolerance"), _checks.whole(probes, "probes", 2)
    rng = _checks.generator(rng)
    if _checks.one_of(method, "method", ("hutchinson", "exact")) == "exact":
        value = sum(float(products(unit)[i]) for i, unit in enumerate(units(source.size)))
        flat = np.full(source.size, source.size ** -0.5)
        unsteady = float(np.linalg.norm(products(flat) - products(flat)))
        value, unsteady = float(products.in_units(value)), float(products.in_units(unsteady))
        converged, message = verdict(0.0, unsteady, products.tolerance(None) * abs(value))
        return Estimate(value, 0.0, converged, products.count, None, unsteady, message)
    signs = (rng.integers(2, size=source.size) * 2.0 - 1 for _ in range(probes))
    values = np.array([sign @ products(sign) for sign in signs])
    value, error = (float(products.in_units(part)) for part in (values.mean(), values.std(ddof=1) / np.sqrt(probes)))
    converged, message = verdict(error, 0.0, tolerance * abs(value))
    return Estimate(value, error, converged, probes, None, 0.0, message)


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
        Lanczos steps from each start (memory is steps · P numbers), and starts.
    tolerance : float
        Largest residual that counts as converged, relative to the largest node
        in modulus; the asymmetry may be 1e-4 of that.
    rng : None, int or Generator
        Source of the starts.

    Returns
    -------
    Density

    Raises
    ------
    ValueError
        If a number is out of range, or a product is not a finite vector (P,).

    Examples
    --------
    >>> import numpy as np
    >>> from refimpl.curvature import Operator, spectral_density
    >>> density = spectral_density(Operator(100, lambda v: v * np.repeat([0.0, 4.0], 50)), rng=0)
    >>> density.nodes[0, :2].round(6) + 0.0
    array([0., 4.])
    """
    source = as_operator(source, w, x, y, curvature)
    steps, probes = _checks.whole(steps, "steps", 2), _checks.whole(probes, "probes")
    tolerance, rng = _checks.scalar(tolerance, "tolerance"), _checks.generator(rng)
    nodes, weights = np.full((probes, steps), np.nan), np.zeros((probes, steps))
    products = Products(source.product, source.size, source.dtype)
    distance, asymmetry = 0.0, 0.0
    for j in range(probes):
        diagonal, beside, defect = tridiagonal(products, rng.integers(2, size=source.size) * 2.0 - 1, steps)
        rules = [_rule(diagonal[:m], beside[:m - 1]) for m in (len(diagonal), max(1, len(diagonal) // 2))]
        nodes[j, :len(diagonal)], weights[j, :len(diagonal)] = rules[0]
        ended = len(diagonal) < steps  # the Krylov space is exhausted: the rule is exact
        distance += 0.0 if ended else _wasserstein(*rules) / probes
        asymmetry = max(asymmetry, defect)
    nodes, distance, asymmetry = map(products.in_units, (nodes, distance, asymmetry))
    largest = np.nanmax(np.abs(nodes))
    converged, message = verdict(distance, asymmetry, tolerance * largest, _SYMMETRIC * largest)
    return Density(nodes, weights / probes, float(distance), converged, products.count, asymmetry, message)


def _rule(diagonal, beside):
    values, vectors = np.linalg.eigh(np.diag(diagonal) + np.diag(beside, 1) + np.diag(beside, -1))
    return values, vectors[0]**2


def _wasserstein(first, second):
    """∫ |F₁ − F₂| of two discrete measures."""
    nodes = np.concatenate([first[0], second[0]])
    masses = np.concatenate([first[1], -second[1]])
    order = np.argsort(nodes)
    return float(np.abs(np.cumsum(masses[order])[:-1]) @ np.diff(nodes[order]))
