r"""The linearised dynamics along one given sequence of batches.

Its public name is that of `theory.linear_stability`.
"""

import numpy as np

from theory import _checks
from theory.linear_stability._ensemble import as_curvature, reduce, size_of


def path_log_loss(hessians, lr, indices, start):
    r"""Log of the quadratic loss along a path of SGD whose batches are given.

    .. math:: x_{t+1} = x_t - \frac{\eta}{B} \sum_{i \in B_t} H_i x_t, \qquad
              \log f(x_t), \quad f(x) = \frac{1}{2n} \sum_i x^T H_i x

    The iterate is rescaled at each step, so nothing over- or underflows. The
    slope over many steps of independent batches is 2Λ, twice the Lyapunov
    exponent of the linearised map: the rate at which log-loss grows on almost
    every path of an escape. It is at most log ρ(Q) of `mean_square_rate`.

    Parameters
    ----------
    hessians : array_like (n, d, d) or GaussNewton
        Of the n examples, or an `Ensemble`.
    lr : float
        Learning rate η > 0.
    indices : array_like of int (steps, B)
        The batches B_t.
    start : array_like (d,)
        x_0, the displacement from the minimum; some of it along range(H).

    Returns
    -------
    ndarray (steps + 1,)
        −inf once x_t is exactly at the minimum. To 1e-13 of the largest value where no step of 1 − ηh cancels.

    Raises
    ------
    ValueError
        If the Hessians are not symmetric positive semi-definite, finite and
        not all zero, or another argument does not fit.

    References
    ----------
    [WME18]_, eq. 2 and Fig. 1.

    Examples
    --------
    >>> path_log_loss([[[1.0]], [[3.0]]], 1.0, [[1], [1]], [1.0])   # |1 − η h| = 2
    array([0.        , 1.38629436, 2.77258872])
    """
    curvature = as_curvature(hessians)
    n, dim = size_of(curvature)
    lr = _checks.scalar(lr, "lr")
    batches = _checks.array(indices, "indices")
    if batches.dtype.kind not in "iu" or batches.ndim != 2 or batches.shape[1] == 0:
        raise ValueError(f"indices must be an integer array (steps, B), got dtype {batches.dtype} and shape "
                         f"{batches.shape}; give one row of examples for each step")
    if batches.size and (batches.min() < 0 or batches.max() >= n):
        raise ValueError(f"indices must lie in 0…{n - 1}, got {batches.min()}…{batches.max()}; "
                         "count examples from 0")
    reduced = reduce(curvature)
    largest = reduced.eigenvalues[-1]
    rate, weights = lr * largest, reduced.eigenvalues / largest
    if not 0 < rate < 1e140:    # its square and that of a product are taken
        raise ValueError(f"lr = {lr:g} times the sharpness {largest:g} must be positive and below 1e140, got {rate:g}; "
                         "rescale the Hessians")
    factors = reduced.factors / (np.sqrt(largest) if reduced.is_factored else largest)
    start = _checks.shaped(start, "start", (dim,))
    size = np.abs(start).max() or 1.0  # scaled to order 1 here and below, so that no square leaves the range of floats
    place = _coordinates(reduced, start / size)
    logs, scale = [], np.log(largest) + 2 * np.log(size)
    for batch in [None, *batches]:
        if batch is not None:
            place = place - rate * _pull(factors[batch], place, reduced.is_factored)
        loss = float(weights @ place**2) / 2
        if loss == 0:
            logs.append(-np.inf)
            continue
        logs.append(np.log(loss) + scale)
        place = place / np.sqrt(loss)
        scale += np.log(loss)
    return np.array(logs)


def _pull(factors, place, is_factored):
    """H_B x from the factors (B, k, r) of a batch, or its H_i (B, r, r)."""
    images = factors @ place
    if is_factored:
        return np.einsum("bk,bkr->r", images, factors) / len(factors)
    return images.mean(axis=0)


def _coordinates(reduced, vector):
    """A vector of parameter space in the eigenbasis of H on range(H)."""
    return reduced.basis.T @ vector
