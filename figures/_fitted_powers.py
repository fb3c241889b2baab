"""Powers fitted to replicas, with standard errors."""

import numpy as np
from scipy.special import stdtrit

FALSE_ALARM = 1e-6  # of one comparison


def t_limit(degrees, false_alarm=FALSE_ALARM):
    """Standard errors, estimated with so many degrees of freedom, that chance exceeds at that rate (two-sided)."""
    return -float(stdtrit(degrees, false_alarm / 2))


def fitted_power(x, y):
    """Power p of y ∝ x^p by least squares in logarithms, its standard error, and the degrees of freedom of that.

    `x` is (points,) and `y` (points, replicas), all positive; the error is
    from the scatter of log y between replicas, taken to be alike at all
    points, so that a law which is not a power does not widen it.
    """
    x, y = np.log(x), np.log(y)
    centred = x - x.mean()
    points, replicas = y.shape
    power = centred @ y.mean(axis=1) / (centred @ centred)
    error = np.sqrt(y.var(axis=1, ddof=1).mean() / replicas / (centred @ centred))
    return float(power), float(error), points * (replicas - 1)
