r"""A bracket of the critical rate from Jacobian products alone: for nets whose Jacobian no memory holds.

With N = n k rows, K = J Jᵀ, q = p (1 + μ)/(1 − μ) and H = K's twin JᵀJ/n,

.. math:: \frac{2 (1 + \mu)}{\lambda_{\max}\{K/n + q\,(\mathrm{blockdiag}(J_i J_i^T) - K/n)\}} \;\le\; \eta^*
          \;\le\; \frac{2 (1 + \mu)\, \langle X, C X\rangle}{\langle X, D_\mu X\rangle} \quad\text{for every } X .

Left: eq. 4 with J Jᵀ for JᵀJ, which adds directions outside the range of J and can
only raise λmax; with momentum pN ≤ diag(1/k_ii) by Schur's product theorem.
Right: Rayleigh quotients, see `_rayleigh`. Everything is held in N numbers.

The λmax on the left comes from a Lanczos iteration, which finds it from below; a small residual does not
tell it from a smaller eigenvalue. The matrix is positive semi-definite (K ≤ n blockdiag), so of a random
start, uniform on the sphere, m steps leave a share above ε with probability [KW92]_

.. math:: P\{\lambda_{\max} - \theta_m > \varepsilon \lambda_{\max}\}
          \le 1.648\, \sqrt N\, e^{-\sqrt\varepsilon\, (2m - 1)} .

.. [KW92] J. Kuczyński, H. Woźniakowski: Estimating the largest eigenvalue by the power and Lanczos
   algorithms with a random start, SIAM J. Matrix Anal. Appl. 13 (1992) 1094–1122, theorem 4.2.
"""

from dataclasses import dataclass

import numpy as np

from theory import _checks
from theory.linear_stability._products import Jacobian, Products
from theory.linear_stability._rayleigh import FALSE_ALARM, Span, least_square, norm_bound, smallest_quotient
from theory.linear_stability._sampling_factor import sampling_factor

_SPAN = 26            # steps of the Lanczos iteration on K, whose vectors span the upper bound and |J_i|²'s
_EXACT_ROWS = 512     # rows of J up to which |J_i|² comes from one product each
_ROUNDING = 1e-13     # by which both sides give way: they meet where a bound is attained
_SHARE = 0.05         # of λmax that the Lanczos iteration for the safe side may leave: 35 to 50 steps


@dataclass(frozen=True)
class Bracket:
    """Two rates between which the critical rate lies.

    Attributes
    ----------
    safe : float
        SGD is stable in mean square below it, with probability 1 − 1e-6.
    unstable : float
        SGD is unstable above it; a bound whether `converged` or not (with large
        momentum, q > 1, with probability 1 − 1e-6: ‖H‖² is bounded from random products).
    converged : bool
        Whether the steps of the Lanczos iteration behind `safe` were enough to
        leave at most 5 % of λmax, which `safe` allows for. With fewer it allows
        for more, down to 0.
    products : int
        Products with J and with Jᵀ that were taken.
    gd : float
        2(1 + μ)/λmax(H), where full-batch descent ends, from the same iteration.
    blocks : {"given", "exact", "probed"}
        Where |J_i|² comes from; "probed": one of them may lie above the bound
        that was used with probability 1e-6.
    """

    safe: float
    unstable: float
    converged: bool
    products: int
    gd: float
    blocks: str


def lr_bracket(products, batch_size, *, momentum=0.0, replacement=False, rng=None, max_products=400, probes=128):
    r"""Bracket of the critical rate from products with the Jacobian alone.

    .. math:: \mathrm{safe} \le \eta^* \le \mathrm{unstable}

    See the module for both bounds. For the loss (1/2n) Σ |f_i − y_i|²; with
    another constant c in front of Σ the rates are 1/(2nc) of these.

    Parameters
    ----------
    products : Products
        Of the model at an interpolating minimum. Batch normalisation couples
        examples, so that no J_i exists: use it in evaluation mode.
    batch_size : int
        Batch size B in 1…n.
    momentum : float
        μ in (−1, 1), heavy ball.
    replacement : bool
        Whether batches are drawn with replacement.
    rng : None, int, SeedSequence or Generator
        Source of the test of the products, of the starts of both iterations, and of the probes where `blocks`
        is not given.
    max_products : int
        Of the Lanczos iteration for the safe side, two a step, of which it takes 70 to 100; the upper side
        takes about 80 more.
    probes : int
        Random products that bound |J_i|² beyond n·k = 512 where `blocks` is not given; more are tighter.

    Returns
    -------
    Bracket
        Both sides but for rounding of the products, beyond 1e-13, and for the probabilities that it names.

    Raises
    ------
    ValueError
        If an argument is out of range, a product has the wrong shape or is not
        finite, `vjp` is not the transpose of `jvp`, or J is zero.

    References
    ----------
    [WME18]_, eq. 4; [MM24]_ for the exact threshold between the bounds; [KW92]_ for the safe side's iteration.

    Examples
    --------
    >>> J = np.array([[1.0, 0.0], [1.0, 2.0], [0.0, 1.0]])
    >>> found = lr_bracket(Products(lambda v: J @ v, lambda u: J.T @ u, 3, 2), 1)
    >>> round(found.safe, 4), round(found.unstable, 4)
    (0.4, 0.4667)
    """
    if not isinstance(products, Products):
        raise ValueError(f"products must be a Products, got {type(products).__name__}; wrap jvp and vjp in "
                         "Products(…), or call critical_lr if you have the Jacobian")
    momentum = _momentum(momentum)
    noise = sampling_factor(products.n, batch_size, replacement=replacement) * (1 + momentum) / (1 - momentum)
    rng, steps, probes = _numbers(rng, max_products, probes)
    jacobian = Jacobian(products)
    jacobian.check(rng)
    blocks, source, plain, norm = _blocks(jacobian, rng, probes, min(steps, _SPAN), noise)
    if not plain.top > 0:
        raise ValueError("jvp must not be zero everywhere, got the Jacobian 0; a flat minimum is stable at any rate")
    krylov = _lanczos(jacobian, blocks, noise, min(steps, _enough(plain.basis.shape[0])),
                      rng.standard_normal(plain.basis.shape[0]))
    missed = _missed(*krylov.basis.shape, krylov.residual)
    steepest = np.zeros(jacobian.rows)
    steepest[np.trace(blocks, axis1=1, axis2=2).argmax(), 0] = 1
    exact = blocks if source != "probed" else None
    upper = smallest_quotient(jacobian, exact, plain, (krylov.vector, steepest.ravel()), noise, momentum, norm)
    safe = 2 * (1 + momentum) / krylov.top * max(1 - missed - 64 * jacobian.epsilon, 0.0) * (1 - _ROUNDING)
    gd = 2 * (1 + momentum) / plain.top
    unstable = min((1 + momentum) * upper, gd) * (1 + _ROUNDING)
    with np.errstate(over="ignore"):
        safe, unstable, gd = (float(np.ldexp(rate, -2 * jacobian.exponent)) for rate in (safe, unstable, gd))
    if not 0 < unstable <= gd * (1 + 2 * _ROUNDING) < np.inf:
        raise ValueError("jvp must be of a size that leaves a rate between the least and the largest float, got "
                         f"outputs of 2^{jacobian.exponent}; scale the loss")
    if safe > unstable:
        raise ValueError(f"{'blocks' if source == 'given' else 'jvp'} must be of one Jacobian, got a rate that is safe "
                         f"at {safe:.4g} and unstable at {unstable:.4g}; look for examples left out or scaled")
    return Bracket(safe, unstable, missed <= _SHARE, jacobian.count, gd, source)


def _missed(size, steps, residual=np.inf):
    """Share of λmax that a Lanczos iteration from a random start may leave, but for a chance of 1e-6.

    The smaller of that of [KW92]_ and residual/(λmax cos φ), φ between the start and λmax's eigenvector u: with
    P on the span of the steps, T Pu is λmax Pu but for the residual, and ‖Pu‖ ≥ cos φ.
    """
    return min((np.log(1.648 * np.sqrt(size) / FALSE_ALARM) / (2 * steps - 1)) ** 2,
               residual * np.sqrt(2 / np.pi * size) / FALSE_ALARM)


def _enough(size):
    """Steps after which it is `_SHARE`."""
    return int(np.ceil((1 + np.log(1.648 * np.sqrt(size) / FALSE_ALARM) / np.sqrt(_SHARE)) / 2))


def _numbers(rng, max_products, probes):
    return (_checks.generator(rng), _checks.whole(max_products, "max_products", 8) // 2,
            _checks.whole(probes, "probes"))


def _momentum(value):
    value = float(_checks.shaped(value, "momentum", ()))
    if not -1 < value < 1:
        raise ValueError(f"momentum must lie in (−1, 1), got {value:g}; choose μ in that range")
    return value


def _blocks(jacobian, rng, probes, steps, noise):
    """J_i J_iᵀ (n, k, k), exactly, or a matrix above it; where from; the Lanczos vectors of K; ‖H‖², or None."""
    n, k = jacobian.rows
    blocks, source, norm = jacobian.given_blocks(rng), "given", None
    if blocks is None and n * k <= _EXACT_ROWS:
        blocks, source = np.empty((n, k, k)), "exact"
        norm = 0.0 if noise > 1 else None                           # else the bound from below serves
        for i in range(n):
            own = np.zeros((k, n, k))
            own[np.arange(k), i, np.arange(k)] = 1
            rows = np.stack([jacobian.backward(unit) for unit in own])
            blocks[i] = rows @ rows.T
            if norm is not None:
                norm += sum(np.square(jacobian.forward(row)).sum() for row in rows) / n**2
    if blocks is not None:
        plain = _lanczos(jacobian, blocks, 0.0, steps, _start(blocks, rng))
        return blocks, source, plain, norm_bound(jacobian, blocks, plain, noise, rng) if norm is None else norm
    alike = np.broadcast_to(np.eye(k), (n, k, k))
    plain = _lanczos(jacobian, alike, 0.0, steps, _start(alike, rng))
    span = Span.of(plain)
    frame, _ = span.frame(jacobian.epsilon)
    along, inner = span.once @ frame, span.vectors @ frame         # J V, V orthonormal; J V Vᵀz = J V innerᵀ J z
    squares = np.zeros(n)
    for _ in range(probes):
        image = jacobian.forward(rng.standard_normal(jacobian.products.size)).ravel()
        squares += np.square(image - along @ (inner.T @ image)).reshape(n, k).sum(axis=1)
    least = least_square(probes, FALSE_ALARM / n)
    rows = along.reshape(n, k, -1)
    return rows @ rows.swapaxes(1, 2) + (squares / least)[:, None, None] * np.eye(k), "probed", plain, None


@dataclass(frozen=True)
class _Krylov:
    """What a Lanczos iteration on K/n + q (blockdiag − K/n) leaves."""

    top: float            # largest Ritz value
    vector: np.ndarray    # its vector (n k,)
    basis: np.ndarray     # the Lanczos vectors (n k, m)
    images: np.ndarray    # K times them
    residual: float       # how far out of their own span the matrix sends them, over `top`
    complete: bool        # whether that is rounding


def _start(blocks, rng):
    """|J_i| of each row of J, times 1 + ξ/2: where examples are of opposite gradients K sends |J_i| itself to 0."""
    sizes = np.sqrt(np.maximum(np.trace(blocks, axis1=1, axis2=2), 0) / blocks.shape[1]).repeat(blocks.shape[1])
    return sizes * (1 + rng.standard_normal(len(sizes)) / 2)


def _lanczos(jacobian, blocks, noise, steps, start):
    """So many steps with full reorthogonalisation from `start`; fewer if K is exhausted."""
    n, k = jacobian.rows
    basis, images, kernels = [start / (np.linalg.norm(start) or 1.0)], [], []
    while True:
        rows = basis[-1].reshape(n, k)
        kernels.append(jacobian.kernel(rows))
        own = np.einsum("nij,nj->ni", blocks, rows).ravel()
        images.append((1 - noise) * kernels[-1] / n + noise * own)
        vectors = np.array(basis).T
        small = vectors.T @ np.array(images).T
        values, inner = np.linalg.eigh((small + small.T) / 2)
        following = images[-1] - vectors @ (vectors.T @ images[-1])
        following -= vectors @ (vectors.T @ following)
        size = np.linalg.norm(following) if len(basis) < n * k else 0.0
        complete = size <= 1e-12 * abs(values[-1])
        if complete or len(basis) >= steps:
            residual = size / (abs(values[-1]) or 1.0)
            return _Krylov(float(values[-1]), vectors @ inner[:, -1], vectors, np.array(kernels).T, residual, complete)
        basis.append(following / size)
