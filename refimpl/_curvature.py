"""Curvature at a point from products alone: eigenvalues, trace, spectral density, non-uniformity.

Every estimate carries a residual that was computed from the result itself and
a flag that compares it with the tolerance. Memory is a few dozen parameter
vectors, never a matrix of P × P.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.sparse.linalg import ArpackError, ArpackNoConvergence, LinearOperator, eigsh

from refimpl import _checks

_DENSE = 48  # up to so many parameters all products are taken and the matrix diagonalised


@dataclass(frozen=True)
class Operator:
    r"""Curvature of a mean loss at a point, as two products with a vector.

    Attributes
    ----------
    size : int
        Number of parameters P.
    product : callable
        v (P,) ↦ H v = (1/n) Σ H_i v, shape (P,).
    square_product : callable, optional
        v (P,) ↦ (1/n) Σ H_i (H_i v), shape (P,); `non_uniformity` needs it.
    """

    size: int
    product: Callable
    square_product: Callable | None = None

    @classmethod
    def from_examples(cls, example_product, size, n, block=16):
        r"""Operator of per-example products from any framework, in blocks so that memory is O(block · P).

        Parameters
        ----------
        example_product : callable
            (v, first, last) ↦ H_i v for the examples i = first…last−1, shape
            (last − first, P); v is one vector (P,) for all of them, or one
            each, (last − first, P).
        size, n : int
            Parameters P and examples n.
        block : int
            Examples that are asked for at a time.

        Returns
        -------
        Operator

        Raises
        ------
        ValueError
            If a number is not positive, or a product has another shape.

        Examples
        --------
        >>> import numpy as np
        >>> rows = np.array([[1.0, 0.0], [0.0, 2.0]])         # H_i = g_i g_iᵀ
        >>> product = lambda v, a, b: rows[a:b] * np.vecdot(rows[a:b], v)[:, None]
        >>> float(sharpness(Operator.from_examples(product, size=2, n=2)))
        2.0
        """
        size, n, block = (_checks.whole(value, name) for value, name in ((size, "size"), (n, "n"), (block, "block")))

        def ask(v, first):
            last = min(first + block, n)
            found = np.asarray(example_product(v, first, last))
            if found.shape != (last - first, size):
                raise ValueError(f"example_product must return shape {(last - first, size)} for examples "
                                 f"{first}…{last - 1}, "
                                 f"got {found.shape}; put the examples first and flatten the parameters")
            return found

        def product(v):
            return sum(ask(v, first).sum(axis=0) for first in range(0, n, block)) / n

        def square_product(v):
            return sum(ask(ask(v, first), first).sum(axis=0) for first in range(0, n, block)) / n

        return cls(size, product, square_product)


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


def operator(model, w, x, y=None, *, curvature="hessian"):
    """The `Operator` of a model at one point w (P,).

    Parameters
    ----------
    model : model
        With ``hvp(w, x, y, v)``. Where it has ``linearize`` (as `MLP`) all
        products share one forward and backward pass; else mean H_i(H_i v) is
        taken by treating examples as replicas, 16 at a time.
    w : array_like (P,)
    x, y : array_like (n, …)
    curvature : {"hessian", "gauss-newton"}
        "gauss-newton" needs a model with ``linearize``.

    Returns
    -------
    Operator

    Raises
    ------
    ValueError
        If w is not one flat vector, or the model lacks what is needed.
    """
    _checks.one_of(curvature, "curvature", ("hessian", "gauss-newton"))
    w = _checks.shaped(w, "w", (None,))
    x = _checks.real(x, "x")
    y = None if y is None else np.asarray(y)
    if hasattr(model, "linearize"):
        point, name = model.linearize(w, x, y), curvature.replace("-", "_")
        return Operator(len(w), getattr(point, f"{name}_product"), getattr(point, f"{name}_square_product"))
    if curvature == "gauss-newton":
        raise ValueError(f"curvature='gauss-newton' needs a model with linearize, got {type(model).__name__}; use "
                         f"'hessian'")

    def example_product(v, first, last):
        labels = None if y is None else y[first:last, None]
        return model.hvp(w, x[first:last, None], labels, np.broadcast_to(v, (last - first, len(w))))

    examples = Operator.from_examples(example_product, len(w), len(x))
    return Operator(len(w), lambda v: model.hvp(w, x, y, v), examples.square_product)


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
    source = _operator(source, w, x, y, curvature)
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
    source = _operator(source, w, x, y, curvature)
    if source.square_product is None:
        raise ValueError("source must have a square_product for the non-uniformity; give v -> mean H_i (H_i v)")

    def apply(v):
        return source.square_product(v) - source.product(source.product(v))

    tolerance = _checks.scalar(tolerance, "tolerance")
    pair = _first(_eigenpairs(apply, source.size, 1, 2 * tolerance, _checks.whole(max_products, "max_products"), rng))
    value = float(np.sqrt(max(pair.value, 0.0)))
    return Estimate(value, pair.residual / (2 * value) if value else pair.residual, pair.converged, pair.products,
                    pair.vector)


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
    source = _operator(source, w, x, y, curvature)
    if _checks.one_of(method, "method", ("hutchinson", "exact")) == "exact":
        return Estimate(float(sum(source.product(unit)[i] for i, unit in enumerate(_units(source.size)))), 0.0, True,
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
    source = _operator(source, w, x, y, curvature)
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


def _operator(source, w, x, y, curvature):
    if isinstance(source, Operator):
        if w is not None or x is not None or y is not None:
            raise ValueError("source is an Operator, which holds its point and data already; leave out w, x and y")
        return source
    if w is None or x is None:
        raise ValueError(f"w and x must be given with a model ({type(source).__name__}); give them, or an Operator")
    return operator(source, w, x, y, curvature=curvature)


def _units(size):
    unit = np.zeros(size)
    for i in range(size):
        unit[i] = 1
        yield unit.copy()
        unit[i] = 0


def _eigenpairs(apply, size, k, tolerance, max_products, rng):
    count = 0

    def counted(v):
        nonlocal count
        count += 1
        return apply(v.reshape(-1))

    if size <= _DENSE or k >= size - 1:
        matrix = np.array([counted(unit) for unit in _units(size)])
        values, vectors = np.linalg.eigh((matrix + matrix.T) / 2)
        values, vectors = values[-k:], vectors[:, -k:]
    else:
        start = np.random.default_rng(rng).standard_normal(size)
        values, vectors, done = _first_cycle(counted, start, k, tolerance, min(size, 2 * k + 24, max(k + 2,
                                                                                                     max_products)))
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
        image, length = _lanczos_step(apply, basis, m, diagonal)
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


def _lanczos(apply, start, steps):
    """Diagonal and off-diagonal of the tridiagonal matrix; shorter than `steps` where the Krylov space ends."""
    basis = np.empty((steps, len(start)))
    basis[0] = start
    diagonal, beside = [], []
    for m in range(1, steps + 1):
        image, length = _lanczos_step(apply, basis, m, diagonal)
        if m == steps or length <= 1e-10 * np.abs(diagonal).max():
            break
        beside.append(length)
        basis[m] = image / length
    return np.array(diagonal), np.array(beside)


def _lanczos_step(apply, basis, m, diagonal):
    """A v for the last of m basis vectors, made orthogonal to all, and its norm; vᵀA v goes to `diagonal`."""
    image = np.array(apply(basis[m - 1]), float)
    diagonal.append(float(basis[m - 1] @ image))
    for _ in range(2):  # twice is enough (Kahan, Parlett)
        image -= basis[:m].T @ (basis[:m] @ image)
    return image, float(np.linalg.norm(image))


def _rule(diagonal, beside):
    values, vectors = np.linalg.eigh(np.diag(diagonal) + np.diag(beside, 1) + np.diag(beside, -1))
    return values, vectors[0]**2


def _wasserstein(first, second):
    """∫ |F₁ − F₂| of two discrete measures."""
    nodes = np.concatenate([first[0], second[0]])
    masses = np.concatenate([first[1], -second[1]])
    order = np.argsort(nodes)
    return float(np.abs(np.cumsum(masses[order])[:-1]) @ np.diff(nodes[order]))
