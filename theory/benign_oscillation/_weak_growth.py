r"""How fast the weak feature grows while the strong one oscillates. Public names: `theory.benign_oscillation`.

κ = |v|²/|u|². A step multiplies α by X² and β by (1 + κ(X − 1))², X = 1 + ce.
"""

import numpy as np

from theory import _checks
from theory.benign_oscillation._arguments import below_one
from theory.benign_oscillation._averages import mean_residual, residual_average
from theory.benign_oscillation._map import OSCILLATION_ONSET, PERIOD_DOUBLING
from theory.benign_oscillation._weak_end import oscillating, small, stable_weak_strength

_GRID = 240       # values of c between which the drift is interpolated beyond √5 − 1


def weak_growth_rate(c, kappa):
    r"""Growth of log β per step on the period-2 orbit, while β is small.

    .. math:: \log\left(1 + \kappa (1 - \kappa)(c - 1)\right)

    Over both steps β is multiplied by the square of
    (1 + κ(X₊ − 1))(1 + κ(X₋ − 1)), which is 1 + κ(1 − κ)(c − 1) since
    X₊X₋ = 1 and X₊ + X₋ = 1 + c.

    Parameters
    ----------
    c : float or array_like
        In [1, √5 − 1].
    kappa : float
        κ in (0, 1).

    Returns
    -------
    float or ndarray

    Raises
    ------
    ValueError
        If c is outside the domain; beyond √5 − 1 use `weak_drift`.

    References
    ----------
    [LWYZ24]_, "Longer oscillation implies larger weak signal learning", made exact.

    Examples
    --------
    >>> round(weak_growth_rate(1.2, 0.01), 8)
    0.00197804
    """
    c = np.asarray(_checks.positive(c, "c"))
    if (c < OSCILLATION_ONSET).any() or (c > PERIOD_DOUBLING).any():
        raise ValueError(f"c must be in [1, √5 - 1 = {PERIOD_DOUBLING:.6f}], got {c.flat[0]:g}; below, nothing grows; "
                         "beyond, use weak_drift")
    kappa = below_one(kappa)
    value = np.log1p(kappa * (1 - kappa) * (c - 1))
    return value if value.ndim else float(value)


def weak_drift(c, kappa, beta=0.0):
    r"""Growth of log β per step, averaged over the oscillation at fixed β.

    .. math:: 2\kappa(1 - \kappa) H(c(1 - \beta)), \qquad H(c) = c\, \overline{1 - f}

    With β held, α/(1 − β) follows `reduced_map` at the rate c(1 − β). To second
    order in κ, with x = ce, the mean of 2 log(1 + κx) is 2κx̄ − κ² mean(x²); log(1
    + x), whose mean is 0, says to first order in the oscillation that mean(x²) is
    2x̄: hence 1 − κ. In fact it is 2x̄(1 + c)/2 on the period-2 orbit and 1.05 to
    1.16 times 2x̄ for c = 1.1 to 1.5, so that the error, relative, is at most κ/5
    for κ ≤ 0.1 and κ for larger κ, besides that of `mean_residual`.

    Parameters
    ----------
    c : float
        In (0, 3√3/2 − 1).
    kappa : float
        κ in (0, 1).
    beta : float or array_like
        β in [0, 1).

    Returns
    -------
    float or ndarray

    Raises
    ------
    ValueError
        If an argument is outside its range.

    References
    ----------
    [LWYZ24]_, "Weak signal learning", made exact.

    Examples
    --------
    >>> round(weak_drift(1.2, 0.01), 6), weak_drift(1.2, 0.01, 0.2)
    (0.00198, 0.0)
    """
    c, kappa, beta = _checks.scalar(c, "c"), below_one(kappa), np.asarray(_checks.positive(beta, "beta", zero=True))
    if (beta >= 1).any():
        raise ValueError(f"beta must be below 1, got {beta.max():g}; with β = 1 nothing is left of the strong feature")
    held = c * (1 - beta)
    value = 2 * kappa * (1 - kappa) * held * mean_residual(held)
    return value if np.ndim(value) else float(value)


def weak_half_time(c, kappa, alpha0, beta0):
    r"""Steps until the weak feature has half of β*, from a small start.

    For 1 < c ≤ √5 − 1 the growth is logistic,

    .. math:: t_{1/2} = t_0 + \frac1r \ln\frac{\beta^* - \beta_0'}{\beta_0'}, \qquad
              t_0 = \frac{\ln(1/\alpha_0)}{2\ln(1 + c)}, \quad \beta_0' = \beta_0 (1 + \kappa c)^{2t_0}, \quad
              r = \kappa(1 - \kappa)(c - 1)

    t₀ being the steps in which the strong feature grows up and β* that of
    `stable_weak_strength`. Beyond, t − t₀ is the integral of d log β over
    `weak_drift` from β₀' to β*/2.

    An approximation for small κ: from starts with β₀′ ≤ β*/30 simulated
    half-times are within κ, relative, up to c = 1.3 (of 2900 at most 0.96 κ
    off), and from larger ones within 0.7/(κ(c − 1)) steps besides. In chaos
    those of single starts scatter by up to 0.6 √κ, and their mean over starts is
    within 2 % for κ ≤ 0.01, κ beyond.

    Parameters
    ----------
    c : float
        In (1, 3√3/2 − 1).
    kappa : float
        κ in (0, 0.2].
    alpha0, beta0 : float
        α, β at the start, small: α₀ < 1 and β₀' < β*/2.

    Returns
    -------
    float
        In steps on the example.

    Raises
    ------
    ValueError
        If c is outside the domain or the start is not small.

    References
    ----------
    [LWYZ24]_, "Weak signal learning", made exact.

    Examples
    --------
    >>> round(weak_half_time(1.2, 0.01, 1e-4, 1e-6), 1)
    6013.1
    """
    c = oscillating(c)
    kappa, alpha0, beta0 = small(kappa), _checks.scalar(alpha0, "alpha0"), _checks.scalar(beta0, "beta0")
    if alpha0 >= 1:
        raise ValueError(f"alpha0 must be below 1, got {alpha0:g}; start from small filters")
    plateau = stable_weak_strength(c, kappa)
    grown_up = -np.log(alpha0) / (2 * np.log1p(c))
    start = _checks.within_floats(lambda: beta0 * (1 + kappa * c) ** (2 * grown_up), "alpha0 and beta0")
    if start >= plateau / 2:
        raise ValueError(f"beta0 must be so small that it is below β*/2 = {plateau / 2:g} when the strong feature has "
                         f"grown up, got {start:g} there; start from smaller filters")
    if c <= PERIOD_DOUBLING:
        rise = np.log(plateau - start) - np.log(start)
        return float(_checks.within_floats(lambda: grown_up + rise / (kappa * (1 - kappa) * (c - 1)), "kappa"))
    grid = np.linspace(c * (1 - plateau / 2), c, _GRID)
    drift = 2 * kappa * (1 - kappa) * grid * residual_average(grid, starts=16)
    log_beta = np.linspace(np.log(start), np.log(plateau / 2), 20 * _GRID)
    return float(grown_up + np.trapezoid(1 / np.interp(c * (1 - np.exp(log_beta)), grid, drift), log_beta))
