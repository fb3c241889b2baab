r"""Samples of basis vectors: their Hessians, and SGD on them in mean square.

The examples are standard basis vectors e_j of R^d, c_j of the n being e_j, and
y = ⟨β*, x⟩. The loss of an example has no ½, so its Hessian is 2 e_j e_jᵀ, and
a batch multiplies the error r_j by 1 − 2η k_j / B where it holds e_j k_j times.
The noise is multiplicative: it vanishes at the minimum. The public names are
those of `theory.convex_annealing`.
"""

import numpy as np

from theory import _checks
from theory.linear_stability._ensemble import sampling_factor


def sample_hessian(counts):
    r"""Hessian of the empirical loss of a sample of basis vectors.

    .. math:: \hat L = \tfrac1n \sum_i (\langle\beta, x_i\rangle - y_i)^2 = \sum_j \tfrac{c_j}{n} r_j^2,
              \qquad H = \operatorname{diag}(2 c_j / n)

    Parameters
    ----------
    counts : array_like of int (d,)
        c_j ≥ 0, how often e_j is among the n = Σc_j examples; (2, 1) on the slides.

    Returns
    -------
    ndarray (d, d)
        Second derivatives of L̂: L̂ = ½ rᵀHr, r = β − β*.

    Raises
    ------
    ValueError
        If the counts are not whole numbers or hold no example.

    References
    ----------
    [NAK20]_, "Empirical Loss".

    Examples
    --------
    >>> sample_hessian([2, 1]).round(4)
    array([[1.3333, 0.    ],
           [0.    , 0.6667]])
    """
    return np.diag(2 * _frequencies(counts)[0])


def population_hessian(dim=2):
    r"""Hessian of the population loss where x is a basis vector drawn uniformly.

    .. math:: L_D = E(\langle\beta, x\rangle - y)^2 = \tfrac1d \|r\|^2, \qquad G = \tfrac2d I

    Parameters
    ----------
    dim : int
        d ≥ 1; 2 on the slides.

    Returns
    -------
    ndarray (d, d)
        Second derivatives of L_D.

    Raises
    ------
    ValueError
        If `dim` is not a whole number of at least 1.

    References
    ----------
    [NAK20]_, "Population Loss".

    Examples
    --------
    >>> population_hessian()
    array([[1., 0.],
           [0., 1.]])
    """
    return np.eye(_checks.whole(dim, "dim")) * (2 / dim)


def mean_square_multipliers(counts, lr, batch_size, *, replacement=False):
    r"""Exact growth of E[r_j²] in one step of SGD, for each direction.

    .. math:: q_j = (1 - \eta h_j)^2 + \eta^2 p\, h_j (2 - h_j), \qquad h_j = 2c_j / n

    with p the sampling factor of a batch; h_j(2 − h_j) is the variance of an
    example's curvature, which is 2 with probability c_j/n and else 0.

    Parameters
    ----------
    counts : array_like of int (d,)
        As for `sample_hessian`.
    lr : float or array_like (*S,)
        Learning rate η > 0.
    batch_size : int
        B in 1…n.
    replacement : bool
        Whether batches are drawn with replacement.

    Returns
    -------
    ndarray (*S, d)

    Raises
    ------
    ValueError
        If an argument is outside its range.

    References
    ----------
    [NAK20]_, "update with SGD", made exact.

    Examples
    --------
    >>> mean_square_multipliers([2, 1], 1.0, 1).round(12)
    array([1., 1.])
    """
    frequencies, n = _frequencies(counts)
    noise = sampling_factor(n, batch_size, replacement=replacement)
    rates = np.asarray(_checks.positive(lr, "lr"), float)[..., None]
    curvatures = 2 * frequencies
    return _checks.within_floats(lambda: (1 - rates * curvatures)**2 + rates**2 * noise * curvatures * (2 - curvatures),
                                 "lr")


def mean_square_lr(counts, batch_size, *, replacement=False):
    r"""Largest learning rate at which SGD on a sample of basis vectors is stable in mean square.

    .. math:: \eta^* = \frac{2}{2p + (1 - p)\, h_{\max}}

    from q_j ≤ 1, that is η((1−p)h_j² + 2p h_j) ≤ 2h_j. For the sample of the
    slides 1, 4/3 and 3/2 for B = 1, 2 and 3.

    Parameters
    ----------
    counts, batch_size, replacement
        As for `mean_square_multipliers`.

    Returns
    -------
    float

    Raises
    ------
    ValueError
        If an argument is outside its range.

    References
    ----------
    [NAK20]_, "update with SGD", made exact.

    Examples
    --------
    >>> [round(mean_square_lr([2, 1], size), 4) for size in (1, 2, 3)]
    [1.0, 1.3333, 1.5]
    """
    frequencies, n = _frequencies(counts)
    noise = sampling_factor(n, batch_size, replacement=replacement)
    return float(1 / (noise + (1 - noise) * frequencies.max()))


def mean_square_crossover(counts, batch_size, *, replacement=False):
    r"""Learning rate above which SGD shrinks the sharpest direction slowest in mean square.

    .. math:: \eta_\times = \frac{2}{2p + (1 - p)(h_{\min} + h_{\max})}

    from q_min = q_max; q is convex in h, so no direction between them matters.
    With two directions h_min + h_max = 2, and the crossover is 1 for every
    batch size. It lies below `mean_square_lr` except at p = 1, a batch of one,
    where both are 1 in any dimension: no stable rate prefers the flat direction.

    Parameters
    ----------
    counts, batch_size, replacement
        As for `mean_square_multipliers`; at least two different counts that
        are not 0.

    Returns
    -------
    float

    Raises
    ------
    ValueError
        If all directions in the sample are equally frequent, so that none is
        the sharpest, or an argument is outside its range.

    References
    ----------
    [NAK20]_, "update with SGD", made exact.

    Examples
    --------
    >>> [round(mean_square_crossover([2, 1], size), 12) for size in (1, 2, 3)]
    [1.0, 1.0, 1.0]
    """
    frequencies, n = _frequencies(counts)
    noise = sampling_factor(n, batch_size, replacement=replacement)
    seen = frequencies[frequencies > 0]
    if seen.min() == seen.max():
        raise ValueError(f"counts must hold two different numbers other than 0, got {np.asarray(counts).tolist()}; "
                         "directions of equal curvature shrink alike at every rate, so there is no crossover")
    return float(1 / (noise + (1 - noise) * (seen.min() + seen.max())))


def _frequencies(counts):
    """c_j / n and n."""
    array = _checks.array(counts, "counts")
    if array.ndim != 1 or array.dtype.kind not in "iu" or not array.size or (array < 0).any() or not array.any():
        raise ValueError(f"counts must be whole numbers >= 0, one a direction and not all 0, got {counts!r}; "
                         "count how often each basis vector is in the sample")
    n = _checks.whole(sum(array.tolist()), "the sum of counts")
    return array / n, n
