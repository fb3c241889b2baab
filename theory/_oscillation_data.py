r"""Data sets: what carries over from one example. Public names: `theory.benign_oscillation`."""

import refimpl._checks as _checks
from theory._oscillation_weak import weak_half_time


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


def memorisation_exponent(noise_square, weak_square, strong_per_class):
    r"""Power p with which a memorised noise patch grows beside the weak feature, ν ∝ β^p.

    .. math:: p = \frac{|\xi|^2}{n_c |v|^2}

    Oscillation drives every direction that its examples share in proportion to
    the square of its length and to how often it is visited: v at each of the
    n_c strong examples of a class, a noise patch at one of them. At p = 1 they
    grow alike. Below, the weak feature wins and oscillation is benign; above,
    noise stops the oscillation before v is learned.

    Parameters
    ----------
    noise_square : float or array_like
        |ξ|².
    weak_square : float or array_like
        |v|².
    strong_per_class : int
        n_c.

    Returns
    -------
    float or ndarray

    Raises
    ------
    ValueError
        If an argument is not positive.

    References
    ----------
    [LWYZ24]_, "We refer to such a phenomenon as “benign oscillation”", bounded.

    Examples
    --------
    >>> round(memorisation_exponent(0.08, 0.01, 8), 12)
    1.0
    """
    noise = _checks.positive(noise_square, "noise_square")
    return noise / (_checks.whole(strong_per_class, "strong_per_class") * _checks.positive(weak_square, "weak_square"))


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
