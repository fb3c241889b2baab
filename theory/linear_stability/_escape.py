r"""One dimension: the exponent with which the probability to escape falls.

Its public name is that of `theory.linear_stability`.
"""

import numpy as np

from theory.linear_stability._multiplier import batch_means, log_multiplier

_EPS = np.finfo(float).eps


def escape_exponent(curvatures, lr, batch_size, *, replacement=False):
    r"""Exponent κ of the probability to escape from distance ε, d = 1.

    .. math:: E|1 - \eta h_B|^\kappa = 1, \quad \kappa > 0, \qquad
              P(\text{escape from } \varepsilon) \propto \varepsilon^\kappa

    |x_t|^κ is a martingale, whence P ≤ (ε/b)^κ for a basin of half-width b.
    κ = 2 at the mean-square limit and κ → 0 at the almost-sure one.

    Parameters
    ----------
    curvatures, lr, batch_size, replacement
        As for `absolute_moment`.

    Returns
    -------
    float
        The root of E[expm1(κ log|1 − ηh|)]/κ, which does not cancel as κ → 0:
        to a relative 1e-14 (1 + D/|Λ| + D/log m), with Λ the `lyapunov_exponent`, m the
        largest multiplier |1 − ηh| and D = 1 + E|log|1 − ηh||.

    Raises
    ------
    ValueError
        As for `absolute_moment`; also if escape is certain (Λ(η) ≥ 0, or
        negative only within rounding) or impossible (no batch with
        |1 − ηh_B| > 1).

    References
    ----------
    H. Kesten, Acta Math. 131 (1973), 207–248: the tail index.

    Examples
    --------
    >>> round(escape_exponent([0.2, 3.8], 4 / 7.24, 1), 9)
    2.0
    """
    from scipy.optimize import brentq  # here: it is slow to load

    law = batch_means(curvatures, batch_size, replacement)
    logs = log_multiplier(law.rate(lr), law.means)
    largest = logs.max()
    if largest <= 0:
        raise ValueError(f"lr = {lr:g} lets no batch grow |x| (largest multiplier {np.exp(largest):g}); "
                         "escape is impossible and has no exponent: use a larger lr")
    rounding = 4 * _EPS * float(law.chances @ np.minimum(np.abs(logs), 1e300))
    if law.chances @ logs >= -rounding:
        raise ValueError(f"lr = {lr:g} is at or above the almost-sure limit, to rounding: escape is certain and has no "
                         "exponent; use lyapunov_exponent for its rate")
    steps = logs / largest  # at most 1: the root is sought for κ log m, of order 1

    def excess(power):
        return float(law.chances @ np.expm1(power * steps)) / power

    high = 1.0
    while excess(high) <= 0:
        high *= 2
    low = high / 2
    while excess(low) >= 0:
        low /= 2
    return float(brentq(excess, low, high, xtol=1e-300, rtol=4 * _EPS) / largest)
