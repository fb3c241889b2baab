r"""What keeps gradient descent at the edge where a loss has flat directions. Public names: `theory.edge_of_stability`.

Out of the middle by x along the top eigenvector v, to opposite sides at each
step, gradient descent feels −½x²T[v, v] on average, and T[v, v] is the gradient of
the sharpness: the oscillation lowers what the gradient raises.
"""

import numpy as np

from theory import _checks


def stabilised_amplitude(gradient, third, top):
    r"""Amplitude of the oscillation that holds the sharpness at 2/η against progressive sharpening.

    .. math:: a^2 = \frac{2\alpha}{\beta}, \qquad \alpha = -\nabla L \cdot T_\perp, \quad \beta = |T_\perp|^2

    with T⊥ = T[v, v] less its part along v, both at the middle of two
    iterates. Leading order in a; it holds once the oscillation follows α and β,
    which change slowly, and while the second eigenvalue stays below 2/η.

    Parameters
    ----------
    gradient : array_like (d,)
        ∇L at the middle.
    third : array_like (d,)
        T[v, v] there, the gradient of the sharpness.
    top : array_like (d,)
        v, the unit eigenvector of the sharpness.

    Returns
    -------
    float
        a > 0, to 1e-14 of α's terms.

    Raises
    ------
    ValueError
        If shapes differ, v is no unit vector, T⊥ is 0 or α is not positive:
        the flow would not sharpen, and nothing holds it at the edge.

    References
    ----------
    [DNL23]_, section 4.1.

    Examples
    --------
    >>> stabilised_amplitude([0.0, -0.5], [3.0, 4.0], [1.0, 0.0])
    0.5
    """
    gradient, unit, length, _, (steep, far) = _across(gradient, third, top)
    rising = -float(gradient @ unit)
    if rising <= 0:
        raise ValueError(f"gradient must let the sharpness rise along the flow, got −∇L·T⊥/|T⊥| = "
                         f"{np.ldexp(rising, steep):.3g}; where it falls by itself no oscillation is held at the edge")
    half, odd = divmod(int(steep - far), 2)
    return float(_checks.scaled(np.sqrt(2.0 ** (1 + odd) * rising / length), half, "gradient and third"))


def constrained_velocity(gradient, third, top):
    r"""Velocity of the flow that is held at constant sharpness and at ∇L·v = 0.

    .. math:: -\nabla L + v\,(v \cdot \nabla L) + T_\perp \frac{T_\perp \cdot \nabla L}{|T_\perp|^2}

    The middle of two iterates of gradient descent moves with it per unit of
    η·steps while it is held at the edge, to leading order in a.

    Parameters
    ----------
    gradient, third, top
        As for `stabilised_amplitude`.

    Returns
    -------
    ndarray (d,)
        Orthogonal to v and to T⊥.

    Raises
    ------
    ValueError
        If shapes differ, v is no unit vector or T⊥ is 0.

    References
    ----------
    [DNL23]_, section 3, equation of the constrained trajectory.

    Examples
    --------
    >>> constrained_velocity([1.0, -0.5, 2.0], [3.0, 4.0, 0.0], [1.0, 0.0, 0.0]) + 0.0
    array([ 0.,  0., -2.])
    """
    gradient, unit, _, top, (steep, _) = _across(gradient, third, top)
    return _checks.scaled(top * (top @ gradient) + unit * (unit @ gradient) - gradient, steep, "gradient")


def _across(gradient, third, top):
    """(∇L, T⊥/|T⊥|, |T⊥|, v, exponents of ∇L and T), ∇L and T divided by 2^exponent: any scale will do."""
    gradient = _checks.shaped(gradient, "gradient", (None,)).astype(float)
    third, top = (_checks.shaped(part, name, gradient.shape).astype(float)
                  for part, name in ((third, "third"), (top, "top")))
    with np.errstate(over="ignore"):
        length = np.linalg.norm(top)
    if abs(length - 1) > 1e-6:
        raise ValueError(f"top must be a unit vector, got one of length {length:g}; divide by its norm")
    top = top / length
    (gradient, steep), (third, far) = _checks.unit(gradient), _checks.unit(third)
    across = third - top * (top @ third)
    length = np.linalg.norm(across)
    if length <= 1e-14 * np.linalg.norm(third):
        raise ValueError("third must have a part across top, got none; the sharpness then changes along its own "
                         "eigenvector only")
    return gradient, across / length, length, top, (steep, far)
