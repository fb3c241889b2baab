r"""The weak feature while the strong one oscillates. Public names: `theory.benign_oscillation`.

κ = |v|²/|u|². A step multiplies α by X² and β by (1 + κ(X − 1))², X = 1 + ce.
"""

import numpy as np
from scipy.integrate import trapezoid

import refimpl._checks as _checks
from theory._oscillation_map import OSCILLATION_ONSET, PERIOD_DOUBLING, SIGN_STABILITY_LIMIT, mean_residual

_GRID = 240       # values of c between which the drift is interpolated beyond √5 − 1


def weak_excess(growth, kappa):
    r"""What a step adds to log β beyond κ times what it adds to log α; never negative.

    .. math:: g(x) = 2\left[\log(1 + \kappa x) - \kappa \log(1 + x)\right] \ge 0, \qquad x = ce

    with equality only at x = 0: log is concave and 1 + κx is the mean of 1 and
    1 + x with weights 1 − κ and κ. Summed over steps,

    .. math:: \log\frac{\beta_T}{\beta_0} = \kappa \log\frac{\alpha_T}{\alpha_0} + \sum_t g(c e_t) .

    At a small rate the sum vanishes; it is what oscillation is good for. It is
    κ(1 − κ)(ce)² to lowest order: driven by the square of the residual.

    Parameters
    ----------
    growth : float or array_like
        x = c(1 − f) > −1.
    kappa : float
        κ in (0, 1).

    Returns
    -------
    float or ndarray

    Raises
    ------
    ValueError
        If an argument is outside its range.

    References
    ----------
    [LWYZ24]_, "Oscillation accumulates", made exact.

    Examples
    --------
    >>> weak_excess([-0.5, 0.0, 0.5], 0.01).round(6).tolist()
    [0.003838, 0.0, 0.001866]
    """
    x = _checks.real(growth, "growth").astype(float)
    if (x <= -1).any():
        raise ValueError(f"growth must be above -1, got {x.min():g}; at -1 a filter turns off and α is 0 from then on")
    value = 2 * (np.log1p(_kappa(kappa) * x) - kappa * np.log1p(x))
    return value if value.ndim else float(value)


def update_balance(start, end, c):
    r"""Sum of all updates of the strong feature, positive ones minus negative ones.

    .. math:: \sum_{t=t_0}^{t_1 - 1} (1 - f_t) \langle w_t, u \rangle
              = \frac{\langle w_{t_1}, u \rangle - \langle w_{t_0}, u \rangle}{c}

    Exactly, since each update is c(1 − f)⟨w, u⟩. On a bounded orbit the right
    side stays bounded while the sums of either sign grow with t₁ − t₀: they
    balance, to a share that falls as 1/(t₁ − t₀).

    Parameters
    ----------
    start, end : float or array_like
        ⟨w_r, u⟩ at t₀ and t₁.
    c : float
        > 0; with κc the same holds for v.

    Returns
    -------
    float or ndarray

    Raises
    ------
    ValueError
        If an argument is not finite or c not positive.

    References
    ----------
    [LWYZ24]_, "Strong signal oscillation".

    Examples
    --------
    >>> update_balance(0.5, 1.5, 1.25)
    0.8
    """
    value = (_checks.real(end, "end") - _checks.real(start, "start")) / _checks.scalar(c, "c")
    return value if value.ndim else float(value)


def accumulation_bounds(c, mean_square, least, largest):
    r"""Bounds of the mean residual on any oscillation: of the order of its square.

    .. math:: \frac{c\, \overline{e^2}}{2 (1 + c e_{\max})^2} \le \bar e
              \le \frac{c\, \overline{e^2}}{2 (1 + c e_{\min})^2}

    since the mean of log(1 + ce) is 0 on an orbit that neither grows nor dies,
    and log(1 + x) = x − x²/(2(1 + ξ)²) with ξ between 0 and x. So the poster's
    sum grows like δ² (t₁ − t₀) for an oscillation of size δ, not like δ.

    Parameters
    ----------
    c : float
    mean_square : float or array_like
        Mean of e² = (1 − f)².
    least, largest : float or array_like
        e_min ≤ 0 ≤ e_max, with 1 + c e_min > 0.

    Returns
    -------
    lower, upper : float or ndarray

    Raises
    ------
    ValueError
        If an argument is outside its range.

    References
    ----------
    [LWYZ24]_, "Accumulation of negative updates", corrected.

    Examples
    --------
    >>> lower, upper = accumulation_bounds(1.2, 0.152778, 1 - 1.298548, 1 - 0.534785)
    >>> bool(lower < 1 / 12 < upper)
    True
    """
    c = _checks.scalar(c, "c")
    square = np.asarray(_checks.positive(mean_square, "mean_square", zero=True))
    least, largest = _checks.real(least, "least"), _checks.real(largest, "largest")
    if (least > 0).any() or (largest < 0).any() or (1 + c * least <= 0).any():
        raise ValueError(f"least and largest must enclose 0 with 1 + c·least > 0, got {least.min():g} and "
                         f"{largest.max():g}; a residual that keeps its sign does not oscillate")
    return tuple((c * square / (2 * (1 + c * edge) ** 2))[()] for edge in (largest, least))


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
    c, kappa = _checks.positive(c, "c"), _kappa(kappa)
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
    return 1 - 2 * c * (1 - (1 - _kappa(kappa)) * beta)


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
    value = np.log1p(_kappa(kappa) * (1 - kappa) * (c - 1))
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
    value = 2 * _kappa(kappa) * (1 - kappa) * held * mean_residual(held)
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
    kappa, alpha0, beta0 = _kappa(kappa), _checks.scalar(alpha0, "alpha0"), _checks.scalar(beta0, "beta0")
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
    drift = 2 * kappa * (1 - kappa) * grid * mean_residual(grid)
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
    c, kappa = _oscillating(c), _kappa(kappa)
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
    kappa = _kappa(kappa)
    offset = np.log(beta0) - kappa * np.log(alpha0)
    low, high = np.broadcast_arrays(np.minimum(offset - 1.0, -1.0) - 1.0, 0.0)  # of log β: the root is between
    for _ in range(80):
        middle = (low + high) / 2
        above = middle - kappa * np.log(-np.expm1(middle)) > offset
        low, high = np.where(above, low, middle), np.where(above, middle, high)
    beta = np.exp((low + high) / 2)
    return beta if beta.ndim else float(beta)


def _kappa(kappa):
    kappa = _checks.scalar(kappa, "kappa")
    if kappa >= 1:
        raise ValueError(f"kappa must be below 1, got {kappa:g}; the weak feature is the shorter one: swap them")
    return kappa


def _oscillating(c):
    c = _checks.scalar(c, "c")
    if not OSCILLATION_ONSET < c < SIGN_STABILITY_LIMIT:
        raise ValueError(f"c must be in (1, 3√3/2 - 1 = {SIGN_STABILITY_LIMIT:.6f}), got {c:g}; below, the output "
                         "settles at once (small_rate_limit); beyond, the strong feature is turned off (feature_map)")
    return c
