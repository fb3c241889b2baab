r"""Exact growth in mean square at a given learning rate: rates, weights, second moments.

The public names are those of `theory.linear_stability`.
"""

import numpy as np

from theory import _checks
from theory.linear_stability._arguments import set_up
from theory.linear_stability._enclosure import Spectrum, judged
from theory.linear_stability._ensemble import as_ensemble
from theory.linear_stability._lanczos import solve
from theory.linear_stability._proofs import Edge, enclose, margin
from theory.linear_stability._range_of_hessian import mean_product
from theory.linear_stability._sampling_factor import sampling_factor

_ABSOLUTE = 2e-14       # width of an enclosure that rounding of 1 − ηa allows for
_PROMISED = 1e-9
_INVERSE_STEPS = 3      # of inverse iteration towards the Perron weight,
_ABOVE_RATE = 1e-8      # from so far above ρ, relative


def mean_square_rate(hessians, lr, batch_size, *, momentum=0.0, nesterov=False, dampening=0.0, weight_decay=0.0,
                     preconditioner=None, replacement=False, full_output=False):
    r"""Exact growth factor of E‖x_t‖² per step, on the range of H.

    .. math:: \rho(Q), \quad Q(X) = X - \eta(AX + XA) + \eta^2[AXA + p N(X)],
              \quad N(X) = \tfrac1n\textstyle\sum_i H_i X H_i - HXH

    without momentum, A = H + wd·I: E[x xᵀ] evolves by X ← Q(X). With momentum
    the rate is the larger of the noiseless one and the r at which

    .. math:: \rho(X \mapsto k^{(r)} \circ pN(X)) = 1, \quad
              k^{(r)}_{ij} = \frac{\eta^2}{r} \frac{1 - m^2}{(1-m)^2((1+m)^2 - \alpha_i\alpha_j)
              + m(\alpha_i - \alpha_j)^2}

    with m = μ/r and α_i = (1 + μ − ηa_i)/√r (heavy ball): the sum over time of
    r^(−t−1) times the products of impulse responses, see `critical_lr`. Where
    no noise reaches the slowest mode no r solves it, and the noiseless rate is
    the answer.

    Parameters
    ----------
    hessians, lr, batch_size
        As for `stability_matrix`.
    momentum, nesterov, dampening, weight_decay, preconditioner, replacement
        As for `critical_lr`.
    full_output : bool
        Return (rate, `Spectrum`) instead.

    Returns
    -------
    float
        Below 1 if and only if E‖x_t‖² → 0 from every start in range(H), inside
        a proved enclosure at most 1e-6, and but for rounding at most 1e-9 wide
        (rates below 1e-4: 1e-13). Rounding widens it where a rate is close to
        1 − 2ηλ_min(H) and momentum large: 4e-7 was the most met. Just below `critical_lr` it can stay at about
        1 − 2ηλ_min(H): to find the threshold use `critical_lr`, and to decide
        on one side of it `certify`, not bisection on this.

    Raises
    ------
    ValueError
        As for `critical_lr`.
    RuntimeError
        If no enclosure of 1e-6 was found (never with ``full_output``, which says so).

    References
    ----------
    [WME18]_, eq. 3, made exact.

    Examples
    --------
    >>> round(mean_square_rate([[[0.2]], [[3.8]]], 0.7, 1), 12)
    1.7476
    """
    _checks.flag(full_output, "full_output")
    problem = set_up(hessians, batch_size, momentum=momentum, nesterov=nesterov, dampening=dampening,
                     weight_decay=weight_decay, preconditioner=preconditioner, replacement=replacement)
    edge = _growth(problem.rates(lr))
    return judged(edge.value, _spectrum(edge, len(problem.modes.curvatures)), full_output)


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
        Symmetric positive semi-definite, trace 1, zero outside range(H). The equation holds to 1e-11 (1 + ρ)‖x‖²,
        W itself to that over the distance of ρ from the second eigenvalue of Q.

    Raises
    ------
    ValueError, RuntimeError
        As for `mean_square_rate`.

    References
    ----------
    Follows from [WME18]_, eq. 2, by Krein and Rutman's theorem.
    """
    problem = set_up(hessians, batch_size, replacement=replacement)
    family = problem.rates(lr)
    edge = _growth(family)
    rate = judged(edge.value, _spectrum(edge, len(problem.modes.curvatures)), False)
    values, vectors = np.linalg.eigh(edge.matrix)
    matrix = vectors * np.maximum(values, 0) @ vectors.T
    for _ in range(_INVERSE_STEPS):     # (t − Q)⁻¹ keeps the cone, and shrinks the rest by (t − ρ) over its distance
        matrix = solve(family, max(edge.upper, edge.value * (1 + _ABOVE_RATE)), matrix / np.trace(matrix))
    weight = problem.modes.reduced.to_parameters(matrix / np.trace(matrix))
    return rate, (weight + weight.T) / 2


def second_moment(hessians, lr, batch_size, moment, steps, *, replacement=False):
    r"""Exact E[x_t x_tᵀ] for t = 0…steps.

    .. math:: X_{t+1} = X_t - \eta(HX_t + X_tH) + \eta^2[(1-p)HX_tH + p\,\tfrac1n\textstyle\sum_i H_iX_tH_i]

    Parameters
    ----------
    hessians, lr, batch_size, replacement
        As for `stability_matrix`; `lr` may be an array (steps,), one rate per step.
    moment : array_like (d, d)
        E[x_0 x_0ᵀ], symmetric positive semi-definite; x₀x₀ᵀ for a fixed start.
    steps : int
        At least 0.

    Returns
    -------
    ndarray (steps + 1, d, d)
        To 1e-15 (steps + 1) d n of the largest entry, where rates are of the order of 1/λ.

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
        rates = ensemble.squared_lr(rates)
    flat = factors.reshape(-1, dim)
    mean = flat.T @ flat / ensemble.n if ensemble.is_factored else factors.mean(axis=0)
    moments = np.empty((steps + 1, dim, dim))
    moments[0] = _checks.symmetric(moment, "moment", dim)
    for t, rate in enumerate(rates):
        now = moments[t]
        left = mean @ now
        with np.errstate(over="ignore", invalid="ignore"):
            square = (1 - noise) * (left @ mean) + noise * mean_product(factors, ensemble.is_factored, now)
            moments[t + 1] = now - rate * (left + left.T) + rate**2 * square
        if not np.isfinite(moments[t + 1]).all():
            raise ValueError(f"steps must keep the moment below the largest float, which it passes at step {t + 1}; "
                             "take fewer steps, or mean_square_rate for the growth per step")
    return moments


def _growth(family):
    """The largest growth factor, enclosed."""
    curvatures, size = family.modes.curvatures, len(family.modes.curvatures)
    slowest = int(np.argmax([family.rule.noiseless_rate(curvatures[i:i + 1], family.lr) for i in range(size)]))
    if not (family.noise_factor and family.modes.variance.any()):
        floor, allowed = family.floor, margin(1) * family.floor + _ABSOLUTE
        single = family.start_pairs(slowest)[1][0]
        return Edge(floor, max(floor - allowed, 0.0), floor + allowed, single, single, 0.0)
    edge = enclose(family, slowest, _ABSOLUTE)
    return Edge(edge.value, max(edge.lower - _ABSOLUTE, 0.0), edge.upper, edge.matrix, edge.inside, edge.residual)


def _spectrum(edge, rank):
    width = edge.upper - edge.lower
    return Spectrum(edge.value, edge.residual * edge.value, bool(width <= max(_PROMISED * edge.value, 1e-13)), rank,
                    min(edge.lower, edge.value), edge.upper)
