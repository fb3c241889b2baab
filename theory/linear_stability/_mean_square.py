r"""Exact growth in mean square at a given learning rate: rates, weights, second moments.

The public names are those of `theory.linear_stability`.
"""

from dataclasses import dataclass

import numpy as np

from theory import _checks
from theory.linear_stability._ensemble import as_ensemble, problem, sampling_factor
from theory.linear_stability._lanczos import largest_eigenvalue
from theory.linear_stability._reduction import mean_product


@dataclass(frozen=True)
class Spectrum:
    """How an eigenvalue was found, returned beside it with ``full_output=True``.

    Attributes
    ----------
    eigenvalue : float
        The eigenvalue that the result was computed from.
    residual : float
        ‖A V − eigenvalue·V‖ at unit V: an eigenvalue lies within this distance.
    converged : bool
        Whether the residual is below 2e-9 of the eigenvalue (for rates: of
        1 + rate). It bounds the error, which usually is of its square's order.
    rank : int
        Dimension of range(H), on which the eigenproblem was solved.
    """

    eigenvalue: float
    residual: float
    converged: bool
    rank: int


def mean_square_rate(hessians, lr, batch_size, *, replacement=False, full_output=False):
    r"""Exact growth factor of E‖x_t‖² per step, on the range of H.

    .. math:: \rho(Q), \quad Q(X) = X - \eta(HX + XH)
              + \eta^2[(1-p) HXH + p\,\tfrac1n\textstyle\sum_i H_i X H_i]

    E[x xᵀ] evolves by X ← Q(X). Q is symmetric and maps positive
    semi-definite matrices to such, so its spectral radius is its largest
    eigenvalue, found by Lanczos with products of (r, r) matrices, r = rank H.

    Parameters
    ----------
    hessians, lr, batch_size, replacement
        As for `stability_matrix`.
    full_output : bool
        Return (rate, `Spectrum`) instead.

    Returns
    -------
    float
        Below 1 if and only if E‖x_t‖² → 0 from every start in range(H). Just
        below `critical_lr` it can stay at about 1 − 2ηλ_min(H): to find the
        threshold use `critical_lr`, not bisection on this.

    Raises
    ------
    ValueError
        As for `stability_matrix`.
    RuntimeError
        If Lanczos did not converge (never with ``full_output``, which says so).

    References
    ----------
    [WME18]_, eq. 3, made exact.

    Examples
    --------
    >>> round(mean_square_rate([[[0.2]], [[3.8]]], 0.7, 1), 12)
    1.7476
    """
    *_, reduced, pair = _perron(hessians, lr, batch_size, replacement)
    return answer(pair.value, pair, reduced, full_output)


def perron_weight(hessians, lr, batch_size, *, replacement=False):
    r"""The weight W under which every single step grows by the same mean factor.

    .. math:: E[x_{+}^T W x_{+} \mid x] = \rho\, x^T W x \quad \text{for every } x \in \mathbb{R}^d

    W is the Perron eigenvector of Q, so ρ^{-t} x_tᵀ W x_t is a martingale: a
    test of the second moment that has no heavy-tailed accumulation in it.

    Parameters
    ----------
    hessians, lr, batch_size, replacement
        As for `stability_matrix`.

    Returns
    -------
    rate : float
        ρ as in `mean_square_rate`.
    weight : ndarray (d, d)
        Symmetric positive semi-definite, trace 1, zero outside range(H).

    Raises
    ------
    ValueError, RuntimeError
        As for `mean_square_rate`.

    References
    ----------
    Follows from [WME18]_, eq. 2, by Krein and Rutman's theorem.
    """
    *_, reduced, pair = _perron(hessians, lr, batch_size, replacement)
    answer(pair.value, pair, reduced, False)
    weight = reduced.to_parameters(pair.matrix)
    return pair.value, weight / np.trace(weight)


def second_moment(hessians, lr, batch_size, moment, steps, *, replacement=False):
    r"""Exact E[x_t x_tᵀ] for t = 0…steps.

    .. math:: X_{t+1} = X_t - \eta(HX_t + X_tH) + \eta^2[(1-p)HX_tH + p\,\tfrac1n\textstyle\sum_i H_iX_tH_i]

    Parameters
    ----------
    hessians, lr, batch_size, replacement
        As for `stability_matrix`; `lr` may be an array (steps,), one rate a step.
    moment : array_like (d, d)
        E[x_0 x_0ᵀ], symmetric positive semi-definite; x₀x₀ᵀ for a fixed start.
    steps : int
        At least 0.

    Returns
    -------
    ndarray (steps + 1, d, d)

    Raises
    ------
    ValueError
        As for `stability_matrix`, or if `moment` or `steps` does not fit.

    References
    ----------
    [WME18]_, eq. 2; batches independent from step to step, not an epoch's permutation.

    Examples
    --------
    >>> second_moment([[[0.2]], [[3.8]]], 0.5, 1, [[1.0]], 2).ravel()
    array([1.    , 0.81  , 0.6561])
    """
    ensemble = as_ensemble(hessians)
    factors, dim = ensemble.scaled, ensemble.dim
    noise = sampling_factor(ensemble.n, batch_size, replacement=replacement)
    steps = _checks.whole(steps, "steps", 0)
    rates = _checks.positive(lr, "lr")
    rates = np.full(steps, rates) if isinstance(rates, float) else _checks.shaped(rates, "lr", (steps,))
    if steps:
        rates = ensemble.scaled_lr(rates)
    flat = factors.reshape(-1, dim)
    mean = flat.T @ flat / ensemble.n if ensemble.is_factored else factors.mean(axis=0)
    moments = np.empty((steps + 1, dim, dim))
    moments[0] = _checks.symmetric(moment, "moment", dim)
    for t, rate in enumerate(rates):
        now = moments[t]
        left = mean @ now
        square = (1 - noise) * (left @ mean) + noise * mean_product(factors, ensemble.is_factored, now)
        moments[t + 1] = now - rate * (left + left.T) + rate**2 * square
    return moments


def _perron(hessians, lr, batch_size, replacement):
    ensemble, lr, noise = problem(hessians, lr, batch_size, replacement)
    reduced = ensemble.reduced
    values = reduced.eigenvalues
    gradient = 1 - lr * (values[:, None] + values) + lr**2 * (1 - noise) * np.outer(values, values)

    def apply(matrix):
        return gradient * matrix + lr**2 * noise * reduced.mean_product(matrix)

    return reduced, largest_eigenvalue(apply, np.eye(len(values)), shift=1.0)


def answer(result, pair, reduced, full_output):
    """`result`, with how its eigenvalue was found if that was asked for; else refused unless that converged."""
    if full_output:
        return result, Spectrum(pair.value, pair.residual, pair.converged, len(reduced.eigenvalues))
    if not pair.converged:
        raise RuntimeError(f"Lanczos left a residual of {pair.residual:.3g} at the eigenvalue {pair.value:.6g}; "
                           "this usually means many eigenvalues crowd at the top; call with full_output=True and judge")
    return result
