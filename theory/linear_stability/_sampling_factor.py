"""How much noise a batch adds, with and without replacement."""

from theory import _checks


def sampling_factor(n, batch_size, *, replacement=False):
    r"""Variance of a batch mean, in units of the variance of one example.

    .. math:: p = \frac{n - B}{B (n - 1)} \ \text{(without replacement)}, \qquad p = \frac1B \ \text{(with)}

    Parameters
    ----------
    n : int
        Number of examples, at least 1.
    batch_size : int
        Examples in a batch B, in 1…n.
    replacement : bool
        Whether a batch may hold an example twice.

    Returns
    -------
    float
        p in [0, 1], to rounding; 0 for the whole set without replacement, also at n = 1.

    Raises
    ------
    ValueError
        If `n` or `batch_size` is outside its range.

    References
    ----------
    [WME18]_, eq. 4.

    Examples
    --------
    >>> sampling_factor(5, 2)
    0.375
    """
    n = _checks.whole(n, "n")
    size = _checks.batch_size(batch_size, n)
    if _checks.flag(replacement, "replacement"):
        return 1.0 / size
    return (n - size) / (size * (n - 1)) if n > 1 else 0.0
