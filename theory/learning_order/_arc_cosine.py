r"""Kernels of the decoupled network. The public names are those of `theory.learning_order`."""

import numpy as np
from scipy.special import spherical_jn

from theory import _checks
from theory.learning_order._quadrature import panels


def arc_cosine_kernel(degree, cosine):
    r"""E[ReLU^{(1−degree)′}] products for Gaussian weights and unit inputs at angle θ.

    .. math:: k_0 = \tfrac12 - \tfrac{\theta}{2\pi}, \qquad
              k_1 = \frac{\sin\theta + (\pi - \theta)\cos\theta}{2\pi}

    k₀ is the probability that both inputs are active, the kernel of the
    gradient; k₁ = E[ReLU(a) ReLU(b)], the kernel of the network at its start.
    Both are written in π − θ = arccos(−cos θ), where they vanish.

    Parameters
    ----------
    degree : {0, 1}
        Which of the two.
    cosine : float or array_like
        cos θ in [−1, 1]; beyond by 64 roundings of its type it is taken as ±1.

    Returns
    -------
    float or ndarray
        To 4e-15 relative, for the cosine as given.

    Raises
    ------
    ValueError
        If an argument is outside its range.

    References
    ----------
    [CS09] Cho and Saul 2009, there without the factor ½.

    Examples
    --------
    >>> float(arc_cosine_kernel(0, 1.0)), float(arc_cosine_kernel(1, 1.0))
    (0.5, 0.5)
    """
    _checks.one_of(degree, "degree", (0, 1))
    rest = np.arccos(-correlation(cosine, "cosine"))
    if degree == 0:
        return rest / (2 * np.pi)
    # sin x − x cos x = x² j₁(x), with the spherical Bessel function.
    return rest**2 * spherical_jn(1, rest) / (2 * np.pi)


def lag_kernel(rho, r):
    r"""Second difference, over z − ζ, z, z + ζ in both arguments, of the gradient's kernel at lag correlation ρ.

    .. math:: C(\rho) = \sum_{ij} c_i c_j \langle x_i, x_j\rangle
              \Bigl(\tfrac12 - \frac{\arccos(\rho\cos\theta_{ij})}{2\pi}\Bigr), \qquad c = (1, -2, 1)

    It is 2r/π at ρ = 1 and of order r⁴ below. The sum cancels to that order;
    with δ(θ) = arcsin ρ − arcsin(ρ cos θ) and tan θ = r it is

    .. math:: \pi\, C = r^2 \delta(2\theta) + 4\delta(\theta) - \delta(2\theta),

    whose last two terms together, both positive, are integrated where they
    would cancel.

    Parameters
    ----------
    rho : float or array_like
        Correlation of the weights that make the two patterns, in [−1, 1]; beyond by 64 roundings it is taken as ±1.
    r : float
        ‖ζ‖ in (0, 1e100], for ‖z‖ = 1.

    Returns
    -------
    float or ndarray
        Shape of `rho`; to 1e-13 relative, for ρ as given.

    Raises
    ------
    ValueError
        Outside that domain.

    References
    ----------
    Stands behind [LWM19, Lemma 4.2].

    Examples
    --------
    >>> f"{float(lag_kernel(0.5, 1e-4)):.6e}"
    '5.513289e-17'
    """
    rho, r = correlation(rho, "rho"), _checks.scalar(r, "r")
    if r > 1e100:
        raise ValueError(f"r must be at most 1e100, got {r:g}; it is the length of ζ beside ‖z‖ = 1")
    value = np.copysign(1, rho) * second_difference(np.abs(rho), 1 - np.abs(rho), r)[0]
    return value if value.ndim else float(value)


def second_difference(rho, gap, r):
    """(C, δ(2θ)) of `lag_kernel` for ρ ≥ 0, with `gap` = 1 − ρ given so that it may be smaller than ρ resolves."""
    rho, gap = np.broadcast_arrays(np.asarray(rho, float), np.asarray(gap, float))
    angle, cos, sin = np.arctan(r), 1 / np.hypot(1, r), r / np.hypot(1, r)
    single, double = _drop(rho, gap, cos, sin), _drop(rho, gap, (1 - r) * (1 + r) / (1 + r * r), 2 * sin * cos)
    rest = 4 * single - double
    far = np.sqrt(gap * (2 - gap)) > 2 * sin  # the layer of width √(1 − ρ²) is wider than the angle: they cancel
    if np.any(far):
        t, weights = panels([0, angle])
        rest = np.array(rest)
        rest[far] = _difference_slope(rho[far, None], gap[far, None], np.cos(t), np.sin(t)) @ weights
    return (r * r * double + rest) / np.pi, double


def _drop(rho, gap, cos, sin):
    """δ = arcsin ρ − arcsin(ρ cos θ) from the sine and cosine of the difference, both without a difference."""
    sigma = np.sqrt(gap * (2 - gap))
    reach = np.hypot(sigma, rho * sin)
    of_sine = rho * sin**2 / (reach + cos * sigma) if cos > 0 else rho * (reach - cos * sigma)
    return np.arctan2(of_sine, sigma * reach + rho**2 * cos)


def _difference_slope(rho, gap, cos, sin):
    """Derivative by θ of 4 δ(θ) − δ(2θ), a product of positive factors for θ < π/2."""
    square = gap * (2 - gap)
    single, double = np.hypot(np.sqrt(square), rho * sin), np.hypot(np.sqrt(square), 2 * rho * sin * cos)
    return 4 * rho * sin**3 * (square + 3 * (rho * cos)**2) / (single * double * (double + cos * single))


def correlation(value, name):
    """`value` as floats in [−1, 1], rounding beyond that cut off."""
    array = _checks.real(value, name)
    if np.any(np.abs(array) > 1 + 64 * np.finfo(array.dtype).eps):
        raise ValueError(f"{name} must lie in [-1, 1], got {array.flat[np.argmax(np.abs(array))]:g}; it is a "
                         f"correlation, divide by the norms")
    return np.clip(array.astype(float), -1, 1)
