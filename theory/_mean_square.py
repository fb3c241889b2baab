r"""Exact mean-square theory: growth rates, critical learning rates, second moments.

The public names are those of `theory.linear_stability`.
"""

from dataclasses import dataclass
from itertools import permutations
from math import factorial

import numpy as np

import refimpl._checks as _checks
from theory._second_moment import (Eigenpair, GaussNewton, as_curvature, largest_eigenvalue, mean_product, problem,
                                   reduce, sampling_factor, size_of, to_parameters)


@dataclass(frozen=True)
class Spectrum:
    """How an eigenvalue was found, returned beside it with ``full_output=True``.

    Attributes
    ----------
    eigenvalue : float
        The eigenvalue that the result was computed from.
    residual : float
        ‖A V − eigenvalue·V‖ at unit V: an eigenvalue lies within this distance.
    converged : bool
        Whether the residual is below 2e-9 of the eigenvalue (for rates: of
        1 + rate). It bounds the error, which usually is of its square's order.
    rank : int
        Dimension of range(H), on which the eigenproblem was solved.
    """

    eigenvalue: float
    residual: float
    converged: bool
    rank: int


def mean_square_rate(hessians, lr, batch_size, *, replacement=False, full_output=False):
    r"""Exact growth factor of E‖x_t‖² per step, on the range of H.

    .. math:: \rho(Q), \quad Q(X) = X - \eta(HX + XH)
              + \eta^2[(1-p) HXH + p\,\tfrac1n\textstyle\sum_i H_i X H_i]

    E[x xᵀ] evolves by X ← Q(X). Q is symmetric and maps positive
    semi-definite matrices to such, so its spectral radius is its largest
    eigenvalue, found by Lanczos with products of (r, r) matrices, r = rank H.

    Parameters
    ----------
    hessians, lr, batch_size, replacement
        As for `stability_matrix`.
    full_output : bool
        Return (rate, `Spectrum`) instead.

    Returns
    -------
    float
        Below 1 if and only if E‖x_t‖² → 0 from every start in range(H). Just
        below `critical_lr` it can stay at about 1 − 2ηλ_min(H): to find the
        threshold use `critical_lr`, not bisection on this.

    Raises
    ------
    ValueError
        As for `stability_matrix`.
    RuntimeError
        If Lanczos did not converge (never with ``full_output``, which says so).

    References
    ----------
    [WME18]_, eq. 3, made exact.

    Examples
    --------
    >>> round(mean_square_rate([[[0.2]], [[3.8]]], 0.7, 1), 12)
    1.7476
    """
    *_, reduced, pair = _perron(hessians, lr, batch_size, replacement)
    return _answer(pair.value, pair, reduced, full_output)


def perron_weight(hessians, lr, batch_size, *, replacement=False):
    r"""The weight W under which every single step grows by the same mean factor.

    .. math:: E[x_{+}^T W x_{+} \mid x] = \rho\, x^T W x \quad \text{for every } x \in \mathbb{R}^d

    W is the Perron eigenvector of Q, so ρ^{-t} x_tᵀ W x_t is a martingale: a
    test of the second moment that has no heavy-tailed accumulation in it.

    Parameters
    ----------
    hessians, lr, batch_size, replacement
        As for `stability_matrix`.

    Returns
    -------
    rate : float
        ρ as in `mean_square_rate`.
    weight : ndarray (d, d)
        Symmetric positive semi-definite, trace 1, zero outside range(H).

    Raises
    ------
    ValueError, RuntimeError
        As for `mean_square_rate`.

    References
    ----------
    Follows from [WME18]_, eq. 2, by Krein and Rutman's theorem.
    """
    *_, reduced, pair = _perron(hessians, lr, batch_size, replacement)
    _answer(pair.value, pair, reduced, False)
    weight = to_parameters(reduced, pair.matrix)
    return pair.value, weight / np.trace(weight)


def critical_lr(hessians, batch_size, criterion="mean-square", *, replacement=False, full_output=False):
    r"""Largest learning rate at which the minimum is stable.

    With C(X) = ½(HX + XH), D(X) = (1−p)HXH + p·mean(H_i X H_i) and all
    inverses taken on range(H):

    ================= =========================================== ==========================
    criterion         value                                       meaning
    ================= =========================================== ==========================
    ``"mean-square"`` 2 / λmax(C⁻¹ D)                             exact: stable iff η ≤ η*
    ``"sufficient"``  2 / λmax(H^-½ [(1−p)H² + p·mean H_i²] H^-½) largest η that meets eq. 4
    ``"gd"``          2 / λmax(H)                                 full batch
    ================= =========================================== ==========================

    sufficient ≤ mean-square ≤ gd always; mean-square is non-decreasing in B
    and equals gd at B = n without replacement.

    Derivation of the first row: Q = I − 2ηC + η²D is at most 1 on every
    symmetric X iff η⟨X, DX⟩ ≤ 2⟨X, CX⟩.

    Parameters
    ----------
    hessians, batch_size, replacement
        As for `stability_matrix`.
    criterion : {"mean-square", "sufficient", "gd"}
    full_output : bool
        Return (lr, `Spectrum`) instead.

    Returns
    -------
    float
        In units of 1 / curvature, to a relative 1e-9 or better. Only
        ``"sufficient"`` of *dense* Hessians inherits their rounding, relative
        to the smallest eigenvalue of H: give factors where H is nearly singular.

    Raises
    ------
    ValueError
        As for `stability_matrix`, or if `criterion` is another.
    RuntimeError
        If Lanczos did not converge (never with ``full_output``, which says so).

    References
    ----------
    [WME18]_, eq. 4 ("sufficient"), Table 1 ("gd"), eq. 3 made exact ("mean-square").

    Examples
    --------
    >>> round(critical_lr([[[0.2]], [[3.8]]], 1), 6)   # 4 / 7.24
    0.552486
    """
    _checks.one_of(criterion, "criterion", ("mean-square", "sufficient", "gd"))
    curvature = as_curvature(hessians)
    noise = sampling_factor(size_of(curvature)[0], batch_size, replacement=replacement)
    reduced = reduce(curvature)
    values = reduced.eigenvalues
    if criterion == "gd":
        return _answer(2.0 / values[-1], _dense_pair(np.diag(values)), reduced, full_output)
    if criterion == "sufficient":
        pair = _dense_pair(np.diag((1 - noise) * values) + noise * reduced.mean_square(np.sqrt(values)))
    else:
        shrink = 1 / np.sqrt((values[:, None] + values) / 2)  # C^-½, diagonal in this basis
        gradient = (1 - noise) * np.outer(values, values) * shrink**2
        example = noise * shrink

        def apply(matrix):
            return gradient * matrix + example * reduced.mean_product(shrink * matrix)

        pair = largest_eigenvalue(apply, np.diag(np.diag(shrink)))
    return _answer(2.0 / pair.value, pair, reduced, full_output)


def necessary_lr(hessians, batch_size, condition="trace", *, replacement=False):
    r"""An upper bound on `critical_lr` in closed form.

    .. math:: \eta^* \le \frac{2 \operatorname{tr} H}{(1-p)\|H\|_F^2 + p\,\overline{\|H_i\|_F^2}}
       \ \text{("trace")}, \qquad
       \eta^* \le \min_v \frac{2 v^T H v}{(1-p)(v^T H v)^2 + p\,\overline{(v^T H_i v)^2}}
       \ \text{("eigenvector")},

    v over the eigenvectors of H: the Rayleigh quotients of C⁻¹D at X = I and
    at X = vvᵀ.

    Parameters
    ----------
    hessians, batch_size, replacement
        As for `stability_matrix`.
    condition : {"trace", "eigenvector"}

    Returns
    -------
    float
        No larger rate is stable in mean square.

    Raises
    ------
    ValueError
        As for `stability_matrix`, or if `condition` is another.
    """
    _checks.one_of(condition, "condition", ("trace", "eigenvector"))
    curvature = as_curvature(hessians)
    noise = sampling_factor(size_of(curvature)[0], batch_size, replacement=replacement)
    reduced = reduce(curvature)
    values = reduced.eigenvalues
    if condition == "trace":
        return float(2 * values.sum() / ((1 - noise) * (values**2).sum() + noise * np.trace(reduced.mean_square())))
    if reduced.is_factored:
        along = (reduced.factors**2).sum(axis=1)                   # v_jᵀ H_i v_j, (n, r)
    else:
        along = np.diagonal(reduced.factors, axis1=1, axis2=2)
    return float((2 * values / ((1 - noise) * values**2 + noise * (along**2).mean(axis=0))).min())


def second_moment(hessians, lr, batch_size, moment, steps, *, replacement=False):
    r"""Exact E[x_t x_tᵀ] for t = 0…steps.

    .. math:: X_{t+1} = X_t - \eta(HX_t + X_tH) + \eta^2[(1-p)HX_tH + p\,\tfrac1n\textstyle\sum_i H_iX_tH_i]

    Parameters
    ----------
    hessians, lr, batch_size, replacement
        As for `stability_matrix`; `lr` may be an array (steps,), one rate a step.
    moment : array_like (d, d)
        E[x_0 x_0ᵀ], symmetric positive semi-definite; x₀x₀ᵀ for a fixed start.
    steps : int
        At least 0.

    Returns
    -------
    ndarray (steps + 1, d, d)

    Raises
    ------
    ValueError
        As for `stability_matrix`, or if `moment` or `steps` does not fit.

    References
    ----------
    [WME18]_, eq. 2; batches independent from step to step, not an epoch's permutation.

    Examples
    --------
    >>> second_moment([[[0.2]], [[3.8]]], 0.5, 1, [[1.0]], 2).ravel()
    array([1.    , 0.81  , 0.6561])
    """
    curvature = as_curvature(hessians)
    n, dim = size_of(curvature)
    noise = sampling_factor(n, batch_size, replacement=replacement)
    steps = _checks.whole(steps, "steps", 0)
    rates = _checks.positive(lr, "lr")
    rates = np.full(steps, rates) if isinstance(rates, float) else _checks.shaped(rates, "lr", (steps,))
    if isinstance(curvature, GaussNewton):
        flat = curvature.jacobians.reshape(-1, dim)
        mean = flat.T @ flat / n
        factors, is_factored = curvature.jacobians, True
    else:
        mean = curvature.mean(axis=0)
        factors, is_factored = curvature, False
    moments = np.empty((steps + 1, dim, dim))
    moments[0] = _checks.symmetric(moment, "moment", dim)
    for t, rate in enumerate(rates):
        now = moments[t]
        left = mean @ now
        square = (1 - noise) * (left @ mean) + noise * mean_product(factors, is_factored, now)
        moments[t + 1] = now - rate * (left + left.T) + rate**2 * square
    return moments


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


def _perron(hessians, lr, batch_size, replacement):
    _, lr, noise, reduced = problem(hessians, lr, batch_size, replacement)
    values = reduced.eigenvalues
    gradient = 1 - lr * (values[:, None] + values) + lr**2 * (1 - noise) * np.outer(values, values)

    def apply(matrix):
        return gradient * matrix + lr**2 * noise * reduced.mean_product(matrix)

    return reduced, largest_eigenvalue(apply, np.eye(len(values)), shift=1.0)


def _dense_pair(matrix):
    values, vectors = np.linalg.eigh(matrix)
    vector = vectors[:, -1]
    residual = float(np.linalg.norm(matrix @ vector - values[-1] * vector))
    return Eigenpair(float(values[-1]), np.outer(vector, vector), residual, True)


def _answer(result, pair, reduced, full_output):
    if full_output:
        return result, Spectrum(pair.value, pair.residual, pair.converged, len(reduced.eigenvalues))
    if not pair.converged:
        raise RuntimeError(f"Lanczos left a residual of {pair.residual:.3g} at the eigenvalue {pair.value:.6g}; "
                           "this usually means many eigenvalues crowd at the top; call with full_output=True and judge")
    return result
