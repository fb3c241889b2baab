r"""Averages along the oscillation of the strong feature alone. Public names: `theory.benign_oscillation`.

In closed form while f settles or alternates. Beyond √5 − 1 along the orbit of
the maximum of the map: that point lies on the attractor, and where an orbit
attracts, in its immediate basin (the map is a cubic with real critical points,
so that its Schwarzian derivative is negative), whereas other starts may wander
for thousands of steps before they are drawn into a narrow window.
"""

import numpy as np

from theory.benign_oscillation._map import PERIOD_DOUBLING, within

_STARTS, _TRANSIENT, _KEPT = 128, 1024, 1024     # of the orbits that are averaged where there is no closed form
_SPREAD = 1e-7                                   # relative, by which they start apart


def mean_residual(c):
    r"""Mean of 1 − f along the oscillation: the rate at which the poster's sum grows.

    .. math:: \overline{1 - f} = \frac{c - 1}{2c}, \qquad 1 \le c \le \sqrt5 - 1

    and 0 for c ≤ 1, to 1e-15. Beyond √5 − 1 it is an average over 128 stretches
    of 1024 steps of the orbit of `reduced_map` from its maximum, good to 3e-3
    at 99 of 100 rates. Not resolved: beside some periodic windows the orbit
    stays in one part of the attractor for longer than that, which costs up to
    1e-2.

    Parameters
    ----------
    c : float or array_like
        In (0, 3√3/2 − 1).

    Returns
    -------
    float or ndarray

    Raises
    ------
    ValueError
        If c is outside the domain.

    References
    ----------
    [LWYZ24]_, "Accumulation of negative updates".

    Examples
    --------
    >>> round(mean_residual(1.2), 12)
    0.083333333333
    """
    return residual_average(c)


def mean_square_residual(c):
    r"""Mean of (1 − f)² along the oscillation, the training loss of strong data while it lasts.

    .. math:: \overline{(1 - f)^2} = \frac{c^2 - 1}{2c^2}, \qquad 1 \le c \le \sqrt5 - 1

    and 0 for c ≤ 1, to 1e-15; an average along an orbit beyond, as for
    `mean_residual` and as accurate.

    Parameters
    ----------
    c : float or array_like
        In (0, 3√3/2 − 1).

    Returns
    -------
    float or ndarray

    Raises
    ------
    ValueError
        If c is outside the domain.

    References
    ----------
    [LWYZ24]_, "an oscillating training curve".

    Examples
    --------
    >>> round(mean_square_residual(1.2), 12)
    0.152777777778
    """
    return _average(c, lambda c: np.maximum(c - 1, 0) * (c + 1) / (2 * np.maximum(c, 1)**2), lambda f, c: (1 - f) ** 2)


def lyapunov_exponent(c):
    r"""Mean of log|F′(f)| along the attractor: negative where f settles or alternates, positive in chaos.

    .. math:: \log|1 - 2c| \;(c \le 1), \qquad \tfrac12 \log|9 - 2(1 + c)^2| \;(1 \le c \le \sqrt5 - 1)

    −∞ at c = ½ and, but for rounding, c = 3/√2 − 1; to 1e-14 where it is above
    −1 (relative to itself next to c = 0 and c = 1). Beyond √5 − 1 an average
    along an orbit, as for `mean_residual`, good to 1e-2 at 99 of 100 rates
    (beside some windows to 0.1) and first positive near c = 1.3025. It is
    negative in every periodic window, also in those beyond.

    Parameters
    ----------
    c : float or array_like
        In (0, 3√3/2 − 1).

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
    >>> round(lyapunov_exponent(1.2), 6), lyapunov_exponent(1.5) > 0
    (-0.192831, True)
    """
    def closed(c):
        lost = np.where(c <= 1, 2 * np.minimum(c, np.abs(1 - c)), 2 * (c - 1) * (c + 3))
        multiplier = np.where(c <= 1, 1 - 2 * c, 9 - 2 * (1 + c) ** 2)
        with np.errstate(divide="ignore"):
            logs = np.where(lost < 0.5, np.log1p(-np.minimum(lost, 0.5)), np.log(np.abs(multiplier)))
        return np.where(c <= 1, logs, logs / 2)

    def slope(f, c):
        with np.errstate(divide="ignore"):
            return np.log(np.abs((1 + c * (1 - f)) * (1 + c - 3 * c * f)))

    return _average(c, closed, slope)


def residual_average(c, starts=_STARTS):
    """`mean_residual`, averaged over fewer orbits where many rates are averaged again."""
    return _average(c, lambda c: np.maximum(c - 1, 0) / (2 * c), lambda f, c: 1 - f, starts)


def _average(c, closed, observable, starts=_STARTS):
    """A mean along the attractor: `closed`(c) up to √5 − 1, of `observable`(f, c) over orbits beyond."""
    values = np.asarray(within(c, 0.0, ""))
    result = np.asarray(closed(values), float).copy()
    beyond = values > PERIOD_DOUBLING
    if beyond.any():
        result[beyond] = _orbit_average(values[beyond], observable, starts)
    return result if result.ndim else float(result)


def _orbit_average(c, observable, starts):
    """Mean of `observable`(f, c) over stretches of the orbit of the map's maximum, for c (k,)."""
    point, begin = (1 + c) / (3 * c), []
    for _ in range(starts):
        point = point * (1 + c * (1 - point)) ** 2
        begin.append(point)
    f = np.array(begin) * (1 - _SPREAD * np.arange(starts)[:, None] / starts)  # or all would be one orbit, shifted
    total = np.zeros(len(c))
    for step in range(_TRANSIENT + _KEPT):
        f = f * (1 + c * (1 - f)) ** 2
        if step >= _TRANSIENT:
            total += observable(f, c).mean(axis=0)
    return total / _KEPT
