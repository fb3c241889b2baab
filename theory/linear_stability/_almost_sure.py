r"""One dimension: the learning rate at which paths stop converging almost surely.

Its public name is that of `theory.linear_stability`.
"""

import numpy as np

from theory.linear_stability._multiplier import batch_means, growth, log_multiplier

_EPS = np.finfo(float).eps


def almost_sure_lr(curvatures, batch_size, *, replacement=False):
    r"""Smallest learning rate at which paths stop converging almost surely, d = 1.

    .. math:: \min\{\eta > 0 : E\log|1 - \eta h_B| = 0\}

    Never below the mean-square `critical_lr`: between the two E‖x_t‖² diverges
    while almost every path converges. Above it there can be further windows
    of stability around each 1/h_B.

    Parameters
    ----------
    curvatures, batch_size, replacement
        As for `absolute_moment`.

    Returns
    -------
    float
        To a relative 1e-14, or to 1e-15 / (η |Λ′(η)|) where the exponent is
        flat; a window of growth narrower than four roundings of η is not seen.

    Raises
    ------
    ValueError
        As for `absolute_moment`.

    Notes
    -----
    By Jensen's inequality the zero is not below η* = 2E[h]/E[h²]. From there
    upward the exponent is bounded over an interval of rates by the mean of the
    larger end value of each log|1 − ηh| (|1 − ηh| is convex in η); where that
    bound is not negative the interval is halved at the median of the
    singularities 1/h_B inside it. Without one inside, the exponent is concave
    and its first zero is found from its one maximum. So most of the 200 000
    intervals between neighbouring singularities are never visited.

    References
    ----------
    The zero of `lyapunov_exponent`; compare [WME18]_, eq. 3.

    Examples
    --------
    >>> round(almost_sure_lr([0.2, 3.8], 1), 6)   # (4 - sqrt(9.92)) / 1.52
    0.559472
    """
    law = batch_means(curvatures, batch_size, replacement)
    start = 2 * (law.chances @ law.means) / (law.chances @ law.means**2) * (1 - 16 * _EPS)
    edges = 1 / law.means[law.means > 0][::-1]  # ascending singularities
    end = 2 * max(start, edges[-1])  # beyond, no multiplier is below 1 and one is above: the exponent is positive
    edges = edges[(edges > start) & (edges < end)]
    ends = [log_multiplier(rate, law.means) for rate in (start, end)]
    found = _first_zero(law, edges, start, end, *ends) / law.scale
    if not found < np.inf:
        raise ValueError(f"curvatures must be above {1 / np.finfo(float).max:.3g}, got at most {law.scale:.3g}: the "
                         "limit exceeds the largest float; rescale the curvatures")
    return float(found)


def _first_zero(law, edges, left, right, at_left, at_right):
    """First zero of the exponent in (left, right), or None; `edges` are the singularities strictly inside."""
    if law.chances @ np.maximum(at_left, at_right) < 0:
        return None
    if not len(edges):
        return _zero_of_concave(law, left * (1 + 4 * _EPS), right * (1 - 4 * _EPS))
    middle = len(edges) // 2
    cut = edges[middle]
    at_cut = log_multiplier(cut, law.means)
    found = _first_zero(law, edges[:middle], left, cut, at_left, at_cut)
    return found or _first_zero(law, edges[middle + 1:], cut, right, at_cut, at_right)


def _zero_of_concave(law, low, high):
    """First zero of the exponent in [low, high], where it is concave, or None."""
    from scipy.optimize import brentq  # here: it is slow to load

    def slope(rate):
        return float(law.chances @ (law.means / (rate * law.means - 1)))

    if low >= high:
        return None
    if growth(low, law) >= 0:
        return low
    if slope(low) <= 0:
        return None
    top = high if slope(high) >= 0 else brentq(slope, low, high, xtol=_EPS * low, rtol=4 * _EPS)
    if growth(top, law) < 0:
        return None
    return brentq(growth, low, top, args=(law,), xtol=_EPS * low, rtol=4 * _EPS)
