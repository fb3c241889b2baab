r"""One dimension: almost-sure stability, escape exponents, and the poster's toy.

In d = 1 a step multiplies x by 1 − ηh_B, so log|x_t| is a random walk and
everything about its paths, not only their mean square, is in closed form.
"""

from collections import Counter
from dataclasses import dataclass
from itertools import combinations, combinations_with_replacement
from math import factorial, log, prod, sqrt

import numpy as np
from scipy.optimize import brentq
from scipy.special import logsumexp

from refimpl import _checks

_MOST_BATCHES = 200_000
_EPS = np.finfo(float).eps

# The toy: curvatures of f₁, f₂ at x = 1 are 2·0.1 and 2·1.9, and f₂ leaves its
# branch around x = 1 at √1.9/(√1.9 ± 1); f₁ does so only further out.
_TOY = np.array([0.2, 3.8])
_TOY_EDGES = (sqrt(1.9) / (sqrt(1.9) + 1) - 1, sqrt(1.9) / (sqrt(1.9) - 1) - 1)  # of x − 1


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


@dataclass(frozen=True)
class Minimum:
    """One of the two minima of the toy and the rates at which it is stable, B = 1.

    Attributes
    ----------
    position : float
    curvatures : tuple of float
        f₁″ and f₂″ there.
    gd_lr, mean_square_lr, almost_sure_lr : float
        Largest stable learning rate of gradient descent, of SGD in mean
        square, and of almost every path of SGD.
    """

    position: float
    curvatures: tuple
    gd_lr: float
    mean_square_lr: float
    almost_sure_lr: float


def two_minima():
    r"""The poster's toy, f₁ = min{x², 0.1(x−1)²}, f₂ = min{x², 1.9(x−1)²}, in closed form.

    Both minima have H = 2, so gradient descent tells them apart nowhere;
    Σ is 0 at x = 0 and 1.8² at x = 1.

    Returns
    -------
    tuple of Minimum
        At x = 0 (all limits 1) and at x = 1 (limits 1, 4/7.24 and (4 − √9.92)/1.52).

    References
    ----------
    [WME18]_, "Toy example".

    Examples
    --------
    >>> [round(minimum.mean_square_lr, 4) for minimum in two_minima()]
    [1.0, 0.5525]
    """
    return (Minimum(0.0, (2.0, 2.0), 1.0, 1.0, 1.0),
            Minimum(1.0, (0.2, 3.8), 1.0, 4 / 7.24, (4 - sqrt(9.92)) / 1.52))


def exit_time(distance, lr, steps):
    r"""Exact law of the time at which SGD leaves the basin of x = 1 in the toy, B = 1.

    While f₂ stays on its branch around 1 the dynamics is linear, x_t − 1 =
    ε (1−0.2η)^{t−k} (1−3.8η)^k after k uses of f₂, so the surviving
    probability is carried exactly from step to step as a vector over k.

    Parameters
    ----------
    distance : float
        ε = x₀ − 1, either sign, inside (−0.4205, 2.645), not 0.
    lr : float
        Learning rate η in (0, 1): above, gradient descent leaves as well.
    steps : int
        Number of steps T ≥ 1; the cost is of order T².

    Returns
    -------
    ndarray (steps + 1,)
        P(still in the basin after t steps), t = 0…T. One minus the last entry
        is the probability to leave within T steps.

    Raises
    ------
    ValueError
        If an argument is outside its range.

    References
    ----------
    [WME18]_, "Toy example" ("SGD with learning rate 0.7 escapes").

    Examples
    --------
    >>> exit_time(0.4, 0.7, 2)
    array([1.  , 0.5 , 0.25])
    """
    distance = float(_checks.shaped(distance, "distance", ()))
    lr, steps = _toy_rate(lr), _checks.whole(steps, "steps")
    if distance == 0 or not _TOY_EDGES[0] < distance < _TOY_EDGES[1]:
        raise ValueError(f"distance must lie inside the basin ({_TOY_EDGES[0]:.4f}, {_TOY_EDGES[1]:.4f}) and not be 0, "
                         f"got {distance:g}; start closer to x = 1 but not on it")
    slow, fast = 1 - lr * _TOY
    uses = np.arange(steps + 1)
    powers = uses * (log(abs(fast)) if fast else -1e300)  # a multiplier of 0 lands on the minimum and stays
    signs = np.where(uses % 2 == 0, 1.0, np.sign(fast)) * np.sign(distance)
    mass = np.zeros(steps + 1)
    mass[0] = 1.0
    survival = np.ones(steps + 1)
    for t in range(1, steps + 1):
        mass[1:t + 1] += mass[:t].copy()
        mass[:t + 1] /= 2
        size = log(abs(distance)) + (t - uses[:t + 1]) * log(slow) + powers[:t + 1]
        edge = np.where(signs[:t + 1] < 0, log(-_TOY_EDGES[0]), log(_TOY_EDGES[1]))
        mass[:t + 1][size >= edge] = 0.0
        survival[t] = mass[:t + 1].sum()
    return survival


def mean_exit_time(distance, lr):
    r"""Leading law of the mean exit time of the toy's minimum x = 1, B = 1.

    .. math:: E[\tau] \approx \ln(b / |\varepsilon|) / \Lambda(\eta), \qquad b = 1/(1 + \sqrt{1.9}) = 0.4205

    by Wald's identity. The exact mean (the sum of `exit_time`) lies a bounded
    number of steps above it whatever ε, 2.2 to 2.4 at η = 0.7: the walk
    overshoots b, by 1.2 to 1.3 steps, and may first pass b on the far side,
    where the basin is wider.

    Parameters
    ----------
    distance : float
        ε ≠ 0, |ε| < b.
    lr : float
        η in the unstable range, above (4 − √9.92)/1.52 and below 1.

    Returns
    -------
    float
        In steps.

    Raises
    ------
    ValueError
        If an argument is outside its range.
    """
    lr, width = _toy_rate(lr), -_TOY_EDGES[0]
    size = abs(float(_checks.shaped(distance, "distance", ())))
    growth = lyapunov_exponent(_TOY, lr, 1)
    if growth <= 0:
        raise ValueError(f"lr must exceed the almost-sure limit {two_minima()[1].almost_sure_lr:.6f}, got {lr:g}; "
                         "below it escape is not certain: use escape_exponent")
    if not 0 < size < width:
        raise ValueError(f"distance must be non-zero and below {width:.4f} in size, got {size:g}; start inside the basin")
    return log(width / size) / growth


def _toy_rate(lr):
    lr = _checks.scalar(lr, "lr")
    if lr >= 1:
        raise ValueError(f"lr must be below 1, the limit of gradient descent, got {lr:g}; above it both minima are unstable")
    return lr


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
