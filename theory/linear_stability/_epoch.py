r"""Growth in mean square where each epoch passes the examples in a random order.

Its public name is that of `theory.linear_stability`.
"""

from itertools import permutations
from math import factorial

import numpy as np

from theory import _checks
from theory.linear_stability._ensemble import GaussNewton, as_curvature


def epoch_mean_square_rate(hessians, lr, batch_size=1):
    r"""Growth factor of E‖x‖² per *step* when each epoch is a random permutation.

    .. math:: \rho\Big(\frac{1}{n!}\sum_\pi \bigotimes\nolimits^2 \prod_b (I - \eta H_{\pi(b)})\Big)^{B/n}

    The average runs over all n! orders, exactly. Eq. 4 and `critical_lr`
    describe independent batches and do not apply to this way of sampling.

    Parameters
    ----------
    hessians : array_like (n, d, d)
        Symmetric positive semi-definite, n ≤ 8 and d ≤ 8.
    lr : float
        Learning rate η > 0.
    batch_size : int
        Divides n.

    Returns
    -------
    float
        Spectral radius on symmetric matrices over R^d, to the power B/n;
        directions without curvature count, with 1.

    Raises
    ------
    ValueError
        If the ensemble is too large to enumerate or an argument is outside its range.
    """
    stack = as_curvature(hessians)
    if isinstance(stack, GaussNewton):
        stack = stack.jacobians.swapaxes(1, 2) @ stack.jacobians
    n, dim = stack.shape[:2]
    lr, size = _checks.scalar(lr, "lr"), _checks.batch_size(batch_size, n)
    if n > 8 or dim > 8 or n % size:
        raise ValueError(f"hessians must have n <= 8, d <= 8 and n a multiple of batch_size to enumerate all orders, "
                         f"got n = {n}, d = {dim}, batch_size = {size}; simulate larger ensembles")
    total = np.zeros((dim * dim, dim * dim))
    for order in permutations(range(n)):
        product = np.eye(dim)
        for batch in np.reshape(order, (-1, size)):
            product = (np.eye(dim) - lr * stack[batch].mean(axis=0)) @ product
        total += np.kron(product, product)
    return float(np.abs(np.linalg.eigvals(total / factorial(n))).max() ** (size / n))
