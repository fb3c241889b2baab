"""The linear classifier that r is on P: its error, its linear part, and the examples it is learned from.

The public names are those of `theory.learning_order`.
"""

import numpy as np

from theory import _checks
from theory.learning_order._quadrature import panels


def linear_error(cosine, margin, dim):
    r"""Error on P of sign⟨u, x₁⟩ at angle φ to w*; 0 at φ = 0, the Bayes error.

    .. math:: \int_0^\infty 2\varphi(a)\, \Phi\bigl(-\cot\phi\,(\gamma_0\sqrt d + a)\bigr)\, da
              = \frac1\pi \int_0^{\phi} \exp\Bigl(-\frac{\gamma_0^2 d \cos^2\phi}{2\sin^2\psi}\Bigr)\, d\psi

    for φ ≤ π/2, and one minus that of π − φ beyond. The region in which u errs
    is a wedge of angle φ with its apex γ₀√d cot φ from the origin; the second
    form is the wedge in polar coordinates, which has no layer and no
    difference. With margin 0 it is φ/π. The smallest margin of w* is γ₀.

    Parameters
    ----------
    cosine : float
        cos φ in [−1, 1].
    margin : float
        γ₀ ≥ 0, 1/√d in the paper.
    dim : int
        d.

    Returns
    -------
    float
        To 1e-12 relative for the cosine as given; 0 where it is below 1e-300.

    Raises
    ------
    ValueError
        Outside that domain.

    References
    ----------
    [LWM19, section 2]

    Examples
    --------
    >>> round(linear_error(0.0, 0.1, 100), 6), linear_error(1.0, 0.1, 100)
    (0.5, 0.0)
    >>> f"{linear_error(0.99999, 0.0, 50):.6e}"
    '1.423526e-03'
    """
    cosine = _checks.double(cosine, "cosine")
    if cosine.ndim or not -1 <= cosine <= 1:
        raise ValueError(f"cosine must be one number in [-1, 1], got {cosine}; divide by the norms")
    cosine, shift = float(cosine), _checks.scalar(margin, "margin", zero=True) * _checks.whole(dim, "dim", 2)**0.5
    if cosine in (-1, 0, 1):
        return (1 - cosine) / 2
    return _wedge(cosine, shift) if cosine >= 0 else 1 - _wedge(-cosine, shift)


def _wedge(cosine, shift):
    """The integral with cot ψ = sinh τ: a factor that can be tiny times a smooth integrand that falls from its left."""
    sine = np.sqrt((1 - cosine) * (1 + cosine))
    distance, near = shift * cosine / sine, shift * cosine  # of the apex, and of the line, from the origin
    if distance > 38:
        return 0.0
    first = np.arcsinh(cosine / sine)
    last = first + 41  # sech τ has fallen by e^-40, or the exponential has
    if near * np.cosh(last) > 9:
        last = min(last, np.arccosh(np.hypot(1 / sine, 9 / near)))
    t, weights = panels(np.linspace(0, last - first, 17))
    values = np.exp(-near**2 / 2 * np.sinh(t) * np.sinh(2 * first + t)) / np.cosh(first + t)
    return float(np.exp(-distance**2 / 2) * (weights @ values) / np.pi)


def odd_part(weights, output_weights):
    r"""α of Lemma 5.3: r(x) − r(−x) = 2⟨α, x⟩ exactly, for every two-layer ReLU network.

    .. math:: \alpha = \tfrac12 \sum_j w_j W_j

    Parameters
    ----------
    weights : array_like (m, d)
        W, the rows of the first layer that see x₁.
    output_weights : array_like (m,)
        w, the second layer.

    Returns
    -------
    ndarray (d,)

    Raises
    ------
    ValueError
        If shapes do not fit.

    References
    ----------
    [LWM19, Lemma 5.3]

    Examples
    --------
    >>> odd_part([[1.0, 0.0], [0.0, 2.0]], [1.0, -1.0]).tolist()
    [0.5, -1.0]
    """
    weights = _checks.shaped(weights, "weights", (None, None)).astype(float)
    with np.errstate(over="ignore", invalid="ignore"):
        half = _checks.shaped(output_weights, "output_weights", (len(weights),)) @ weights / 2
    return _checks.within_floats(half, "weights and output_weights")


def effective_samples(n, p, q):
    """Examples from which P is learned: (large rate first, small rate) = ((1 − q)N, pN).

    Parameters
    ----------
    n : int
        N.
    p, q : float
        Fractions with P only and Q only, together at most 1.

    Returns
    -------
    tuple of float

    Raises
    ------
    ValueError
        If a fraction is outside [0, 1], or both together are above 1.

    References
    ----------
    [LWM19, Theorems 1.1 and 1.2]

    Examples
    --------
    >>> effective_samples(100, 0.25, 0.25)
    (75.0, 25.0)
    """
    n = _checks.whole(n, "n")
    p, q = _checks.scalar(p, "p", zero=True), _checks.scalar(q, "q", zero=True)
    if p + q > 1 + 1e-12:
        raise ValueError(f"p + q must be at most 1, got {p:g} + {q:g}; they are fractions of the same examples")
    return (1 - q) * n, p * n
