r"""A bracket of the critical rate from Jacobian products alone: for nets whose Jacobian no memory holds.

With N = n k rows, K = J Jᵀ, q = p (1 + μ)/(1 − μ) and H = K's twin JᵀJ/n,

.. math:: \frac{2 (1 + \mu)}{\lambda_{\max}\{K/n + q\,(\mathrm{blockdiag}(J_i J_i^T) - K/n)\}} \;\le\; \eta^*
          \;\le\; \frac{2 (1 + \mu)\, \langle X, C X\rangle}{\langle X, D_\mu X\rangle} \quad\text{for every } X .

Left: eq. 4 with J Jᵀ for JᵀJ, which adds directions outside the range of J and can
only raise λmax; with momentum pN ≤ diag(1/k_ii) by Schur's product theorem.
Right: Rayleigh quotients at X = I (the trace bound) and X = vvᵀ,

.. math:: \frac{2(1+\mu)\, h}{h^2 + q (m_4 - h^2) - \frac{2\mu}{(1-\mu)^2} (|Hv|^2 - h^2)},
          \qquad h = \tfrac1n |Jv|^2,\; m_4 = \tfrac1n \textstyle\sum_i |J_i v|^4,\; |v| = 1,

the second by ascent in v. Everything but v itself is held in N numbers.
"""

from dataclasses import dataclass

import numpy as np
from scipy.special import gammaincinv

from theory import _checks
from theory.linear_stability._products import Jacobian, Products
from theory.linear_stability._sampling_factor import sampling_factor

_FALSE_ALARM = 1e-6   # that one of the probed |J_i|² lies above its bound
_DIRECTIONS = 12      # Ritz vectors of H that share a Rayleigh bound
_EXACT_ROWS = 512     # rows of J up to which |J_i|² comes from one product each
_ROUNDING = 1e-13     # by which both sides give way: they meet where a bound is attained
_RESIDUAL = 1e-2      # of λmax, at which the Lanczos iteration for the safe side stops


@dataclass(frozen=True)
class Bracket:
    """Two rates between which the critical rate lies.

    Attributes
    ----------
    safe : float
        SGD is stable in mean square below it, if `converged`.
    unstable : float
        SGD is unstable above it; a bound whether `converged` or not.
    converged : bool
        Whether the residual of the Lanczos iteration behind `safe` came below
        1e-2 of its eigenvalue, which `safe` allows for. An iteration comes
        from below and proves nothing: "converged", never "certified".
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
        Source of the test of the products, and of the probes where `blocks` is not given.
    max_products : int
        Steps of the Lanczos iteration and of the ascent together, two products each.
    probes : int
        Random products that bound |J_i|² beyond n·k = 512; more are tighter.

    Returns
    -------
    Bracket
        Both sides but for rounding of the products, beyond 1e-13, and for what `converged` says.

    Raises
    ------
    ValueError
        If an argument is out of range, a product has the wrong shape or is not
        finite, `vjp` is not the transpose of `jvp`, or J is zero.

    References
    ----------
    [WME18]_, eq. 4; [MM24]_ for the exact threshold between the bounds.

    Examples
    --------
    >>> J = np.array([[1.0, 0.0], [1.0, 2.0], [0.0, 1.0]])
    >>> found = lr_bracket(Products(lambda v: J @ v, lambda u: J.T @ u, 3, 2), 1)
    >>> round(found.safe, 4), round(found.unstable, 4)
    (0.4, 0.4668)
    """
    if not isinstance(products, Products):
        raise ValueError(f"products must be a Products, got {type(products).__name__}; wrap jvp and vjp in "
                         "Products(…), or call critical_lr if you have the Jacobian")
    momentum = _momentum(momentum)
    noise = sampling_factor(products.n, batch_size, replacement=replacement) * (1 + momentum) / (1 - momentum)
    rng = np.random.default_rng(rng)
    jacobian = Jacobian(products)
    jacobian.check(rng)
    blocks, source = _blocks(jacobian, rng, _checks.whole(probes, "probes"))
    steps = _checks.whole(max_products, "max_products", 8) // 2
    krylov, plain = _lanczos(jacobian, blocks, noise, steps), _lanczos(jacobian, blocks, 0.0, steps // 4)
    upper = krylov.top + krylov.residual
    if not upper > 0:
        raise ValueError("jvp must not be zero everywhere, got the Jacobian 0; a flat minimum is stable at any rate")
    steepest = np.zeros_like(krylov.vector)
    steepest[products.outputs * np.trace(blocks, axis1=1, axis2=2).argmax()] = 1
    bounds = [_ascend(jacobian, start, noise, momentum, steps=max_products // 40)
              for start in (krylov.vector, plain.vector, steepest)]
    bounds += [_span_bound(jacobian, plain, noise, momentum)]
    bounds += [2 / plain.top, _trace_bound(max(krylov.frobenius, plain.frobenius), blocks, noise, source)]
    safe, unstable = 2 * (1 + momentum) / upper * (1 - _ROUNDING), (1 + momentum) * min(bounds) * (1 + _ROUNDING)
    return Bracket(float(safe), float(unstable),
                   bool(krylov.residual <= _RESIDUAL * krylov.top), jacobian.count,
                   float(2 * (1 + momentum) / plain.top), source)


def _momentum(value):
    value = float(_checks.shaped(value, "momentum", ()))
    if not -1 < value < 1:
        raise ValueError(f"momentum must lie in (−1, 1), got {value:g}; choose μ in that range")
    return value


def _blocks(jacobian, rng, probes):
    """J_i J_iᵀ (n, k, k), exactly, or a multiple of I that bounds it from above; and which of them."""
    products = jacobian.products
    if products.blocks is not None:
        return products.blocks, "given"
    n, k = jacobian.rows
    if n * k <= _EXACT_ROWS:
        blocks = np.empty((n, k, k))
        for i in range(n):
            own = np.zeros((k, n, k))
            own[np.arange(k), i, np.arange(k)] = 1
            rows = np.stack([jacobian.backward(unit) for unit in own])
            blocks[i] = rows @ rows.T
        return blocks, "exact"
    squares = np.zeros(n)
    for _ in range(probes):
        squares += np.square(jacobian.forward(rng.standard_normal(products.size))).sum(axis=1)
    least = 2 * gammaincinv(probes / 2, _FALSE_ALARM / n)  # quantile of χ² with that many degrees of freedom
    return (squares / least)[:, None, None] * np.eye(k), "probed"


@dataclass(frozen=True)
class _Krylov:
    """What a Lanczos iteration on K/n + q (blockdiag − K/n) leaves."""

    top: float            # largest Ritz value
    residual: float
    vector: np.ndarray    # its vector (n k,)
    frobenius: float      # |K/n|² between the Lanczos vectors, at most that of the whole
    basis: np.ndarray     # the Lanczos vectors (n k, m)
    images: np.ndarray    # K times them


def _lanczos(jacobian, blocks, noise, steps):
    """Full reorthogonalisation, started at |J_i|, until the residual is below `_RESIDUAL` of the top value."""
    n, k = jacobian.rows
    start = np.sqrt(np.maximum(np.trace(blocks, axis1=1, axis2=2), 0) / k)[:, None].repeat(k, axis=1).ravel()
    basis, images, kernels = [start / (np.linalg.norm(start) or 1.0)], [], []
    while True:
        rows = basis[-1].reshape(n, k)
        kernels.append(jacobian.forward(jacobian.backward(rows)).ravel())
        own = np.einsum("nij,nj->ni", blocks, rows).ravel()
        images.append((1 - noise) * kernels[-1] / n + noise * own)
        vectors, image = np.array(basis).T, np.array(images).T
        small = vectors.T @ image
        values, inner = np.linalg.eigh((small + small.T) / 2)
        residual = np.linalg.norm(image @ inner[:, -1] - values[-1] * (vectors @ inner[:, -1]))
        if len(basis) >= min(steps, n * k) or (len(basis) > 4 and residual <= _RESIDUAL * values[-1]):
            break
        following = images[-1] - vectors @ (vectors.T @ images[-1])
        following -= vectors @ (vectors.T @ following)
        size = np.linalg.norm(following)
        if size <= 1e-12 * abs(values[-1]):
            break
        basis.append(following / size)
    kernels = np.array(kernels).T
    kernel = vectors.T @ kernels / n
    frobenius = float(np.square((kernel + kernel.T) / 2).sum())
    return _Krylov(float(values[-1]), float(residual), vectors @ inner[:, -1], frobenius, vectors, kernels)


def _trace_bound(frobenius, blocks, noise, source):
    """2 tr H/(‖H‖² + q (mean ‖H_i‖² − ‖H‖²)), with `frobenius` ≤ ‖H‖²."""
    if source == "probed" or noise > 1:  # |J_i|² is known from above only; with q > 1 a smaller ‖H‖ does not help
        return np.inf
    mean_trace = np.trace(blocks, axis1=1, axis2=2).mean()
    own = np.square(blocks).sum(axis=(1, 2)).mean()
    return 2 * mean_trace / ((1 - noise) * frobenius + noise * own)


def _span_bound(jacobian, krylov, noise, momentum):
    """The Rayleigh bound at the best X = Σ w_i v_i v_iᵀ, v_i the leading Ritz vectors of H: small commutators."""
    n, k = jacobian.rows
    values, inner = np.linalg.eigh(krylov.basis.T @ krylov.images)
    kept = np.flatnonzero(values > 1e-6 * values[-1])[-_DIRECTIONS:]
    along = krylov.images @ (inner[:, kept] / np.sqrt(values[kept]))                 # J v_i, (n k, m), v_i orthonormal
    pulled = np.stack([jacobian.forward(jacobian.backward(column.reshape(n, k))).ravel() for column in along.T], axis=1)
    curved, square = along.T @ along / n, along.T @ pulled / n**2                    # VᵀHV and VᵀH²V
    rows = along.reshape(n, k, -1)
    fourth = np.square(np.einsum("nki,nkj->nij", rows, rows)).mean(axis=0)
    commutator = 2 * momentum / (1 - momentum) ** 2 * (np.diag(np.diag(square)) - curved**2)
    quotient = (1 - noise) * curved**2 + noise * fourth - commutator
    scale = np.sqrt(np.diag(curved))
    top = np.linalg.eigvalsh(quotient / np.outer(scale, scale))[-1]
    return 2 / top if top > 0 else np.inf


def _ascend(jacobian, start, noise, momentum, steps):
    """Smallest 2h/(h² + q(m₄ − h²) − 2μ/(1−μ)² (|Hv|² − h²)) that ascent from v = Jᵀ start finds."""
    n = len(start) // jacobian.rows[1]
    commutator = 2 * momentum / (1 - momentum) ** 2
    v = jacobian.backward(start.reshape(jacobian.rows))
    v /= np.linalg.norm(v) or 1.0
    best, kept, step = np.inf, v, 1.0
    for _ in range(max(steps, 1)):
        along = jacobian.forward(v)
        squares = np.square(along).sum(axis=1)
        h, fourth = squares.mean(), np.square(squares).mean()
        curved = jacobian.backward(along) / n                                      # H v
        value = (1 - noise) * h**2 + noise * fourth - commutator * (curved @ curved - h**2)
        found = 2 * h / value if value > 0 and h > 0 else np.inf
        if found > best * (1 - 1e-3):
            step /= 2
            if step < 0.1:
                break
        if found == np.inf and best == np.inf:  # the commutator outweighs the rest: this start bounds nothing
            break
        if found < best:
            best, kept = found, v
            weighted = along * (2 * (1 - noise) * h + 2 * noise * squares - value / h)[:, None]
            direction = jacobian.backward(weighted)
            direction /= np.linalg.norm(direction) or 1.0
        v = kept + step * (direction - kept)
        v /= np.linalg.norm(v)
    return best
