r"""The weak feature while the strong one oscillates. Public names: `theory.benign_oscillation`.

κ = |v|²/|u|². A step multiplies α by X² and β by (1 + κ(X − 1))², X = 1 + ce.
"""

import numpy as np
from scipy.integrate import trapezoid

from theory import _checks
from theory.benign_oscillation._averages import mean_residual, residual_average
from theory.benign_oscillation._map import OSCILLATION_ONSET, PERIOD_DOUBLING, SIGN_STABILITY_LIMIT
from theory.benign_oscillation._sums import below_one

_GRID = 240       # values of c between which the drift is interpolated beyond √5 − 1


def stable_weak_strength(c, kappa):
    r"""Strength of the weak feature from which interpolation is stable: β*.

    .. math:: \beta^* = \frac{c - 1}{c - \kappa c}, \qquad 1 \le c \le 1/\kappa

    At f = 1 the multiplier is 1 − 2(cα + κcβ), with α = 1 − β: below −1 for
    β < β*. There no point with zero loss attracts, nor does f = 0, so that a
    bounded orbit cannot settle before β has grown to β*. 0 for c ≤ 1.

    Parameters
    ----------
    c : float or array_like
        > 0.
    kappa : float
        κ in (0, 1).

    Returns
    -------
    float or ndarray

    Raises
    ------
    ValueError
        If c is not positive or above 1/κ, where no interpolating point is
        stable.

    References
    ----------
    [LWYZ24]_, "Oscillation during training": what the poster assumes.

    Examples
    --------
    >>> round(stable_weak_strength(1.3, 0.01), 6)
    0.2331
    """
    c, kappa = _checks.positive(c, "c"), below_one(kappa)
    if np.any(np.asarray(c) > 1 / kappa):
        raise ValueError(f"c must be at most 1/kappa = {1 / kappa:g}, got {np.max(c):g}; above it the weak feature "
                         "oscillates too and no interpolating point is stable")
    value = np.maximum(np.asarray(c) - 1, 0) / (np.asarray(c) * (1 - kappa))
    return value if value.ndim else float(value)


def interpolation_multiplier(c, kappa, beta):
    r"""Multiplier at f = 1 with weak strength β: 1 − 2c(1 − (1 − κ)β), across the set of interpolating points.

    Parameters
    ----------
    c : float or array_like
        > 0.
    kappa : float
        κ in (0, 1).
    beta : float or array_like
        β in [0, 1]; α = 1 − β. With strengths α⁻ and β⁻ in F₋ besides, where
        α + β is larger, the multiplier is lower still.

    Returns
    -------
    float or ndarray

    Raises
    ------
    ValueError
        If an argument is outside its range.

    References
    ----------
    [LWYZ24]_, "Oscillation during training": what the poster assumes.

    Examples
    --------
    >>> round(interpolation_multiplier(1.3, 0.01, stable_weak_strength(1.3, 0.01)), 12)
    -1.0
    """
    c, beta = _checks.positive(c, "c"), _checks.positive(beta, "beta", zero=True)
    if np.any(np.asarray(beta) > 1):
        raise ValueError(f"beta must be at most 1, got {np.max(beta):g}; α = 1 − β is a strength")
    return 1 - 2 * c * (1 - (1 - below_one(kappa)) * beta)


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
    value = np.log1p(below_one(kappa) * (1 - kappa) * (c - 1))
    return value if value.ndim else float(value)


def weak_drift(c, kappa, beta=0.0):
    r"""Growth of log β per step, averaged over the oscillation at fixed β.

    .. math:: 2\kappa(1 - \kappa) H(c(1 - \beta)), \qquad H(c) = c\, \overline{1 - f}

    With β held, α/(1 − β) follows `reduced_map` at the rate c(1 − β). To second
    order log(1 + κx) has the mean κx̄ − κ²x̄²/2 and log(1 + x), whose mean is 0,
    says that the mean of x² is 2x̄: hence 1 − κ.

    Parameters
    ----------
    c : float
        In (0, 3√3/2 − 1).
    kappa : float
        κ in (0, 1), small.
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
    c, beta = _checks.scalar(c, "c"), np.asarray(_checks.positive(beta, "beta", zero=True))
    if (beta >= 1).any():
        raise ValueError(f"beta must be below 1, got {beta.max():g}; with β = 1 nothing is left of the strong feature")
    held = c * (1 - beta)
    value = 2 * below_one(kappa) * (1 - kappa) * held * mean_residual(held)
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

    Parameters
    ----------
    c : float
        In (1, 3√3/2 − 1).
    kappa : float
        κ in (0, 1): error about κ/10.
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
    c = _oscillating(c)
    kappa, alpha0, beta0 = below_one(kappa), _checks.scalar(alpha0, "alpha0"), _checks.scalar(beta0, "beta0")
    if alpha0 >= 1:
        raise ValueError(f"alpha0 must be below 1, got {alpha0:g}; start from small filters")
    plateau = stable_weak_strength(c, kappa)
    grown_up = np.log(1 / alpha0) / (2 * np.log1p(c))
    start = beta0 * (1 + kappa * c) ** (2 * grown_up)
    if start >= plateau / 2:
        raise ValueError(f"beta0 must be so small that it is below β*/2 = {plateau / 2:g} when the strong feature has "
                         f"grown up, got {start:g} there; start from smaller filters")
    if c <= PERIOD_DOUBLING:
        return float(grown_up + np.log((plateau - start) / start) / (kappa * (1 - kappa) * (c - 1)))
    grid = np.linspace(c * (1 - plateau / 2), c, _GRID)
    drift = 2 * kappa * (1 - kappa) * grid * residual_average(grid, starts=16)
    log_beta = np.linspace(np.log(start), np.log(plateau / 2), 20 * _GRID)
    return float(grown_up + trapezoid(1 / np.interp(c * (1 - np.exp(log_beta)), grid, drift), log_beta))


def weak_limit(c, kappa):
    r"""Strength of the weak feature when the oscillation has stopped.

    .. math:: \beta_\infty = \beta^* \left(1 + \frac{\kappa (1 - \kappa)}{4}\right)

    Slightly above β*, since the last oscillations go on growing β while they
    die out. Found numerically, from small starts, to 1e-4 for κ ≤ 0.1.

    Parameters
    ----------
    c : float
        In (1, 3√3/2 − 1).
    kappa : float
        κ in (0, 1), small.

    Returns
    -------
    float

    Raises
    ------
    ValueError
        If c is outside the domain; for c < 1 see `small_rate_limit`.

    References
    ----------
    [LWYZ24]_, "The oscillation prevents the over-greedy convergence", made exact.

    Examples
    --------
    >>> round(weak_limit(1.3, 0.01), 6)
    0.233677
    """
    c, kappa = _oscillating(c), below_one(kappa)
    return stable_weak_strength(c, kappa) * (1 + kappa * (1 - kappa) / 4)


def small_rate_limit(alpha0, beta0, kappa):
    r"""Strength of the weak feature that gradient flow ends with.

    .. math:: \frac{\beta}{\beta_0} = \left(\frac{\alpha}{\alpha_0}\right)^{\kappa}, \qquad \alpha + \beta = 1

    The flow conserves log α − log β / κ. Also the law of annealing: from α and
    β at the moment when the rate is lowered, β hardly moves any more.

    Parameters
    ----------
    alpha0, beta0 : float or array_like
        α, β > 0 at the start; they broadcast. F₋ is taken to be 0.
    kappa : float
        κ in (0, 1).

    Returns
    -------
    float or ndarray
        β; α = 1 − β.

    Raises
    ------
    ValueError
        If an argument is outside its range.

    References
    ----------
    [LWYZ24]_, "SGD, small LR: only learns the strong feature", made exact.

    Examples
    --------
    >>> round(small_rate_limit(1e-4, 1e-4, 0.01) / 1e-4, 6)    # 10 %, while α grows 10⁴-fold
    1.096477
    """
    alpha0, beta0 = (np.asarray(_checks.positive(value, name))
                     for value, name in ((alpha0, "alpha0"), (beta0, "beta0")))
    kappa = below_one(kappa)
    offset = np.log(beta0) - kappa * np.log(alpha0)
    low, high = np.broadcast_arrays(np.minimum(offset - 1.0, -1.0) - 1.0, 0.0)  # of log β: the root is between
    for _ in range(80):
        middle = (low + high) / 2
        above = middle - kappa * np.log(-np.expm1(middle)) > offset
        low, high = np.where(above, low, middle), np.where(above, middle, high)
    beta = np.exp((low + high) / 2)
    return beta if beta.ndim else float(beta)


def _oscillating(c):
    c = _checks.scalar(c, "c")
    if not OSCILLATION_ONSET < c < SIGN_STABILITY_LIMIT:
        raise ValueError(f"c must be in (1, 3√3/2 - 1 = {SIGN_STABILITY_LIMIT:.6f}), got {c:g}; below, the output "
                         "settles at once (small_rate_limit); beyond, the strong feature is turned off (feature_map)")
    return c
