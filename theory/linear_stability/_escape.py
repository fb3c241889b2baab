r"""One dimension: almost-sure stability and escape exponents.

In d = 1 a step multiplies x by 1 − ηh_B, so log|x_t| is a random walk and
everything about its paths, not only their mean square, is in closed form.
"""

from collections import Counter
from itertools import combinations, combinations_with_replacement
from math import factorial, prod

import numpy as np
from scipy.optimize import brentq
from scipy.special import logsumexp

from theory import _checks

_MOST_BATCHES = 200_000
_EPS = np.finfo(float).eps


def absolute_moment(curvatures, lr, batch_size, order, *, replacement=False):
    r"""Absolute moment of the multiplier of one step in one dimension.

    .. math:: m_k = E|1 - \eta h_B|^k

    E|x_t|^k = m_k^t |x_0|^k. The relative standard error of the mean of x_t²
    over R independent runs is √(((m₄/m₂²)^t − 1)/R).

    Parameters
    ----------
    curvatures : array_like (n,)
        h_i ≥ 0, not all zero.
    lr : float
        Learning rate η > 0.
    batch_size : int
        B in 1…n; all batches are enumerated, at most 200 000.
    order : float
        k ≥ 0.
    replacement : bool
        Whether batches are drawn with replacement.

    Returns
    -------
    float

    Raises
    ------
    ValueError
        If an argument is outside its range or there are too many batches.

    Examples
    --------
    >>> round(absolute_moment([0.2, 3.8], 0.7, 1, 2), 12)
    1.7476
    """
    means, weights = _batch_means(curvatures, batch_size, replacement)
    lr, order = _checks.scalar(lr, "lr"), _checks.scalar(order, "order", zero=True)
    return float(weights @ np.abs(1 - lr * means) ** order)


def lyapunov_exponent(curvatures, lr, batch_size, *, replacement=False):
    r"""Growth rate per step of almost every path in one dimension.

    .. math:: \Lambda(\eta) = E\log|1 - \eta h_B| = \lim_t \tfrac1t \log|x_t| \quad \text{almost surely}

    Parameters
    ----------
    curvatures, lr, batch_size, replacement
        As for `absolute_moment`.

    Returns
    -------
    float
        Negative: almost every path converges; −inf if a batch has h_B = 1/η exactly.

    Raises
    ------
    ValueError
        As for `absolute_moment`.

    Examples
    --------
    >>> round(lyapunov_exponent([0.2, 3.8], 0.7, 1), 4)
    0.178
    """
    means, weights = _batch_means(curvatures, batch_size, replacement)
    return _growth(_checks.scalar(lr, "lr"), means, weights)


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

    Raises
    ------
    ValueError
        As for `absolute_moment`.

    Notes
    -----
    Between neighbouring singularities 1/h_B the exponent is concave in η, so
    its sign changes are found from its one maximum there.

    Examples
    --------
    >>> round(almost_sure_lr([0.2, 3.8], 1), 6)   # (4 - sqrt(9.92)) / 1.52
    0.559472
    """
    means, weights = _batch_means(curvatures, batch_size, replacement)
    curved = means > 0
    edges = np.unique(1 / means[curved])
    inner, share = means[curved], weights[curved]

    def slope(rate):
        return float(share @ (inner / (rate * inner - 1)))

    def growth(rate):
        return _growth(rate, means, weights)

    for left, right in zip(edges, edges[1:]):
        low, high = left * (1 + 4 * _EPS), right * (1 - 4 * _EPS)
        if low < high and slope(low) > 0 > slope(high):
            top = brentq(slope, low, high, xtol=_EPS * left, rtol=4 * _EPS)
            if growth(top) >= 0:
                return low if growth(low) >= 0 else brentq(growth, low, top, xtol=_EPS * left, rtol=4 * _EPS)
    low = edges[-1] * (1 + 4 * _EPS)
    high = 2 * edges[-1]
    while growth(high) < 0:
        high *= 2
    return low if growth(low) >= 0 else brentq(growth, low, high, xtol=_EPS * low, rtol=4 * _EPS)


def escape_exponent(curvatures, lr, batch_size, *, replacement=False):
    r"""Exponent κ of the probability to escape from distance ε, d = 1.

    .. math:: E|1 - \eta h_B|^\kappa = 1, \quad \kappa > 0, \qquad P(\text{escape from } \varepsilon) \propto \varepsilon^\kappa

    |x_t|^κ is a martingale, whence P ≤ (ε/b)^κ for a basin of half-width b.
    κ = 2 at the mean-square limit and κ → 0 at the almost-sure one.

    Parameters
    ----------
    curvatures, lr, batch_size, replacement
        As for `absolute_moment`.

    Returns
    -------
    float

    Raises
    ------
    ValueError
        As for `absolute_moment`; also if escape is certain (Λ(η) ≥ 0) or
        impossible (no batch with |1 − ηh_B| > 1).

    Examples
    --------
    >>> round(escape_exponent([0.2, 3.8], 4 / 7.24, 1), 9)
    2.0
    """
    means, weights = _batch_means(curvatures, batch_size, replacement)
    lr = _checks.scalar(lr, "lr")
    multipliers = np.abs(1 - lr * means)
    if multipliers.max() <= 1:
        raise ValueError(f"lr = {lr:g} lets no batch grow |x| (largest multiplier {multipliers.max():g}); "
                         "escape is impossible and has no exponent: use a larger lr")
    if _growth(lr, means, weights) >= 0:
        raise ValueError(f"lr = {lr:g} is at or above the almost-sure limit: escape is certain and has no exponent; "
                         "use lyapunov_exponent for its rate")
    logs, shares = np.log(multipliers[multipliers > 0]), weights[multipliers > 0]

    def excess(kappa):
        return logsumexp(kappa * logs, b=shares)

    high = 1.0
    while excess(high) <= 0:
        high *= 2
    low = high / 2
    while excess(low) >= 0:
        low /= 2
    return float(brentq(excess, low, high, xtol=1e-15, rtol=4 * _EPS))


def _batch_means(curvatures, batch_size, replacement):
    """Every distinct batch's mean curvature with its probability."""
    curvatures = _checks.positive(_checks.shaped(curvatures, "curvatures", (None,)), "curvatures", zero=True)
    if not curvatures.any():
        raise ValueError("curvatures must not all be zero: every learning rate is then stable; give a curved example")
    n = len(curvatures)
    size = _checks.batch_size(batch_size, n)
    count = _checks.count_batches(n, size, replacement, _MOST_BATCHES)
    choose = combinations_with_replacement if replacement else combinations
    batches = np.fromiter(choose(range(n), size), dtype=(np.intp, size), count=count)
    weights = np.ones(count)
    if replacement:
        weights = np.array([1 / prod(map(factorial, Counter(batch).values())) for batch in batches.tolist()])
    return curvatures[batches].mean(axis=1), weights / weights.sum()


def _growth(lr, means, weights):
    with np.errstate(divide="ignore"):
        return float(weights @ np.log(np.abs(1 - lr * means)))
