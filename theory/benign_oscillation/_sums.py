r"""Sums over an oscillation: what balances, what accumulates. Public names: `theory.benign_oscillation`.

A step at residual e = 1 − f multiplies ⟨w, u⟩ by 1 + ce and ⟨w, v⟩ by 1 + κce,
κ = |v|²/|u|²; α and β are sums of their squares.
"""

import numpy as np

from theory import _checks
from theory.benign_oscillation._arguments import below_one

_FEW = 0.1        # |x| below which the excess is summed as a series


def weak_excess(growth, kappa):
    r"""What a step adds to log β beyond κ times what it adds to log α; never negative.

    .. math:: g(x) = 2\left[\log(1 + \kappa x) - \kappa \log(1 + x)\right] \ge 0, \qquad x = ce

    with equality only at x = 0: log is concave and 1 + κx is the mean of 1 and
    1 + x with weights 1 − κ and κ. Summed over steps,

    .. math:: \log\frac{\beta_T}{\beta_0} = \kappa \log\frac{\alpha_T}{\alpha_0} + \sum_t g(c e_t) .

    At a small rate the sum vanishes; it is what oscillation is good for. It is
    κ(1 − κ)(ce)² to lowest order: driven by the square of the residual. To
    1e-12 relative, however small x or 1 − κ.

    Parameters
    ----------
    growth : float or array_like
        x = c(1 − f) > −1.
    kappa : float
        κ in (0, 1).

    Returns
    -------
    float or ndarray

    Raises
    ------
    ValueError
        If an argument is outside its range.

    References
    ----------
    [LWYZ24]_, "Oscillation accumulates", made exact.

    Examples
    --------
    >>> weak_excess([-0.5, 0.0, 0.5], 0.01).round(6).tolist()
    [0.003838, 0.0, 0.001866]
    """
    x = _checks.double(growth, "growth")
    if (x <= -1).any():
        raise ValueError(f"growth must be above -1, got {x.min():g}; at -1 a filter turns off and α is 0 from then on")
    kappa = below_one(kappa)
    value = np.where(np.abs(x) < _FEW, _excess_of_few(x, kappa), _excess(x, kappa))
    return value if value.ndim else float(value)


def _excess(x, kappa):
    if kappa <= 0.5:
        return 2 * (np.log1p(kappa * x) - kappa * np.log1p(x))
    rest = 1 - kappa
    return 2 * (np.log1p(-rest * (x / (1 + x))) + rest * np.log1p(x))


def _excess_of_few(x, kappa):
    """2κ Σ (−x)^k (1 − κ^{k−1})/k, k ≥ 2: without the difference of two logarithms that are nearly equal."""
    powers = np.arange(2, 18)
    terms = -np.expm1((powers - 1) * np.log(kappa)) / powers
    small = np.where(np.abs(x) < _FEW, x, 0.0)
    return 2 * kappa * small**2 * np.polynomial.polynomial.polyval(-small, terms)


def update_balance(start, end, c):
    r"""Sum of all updates of the strong feature, positive ones minus negative ones.

    .. math:: \sum_{t=t_0}^{t_1 - 1} (1 - f_t) \langle w_t, u \rangle
              = \frac{\langle w_{t_1}, u \rangle - \langle w_{t_0}, u \rangle}{c}

    Exactly, since each update is c(1 − f)⟨w, u⟩. On a bounded orbit the right
    side stays bounded while the sums of either sign grow with t₁ − t₀: they
    balance, to a share that falls as 1/(t₁ − t₀).

    Parameters
    ----------
    start, end : float or array_like
        ⟨w_r, u⟩ at t₀ and t₁.
    c : float
        > 0; with κc the same holds for v.

    Returns
    -------
    float or ndarray

    Raises
    ------
    ValueError
        If an argument is not finite or c not positive.

    References
    ----------
    [LWYZ24]_, "Strong signal oscillation".

    Examples
    --------
    >>> update_balance(0.5, 1.5, 1.25)
    0.8
    """
    end, start = _checks.broadcast(end=_checks.double(end, "end"), start=_checks.double(start, "start"))
    c = _checks.scalar(c, "c")
    with np.errstate(over="ignore", invalid="ignore"):
        apart = end - start
        value = _checks.within_floats(np.where(np.isfinite(apart), apart / c, end / c - start / c), "start, end and c")
    return value if value.ndim else float(value)


def accumulation_bounds(c, mean_square, least, largest):
    r"""Bounds of the mean residual on any oscillation: of the order of its square.

    .. math:: \frac{c\, \overline{e^2}}{2 (1 + c e_{\max})^2} \le \bar e
              \le \frac{c\, \overline{e^2}}{2 (1 + c e_{\min})^2}

    since the mean of log(1 + ce) is 0 on an orbit that neither grows nor dies,
    and log(1 + x) = x − x²/(2(1 + ξ)²) with ξ between 0 and x. So the poster's
    sum grows like δ² (t₁ − t₀) for an oscillation of size δ, not like δ.

    Parameters
    ----------
    c : float
        Effective rate c = 4η|u|²/m > 0.
    mean_square : float or array_like
        Mean of e² = (1 − f)².
    least, largest : float or array_like
        e_min ≤ 0 ≤ e_max, with 1 + c e_min > 0.

    Returns
    -------
    lower, upper : float or ndarray

    Raises
    ------
    ValueError
        If an argument is outside its range.

    References
    ----------
    [LWYZ24]_, "Accumulation of negative updates", corrected.

    Examples
    --------
    >>> lower, upper = accumulation_bounds(1.2, 0.152778, 1 - 1.298548, 1 - 0.534785)
    >>> bool(lower < 1 / 12 < upper)
    True
    """
    c = _checks.scalar(c, "c")
    square = np.asarray(_checks.positive(mean_square, "mean_square", zero=True))
    least, largest = _checks.double(least, "least"), _checks.double(largest, "largest")
    _checks.broadcast(mean_square=square, least=least, largest=largest)
    if (least > 0).any() or (largest < 0).any() or (1 + c * least <= 0).any():
        raise ValueError(f"least and largest must enclose 0 with 1 + c·least > 0, got {least.min():g} and "
                         f"{largest.max():g}; a residual that keeps its sign does not oscillate")
    with np.errstate(over="ignore", invalid="ignore"):
        parts = [(square / (1 + c * edge), c / (1 + c * edge)) for edge in (largest, least)]
        return tuple(_checks.within_floats(part * rate / 2, "c, least and largest")[()] for part, rate in parts)
