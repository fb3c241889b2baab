r"""Stationary noise of the weights. The public names are those of `theory.learning_order`."""

import numpy as np

from theory import _checks
from theory.learning_order._arc_cosine import correlation
from theory.learning_order._quadrature import panels


def _rates(lr, weight_decay, **others):
    """(ηλ in (0, 2), η, λ, others), as arrays that broadcast."""
    lr, weight_decay = _checks.positive(lr, "lr"), _checks.positive(weight_decay, "weight_decay")
    lr, weight_decay, *others = _checks.broadcast(lr=lr, weight_decay=weight_decay, **others)
    with np.errstate(over="ignore"):
        product = lr * weight_decay
    if np.any(product >= 2):
        raise ValueError(f"lr times weight_decay must be below 2, got {np.max(product):g}; the noise has no "
                         "stationary law there, lower one of them")
    return product, lr, weight_decay, *others


def _ratio(of, to):
    with np.errstate(over="ignore", under="ignore"):
        ratio = of / to
    if not (np.isfinite(ratio) & (ratio > 0)).all():
        raise ValueError(f"lr and weight_decay must have a ratio in the range of float64, got {np.max(of):g} over "
                         f"{np.min(to):g}; rescale the units")
    return ratio


def stationary_std(lr, weight_decay, noise_std):
    r"""Standard deviation at which weight decay balances the noise, Assumption 3.1.

    .. math:: \tau_0 = \frac{\eta\,\tau_\xi}{\sqrt{1 - (1-\eta\lambda)^2}}

    Parameters
    ----------
    lr, weight_decay : float or array_like
        η > 0 and λ > 0 with ηλ < 2.
    noise_std : float or array_like
        τ_ξ ≥ 0 of the noise that is added to the gradient.

    Returns
    -------
    float or ndarray
        τ₀, in units of the weights; to 1e-15/(2 − ηλ) relative.

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
    product, lr, weight_decay, std = _rates(lr, weight_decay,
                                            noise_std=_checks.positive(noise_std, "noise_std", zero=True))
    root = np.sqrt(_ratio(lr, weight_decay) / (2 - product))
    return _checks.within_floats(lambda: std * root, "noise_std, lr and weight_decay")


def noise_std(lr, weight_decay, stationary_std):
    r"""τ_ξ for which τ₀ is stationary, the inverse of `stationary_std`.

    .. math:: \tau_\xi = \tau_0 \sqrt{1 - (1-\eta\lambda)^2} / \eta

    Parameters
    ----------
    lr, weight_decay : float or array_like
        η > 0 and λ > 0 with ηλ < 2.
    stationary_std : float or array_like
        τ₀ ≥ 0.

    Returns
    -------
    float or ndarray
        τ_ξ; to 1e-15/(2 − ηλ) relative.

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
    product, lr, weight_decay, std = _rates(lr, weight_decay, stationary_std=_checks.positive(
        stationary_std, "stationary_std", zero=True))
    root = np.sqrt(_ratio(weight_decay, lr) * (2 - product))
    return _checks.within_floats(lambda: std * root, "stationary_std, lr and weight_decay")


def noise_autocorrelation(lr, weight_decay, lag):
    r"""Correlation of a weight's noise part with itself `lag` steps later, (1 − ηλ)^k.

    Parameters
    ----------
    lr, weight_decay : float
        η > 0 and λ > 0 with ηλ < 2.
    lag : int or array_like of int
        k ≥ 0 steps; whole where ηλ > 1, since the sign alternates.

    Returns
    -------
    float or ndarray
        From k log(1 − ηλ): to 1e-15 (2 + kηλ) relative for ηλ < ½, and of the power (1 − ηλ)^k beyond.

    Raises
    ------
    ValueError
        Outside that domain.

    References
    ----------
    [LWM19, (3.4)], at the stationary law.

    Examples
    --------
    >>> round(float(noise_autocorrelation(0.5, 0.2, 2)), 12)
    0.81
    """
    product, _, _, lag = _rates(lr, weight_decay, lag=_checks.positive(lag, "lag", zero=True))
    alternating = lag[(product > 1) & (lag % 1 > 0)]
    if alternating.size:
        raise ValueError(f"lag must be whole where lr times weight_decay is above 1, got {alternating[0]:g} there; "
                         "the correlation alternates from step to step")
    # 1 − ηλ is exact from ½ on; below it is not rounded before it is raised to a power.
    return np.where(product < 0.5, np.exp(lag * np.log1p(-np.minimum(product, 0.5))), (1.0 - product)**lag)[()]


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
        In steps, not rounded; to 1e-15 relative for ηλ ≤ ½.

    Raises
    ------
    ValueError
        Outside that domain.

    Examples
    --------
    >>> round(float(mixing_time(0.025, 7.5e-4)))
    53333
    """
    product, remaining = _rates(lr, weight_decay)[0], _checks.scalar(remaining, "remaining")
    if np.any(product >= 1) or np.any(product == 0) or remaining >= 1:
        raise ValueError(f"lr times weight_decay and remaining must lie in (0, 1), got {np.max(product):g} and "
                         f"{remaining:g}; above 1 the correlation alternates, use noise_autocorrelation")
    return _checks.within_floats(lambda: np.log(remaining) / np.log1p(-product), "lr and weight_decay")


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
    return np.arccos(correlation(rho, "rho")) / np.pi


def decoupling_error(signal, output_weights, noise_std):
    r"""Rms change of Σ_j u_j ReLU(b_j + a_j) when the activations are those of the noise a alone.

    .. math:: \Bigl(\sum_j u_j^2\, \sigma^2
              \int_0^{|b_j|/\sigma} \bigl(|b_j|/\sigma - t\bigr)^2 \varphi(t)\, dt\Bigr)^{1/2}
              \approx \Bigl(\sum_j \frac{u_j^2 |b_j|^3}{3\sqrt{2\pi}\,\sigma}\Bigr)^{1/2}

    with a_j ~ N(0, σ²) independent of b and of each other, for signs of u that
    are independent of b: a neuron changes where a lies between 0 and −b, by
    what is left of b there. With b_j of order ‖V̄‖/√m and u_j of order 1/√m it
    is of order ‖V̄‖^{3/2} m^{−3/4}.

    Parameters
    ----------
    signal : array_like (m,)
        b_j = ⟨Ū_j, x⟩, what the signal part adds to the preactivations on x.
    output_weights : array_like (m,)
        u.
    noise_std : float
        σ = τ₀‖x‖, the standard deviation of the noise part's preactivations.

    Returns
    -------
    float
        To 1e-12 relative.

    Raises
    ------
    ValueError
        If shapes do not fit or σ is not positive.

    References
    ----------
    Stands behind [LWM19, section 3, "Decoupling the Iterates"].

    Examples
    --------
    >>> f"{decoupling_error([1e-3], [1.0], 1.0):.6f}"
    '0.000012'
    """
    noise_std = _checks.scalar(noise_std, "noise_std")
    signal = np.abs(_checks.shaped(signal, "signal", (None,)).astype(float))
    output_weights = _checks.shaped(output_weights, "output_weights", signal.shape).astype(float)
    with np.errstate(over="ignore"):
        deviations = signal / noise_std
    # Beyond 40 deviations no noise is left: the integral ends there, on four panels of one shape.
    t, weights = panels([0, 0.25, 0.5, 0.75, 1])
    reach, share, change = np.minimum(deviations, 40), 40 / np.maximum(deviations, 40), np.zeros_like(signal)
    for node, weight in zip(t, weights):
        change += weight * (1 - node * share)**2 * np.exp(-(node * reach)**2 / 2)
    with np.errstate(over="ignore", invalid="ignore"):
        parts = np.abs(output_weights) * signal * np.sqrt(change * reach / np.sqrt(2 * np.pi))
        largest = parts.max() or 1.0   # squares are taken of numbers of order one, whatever the units
        total = largest * np.sqrt(((parts / largest)**2).sum())
    return float(_checks.within_floats(total, "signal and output_weights"))
