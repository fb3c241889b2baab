r"""Where gradient descent and gradient flow on a quadratic stop, and the test loss there.

For any train Hessian H and test Hessian G, in any dimension, commuting or not:
the train loss is Σ_j ½λ_j c_j² in the eigenbasis of H, a sum of one decaying
term a direction, and G enters at the stop alone. The public names are those of
`theory.convex_annealing`.
"""

from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from theory import _checks
from theory.convex_annealing._trajectory import complement, eigenbasis, half_form, log_shrinkage, shrunk

_EPS = np.finfo(float).eps
_MOST_STEPS = 2**62
_EXACT_STEPS, _TIE = 1000, 1e-12    # so near the level, relative, a loss after so few steps is taken in whole numbers


@dataclass(frozen=True)
class StoppingPoint:
    """Where a run first has a train loss of at most the target.

    Attributes
    ----------
    steps : int
        Steps of gradient descent made, large and small together.
    time : float
        Time of the gradient flow after them; 0 without one.
    displacement : ndarray (d,)
        w − w*, the distance from the minimum.
    train_loss : float
        L at the stop: the target after a flow, at most the target after steps.
    test_loss : float
        P at the stop.
    target : float
        ε.
    """

    steps: int
    time: float
    displacement: np.ndarray
    train_loss: float
    test_loss: float
    target: float

    @property
    def loss_ratio(self):
        """P/L, test loss over the train loss that was reached; refused where that is 0."""
        if self.train_loss == 0:
            raise ValueError("lr must not reach a train loss of exactly 0, where P/L has no value, got the minimum "
                             f"itself after {self.steps} steps; choose another rate")
        return _checks.within_floats(self.test_loss / self.train_loss, "test_hessian and train_hessian")

    @property
    def target_ratio(self):
        """P/ε, test loss over the target; below P/L where a step overshot."""
        return _checks.within_floats(self.test_loss / self.target, "test_hessian and target")


def steps_to_loss(train_hessian, start, lr, level):
    r"""First step at which gradient descent has a train loss of at most `level`.

    .. math:: \min\{k : \textstyle\sum_j \tfrac12 \lambda_j c_j^2 (1 - \eta\lambda_j)^{2k} \le \ell\}

    The number of large steps of a run that is annealed when a loss is reached.
    In exact arithmetic, from log(1 − ηλ): where the rate is small, the number
    is right to 1e-14 relative, and where H is diagonal to the step below 1e12,
    within a thousand steps also for a loss that falls on the level exactly. A run in floating
    point rounds 1 − ηλ at each step and may stop elsewhere.

    Parameters
    ----------
    train_hessian, start
        As for `gradient_descent`.
    lr : float
        Learning rate η in (0, 2/λmax): the loss then falls at every step.
    level : float
        ℓ in (0, loss at the start].

    Returns
    -------
    int

    Raises
    ------
    ValueError
        If an argument is outside its range; if ηλ is below rounding, 2.2e-16,
        in a direction that must still shrink: no run could make such steps.

    References
    ----------
    [NAK20]_, "until L̂ = ε".

    Examples
    --------
    >>> steps_to_loss([[4 / 3, 0], [0, 2 / 3]], [1.0, 1.0], 1.3, 0.1)
    4
    """
    values, _, coefficients = eigenbasis(train_hessian, start)
    energies = _energies(values, coefficients)
    level = _reachable(level, "level", energies)
    return _first_step(energies, values, _stable(lr, "lr", values), level)


def stopping_point(train_hessian, test_hessian, start, target, *, lr=None, large_lr=None, large_steps=0):
    r"""Train and test loss where a run stops, for a small rate or a large one first.

    The run makes up to K `large_steps` at `large_lr` and goes on at `lr`, or
    along the gradient flow, until the train loss is at most ε. The flow stops
    at the root t of Σ_j ½λ_j c_j² exp(−2λ_j t) = ε, gradient descent at the
    first step with L ≤ ε. If ε is reached within the large steps the run ends
    there. Steps as exact as those of `steps_to_loss`; the losses to 1e-13
    relative where H is diagonal, and besides what H loses in its eigenvalues
    (2e-16 λ_max each).

    Parameters
    ----------
    train_hessian : array_like (d, d)
        H, second derivatives of the train loss ½ rᵀHr.
    test_hessian : array_like (d, d)
        G, second derivatives of the test loss ½ rᵀGr, which has its minimum
        where the train loss has: the labels carry no noise.
    start : array_like (d,)
        r_0 = w_0 − w*.
    target : float
        ε in (0, train loss at the start].
    lr : float, optional
        Small learning rate in (0, 2/λmax); None is the limit 0, gradient flow.
    large_lr : float, optional
        Large learning rate in (0, 2/λmax), given exactly with large steps.
    large_steps : int
        K ≥ 0; `steps_to_loss` finds it where the run is annealed at a loss.

    Returns
    -------
    StoppingPoint

    Raises
    ------
    ValueError
        If an argument is outside its range: in particular a target above the
        loss at the start, a rate at which gradient descent is not stable, or
        one so small that ηλ is below rounding.

    References
    ----------
    [NAK20]_, panels (a), (b) and (c).

    Examples
    --------
    >>> problem = [[4 / 3, 0], [0, 2 / 3]], [[1, 0], [0, 1]], [1.0, 1.0]
    >>> round(stopping_point(*problem, 1e-3).loss_ratio, 5)
    1.49555
    >>> round(stopping_point(*problem, 1e-3, large_lr=1.3, large_steps=9).loss_ratio, 5)
    0.75
    """
    values, vectors, coefficients = eigenbasis(train_hessian, start)
    test = _checks.symmetric(test_hessian, "test_hessian", len(values))
    energies = _energies(values, coefficients)
    target = _reachable(target, "target", energies)
    large_steps = _checks.whole(large_steps, "large_steps", 0)
    if (large_lr is None) != (large_steps == 0):
        raise ValueError(f"large_lr and large_steps go together, got {large_lr!r} and {large_steps}; give both or "
                         "neither")
    made, time = 0, 0.0
    for rate, name, most in ((large_lr, "large_lr", large_steps), (lr, "lr", _MOST_STEPS)):
        if rate is not None:
            rate = _stable(rate, name, values)
            steps = min(most, _first_step(energies, values, rate, target))
            factors = rate * values, complement(rate, values)
            coefficients = coefficients * shrunk(*factors, steps)
            energies = _after(energies, 2 * log_shrinkage(*factors), steps)
            made += steps
    if lr is None and energies.sum() > target:
        time = _flow_time(energies, values, target)
        coefficients, energies = coefficients * np.exp(-values * time), energies * np.exp(-2 * values * time)
    displacement = vectors @ coefficients
    return StoppingPoint(made, time, displacement, float(energies.sum()),
                         float(half_form(test, displacement, "test_hessian and start")), target)


def _energies(values, coefficients):
    """Train loss held by each direction."""
    return _checks.within_floats(lambda: values * coefficients / 2 * coefficients, "train_hessian and start")


def _after(energies, logs, steps):
    """Train loss held by each direction after so many steps, each of which adds `logs` to its logarithm."""
    return energies * np.exp(steps * logs) if steps else energies


def _reachable(level, name, energies):
    level, loss = _checks.scalar(level, name), float(energies.sum())
    if level > loss:
        raise ValueError(f"{name} must be at most the train loss at the start, {loss:g}, got {level:g}; the run stops "
                         "before its first step: start further away or lower it")
    return level


def _stable(rate, name, values):
    rate = _checks.scalar(rate, name)
    if rate * float(values[-1]) >= 2:
        raise ValueError(f"{name} must be below 2 / lambda_max = {2 / values[-1]:g}, where gradient descent is stable, "
                         f"got {rate:g}; follow single unstable steps with gradient_descent")
    return rate


def _first_step(energies, values, rate, level):
    if ((rate * values < _EPS) & (energies > level)).any() or rate * values[-1] < _EPS:
        raise ValueError(f"lr = {rate:g} is so small beside the curvatures that a step changes nothing; use "
                         "gradient flow")
    logs = 2 * log_shrinkage(rate * values, complement(rate, values))

    def above(steps):
        loss = _after(energies, logs, steps).sum()
        if steps <= _EXACT_STEPS and abs(loss - level) <= _TIE * level:
            return _exact_loss(energies, values, rate, steps) > level
        return loss > level

    high = 1 if above(0) else 0
    while above(high):
        high *= 2
        if high > _MOST_STEPS:
            raise ValueError(f"lr = {rate:g} is so small beside the curvatures that a step changes nothing; use "
                             "gradient flow")
    low = high // 2
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if above(middle) else (low, middle)
    return high


def _exact_loss(energies, values, rate, steps):
    terms = zip(energies.tolist(), values.tolist())
    return sum(Fraction(energy) * (1 - Fraction(rate) * Fraction(value))**(2 * steps) for energy, value in terms)


def _flow_time(energies, values, target):
    from scipy.optimize import brentq  # here: it is slow to load

    curved = energies > 0
    logs, rates, goal = np.log(energies[curved]), 2 * values[curved], np.log(target)

    def excess(time):
        terms = logs - rates * time
        top = terms.max()
        return top + np.log(np.exp(terms - top).sum()) - goal

    # The loss falls no faster than its fastest term and no slower than its slowest.
    low, high = excess(0.0) / rates.max() * (1 - 8 * _EPS), excess(0.0) / rates.min() * (1 + 8 * _EPS)
    if excess(low) <= 0:  # both are bounds: what contradicts them is rounding
        return float(low)
    if excess(high) >= 0:
        return float(high)
    return float(brentq(excess, low, high, xtol=1e-300, rtol=4 * _EPS))
