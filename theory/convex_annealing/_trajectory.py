r"""Exact trajectories of gradient descent and gradient flow on a quadratic, in any dimension.

In the eigenbasis of the train Hessian H a step multiplies the j-th coefficient
by 1 − ηλ_j, and a time t of the flow by exp(−λ_j t). The public names are those
of `theory.convex_annealing`.
"""

from fractions import Fraction

import numpy as np

from theory import _checks


def quadratic_loss(hessian, displacement):
    r"""Loss of a quadratic around its minimum.

    .. math:: \tfrac12 r^T H r

    Parameters
    ----------
    hessian : array_like (d, d)
        Matrix of second derivatives, symmetric positive semi-definite.
    displacement : array_like (..., d)
        r = w − w*.

    Returns
    -------
    ndarray (...)
        To d·1e-15 ‖H‖‖r‖².

    Raises
    ------
    ValueError
        If the Hessian is not symmetric positive semi-definite and finite, or
        the sizes differ.

    Examples
    --------
    >>> float(quadratic_loss([[1.0, 0.0], [0.0, 1.0]], [1.0, 1.0]))
    1.0
    """
    matrix = _checks.shaped(hessian, "hessian", (None, None))
    matrix = _checks.symmetric(matrix, "hessian", len(matrix)).astype(float)
    point = _checks.real(displacement, "displacement").astype(float)
    if point.shape[-1:] != matrix.shape[:1]:
        raise ValueError(f"displacement must have {len(matrix)} entries on its last axis, got shape {point.shape}; "
                         "match it to hessian")
    return half_form(matrix, point, "hessian and displacement")


def gradient_descent(train_hessian, start, lr):
    r"""Exact iterates of gradient descent under any schedule.

    .. math:: r_t = V \prod_{s<t} (1 - \eta_s \Lambda)\, V^T r_0, \qquad H = V \Lambda V^T

    Parameters
    ----------
    train_hessian : array_like (d, d)
        H, the second derivatives of the train loss ½ rᵀHr: twice the matrix
        of a loss without the ½.
    start : array_like (d,)
        r_0 = w_0 − w*, displacement from the minimum.
    lr : array_like (T,)
        Learning rates η_0…η_{T−1} > 0, stable or not.

    Returns
    -------
    ndarray (T + 1, d)
        r_0…r_T; in each eigendirection to (t + 1)·1e-15 relative, while
        1 − ηλ is not nearly 0.

    Raises
    ------
    ValueError
        If an argument is outside its range, or the iterates leave the range
        of floating point.

    References
    ----------
    [NAK20]_, panels (a) and (b).

    Examples
    --------
    >>> gradient_descent([[4 / 3, 0], [0, 2 / 3]], [1.0, 1.0], [1.2, 0.3])[-1]
    array([-0.36,  0.16])
    """
    values, vectors, coefficients = eigenbasis(train_hessian, start)
    rates = np.asarray(_checks.positive(_checks.shaped(lr, "lr", (None,)), "lr"), float)
    with np.errstate(over="ignore", under="ignore", invalid="ignore"):
        factors = np.where(coefficients, np.cumprod(1 - np.multiply.outer(rates, values), axis=0), 0)
        path = np.vstack([coefficients, coefficients * factors]) @ vectors.T
    if not np.isfinite(path).all():
        step = int(np.argmin(np.isfinite(path).all(axis=1)))
        raise ValueError(f"lr must keep the iterates finite, but they overflow at step {step}; give fewer rates above "
                         f"2 / lambda_max = {2 / values[-1]:g}")
    return path


def gradient_flow(train_hessian, start, times):
    r"""Exact gradient flow, the limit of gradient descent at small rates with t = Ση.

    .. math:: r(t) = e^{-Ht} r_0

    Parameters
    ----------
    train_hessian, start
        As for `gradient_descent`.
    times : array_like (*T,)
        Times t ≥ 0, any shape.

    Returns
    -------
    ndarray (*T, d)
        In each eigendirection to (1 + λ_max t)·1e-15 relative: eigenvalues of
        H, 0 among them, are known to rounding of the largest unless H is diagonal.

    Raises
    ------
    ValueError
        If an argument is outside its range.

    References
    ----------
    [NAK20]_, panel (a).

    Examples
    --------
    >>> gradient_flow([[4 / 3, 0], [0, 2 / 3]], [1.0, 1.0], 1.5 * np.log(2))
    array([0.25, 0.5 ])
    """
    values, vectors, coefficients = eigenbasis(train_hessian, start)
    times = np.asarray(_checks.positive(times, "times", zero=True), float)
    with np.errstate(over="ignore"):
        exponents = np.multiply.outer(times, values)
    return (coefficients * np.exp(-exponents)) @ vectors.T


def half_form(matrix, point, names):
    """½ rᵀ M r for points (…, d) of any scale."""
    (matrix, steep), (point, far) = _checks.unit(matrix), _checks.unit(point, -1)
    return _checks.scaled(np.einsum("...i,ij,...j->...", point, matrix, point), steep + 2 * far - 1, names)


def square(value, name):
    """`value` as one symmetric positive semi-definite float64 matrix with some curvature."""
    matrix = _checks.shaped(value, name, (None, None))
    matrix = _checks.symmetric(matrix, name, len(matrix)).astype(np.float64, copy=False)
    if not matrix.any():
        raise ValueError(f"{name} must not be zero: a loss without curvature never falls; check the examples")
    return matrix


def eigenbasis(train_hessian, start):
    """Eigenvalues of H, ascending, eigenvectors as columns, and the coefficients of the start."""
    matrix = square(train_hessian, "train_hessian")
    values, vectors = np.linalg.eigh(matrix)
    start = _checks.shaped(start, "start", (len(matrix),))
    return np.maximum(values, 0), vectors, _checks.within_floats(lambda: start @ vectors, "start")


def complement(rate, values):
    """1 − ηλ, rounded once: next to ηλ = 1 and 2 a rounded product would lose digits to the subtraction."""
    return np.array([float(1 - Fraction(rate) * Fraction(value)) for value in values.tolist()])


def log_shrinkage(product, rest):
    """log|1 − ηλ| from ηλ and the `rest`, 1 − ηλ, each rounded once; −inf at ηλ = 1.

    Next to ηλ = 2 the logarithm of ηλ − 1 has the digits of the rest.
    """
    with np.errstate(divide="ignore"):
        return np.where(product < 0.5, np.log1p(-np.minimum(product, 0.5)), np.log(np.abs(rest)))


def shrunk(product, rest, steps):
    """(1 − ηλ)^K without the rounding of 1 − ηλ raised to a power."""
    if steps == 0:
        return np.ones(np.shape(product))
    sign = np.where(np.asarray(rest) < 0, -1.0 if steps % 2 else 1.0, 1.0)
    return sign * np.exp(steps * log_shrinkage(product, rest))
