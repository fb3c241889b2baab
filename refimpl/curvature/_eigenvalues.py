"""The largest and smallest eigenvalues of the curvature at a point, and its non-uniformity, by Lanczos.

Every estimate carries a residual that was computed from the result itself, the
asymmetry that the products showed, and a flag that compares both with the
tolerance. Memory is a few dozen vectors of parameters, never a matrix P × P.
"""

from dataclasses import dataclass, field

import numpy as np

from refimpl.curvature._lanczos import allowed, largest
from refimpl.curvature._operator import as_operator, units
from refimpl.curvature._products import Products
from theory import _checks

_DENSE = 48  # up to so many parameters all products are taken and the matrix diagonalised


@dataclass(frozen=True)
class Estimate:
    """A number with its evidence; ``float(estimate)`` is the value.

    Attributes
    ----------
    value : float
    residual : float
        ‖A v − λ v‖ at unit v for an eigenvalue λ. It bounds the distance from
        λ to *some* eigenvalue of A, and is no bound on the error of the
        largest. For a random trace, the standard error.
    converged : bool
        Whether residual and asymmetry are within the tolerance.
    products : int
        Products with the operator that were taken.
    vector : ndarray (P,) or None
        The unit eigenvector.
    asymmetry : float
        Largest |⟨u, A v⟩ − ⟨A u, v⟩| at unit u and v that the products showed:
        beyond rounding, A is not symmetric or not the same at each call.
    message : str
        Why it converged or not.
    """

    value: float
    residual: float
    converged: bool
    products: int
    vector: np.ndarray | None = field(default=None, repr=False)
    asymmetry: float = 0.0
    message: str = ""

    def __float__(self):
        return self.value


@dataclass(frozen=True)
class Eigenpairs:
    """k eigenvalues, the outermost first, with the evidence that `Estimate` describes."""

    values: np.ndarray                        # (k,)
    vectors: np.ndarray = field(repr=False)   # (k, P), unit rows
    residuals: np.ndarray                     # (k,), ‖A v − λ v‖
    converged: bool                           # all residuals, and the asymmetry, within the tolerance
    products: int
    asymmetry: float
    message: str


def top_eigenpairs(source, w=None, x=None, y=None, *, k=1, curvature="hessian", tolerance=None, max_products=10_000,
                   rng=None):
    """The k algebraically largest eigenvalues of the curvature, descending, by Lanczos with thick restarts.

    Each value is a Rayleigh quotient: never above λmax, and with the same `rng`
    never lower for more products. With k > 1 half of the products look for what
    one start cannot show, further vectors of an eigenvalue that occurs several times.

    Parameters
    ----------
    source : model or Operator
        With an `Operator` leave out `w`, `x` and `y`.
    w, x, y, curvature
        As for `operator`.
    k : int
        In 1…P.
    tolerance : float, optional
        Largest residual, and asymmetry, that count as converged, relative to
        the largest eigenvalue in modulus among the k. Default 1e-6, or 1e-4
        where products are float32. What is rounding beside the largest of all
        that was seen counts too: an eigenvalue may be 0.
    max_products : int
        Where to give up (k more are taken for the residuals); the result then
        says so. Up to 48, or 4k, parameters all P products are taken.
    rng : None, int or Generator
        Source of the starting vector.

    Returns
    -------
    Eigenpairs

    Raises
    ------
    ValueError
        If `k` is outside 1…P, a product is not a finite vector (P,), or as
        `operator` does.
    """
    source = as_operator(source, w, x, y, curvature)
    return _outermost(source.product, source, k, tolerance, max_products, rng)


def bottom_eigenpairs(source, w=None, x=None, y=None, *, k=1, curvature="hessian", tolerance=None, max_products=10_000,
                      rng=None):
    """The k algebraically smallest eigenvalues of the curvature, ascending; all else as for `top_eigenpairs`.

    They are the largest of −H, negated.

    Parameters
    ----------
    source, w, x, y, k, curvature, tolerance, max_products, rng
        As for `top_eigenpairs`.

    Returns
    -------
    Eigenpairs

    Raises
    ------
    ValueError
        As `top_eigenpairs` does.

    Examples
    --------
    >>> import numpy as np
    >>> bottom_eigenpairs(Operator(3, lambda v: v * [1.0, -2.0, 3.0])).values
    array([-2.])
    """
    source = as_operator(source, w, x, y, curvature)
    return _outermost(source.product, source, k, tolerance, max_products, rng, sign=-1)


def sharpness(source, w=None, x=None, y=None, *, curvature="hessian", tolerance=None, max_products=10_000, rng=None):
    """Sharpness a = λmax(H), as an `Estimate`; arguments as for `top_eigenpairs`.

    Parameters
    ----------
    source, w, x, y, curvature, tolerance, max_products, rng
        As for `top_eigenpairs`.

    Returns
    -------
    Estimate

    Raises
    ------
    ValueError
        As `top_eigenpairs` does.

    References
    ----------
    [WME18] below eq. 4.

    Examples
    --------
    >>> from refimpl.linear_stability import LinearRegression
    >>> float(sharpness(LinearRegression(2), [0.0, 0.0], [[1.0, 0.0], [0.0, 2.0]]))
    2.0
    """
    source = as_operator(source, w, x, y, curvature)
    return _first(_outermost(source.product, source, 1, tolerance, max_products, rng))


def non_uniformity(source, w=None, x=None, y=None, *, curvature="hessian", tolerance=None, max_products=10_000,
                   rng=None):
    r"""Non-uniformity s = √λmax(mean H_i² − H²), as an `Estimate`.

    The difference cancels where all H_i are nearly equal: s below 1e-8 of the
    sharpness is lost in rounding, and its residual then exceeds it.

    Parameters
    ----------
    source, w, x, y, curvature, tolerance, max_products, rng
        As for `top_eigenpairs`; an `Operator` needs its `square_product`. A
        product here is one with mean H_i² − H².

    Returns
    -------
    Estimate
        With the residual carried over to s: some √eigenvalue of mean H_i² − H²
        lies within it.

    Raises
    ------
    ValueError
        If an `Operator` has no `square_product`, or as `top_eigenpairs` does.

    References
    ----------
    [WME18] below eq. 4, with the root that makes s comparable to 1/η.
    """
    source = as_operator(source, w, x, y, curvature)
    if source.square_product is None:
        raise ValueError("source must have a square_product for the non-uniformity; give v -> mean H_i (H_i v), "
                         "or use Operator.from_examples")
    once = Products(source.product, source.size, source.dtype, scaled=False)
    squares = Products(source.square_product, source.size, source.dtype, "source.square_product", scaled=False)
    largest_square = 0.0

    def apply(v):
        nonlocal largest_square
        square, image = squares(v), once(v)
        largest_square = max(largest_square, float(np.linalg.norm(square)))
        # as precise as its parts, so that the default tolerance knows
        return (square - once(image)).astype(np.float32 if max(squares.eps, once.eps) > 1e-10 else np.float64)

    tolerance = None if tolerance is None else 2 * _checks.scalar(tolerance, "tolerance")
    pair = _first(_outermost(apply, source, 1, tolerance, max_products, rng))
    rounding = 4 * max(squares.eps, once.eps) * largest_square  # of both terms, which their difference does not show
    error, converged, message = pair.residual + rounding, pair.converged, pair.message
    if converged and pair.value < -2 * error:
        raise ValueError("source.square_product must be v -> mean H_i (H_i v), got one below the square of product, "
                         f"mean H_i² − H² <= {pair.value:.3g}; both must use the same examples")
    if pair.value <= rounding and rounding > 0:
        converged = False
        message = f"not converged: mean H_i² − H² is below {rounding:.2g}, the rounding of its terms; see the residual"
    value, low = (float(np.sqrt(max(part, 0.0))) for part in (pair.value, pair.value - error))
    residual = max(value - low, float(np.sqrt(max(pair.value, 0.0) + error)) - value)
    return Estimate(value, residual, converged, pair.products, pair.vector, pair.asymmetry, message)


def _outermost(apply, source, k, tolerance, max_products, rng, sign=1):
    """The k largest (sign = 1) or smallest (−1) eigenvalues with their evidence."""
    k, max_products = _checks.whole(k, "k", 1, source.size), _checks.whole(max_products, "max_products")
    tolerance = None if tolerance is None else _checks.scalar(tolerance, "tolerance")
    products, rng = Products(apply, source.size, source.dtype, sign=sign), _checks.generator(rng)
    if source.size <= max(_DENSE, 4 * k):
        matrix = np.array([products(unit) for unit in units(source.size)])
        values, vectors = np.linalg.eigh((matrix + matrix.T) / 2)
        scale, asymmetry = np.abs(values).max(), float(np.linalg.norm(matrix - matrix.T, 2))
        values, vectors = values[-k:], vectors[:, -k:].T
    else:
        found = largest(products, rng.standard_normal(source.size), k, tolerance, max_products, rng)
        values, vectors, asymmetry, scale = found.values, found.vectors, found.asymmetry, found.scale
    values, vectors = values[::-1], vectors[::-1]
    residuals = np.array([np.linalg.norm(products(v) - value * v) for value, v in zip(values, vectors)])
    limit = allowed(products, tolerance, values, scale)
    values, residuals, asymmetry, limit = map(products.in_units, (values, residuals, asymmetry, limit))
    limit += np.finfo(float).tiny
    converged, message = verdict(residuals.max(), asymmetry, limit)
    return Eigenpairs(sign * values, vectors, residuals, converged, products.count, float(asymmetry), message)


def verdict(residual, asymmetry, limit, symmetric=None):
    """Whether an estimate converged, and a sentence that says what kept it from that."""
    symmetric = limit if symmetric is None else symmetric
    if asymmetry > symmetric:
        return False, (f"not converged: ⟨u, A v⟩ and ⟨A u, v⟩ differ by {asymmetry:.2g} (tolerance {symmetric:.2g}): "
                       "the operator is not symmetric, or not the same at each call; "
                       "give one Hessian of one fixed set of examples")
    if not residual <= limit:
        return False, f"not converged: residual {residual:.2g}, tolerance {limit:.2g}; take more products"
    return True, f"converged: residual {residual:.2g}, tolerance {limit:.2g}"


def _first(pairs):
    return Estimate(float(pairs.values[0]), float(pairs.residuals[0]), pairs.converged, pairs.products,
                    pairs.vectors[0], pairs.asymmetry, pairs.message)
