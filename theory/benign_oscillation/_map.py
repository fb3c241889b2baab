r"""The strong feature alone: a one-dimensional map and its orbits. Public names: `theory.benign_oscillation`.

One example whose weak feature is still small has f = α with
f ← f(1 + c(1 − f))², c = 4η|u|²/m. With X = 1 + c(1 − f) the map multiplies f
by X²; on a bounded orbit that stays away from 0 the mean of log X is 0.
"""

import numpy as np

from theory import _checks

OSCILLATION_ONSET = 1.0                          # f = 1 loses its stability
PERIOD_DOUBLING = float(np.sqrt(5) - 1)          # the period-2 orbit loses its
SIGN_STABILITY_LIMIT = float(1.5 * np.sqrt(3) - 1)   # 1 + c(1 − f) reaches 0 on the attractor
_LIMIT_REST = -7.151834159792777e-17                # what the number above lacks of 3√3/2 − 1


def effective_rate(lr, strong_norm, width):
    r"""The learning rate in units of its own onset: c = 4η|u|²/m.

    .. math:: c = \frac{4 \eta |u|^2}{m}

    A step at residual e = 1 − f multiplies ⟨w_r, u⟩ by 1 + ce: 2 from the
    derivative of the square, 2 from that of the loss (f − y)² without ½, 1/m
    from the mean over filters. Without the 1/m, as in the poster's picture of
    one example, use `width` 1; with a loss that has its ½, half the rate.

    Parameters
    ----------
    lr : float or array_like
        η > 0.
    strong_norm : float or array_like
        |u| > 0; with |v| the result is c_v = κc.
    width : int
        m.

    Returns
    -------
    float or ndarray
        c, to 1e-15 relative; the published window of rates is 1 ≤ c ≤ 8/5.

    Raises
    ------
    ValueError
        If an argument is not positive.

    References
    ----------
    [LWYZ24]_, "Network on strong data".

    Examples
    --------
    >>> effective_rate(4.0, 1.0, 16)
    1.0
    """
    lr, strong_norm = _checks.positive(lr, "lr"), _checks.positive(strong_norm, "strong_norm")
    _checks.broadcast(lr=lr, strong_norm=strong_norm)
    width = _checks.whole(width, "width")
    return _checks.within_floats(lambda: 4 * ((lr * strong_norm) * (strong_norm / width)), "lr and strong_norm")


def feature_map(state, c, kappa):
    r"""One step of one example with both features, exactly.

    .. math:: \alpha(1 + ce)_+^2, \quad \beta(1 + \kappa ce)_+^2, \quad \alpha^-(1 - ce)_+^2, \quad
              \beta^-(1 - \kappa ce)_+^2, \qquad e = 1 - (\alpha + \beta - \alpha^- - \beta^-)

    ⟨w_r, u⟩ of every filter of F₊ that sees u is multiplied by 1 + ce, and by
    1 − ce in F₋, so the four strengths (see `refimpl`'s `strengths`) close. A
    factor below 0 turns the filter off for good: hence the plus.

    Parameters
    ----------
    state : array_like (…, 4)
        α, β, α⁻, β⁻ ≥ 0.
    c : float
        Effective rate c = 4η|u|²/m > 0.
    kappa : float
        κ = |v|²/|u|².

    Returns
    -------
    ndarray (…, 4)

    Raises
    ------
    ValueError
        If an argument is negative, the last axis is not 4, or a strength grows beyond the largest float.

    References
    ----------
    [LWYZ24]_, "single data with two patches".

    Examples
    --------
    >>> feature_map([0.5, 0.25, 0.0, 0.0], 1.0, 0.5).round(6).tolist()
    [0.78125, 0.316406, 0.0, 0.0]
    """
    state = np.asarray(_checks.positive(state, "state", zero=True))
    if state.shape[-1:] != (4,):
        raise ValueError(f"state must have shape (…, 4), got {state.shape}; give α, β, α⁻, β⁻ on the last axis")
    c, kappa = _checks.scalar(c, "c"), _checks.scalar(kappa, "kappa")
    error = 1 - state @ np.array([1.0, 1.0, -1.0, -1.0])
    with np.errstate(over="ignore", invalid="ignore"):
        gains = c * np.array([1.0, kappa, -1.0, -kappa])
        after = np.where(state > 0, state * np.maximum(1 + gains * error[..., None], 0) ** 2, 0.0)
    return _checks.within_floats(after, "state")


def reduced_map(f, c):
    r"""One step of the strong feature alone: F(f) = f(1 + c(1 − f))².

    Parameters
    ----------
    f : float or array_like
        Output ≥ 0.
    c : float or array_like
        > 0; broadcasts with `f`.

    Returns
    -------
    float or ndarray

    Raises
    ------
    ValueError
        If f is negative or c not positive; or if 1 + c(1 − f) < 0, where
        filters turn off and the map is no longer this one: use `feature_map`.

    References
    ----------
    [LWYZ24]_, "Why oscillation helps? A dynamic analysis".

    Examples
    --------
    >>> reduced_map(0.5, 1.0)
    1.125
    """
    f, c = _checks.positive(f, "f", zero=True), _checks.positive(c, "c")
    _checks.broadcast(f=f, c=c)
    factor = 1 + c * (1 - f)
    if np.any(factor < 0):
        raise ValueError(f"f must be at most 1 + 1/c, got {np.max(f):g}; beyond it filters turn off: use feature_map")
    return _checks.within_floats(lambda: f * factor * factor, "f and c")


def fixed_point_multiplier(c):
    r"""Multiplier of f = 1: 1 − 2c, stable for c < 1.

    From F′(f) = X(X − 2cf) with X = 1 + c(1 − f), which is 1 at f = 1. The other
    fixed point, f = 0, has (1 + c)² > 1 and is never stable.

    Parameters
    ----------
    c : float or array_like
        > 0.

    Returns
    -------
    float or ndarray

    Raises
    ------
    ValueError
        If c is not positive.

    References
    ----------
    [LWYZ24]_, the lower end of the window of large rates.

    Examples
    --------
    >>> fixed_point_multiplier(OSCILLATION_ONSET)
    -1.0
    """
    return _checks.within_floats(lambda: 1 - 2 * _checks.positive(c, "c"), "c")


def period_two_orbit(c):
    r"""The two outputs between which f alternates.

    .. math:: f_\pm = \frac{(1 + c) \pm \sqrt{(1 + c)^2 - 4}}{2c}

    from X₊X₋ = 1: with g = cf, both are roots of g² − (1 + c)g + 1 = 0. The
    amplitude f₊ − f₋ is √((c − 1)(c + 3))/c. Both outputs to 1e-15 relative.

    Parameters
    ----------
    c : float or array_like
        In [1, 3√3/2 − 1); the orbit exists from c = 1 and attracts up to √5 − 1.

    Returns
    -------
    low, high : float or ndarray

    Raises
    ------
    ValueError
        If c is outside the domain.

    References
    ----------
    [LWYZ24]_, "Strong signal oscillation".

    Examples
    --------
    >>> low, high = period_two_orbit(1.2)
    >>> round(low, 6), round(high, 6), abs(reduced_map(low, 1.2) - high) < 1e-15
    (0.534785, 1.298548, True)
    """
    c = within(c, OSCILLATION_ONSET, "below it f converges to 1")
    root = np.sqrt((c - 1) * (c + 3))
    low, high = 2 / (c * (1 + c + root)), (1 + c + root) / (2 * c)
    return (low, high) if np.ndim(c) else (float(low), float(high))


def orbit_multiplier(c):
    r"""Multiplier of the period-2 orbit: 9 − 2(1 + c)², inside (−1, 1) for 1 < c < √5 − 1.

    The product of F′ at both points, X₊X₋ (X₊ − 2g₊)(X₋ − 2g₋) with
    X = 1 + c − g, X₊X₋ = g₊g₋ = 1 and g₊ + g₋ = 1 + c. It is 0 at c = 3/√2 − 1.
    Rounding is 1e-14, absolute.

    Parameters
    ----------
    c : float or array_like
        As for `period_two_orbit`.

    Returns
    -------
    float or ndarray

    Raises
    ------
    ValueError
        If c is outside the domain.

    References
    ----------
    [LWYZ24]_, "Oscillation during training", made exact.

    Examples
    --------
    >>> [round(orbit_multiplier(c), 12) for c in (1.0, PERIOD_DOUBLING)]
    [1.0, -1.0]
    """
    return 9 - 2 * (1 + within(c, OSCILLATION_ONSET, "below it there is no orbit of period 2")) ** 2


def attractor_bounds(c):
    r"""Bounds of the output: an interval that every oscillation enters and none leaves.

    .. math:: F_{\max} = \frac{4 (1 + c)^3}{27 c}, \qquad F_{\min} = F(F_{\max})

    F has its maximum at f = (1 + c)/(3c), and F′ < 0 from there to F_max. The
    interval [F_min, F_max] is mapped into itself for c ≥ 1. The outputs of an
    oscillation lie inside, in chaos up to its ends, on the period-2 orbit
    well away from them: the least and the largest output there are
    `period_two_orbit`. Both to 1e-14 relative, F_min also where it is near 0.

    Parameters
    ----------
    c : float or array_like
        In [1, 3√3/2 − 1).

    Returns
    -------
    lower, upper : float or ndarray

    Raises
    ------
    ValueError
        If c is outside the domain.

    References
    ----------
    [LWYZ24]_, "Oscillation during training", made exact.

    Examples
    --------
    >>> least, largest = attractor_bounds(1.5)
    >>> round(least, 6), round(largest, 6)
    (0.052922, 1.54321)
    """
    c = within(c, OSCILLATION_ONSET, "below it the output converges to 1")
    largest = 4 * (1 + c) ** 3 / (27 * c)
    gap = (SIGN_STABILITY_LIMIT - c) + _LIMIT_REST
    factor = 4 * (1 + c) * gap * (SIGN_STABILITY_LIMIT + c + 2) / 27  # 1 + c(1 − F_max), without its cancellation
    return largest * factor**2, largest


def within(c, least, below):
    """c as floats, refused below `least` and from the sign-stability limit on."""
    c = _checks.positive(c, "c")
    if np.any(np.asarray(c) < least):
        raise ValueError(f"c must be at least {least:g}, got {np.min(c):g}; {below}: see fixed_point_multiplier")
    if np.any(np.asarray(c) >= SIGN_STABILITY_LIMIT):
        raise ValueError(f"c must be below 3√3/2 - 1 = {SIGN_STABILITY_LIMIT:.6f}, got {np.max(c):g}; from there on "
                         "the strong feature is turned off for good: iterate feature_map")
    return c
