"""The largest eigenvalues of the curvature at a point, and its non-uniformity, by Lanczos.

Every estimate carries a residual that was computed from the result itself and
a flag that compares it with the tolerance. Memory is a few dozen vectors of
parameters, never a matrix of P × P.
"""

from dataclasses import dataclass

import numpy as np
from scipy.sparse.linalg import ArpackError, ArpackNoConvergence, LinearOperator, eigsh

from refimpl.curvature._operator import as_operator, units
from theory import _checks

_DENSE = 48  # up to so many parameters all products are taken and the matrix diagonalised


@dataclass(frozen=True)
class Estimate:
    """A number with its evidence; ``float(estimate)`` is the value.

    Attributes
    ----------
    value : float
    residual : float
        ‖A v − λ v‖ at unit v for an eigenvalue λ (one lies within this
        distance); the standard error for a random trace.
    converged : bool
        Whether the residual is within the tolerance that was asked for.
    products : int
        Products with the operator that were taken.
    vector : ndarray (P,) or None
        The unit eigenvector.
    """

    value: float
    residual: float
    converged: bool
    products: int
    vector: np.ndarray | None = None

    def __float__(self):
        return self.value


@dataclass(frozen=True)
class Eigenpairs:
    """The k largest eigenvalues, descending."""

    values: np.ndarray     # (k,)
    vectors: np.ndarray    # (k, P), unit rows
    residuals: np.ndarray  # (k,), ‖A v − λ v‖
    converged: bool        # all residuals within the tolerance
    products: int


def top_eigenpairs(source, w=None, x=None, y=None, *, k=1, curvature="hessian", tolerance=1e-6, max_products=10_000,
                   rng=None):
    """The k algebraically largest eigenvalues of the curvature, by Lanczos with restarts.

    Parameters
    ----------
    source : model or Operator
        With an `Operator` leave out `w`, `x` and `y`.
    w, x, y, curvature
        As for `operator`.
    k : int
        In 1…P.
    tolerance : float
        Largest residual that counts as converged, relative to the largest
        eigenvalue in modulus.
    max_products : int
        Where to give up; the result then says so.
    rng : None, int or Generator
        Source of the starting vector.

    Returns
    -------
    Eigenpairs

    Raises
    ------
    ValueError
        If `k` is outside 1…P, or as `operator` does.
    """
    source = as_operator(source, w, x, y, curvature)
    k, tolerance = _checks.whole(k, "k", 1, source.size), _checks.scalar(tolerance, "tolerance")
    return _eigenpairs(source.product, source.size, k, tolerance, _checks.whole(max_products, "max_products"), rng)


def sharpness(source, w=None, x=None, y=None, *, curvature="hessian", tolerance=1e-6, max_products=10_000, rng=None):
    """Sharpness a = λmax(H), as an `Estimate`; arguments as for `top_eigenpairs`.

    References
    ----------
    [WME18] below eq. 4.

    Examples
    --------
    >>> from refimpl.linear_stability import LinearRegression
    >>> float(sharpness(LinearRegression(2), [0.0, 0.0], [[1.0, 0.0], [0.0, 2.0]]))
    2.0
    """
    pair = top_eigenpairs(source, w, x, y, curvature=curvature, tolerance=tolerance, max_products=max_products, rng=rng)
    return _first(pair)


def non_uniformity(source, w=None, x=None, y=None, *, curvature="hessian", tolerance=1e-6, max_products=10_000,
                   rng=None):
    r"""Non-uniformity s = √λmax(mean H_i² − H²), as an `Estimate`; arguments as for `top_eigenpairs`.

    The residual is that of s itself, residual of λmax / 2s. One product counts
    H(H v) and mean H_i(H_i v) together.

    References
    ----------
    [WME18] below eq. 4 (its s is the square).
    """
    source = as_operator(source, w, x, y, curvature)
    if source.square_product is None:
        raise ValueError("source must have a square_product for the non-uniformity; give v -> mean H_i (H_i v)")

    def apply(v):
        return source.square_product(v) - source.product(source.product(v))

    tolerance = _checks.scalar(tolerance, "tolerance")
    pair = _first(_eigenpairs(apply, source.size, 1, 2 * tolerance, _checks.whole(max_products, "max_products"), rng))
    value = float(np.sqrt(max(pair.value, 0.0)))
    return Estimate(value, pair.residual / (2 * value) if value else pair.residual, pair.converged, pair.products,
                    pair.vector)


def _eigenpairs(apply, size, k, tolerance, max_products, rng):
    count = 0

    def counted(v):
        nonlocal count
        count += 1
        return apply(v.reshape(-1))

    if size <= _DENSE or k >= size - 1:
        matrix = np.array([counted(unit) for unit in units(size)])
        values, vectors = np.linalg.eigh((matrix + matrix.T) / 2)
        values, vectors = values[-k:], vectors[:, -k:]
    else:
        start = np.random.default_rng(rng).standard_normal(size)
        steps = min(size, 2 * k + 24, max(k + 2, max_products))
        values, vectors, done = _first_cycle(counted, start, k, tolerance, steps)
        if not done and count < max_products:
            values, vectors = _restarted(counted, vectors.sum(axis=1), k, tolerance, max_products - count)
    order = np.argsort(-values)
    values, vectors = values[order], vectors.T[order]
    residuals = np.array([np.linalg.norm(counted(v) - value * v) if np.isfinite(value) else np.inf
                          for value, v in zip(values, vectors)])
    scale = np.nanmax(np.abs(values)) if np.isfinite(values).any() else 0.0
    return Eigenpairs(values, vectors, residuals, bool((residuals <= tolerance * scale + np.finfo(float).tiny).all()),
                      count)


def _first_cycle(apply, start, k, tolerance, steps):
    """The k largest Ritz pairs of one Krylov space, which ends as soon as they have converged, and whether they have.

    ARPACK tests only once it has filled its space; where one eigenvalue
    stands out, as at most minima, this takes half as many products.
    """
    basis = np.empty((steps, len(start)))
    basis[0] = start / np.linalg.norm(start)
    diagonal, beside = [], []
    for m in range(1, steps + 1):
        image, length = lanczos_step(apply, basis, m, diagonal)
        values, weights = np.linalg.eigh(np.diag(diagonal) + np.diag(beside, 1) + np.diag(beside, -1))
        ended = length <= 1e-13 * np.abs(values).max()
        scale = max(np.abs(values[-k:]).max(), np.finfo(float).tiny)
        done = m >= k and (length * np.abs(weights[-1, -k:]) <= tolerance / 2 * scale).all()
        if done or ended or m == steps:
            break
        beside.append(length)
        basis[m] = image / length
    if m < k:  # the start lies in a smaller invariant space
        return np.zeros(k), np.random.default_rng(0).standard_normal((len(start), k)), False
    return values[-k:], basis[:m].T @ weights[:, -k:], bool(done)


def _restarted(apply, start, k, tolerance, max_products):
    """The same by ARPACK's implicit restarts; NaN for pairs that did not converge."""
    size = len(start)
    basis = min(size, max(2 * k + 1, 20))
    linear = LinearOperator((size, size), matvec=apply, dtype=float)
    try:
        return eigsh(linear, k, which="LA", v0=start, ncv=basis, maxiter=max(1, (max_products - basis) // (basis - k)),
                     tol=tolerance / 10)
    except ArpackNoConvergence as stopped:
        values, vectors = stopped.eigenvalues, stopped.eigenvectors.reshape(size, -1)
    except ArpackError:  # the operator is zero on the start
        return np.zeros(k), np.eye(size, k)
    missing = k - len(values)
    return (np.concatenate([np.full(missing, np.nan), values]),
            np.concatenate([np.full((size, missing), np.nan), vectors], axis=1))


def _first(pairs):
    return Estimate(float(pairs.values[0]), float(pairs.residuals[0]), pairs.converged, pairs.products,
                    pairs.vectors[0])


def lanczos_step(apply, basis, m, diagonal):
    """A v for the last of m basis vectors, made orthogonal to all, and its norm; vᵀA v goes to `diagonal`."""
    image = np.array(apply(basis[m - 1]), float)
    diagonal.append(float(basis[m - 1] @ image))
    for _ in range(2):  # twice is enough (Kahan, Parlett)
        image -= basis[:m].T @ (basis[:m] @ image)
    return image, float(np.linalg.norm(image))
