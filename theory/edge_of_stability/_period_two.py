r"""Oscillation beside a minimum whose top curvature is above 2/η. Public names: `theory.edge_of_stability`.

On an orbit of period two, c ± s beside the minimum 0, each step goes from one
point to the other: ∇L(c ± s) = ±2s/η. The even and the odd part of that say

.. math:: Hc + \tfrac12 T[s, s] = 0, \qquad Hs + T[c, s] + \tfrac16 F[s, s, s] = \tfrac{2}{\eta} s

to lowest order. With s = a v, projected on v, this is the equation of the amplitude.
"""

import numpy as np
from scipy.sparse.linalg import LinearOperator, cg, eigsh

from theory import _checks

_DENSE = 64        # up to so many dimensions a Hessian given by products is taken whole
_SINGULAR = 1e-10  # relative to the top eigenvalue: curvatures below it count as flat, gaps below it as none


def oscillation_coefficient(hessian, third, fourth):
    r"""What decides whether a small oscillation is stable: positive if it is.

    .. math:: 3\, T[v, v]^T H^{-1} T[v, v] - F[v, v, v, v]

    In one dimension it has the sign of 3f‴² − f″f⁗. The mean of the
    oscillation gives way to the force −½a²T[v, v] of the third derivative
    along *all* directions, which is why H⁻¹ and not 1/λ stands here.

    Parameters
    ----------
    hessian : array_like (d, d) or scipy.sparse.linalg.LinearOperator
        H at the minimum, positive definite, with a simple top eigenvalue. By
        products alone with an operator of shape (d, d) (Lanczos and conjugate
        gradients, O(d) memory): about √(λ/λmin) log(1e12) of them.
    third : callable
        v ↦ T[v, v] = Σ_jk ∂_i∂_j∂_k L v_j v_k, (d,) to (d,); matrix-free by
        two nested directional derivatives of the gradient.
    fourth : callable
        v ↦ F[v, v, v, v], (d,) to a number.

    Returns
    -------
    float
        The coefficient, to 1e-13 of its two terms for a well-conditioned H;
        by products to 1e-9.

    Raises
    ------
    ValueError
        If H is not symmetric and positive definite: along flat directions the
        iterate drifts instead [DNL23]_; if its top eigenvalue is not simple;
        if products do not solve H u = T[v, v]; or if a callable does not return
        what it must.

    References
    ----------
    [CB22]_, in one dimension; [MS26]_, in more.

    Examples
    --------
    >>> round(oscillation_coefficient([[2.0]], lambda v: 3.0 * v**2, lambda v: 6.0 * v[0] ** 4), 12)
    7.5
    """
    return _reduced(hessian, third, fourth)[2]


def oscillation_amplitude(hessian, third, fourth, lr):
    r"""Amplitude a of the oscillation x = ±a v beside a minimum, for η slightly above 2/λ.

    .. math:: a^2 = \frac{6 (\lambda - 2/\eta)}{3\, T[v, v]^T H^{-1} T[v, v] - F[v, v, v, v]}

    0 up to η = 2/λ, where the minimum is stable. Leading order in δ = ηλ/2 − 1:
    the relative error of a is of order δ; on cubic–quartic losses in three
    dimensions with coefficients of order one below 1e-2 at δ = 5e-4, for a
    coefficient that is not small. The formula itself is evaluated to 1e-13 and what rounding of
    λ − 2/η costs, 1e-15 / δ.

    Parameters
    ----------
    hessian, third, fourth
        As for `oscillation_coefficient`.
    lr : float
        η > 0, below 2 over the second eigenvalue.

    Returns
    -------
    float
        a ≥ 0, half the distance of both points along the unit eigenvector v.

    Raises
    ------
    ValueError
        As for `oscillation_coefficient`; if a second direction is unstable too;
        or if beyond 2/λ the coefficient is not positive: no small oscillation
        is stable then, and gradient descent leaves the neighbourhood.

    References
    ----------
    [CB22]_; [MS26]_.

    Examples
    --------
    >>> round(oscillation_amplitude([[2.0]], lambda v: 3.0 * v**2, lambda v: 6.0 * v[0] ** 4, 1.001), 6)
    0.03998
    """
    second, largest, coefficient = _reduced(hessian, third, fourth)
    lr = _checks.scalar(lr, "lr")
    if lr * float(second) >= 2:
        raise ValueError(f"lr must be below 2 / second eigenvalue = {2 / second:g}, got {lr:g}; beyond it two "
                         "directions oscillate and the amplitude of one is not a law")
    above = largest - 2 / lr
    if above <= 0:
        return 0.0
    if coefficient <= 0:
        raise ValueError(f"lr must be at most 2 / lambda_max = {2 / largest:g} here, got {lr:g}; the coefficient is "
                         f"{coefficient:.3g}, not positive, so that no small oscillation is stable")
    return float(np.sqrt(6 * (above / coefficient)))


def _reduced(hessian, third, fourth):
    """(second eigenvalue, 0 where there is none; top eigenvalue; coefficient)."""
    for name, function in (("third", third), ("fourth", fourth)):
        if not callable(function):
            raise ValueError(f"{name} must be a function of a vector, got {type(function).__name__}; for a tensor give "
                             "lambda v: np.einsum(…)")
    by_products = isinstance(hessian, LinearOperator) and hessian.shape[0] > _DENSE
    (smallest, second, largest), top, solve = (_by_products if by_products else _by_matrix)(hessian)
    if smallest <= _SINGULAR * largest:
        raise ValueError(f"hessian must be positive definite, got the eigenvalue {smallest:.3g}; along a flat "
                         "direction the iterate drifts while it oscillates: restrict all derivatives to the curved "
                         "directions")
    if largest - second <= _SINGULAR * largest:
        raise ValueError(f"hessian must have a simple top eigenvalue, got {largest:g} twice; which direction "
                         "oscillates is then decided by the higher derivatives")
    bend = _checks.shaped(third(top.copy()), "third(v)", top.shape).astype(float)
    quartic = float(_checks.shaped(np.reshape(fourth(top.copy()), -1), "fourth(v)", (1,))[0])
    return second, largest, _checks.within_floats(lambda: 3 * solve(bend) - quartic, "third and fourth")


def _by_matrix(hessian):
    """((smallest, second, top eigenvalue), top eigenvector, b ↦ bᵀH⁻¹b)."""
    if isinstance(hessian, LinearOperator):
        hessian = hessian @ np.eye(hessian.shape[1])
    matrix = _checks.shaped(hessian, "hessian", (None, None))
    matrix = _checks.symmetric(matrix, "hessian", len(matrix)).astype(float)
    values, vectors = np.linalg.eigh(matrix)
    second = values[-2] if len(values) > 1 else 0.0
    def solve(bend):
        return float(np.square(vectors.T @ bend / np.sqrt(values)).sum())

    return (values[0], second, values[-1]), vectors[:, -1], solve


def _symmetric_operator(hessian, u, v):
    """Refuse an operator that is not square, real and finite, or for which ⟨u, Hv⟩ and ⟨Hu, v⟩ differ."""
    if hessian.shape != (len(u), len(u)):
        raise ValueError(f"hessian must have shape (d, d), got {hessian.shape}; give the second derivatives")
    of_u, of_v = (_checks.shaped(hessian.matvec(vector), "hessian @ v", u.shape) for vector in (u, v))
    skew = abs(u @ of_v - of_u @ v)
    if skew > 1e-9 * np.linalg.norm(u) * max(np.linalg.norm(of_u), np.linalg.norm(of_v)):
        raise ValueError(f"hessian must be symmetric, got ⟨u, Hv⟩ and ⟨Hu, v⟩ that differ by {skew:.3g}; check its "
                         "products")


def _by_products(hessian):
    """The same from products with H alone, begun from a fixed vector that is no eigenvector of anything in use."""
    size = hessian.shape[0]
    start = np.cos(np.arange(1.0, size + 1) ** 2)
    _symmetric_operator(hessian, start, start[::-1].copy())
    values, vectors = eigsh(hessian, 2, which="LA", v0=start, maxiter=100 * size)
    smallest = eigsh(hessian, 1, which="SA", v0=start, tol=1e-2, maxiter=100 * size, return_eigenvectors=False)[0]

    def solve(bend):
        solution, failed = cg(hessian, bend, rtol=1e-12, maxiter=100 * size)
        if failed:
            raise ValueError(f"hessian must let conjugate gradients solve H u = T[v, v], but they did not in "
                             f"{100 * size} products; it is indefinite or close to singular")
        return float(bend @ solution)

    return (smallest, values[0], values[1]), vectors[:, 1], solve
