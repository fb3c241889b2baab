r"""Stationary noise of the weights. The public names are those of `theory.learning_order`."""

import numpy as np

from theory import _checks


def _factor(lr, weight_decay):
    """1 − ηλ, in (−1, 1)."""
    product = np.multiply(_checks.positive(lr, "lr"), _checks.positive(weight_decay, "weight_decay"))
    if np.any(product >= 2):
        raise ValueError(f"lr times weight_decay must be below 2, got {np.max(product):g}; the noise has no "
                         "stationary law there, lower one of them")
    return 1 - product, product


def stationary_std(lr, weight_decay, noise_std):
    r"""Standard deviation at which weight decay balances the noise, Assumption 3.1.

    .. math:: \tau_0 = \frac{\eta\,\tau_\xi}{\sqrt{1 - (1-\eta\lambda)^2}}

    Parameters
    ----------
    lr, weight_decay : float or array_like
        η > 0 and λ > 0 with ηλ < 2.
    noise_std : float or array_like
        τ_ξ of the noise that is added to the gradient.

    Returns
    -------
    float or ndarray
        τ₀, in units of the weights.

    Raises
    ------
    ValueError
        Outside that domain.

    References
    ----------
    [LWM19, (3.3)]

    Examples
    --------
    >>> tau = stationary_std(0.1, 0.01, 2.0)
    >>> round(float((1 - 0.1 * 0.01)**2 * tau**2 + 0.1**2 * 2.0**2 - tau**2), 12)
    0.0
    """
    _, product = _factor(lr, weight_decay)
    return lr * np.asarray(_checks.positive(noise_std, "noise_std", zero=True)) / np.sqrt(product * (2 - product))


def noise_std(lr, weight_decay, stationary_std):
    r"""τ_ξ for which τ₀ is stationary, the inverse of `stationary_std`.

    .. math:: \tau_\xi = \tau_0 \sqrt{1 - (1-\eta\lambda)^2} / \eta

    Parameters
    ----------
    lr, weight_decay : float or array_like
        η > 0 and λ > 0 with ηλ < 2.
    stationary_std : float or array_like
        τ₀.

    Returns
    -------
    float or ndarray

    Raises
    ------
    ValueError
        Outside that domain.

    References
    ----------
    [LWM19, (3.3)]

    Examples
    --------
    >>> float(round(stationary_std(0.1, 0.01, noise_std(0.1, 0.01, 0.2)), 12))
    0.2
    """
    _, product = _factor(lr, weight_decay)
    std = np.asarray(_checks.positive(stationary_std, "stationary_std", zero=True))
    return std * np.sqrt(product * (2 - product)) / lr


def noise_autocorrelation(lr, weight_decay, lag):
    r"""Correlation of a weight's noise part with itself `lag` steps later, (1 − ηλ)^k.

    Parameters
    ----------
    lr, weight_decay : float
        η > 0 and λ > 0 with ηλ < 2.
    lag : int or array_like of int
        k ≥ 0 steps.

    Returns
    -------
    float or ndarray

    Raises
    ------
    ValueError
        Outside that domain.

    References
    ----------
    [LWM19, (3.4)], at the stationary law.

    Examples
    --------
    >>> float(noise_autocorrelation(0.5, 0.2, 2))
    0.81
    """
    factor, _ = _factor(lr, weight_decay)
    return factor ** np.asarray(_checks.positive(lag, "lag", zero=True))


def mixing_time(lr, weight_decay, remaining=np.exp(-1)):
    r"""Steps after which the noise part keeps the correlation `remaining`.

    .. math:: k = \log(\text{remaining}) / \log(1 - \eta\lambda) \approx 1/(\eta\lambda)

    Parameters
    ----------
    lr, weight_decay : float
        η > 0 and λ > 0 with ηλ < 1.
    remaining : float
        In (0, 1).

    Returns
    -------
    float
        In steps, not rounded.

    Raises
    ------
    ValueError
        Outside that domain.

    Examples
    --------
    >>> round(float(mixing_time(0.025, 7.5e-4)))
    53333
    """
    _, product = _factor(lr, weight_decay)
    if np.any(product >= 1) or not 0 < remaining < 1:
        raise ValueError(f"lr times weight_decay and remaining must lie in (0, 1), got {np.max(product):g} and "
                         f"{remaining:g}; above 1 the correlation alternates, use noise_autocorrelation")
    return np.log(remaining) / np.log1p(-product)


def pattern_turnover(rho):
    r"""Fraction of activations on one input that differ between weights of correlation ρ.

    .. math:: P(\operatorname{sign} a \ne \operatorname{sign} b) = \arccos(\rho) / \pi

    Parameters
    ----------
    rho : float or array_like
        In [−1, 1].

    Returns
    -------
    float or ndarray

    Raises
    ------
    ValueError
        If ρ is outside [−1, 1].

    Examples
    --------
    >>> float(pattern_turnover(0.0))
    0.5
    """
    return np.arccos(_correlation(rho)) / np.pi


def _correlation(rho):
    rho = np.asarray(_checks.real(rho, "rho"), dtype=float)
    if np.any(np.abs(rho) > 1):
        raise ValueError(f"rho must lie in [-1, 1], got {rho.flat[np.argmax(np.abs(rho))]:g}; it is a correlation")
    return rho
