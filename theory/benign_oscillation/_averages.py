r"""Averages along the oscillation of the strong feature alone. Public names: `theory.benign_oscillation`.

In closed form while f settles or alternates, over orbits of the map beyond.
"""

import numpy as np

from theory.benign_oscillation._map import PERIOD_DOUBLING, attractor_bounds, within

_STARTS, _TRANSIENT, _KEPT = 128, 512, 512       # of the orbits that are averaged where there is no closed form


def mean_residual(c):
    r"""Mean of 1 − f along the oscillation: the rate at which the poster's sum grows.

    .. math:: \overline{1 - f} = \frac{c - 1}{2c}, \qquad 1 \le c \le \sqrt5 - 1

    and 0 for c ≤ 1. Beyond √5 − 1 it is an average over orbits of `reduced_map`
    (128 of them from a fixed grid, 512 steps after 512), good to about 2e-3.

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

    and 0 for c ≤ 1; an average over orbits beyond, as for `mean_residual`.

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
    return _average(c, lambda c: np.maximum(c * c - 1, 0) / (2 * c * c), lambda f, c: (1 - f) ** 2)


def lyapunov_exponent(c):
    r"""Mean of log|F′(f)| along the attractor: negative where f settles or alternates, positive in chaos.

    .. math:: \log|1 - 2c| \;(c \le 1), \qquad \tfrac12 \log|9 - 2(1 + c)^2| \;(1 \le c \le \sqrt5 - 1)

    −∞ at c = ½ and c = 3/√2 − 1. Beyond √5 − 1 an average over orbits, as for
    `mean_residual`, good to about 1e-2 and first positive near c = 1.3025.

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
        with np.errstate(divide="ignore"):
            return np.where(c <= 1, np.log(np.abs(1 - 2 * c)), np.log(np.abs(9 - 2 * (1 + c) ** 2)) / 2)

    def slope(f, c):
        factor = 1 + c * (1 - f)
        with np.errstate(divide="ignore"):
            return np.log(np.abs(factor * (factor - 2 * c * f)))

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
    """Mean of `observable`(f, c) over orbits from a grid inside the attractor, for c (k,)."""
    least, largest = attractor_bounds(c)
    inside = (np.arange(starts) + 0.5) / starts
    f, c = least + (largest - least) * inside[:, None], c[None]
    total = np.zeros(c.shape[1])
    for step in range(_TRANSIENT + _KEPT):
        f = f * (1 + c * (1 - f)) ** 2
        if step >= _TRANSIENT:
            total += observable(f, c).mean(axis=0)
    return total / _KEPT
