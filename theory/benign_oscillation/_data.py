r"""Data sets: what carries over from one example. Public names: `theory.benign_oscillation`."""

import numpy as np

from theory import _checks
from theory.benign_oscillation._weak_growth import weak_half_time


def data_half_time(c, kappa, alpha0, beta0, strong_per_class):
    r"""Epochs of single-example SGD until the weak feature of a class has half of β*.

    .. math:: t_{1/2}(c, \kappa, \alpha_0, \beta_0) / n_c

    A strong example of a class acts on the filters of that class as the one
    example does, and the others on other filters; so time is counted in visits
    of strong examples of the class, n_c of them an epoch.

    Parameters
    ----------
    c, kappa, alpha0, beta0
        As for `weak_half_time`; α₀ and β₀ are those of the class.
    strong_per_class : int
        n_c, strong examples of the class.

    Returns
    -------
    float

    Raises
    ------
    ValueError
        As for `weak_half_time`.

    References
    ----------
    [LWYZ24]_, "Weak signal learning", on data.

    Examples
    --------
    >>> round(data_half_time(1.2, 0.01, 1e-4, 1e-6, 8), 1)
    751.6
    """
    return weak_half_time(c, kappa, alpha0, beta0) / _checks.whole(strong_per_class, "strong_per_class")


def memorisation_exponent(noise_square, weak_square, strong_per_class, strong_square=None):
    r"""Power p with which a memorised noise patch grows beside the weak feature, ν ∝ β^p.

    .. math:: p = \frac{|\xi|^2 (1 - |\xi|^2/|u|^2)}{n_c |v|^2 (1 - |v|^2/|u|^2)}

    Oscillation drives every direction by `weak_growth_rate` at each visit of an
    example that has it: v at each of the n_c strong examples of a class, a
    noise patch at its own alone. At p = 1 they grow alike. Below, the weak
    feature wins and oscillation is benign; above, noise stops the oscillation
    before v is learned. The noise patches are taken to be orthogonal: random
    ones in d dimensions help each other along the leading direction of their
    Gram matrix, and grow faster.

    Parameters
    ----------
    noise_square : float or array_like
        |ξ|².
    weak_square : float or array_like
        |v|².
    strong_per_class : int
        n_c.
    strong_square : float, optional
        |u|², larger than both; without it the limit |u|² → ∞, |ξ|²/(n_c |v|²).

    Returns
    -------
    float or ndarray

    Raises
    ------
    ValueError
        If an argument is outside its range.

    References
    ----------
    [LWYZ24]_, "We refer to such a phenomenon as “benign oscillation”", bounded.

    Examples
    --------
    >>> round(memorisation_exponent(0.08, 0.01, 8), 12), round(memorisation_exponent(0.08, 0.01, 8, 1.0), 6)
    (1.0, 0.929293)
    """
    noise, weak = _checks.positive(noise_square, "noise_square"), _checks.positive(weak_square, "weak_square")
    _checks.broadcast(noise_square=noise, weak_square=weak)
    count = _checks.whole(strong_per_class, "strong_per_class")
    power = _checks.within_floats(lambda: noise / weak / count, "noise_square and weak_square")
    if strong_square is None:
        return power
    strong = _checks.scalar(strong_square, "strong_square")
    if np.any(np.asarray(noise) >= strong) or np.any(np.asarray(weak) >= strong):
        raise ValueError(f"strong_square must be larger than noise_square and weak_square, got {strong:g}; the strong "
                         "feature is the one that oscillates")
    return power * ((strong - noise) / (strong - weak))


def accuracy_without_weak(weak_share):
    r"""Accuracy of a network that has learned the strong feature alone: 1 − ρ/2.

    Right on every strong example, a coin toss on the share ρ of weak ones,
    where it sees noise. At the published ρ = 1/8 it is 0.9375, the published
    accuracy at a small rate to its last digit.

    Parameters
    ----------
    weak_share : float
        ρ in (0, 1].

    Returns
    -------
    float

    Raises
    ------
    ValueError
        If ρ is not a probability above 0.

    References
    ----------
    [LWYZ24]_, "To generalize to all new data points".

    Examples
    --------
    >>> accuracy_without_weak(1 / 8)
    0.9375
    """
    share = _checks.scalar(weak_share, "weak_share")
    if share > 1:
        raise ValueError(f"weak_share must be a probability, got {share:g}; give a number in (0, 1]")
    return 1 - share / 2


def full_batch_onset(n, strong_per_class):
    r"""Rate c from which full-batch gradient descent oscillates: n/n_c.

    .. math:: c\, \frac{n_c}{n} = 1

    In the mean over n examples only the n_c strong ones of a class move its
    strong feature, so that c n_c/n takes the place of c.

    Parameters
    ----------
    n : int
        Examples in the set.
    strong_per_class : int
        n_c ≤ n.

    Returns
    -------
    float

    Raises
    ------
    ValueError
        If an argument is outside its range.

    References
    ----------
    [LWYZ24]_, title.

    Examples
    --------
    >>> full_batch_onset(16, 8)
    2.0
    """
    n = _checks.whole(n, "n")
    return n / _checks.whole(strong_per_class, "strong_per_class", 1, n)
