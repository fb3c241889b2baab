r"""The poster's toy with two minima: its limits in closed form and the exact law of its exit times."""

from dataclasses import dataclass
from math import log, log1p, sqrt

import numpy as np

from theory import _checks
from theory.linear_stability._multiplier import lyapunov_exponent

# The toy: curvatures of f₁, f₂ at x = 1 are 2·0.1 and 2·1.9, and f₂ leaves its
# branch around x = 1 at √1.9/(√1.9 ± 1); f₁ does so only further out.
_TOY = np.array([0.2, 3.8])
_TOY_EDGES = (sqrt(1.9) / (sqrt(1.9) + 1) - 1, sqrt(1.9) / (sqrt(1.9) - 1) - 1)  # of x − 1


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
        At x = 0 (all limits 1) and at x = 1 (limits 1, 4/7.24 and (4 − √9.92)/1.52), to rounding.

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
        Number of steps T in 1…50 000; the cost is of order T² (seconds at the largest).

    Returns
    -------
    ndarray (steps + 1,)
        P(still in the basin after t steps), t = 0…T, to an absolute 1e-16 T.
        One minus the last entry is the probability to leave within T steps.

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
    lr, steps = _toy_rate(lr), _checks.whole(steps, "steps", 1, 50_000)
    if distance == 0 or not _TOY_EDGES[0] < distance < _TOY_EDGES[1]:
        raise ValueError(f"distance must lie inside the basin ({_TOY_EDGES[0]:.4f}, {_TOY_EDGES[1]:.4f}) and not be 0, "
                         f"got {distance:g}; start closer to x = 1 but not on it")
    fast = 1 - lr * _TOY[1]
    uses = np.arange(steps + 1)
    powers = uses * (log(abs(fast)) if fast else -1e300)  # a multiplier of 0 lands on the minimum and stays
    signs = np.where(uses % 2 == 0, 1.0, np.sign(fast)) * np.sign(distance)
    edges = np.where(signs < 0, log(-_TOY_EDGES[0]), log(_TOY_EDGES[1]))
    shrink = log1p(-lr * _TOY[0])
    beyond = log(abs(distance)) - uses * shrink + powers - edges  # it is outside at t where this + t·shrink ≥ 0
    mass = np.zeros(steps + 1)
    mass[0] = 1.0
    survival = np.ones(steps + 1)
    for t in range(1, steps + 1):
        now = mass[:t + 1]
        now[1:] += now[:-1].copy()
        now /= 2
        now[beyond[:t + 1] >= -t * shrink] = 0.0
        survival[t] = now.sum()
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
        In steps, the formula to a relative 2e-15 (1 + (3 + E|log|1 − ηh||)/Λ).

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
        raise ValueError(
            f"distance must be non-zero and below {width:.4f} in size, got {size:g}; start inside the basin")
    return log(width / size) / growth


def _toy_rate(lr):
    lr = _checks.scalar(lr, "lr")
    if lr >= 1:
        raise ValueError(
            f"lr must be below 1, the limit of gradient descent, got {lr:g}; above it both minima are unstable")
    return lr
