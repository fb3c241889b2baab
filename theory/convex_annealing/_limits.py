"""Limits of P/L at the stop as ε → 0, at a small rate and at a large one that is annealed; the rate between them."""

import numpy as np
from scipy.linalg import eigh

from theory import _checks
from theory.convex_annealing._trajectory import eigenbasis, square


_SCALES = "train_hessian and test_hessian"
_SAME = 16 * np.finfo(float).eps  # times d: eigenvalues this close, relative to the largest, are one


def limit_ratios(train_hessian, test_hessian, start=None):
    r"""Limits of P/L at the stop as ε → 0: small rate, and large rate annealed at a loss of the order of ε.

    .. math:: \frac{v_{\min}^T G v_{\min}}{\lambda_{\min}}, \qquad \frac{v_{\max}^T G v_{\max}}{\lambda_{\max}}

    The first belongs to every schedule whose rates end below the crossover for
    a number of steps that grows as ε → 0, in particular to a switch after a
    fixed number of large steps; the second to large rates between the crossover
    and 2/λ_max that are kept until L is within a fixed factor of ε. λ_min, λ_max
    and the crossover 2/(λ_min + λ_max) are those of the directions in which the
    start has a component: give it to `crossover_lr` too. It is P/L, with the
    train loss that was reached, that converges; P/ε does so along gradient flow
    only, since a step of descent overshoots ε. Annealing helps if the second is smaller: whenever G ∝ I, but not,
    for example, for G = H², and not at all for G = H.

    Parameters
    ----------
    train_hessian, test_hessian : array_like (d, d)
        H, positive definite, and G, positive semi-definite: second derivatives
        of the train and test losses, which share their minimum.
    start : array_like (d,), optional
        r_0 = w_0 − w*. Needed where an extreme eigenvalue is repeated and the
        ratio depends on the direction within its eigenspace; directions in
        which the start has no component, none above 16 d ε of its norm, are
        left out. Without it every direction is taken to have one.

    Returns
    -------
    small, annealed : float
        To 1e-14 relative where H is diagonal; besides, what the eigenvectors
        lose, 1e-15 λ_max over the gap to the next eigenvalue. Eigenvalues
        within 16 d ε λ_max of an extreme one count as that one.

    Raises
    ------
    ValueError
        If H is singular, where the test loss need not fall with ε; if an
        extreme eigenvalue is repeated and no start is given although the
        ratio depends on it; or if an argument is outside its range.

    References
    ----------
    [NAK20]_, panels (a) and (b), generalised to any pair of quadratics.

    Examples
    --------
    >>> limit_ratios([[4 / 3, 0], [0, 2 / 3]], [[1, 0], [0, 1]])
    (1.5, 0.75)
    """
    matrix, test, exponent = _pair(train_hessian, test_hessian)
    values, vectors, coefficients = eigenbasis(matrix, np.zeros(len(matrix)) if start is None else start)
    width = _SAME * len(values) * values[-1]
    excited = _excited(start, coefficients)
    limits = []
    for extreme in (values[excited][0], values[excited][-1]):
        space = np.abs(values - extreme) <= width
        block = vectors[:, space].T @ test @ vectors[:, space]
        if start is None:
            if np.abs(block - block[0, 0] * np.eye(len(block))).max() > 1e-10:
                raise ValueError(f"train_hessian must have simple extreme eigenvalues, got one {len(block)} times; the "
                                 "ratio depends on the direction within its eigenspace: give start")
            limits.append(block[0, 0] / extreme)
        else:
            along = _checks.unit(coefficients[space])[0]
            limits.append(along @ block @ along / (along @ along) / extreme)
    return tuple(_checks.scaled(limits, exponent, _SCALES).tolist())


def ratio_bounds(train_hessian, test_hessian):
    r"""Smallest and largest P/L of any point: the range of the test loss on a contour of the train loss.

    .. math:: \min_r, \max_r \frac{r^T G r}{r^T H r}

    the extreme eigenvalues of the pair (G, H). Whatever the schedule, a run
    that stops at L = ε has P/ε between them.

    Parameters
    ----------
    train_hessian, test_hessian
        As for `limit_ratios`.

    Returns
    -------
    least, most : float
        To 1e-14 of the largest, times the condition number of H.

    Raises
    ------
    ValueError
        If H is singular or an argument is outside its range.

    References
    ----------
    [NAK20]_, panel (c).

    Examples
    --------
    >>> [round(bound, 12) for bound in ratio_bounds([[4 / 3, 0], [0, 2 / 3]], [[1, 0], [0, 1]])]
    [0.75, 1.5]
    """
    matrix, test, exponent = _pair(train_hessian, test_hessian)
    values = np.maximum(eigh(test, matrix, eigvals_only=True)[[0, -1]], 0)
    return tuple(_checks.scaled(values, exponent, _SCALES).tolist())


def crossover_lr(train_hessian, start=None):
    r"""Learning rate above which gradient descent learns the sharpest direction last.

    .. math:: \eta_\times = \frac{2}{\lambda_{\min} + \lambda_{\max}}

    where |1 − ηλ_min| = |1 − ηλ_max|; no eigenvalue between them has a larger
    factor. It is the rate of fastest convergence and lies between 1/λ_max,
    where gradient descent starts to oscillate, and 2/λ_max, where it diverges.

    Parameters
    ----------
    train_hessian : array_like (d, d)
        H, positive definite, second derivatives of the train loss: with the
        matrix of a loss without its ½ the result would be twice too large.
    start : array_like (d,), optional
        r_0 = w_0 − w*. Directions in which it has no component are left out of
        λ_min and λ_max; without it none is.

    Returns
    -------
    float
        In units of 1 / curvature, to 1e-15 relative where H is diagonal.

    Raises
    ------
    ValueError
        If H is singular, or all its eigenvalues (those of the start's
        directions) are equal, so that no direction is learned before another.

    References
    ----------
    [NAK20]_, "large learning rate", made exact.

    Examples
    --------
    >>> crossover_lr([[4 / 3, 0], [0, 2 / 3]])
    1.0
    >>> round(crossover_lr([[1, 0, 0], [0, 2, 0], [0, 0, 3]], [0.0, 1.0, 1.0]), 12)
    0.4
    """
    matrix = _definite(train_hessian)
    values, _, coefficients = eigenbasis(matrix, np.zeros(len(matrix)) if start is None else start)
    values = values[_excited(start, coefficients)]
    if values[-1] - values[0] <= _SAME * len(matrix) * values[-1]:
        raise ValueError(f"train_hessian must have two different eigenvalues, got {values[0]:g} {len(values)} times; "
                         "all directions then shrink alike at every rate, and annealing changes nothing")
    return float(_checks.within_floats(lambda: 1 / (values[0] / 2 + values[-1] / 2), "train_hessian"))


def mean_benefit(n):
    r"""Mean of (annealed limit) / (small-rate limit) over random samples of the slides' distribution.

    .. math:: E\Big[\frac{\min(c, n-c)}{\max(c, n-c)} \,\Big|\, 0 < c < n\Big], \qquad c \sim \mathrm{Bin}(n, \tfrac12)

    For a sample with c times e₁ and n − c times e₂, H = diag(2c, 2(n−c))/n and
    G = I, so `limit_ratios` are n/(2 min) and n/(2 max). One means no benefit;
    1 − √(8/(πn)) for large n: with more data the effect goes away.

    Parameters
    ----------
    n : int
        Number of examples, 2…10¹¹: a sample without one of the vectors,
        probability 2^{1−n}, has no limit and is left out.

    Returns
    -------
    float
        To 1e-15 √n relative.

    Raises
    ------
    ValueError
        If `n` is not a whole number of at least 2.

    References
    ----------
    [NAK20]_, "for drawn n samples from the distribution".

    Examples
    --------
    >>> [mean_benefit(n) for n in (2, 3)]
    [1.0, 0.5]
    """
    n = _checks.whole(n, "n", 2, 10**11)
    middle = n // 2
    c = np.arange(middle, max(middle - int(20 * n**0.5), 0), -1.0)     # beyond 20 deviations there is nothing
    weights = np.cumprod(np.r_[1.0, c[:-1] / (n - c[:-1] + 1)])        # binomial coefficients over the middle one
    weights[0] /= 1 + (n % 2 == 0)                                     # both halves, which share it if n is even
    return float(weights @ (c / (n - c)) / weights.sum())


def _excited(start, coefficients):
    """The eigendirections along which the start has a component; all of them where none is given."""
    if start is None:
        return np.ones(len(coefficients), bool)
    excited = np.abs(coefficients) > _SAME * len(coefficients) * np.linalg.norm(coefficients)
    if not excited.any():
        raise ValueError("start must not be 0, the minimum itself; start elsewhere")
    return excited


def _pair(train_hessian, test_hessian):
    """H and G with entries near 1, and the exponent of 2 by which G/H is larger than theirs."""
    matrix, steep = _checks.unit(_definite(train_hessian))
    test, far = _checks.unit(_checks.symmetric(test_hessian, "test_hessian", len(matrix)).astype(float))
    return matrix, test, far - steep


def _definite(train_hessian):
    matrix = square(train_hessian, "train_hessian")
    lowest, highest = np.linalg.eigvalsh(matrix)[[0, -1]]
    if lowest <= _SAME * len(matrix) * highest:
        raise ValueError(f"train_hessian must be positive definite, got the eigenvalue {max(lowest, 0):.3g}; along it "
                         "nothing is learned and the test loss does not fall: restrict both Hessians to the directions "
                         "in the sample")
    return matrix
