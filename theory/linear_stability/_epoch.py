r"""Growth in mean square where each epoch passes the examples in a random order.

Its public name is that of `theory.linear_stability`.
"""

from itertools import combinations
from math import comb

import numpy as np

from theory import _checks
from theory.linear_stability._ensemble import as_curvature, reduce, size_of
from theory.linear_stability._epoch_polynomial import polynomial_rate

_MOST_PRODUCTS = 6e9  # multiplications of one call: about ten seconds
_MOST_EXAMPLES = 16


def epoch_mean_square_rate(hessians, lr, batch_size=1):
    r"""Growth factor of E‖x‖² per *step* when each epoch is a random permutation.

    .. math:: \rho\Big(\frac{1}{n!}\sum_\pi \bigotimes\nolimits^2
              \prod_b (I - \eta H_{\pi(b)})\Big)^{1/\lceil n/B\rceil}

    The average runs over all n! orders, exactly, by a recursion over subsets:
    with M_b = I − ηH_b and b the last batch of those that pass the examples in S,

    .. math:: F_S(X) = \operatorname{mean}_{b \subset S} M_b\, F_{S \setminus b}(X)\, M_b, \qquad F_\emptyset(X) = X .

    Where B does not divide n, the last batch of each epoch is the short one.
    Eq. 4 and `critical_lr` describe independent batches and do not apply to
    this way of sampling, which is stabler on most ensembles but not on all.

    Parameters
    ----------
    hessians : array_like (n, d, d) or GaussNewton
        Symmetric positive semi-definite, n ≤ 16. In one dimension, or where
        rank H = 1, n may be larger: see Notes.
    lr : float
        Learning rate η > 0.
    batch_size : int
        B in 1…n.

    Returns
    -------
    float
        Spectral radius on symmetric matrices over R^d, to the power one over
        the steps of an epoch; directions without curvature count, with 1. To a
        relative 1e-12 where the largest |1 − ηh| is of order 1.

    Raises
    ------
    ValueError
        If n > 16, if the recursion costs more than 6e9 multiplications (about
        ten seconds: Σ_j C(n, jB) C(jB, B) m³ with m = r(r+1)/2 and r = rank H),
        or if an argument is outside its range.

    Notes
    -----
    In one dimension the average is a polynomial, found in exact rational
    arithmetic from sums over distinct examples,

    .. math:: \Big[(1-y)^2 + \frac{x - y^2}{B}\Big]^{n/B}, \qquad
              y^s x^v \mapsto \operatorname{mean} \prod_{s\ \text{of them}} z_i \prod_{v\ \text{others}} z_j^2,
              \quad z_i = \eta h_i,

    up to n²·⌈n/B⌉ ≤ 5e5 (n = 100 at B = 2); for B = 1 it is Π(1 − ηh_i)², for any n.

    References
    ----------
    C. De Sa, "Random reshuffling is not always better", NeurIPS 2020, refutes the
    general inequality; [WME18]_, eq. 2, with batches of an epoch.

    Examples
    --------
    >>> round(epoch_mean_square_rate([[[0.2]], [[3.8]]], 0.7) ** 2, 12)   # (0.86 · 1.66)²
    2.03804176
    """
    curvature = as_curvature(hessians)
    lr, size = _checks.scalar(lr, "lr"), _checks.batch_size(batch_size, size_of(curvature)[0])
    reduced = reduce(curvature)
    rank = len(reduced.eigenvalues)
    with np.errstate(over="ignore", invalid="ignore"):
        try:
            rate = (polynomial_rate(_stack(reduced)[:, 0, 0], lr, size) if rank == 1
                    else _subset_rate(_stack(reduced), lr, size))
        except (OverflowError, np.linalg.LinAlgError):
            rate = np.inf
    if not np.isfinite(rate):
        raise ValueError(f"lr must keep the growth of an epoch below the largest float, got {lr:g}; every rate that "
                         "far beyond 2 / curvature is unstable")
    return max(rate, 1.0) if rank < size_of(curvature)[1] else rate


def _stack(reduced):
    """The H_i on range(H), (n, r, r)."""
    return reduced.factors.swapaxes(1, 2) @ reduced.factors if reduced.is_factored else reduced.factors


def _subset_rate(stack, lr, size):
    count, rank = stack.shape[:2]
    full, short = divmod(count, size)
    width = rank * (rank + 1) // 2
    steps = sum(comb(count, j * size) * comb(j * size, size) for j in range(1, full + 1)) + comb(count, short)
    if count > _MOST_EXAMPLES or steps * width**3 > _MOST_PRODUCTS:
        raise ValueError(f"hessians must have n <= {_MOST_EXAMPLES} and cost at most {_MOST_PRODUCTS:.0e} "
                         "multiplications to "
                         f"average over all orders, got n = {count}, rank {rank} and batch_size {size}, which cost "
                         f"{steps * width**3:.1e}; average over sampled orders instead: "
                         "refimpl.linear_stability.epoch_mean_square_interval")
    subsets, maps = np.zeros(1, dtype=np.int64), np.eye(width)[None]
    for taken in [size] * full + [short] * (short > 0):
        subsets, maps = _longer(subsets, maps, stack, lr, taken)
    mean = maps[0]
    if short:
        radius = np.abs(np.linalg.eigvals(mean)).max()
    else:  # the orders come with their reversals, so the mean is symmetric; it keeps the cone, so its top is its radius
        radius = np.linalg.eigvalsh((mean + mean.T) / 2)[-1]
    return float(max(radius, 0.0) ** (1 / (full + (short > 0))))


def _longer(subsets, maps, stack, lr, taken):
    """F_S for every S larger by one batch: the bit masks of the S, and F_S (count, m, m) on symmetric matrices."""
    count, rank = stack.shape[:2]
    size = int(subsets[0]).bit_count() + taken
    batches = list(combinations(range(count), taken))
    masks = np.array([sum(1 << i for i in batch) for batch in batches])
    larger = np.array(sorted(sum(1 << i for i in subset) for subset in combinations(range(count), size)))
    place = np.zeros(2**count, dtype=np.int64)
    place[larger] = np.arange(len(larger))
    result = np.zeros((len(larger), *maps.shape[1:]))
    for step, mask in zip(_on_symmetric(np.eye(rank) - lr * stack[np.array(batches)].mean(axis=1)), masks):
        apart = (subsets & mask) == 0
        result[place[subsets[apart] | mask]] += step @ maps[apart]
    return larger, result / comb(size, taken)


def _on_symmetric(matrices):
    """X ↦ M X M for symmetric M (…, r, r), as matrices (…, m, m) on the upper triangle scaled to keep the inner
    product."""
    row, column = np.triu_indices(matrices.shape[-1])
    down, across = (matrices[..., left[:, None], right] for left, right in ((row, row), (row, column)))
    image = down * matrices[..., column[:, None], column] + across * matrices[..., column[:, None], row]
    scale = np.where(row == column, np.sqrt(0.5), 1.0)
    return scale[:, None] * image * scale
