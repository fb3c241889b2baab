r"""One dimension: the law of the multiplier 1 − ηh_B of one step, and its moments.

In d = 1 a step multiplies x by 1 − ηh_B, so log|x_t| is a random walk and
everything about its paths, not only their mean square, is in closed form.
The public names are those of `theory.linear_stability`.
"""

import math
from dataclasses import dataclass
from itertools import combinations, combinations_with_replacement

import numpy as np

from theory import _checks

_MOST_BATCHES = 200_000


@dataclass(frozen=True)
class BatchMeans:
    """The distinct mean curvatures of a batch with their probabilities, in units of the largest curvature."""

    scale: float         # largest curvature of an example
    means: np.ndarray    # (m,) ascending, in [0, 1]
    chances: np.ndarray  # (m,) positive, sum 1

    def rate(self, lr):
        """`lr` in units of 1/scale, refused where it leaves the range of floats."""
        rate = _checks.scalar(lr, "lr") * self.scale
        if not 0 < rate < np.inf:
            raise ValueError(f"lr = {lr:g} times the largest curvature {self.scale:g} must be a positive finite float, "
                             f"got {rate:g}; rescale the curvatures")
        return rate


def log_multiplier(rate, means):
    """log|1 − z| at z = rate × means without cancellation: log1p(−z) up to z = 1, log1p(z − 2) beyond."""
    product = rate * means
    with np.errstate(divide="ignore"):
        return np.log1p(np.where(product < 1, -product, product - 2))


def batch_means(curvatures, batch_size, replacement):
    """Every distinct batch's mean curvature with its probability; batches of equal mean are merged."""
    curvatures = _checks.positive(_checks.shaped(curvatures, "curvatures", (None,)), "curvatures", zero=True)
    if not curvatures.any():
        raise ValueError("curvatures must not all be zero: every learning rate is then stable; give a curved example")
    curvatures = np.sort(curvatures.astype(np.float64))  # equal batches then have equal sums, to the last bit
    n, scale = len(curvatures), float(curvatures[-1])
    size = _checks.batch_size(batch_size, n)
    _checks.flag(replacement, "replacement")
    count = _count_batches(n, size, replacement)
    choose = combinations_with_replacement if replacement else combinations
    batches = np.fromiter(choose(range(n), size), dtype=(np.intp, size), count=count)
    means, which = np.unique((curvatures / scale)[batches].mean(axis=1), return_inverse=True)
    chances = np.bincount(which, weights=1 / _repeats(batches))
    return BatchMeans(scale, means, chances / chances.sum())


def _count_batches(n, size, replacement):
    """Number of distinct batches, refused above what can be enumerated."""
    count = math.comb(n + size - 1, size) if replacement else math.comb(n, size)
    if count > _MOST_BATCHES:
        raise ValueError(
            f"batch_size {size} of {n} examples makes {count:.3g} distinct batches, more than the {_MOST_BATCHES:g} "
            "that can be enumerated; use the second-moment functions instead"
        )
    return count


def _repeats(batches):
    """Product over the examples of a sorted batch of (times it is in it)!, shape (count,)."""
    times = np.ones(len(batches))
    product = times.copy()
    for before, now in zip(batches.T, batches.T[1:]):
        times = np.where(now == before, times + 1, 1)
        product *= times
    return product


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
        To a relative 1e-15 (4 + k (|log|1 − ηh|| + ηh/|1 − ηh|)) over the
        batches that carry the moment: what rounding ηh and its logarithm costs.

    Raises
    ------
    ValueError
        If an argument is outside its range, there are too many batches, or
        the moment exceeds the largest float.

    References
    ----------
    [WME18]_, eq. 3 for k = 2.

    Examples
    --------
    >>> round(absolute_moment([0.2, 3.8], 0.7, 1, 2), 12)
    1.7476
    """
    law = batch_means(curvatures, batch_size, replacement)
    rate, order = law.rate(lr), _checks.scalar(order, "order", zero=True)
    if order == 0:
        return 1.0
    powers = order * log_multiplier(rate, law.means)
    if powers.max() > np.log(np.finfo(float).max):
        raise ValueError(f"order = {order:g} must keep the moment below the largest float, got |1 − ηh|^k = "
                         f"e^{powers.max():.4g} in a batch; take a smaller order")
    return float(law.chances @ np.exp(powers))


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
        Negative: almost every path converges; −inf if a batch has h_B = 1/η
        exactly. To an absolute 1e-15 E[|log|1 − ηh|| + ηh/|1 − ηh|].

    Raises
    ------
    ValueError
        As for `absolute_moment`.

    References
    ----------
    The law of large numbers for log|x_t| under [WME18]_, eq. 2.

    Examples
    --------
    >>> round(lyapunov_exponent([0.2, 3.8], 0.7, 1), 4)
    0.178
    """
    law = batch_means(curvatures, batch_size, replacement)
    return growth(law.rate(lr), law)


def growth(rate, law):
    """Λ at a rate in units of 1/scale."""
    return float(law.chances @ log_multiplier(rate, law.means))
