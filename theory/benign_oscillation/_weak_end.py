r"""What is learned of the weak feature in the end. Public names: `theory.benign_oscillation`.

κ = |v|²/|u|², α and β the strengths of the strong and the weak feature; at the
end α + β = 1. Which β: the first at which interpolation is stable for a rate
that oscillates, that of gradient flow for a small one.
"""

import numpy as np

from theory import _checks
from theory.benign_oscillation._arguments import below_one
from theory.benign_oscillation._map import OSCILLATION_ONSET, SIGN_STABILITY_LIMIT

_LARGEST_KAPPA = 0.2  # up to which laws for small κ were compared with runs


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
    above = np.maximum(c, 1)
    value = np.minimum((above - 1) / (above * (1 - kappa)), 1.0)
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
    _checks.broadcast(c=c, beta=beta)
    if np.any(np.asarray(beta) > 1):
        raise ValueError(f"beta must be at most 1, got {np.max(beta):g}; α = 1 − β is a strength")
    return _checks.within_floats(lambda: 1 - 2 * c * (1 - (1 - below_one(kappa)) * beta), "c")


def weak_limit(c, kappa):
    r"""Strength of the weak feature when the oscillation has stopped.

    .. math:: \beta_\infty = \beta^* \left(1 + \frac{\kappa (1 - \kappa)}{4}\right)

    Slightly above β*, since the last oscillations go on growing β while they
    die out. Found numerically, and too small by 0…κ²(c − 1)/5, relative, from starts
    with α₀ ≤ 0.1, β₀′ ≤ β*/30 (`weak_half_time`: the weak feature when the strong one
    has grown up) and F₋ = 0: below 1e-5 for κ = 0.01 and 1.2e-3 for κ = 0.1. A weak
    strength β₀⁻ of F₋ adds up to (1 + κ)/(1 − κ)·β₀β₀⁻/β*², relative.
    From larger starts it is not what is learned.

    Parameters
    ----------
    c : float
        In (1, 3√3/2 − 1).
    kappa : float
        κ in (0, 0.2]; beyond iterate `feature_map`.

    Returns
    -------
    float

    Raises
    ------
    ValueError
        If an argument is outside its domain; for c < 1 see `small_rate_limit`.

    References
    ----------
    [LWYZ24]_, "The oscillation prevents the over-greedy convergence", made exact.

    Examples
    --------
    >>> round(weak_limit(1.3, 0.01), 6)
    0.233677
    """
    c, kappa = oscillating(c), small(kappa)
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
    alpha0, beta0 = _checks.broadcast(alpha0=_checks.positive(alpha0, "alpha0"), beta0=_checks.positive(beta0, "beta0"))
    kappa = below_one(kappa)
    offset = np.log(beta0) - kappa * np.log(alpha0)
    low, high = np.broadcast_arrays(np.minimum(offset - 1.0, -1.0) - 1.0, 0.0)  # of log β: the root is between
    for _ in range(80):
        middle = (low + high) / 2
        above = middle - kappa * np.log(-np.expm1(middle)) > offset
        low, high = np.where(above, low, middle), np.where(above, middle, high)
    beta = np.exp((low + high) / 2)
    return beta if beta.ndim else float(beta)


def oscillating(c):
    """c as one float where the output oscillates and the strong feature stays."""
    c = _checks.scalar(c, "c")
    if not OSCILLATION_ONSET < c < SIGN_STABILITY_LIMIT:
        raise ValueError(f"c must be in (1, 3√3/2 - 1 = {SIGN_STABILITY_LIMIT:.6f}), got {c:g}; below, the output "
                         "settles at once (small_rate_limit); beyond, the strong feature is turned off (feature_map)")
    return c


def small(kappa):
    """κ as a float up to which the laws for a small κ were checked."""
    kappa = below_one(kappa)
    if kappa > _LARGEST_KAPPA:
        raise ValueError(f"kappa must be at most {_LARGEST_KAPPA:g}, got {kappa:g}; the law is one for a weak "
                         "feature much shorter than the strong one: iterate feature_map")
    return kappa
