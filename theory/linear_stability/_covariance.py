r"""Where SGD settles at a minimum that does not interpolate: the stationary second moment and the loss floor.

The public names are those of `theory.linear_stability`.
"""

import numpy as np
from scipy.linalg import null_space

from theory import _checks
from theory.linear_stability._certificate import judge
from theory.linear_stability._ensemble import Ensemble, GaussNewton, as_ensemble
from theory.linear_stability._lanczos import solve
from theory.linear_stability._modes import Family, Modes, modes_of
from theory.linear_stability._momentum import step_rule, weight_decay_of
from theory.linear_stability._range_of_hessian import Reduced
from theory.linear_stability._sampling_factor import sampling_factor

_EPS = np.finfo(float).eps
AT_MINIMUM = 1e-8        # of the largest gradient: what the mean gradient of a minimum may be
_WIDEST = 5000      # parameters, where decay reaches directions that factors leave flat


def stationary_covariance(hessians, gradients, lr, batch_size, *, momentum=0.0, weight_decay=0.0, replacement=False):
    r"""Stationary E[x xᵀ] of SGD around a minimum at which the examples' gradients do not vanish.

    The step is that of `critical_lr` with g = (H_B + wd·I) x + g_B. The
    threshold is the same, and below it

    .. math:: X_\infty = (k^{-1} - pN)^{-1} \Bigl( \frac pn \sum_i g_i g_i^T \Bigr),

    entrywise division by k, N(X) = mean(H_i X H_i) − HXH. Derivation: E[x] → 0
    since the g_i have mean 0, so noise of Hessians and of gradients add up
    without cross terms, and each adds k ∘ (its covariance). Additive noise
    alone, without pN, falls short: it is right only as η → 0.

    Parameters
    ----------
    hessians : array_like (n, d, d), GaussNewton or Ensemble
        Hessians of the examples at the minimum. An array may hold indefinite
        ones; their mean, plus `weight_decay`, is positive semi-definite.
    gradients : array_like (n, d)
        g_i at the minimum, decay included, so that their mean is zero (to 1e-8
        of the largest).
    lr : float
        Learning rate η > 0 below the critical one.
    batch_size : int
        Batch size B in 1…n.
    momentum : float
        μ of the heavy ball, between −1 and 1.
    weight_decay : float
        wd ≥ 0.
    replacement : bool
        Whether batches are drawn with replacement.

    Returns
    -------
    ndarray (d, d)
        Symmetric positive semi-definite; zero along directions that stay flat.
        From conjugate gradients to a relative residual of 1e-12, so the error
        is at most that over the distance of ρ(k ∘ pN) from 1.

    Raises
    ------
    ValueError
        If an argument does not fit; if the mean gradient is not zero; if `lr`
        is not proved to be below the critical rate; if H v = 0 but H_i v ≠ 0
        for some v and i, where no rate is stable (η* = 0); or if some g_i has
        a part along a v that all H_i leave flat, where x walks at random.
    RuntimeError
        If the linear system was not solved to 1e-9.

    References
    ----------
    Discrete-time covariance with additive noise: L. Ziyin, K. Liu, M. Ueda,
    "Noise and fluctuation of finite learning rate SGD", ICML 2021; here with
    the noise of the Hessians.

    Examples
    --------
    >>> h, g = [[[1.0]], [[3.0]]], [[1.0], [-1.0]]   # x ← (1 − ηh)x ∓ η: η² / (1 − E(1−ηh)²)
    >>> round(float(stationary_covariance(h, g, 0.2, 1)[0, 0]), 12)
    0.066666666667
    """
    modes, matrix, exponent, _ = _solved(hessians, gradients, lr, batch_size, momentum, weight_decay, replacement)
    covariance = modes.reduced.to_parameters(matrix)
    return _in_units((covariance + covariance.T) / 2, exponent)


def loss_floor(hessians, gradients, lr, batch_size, *, momentum=0.0, weight_decay=0.0, replacement=False):
    r"""Stationary excess of the loss over its minimum, ½ tr(H X∞).

    .. math:: E[f(x_t)] - f(0) \to \tfrac12 \operatorname{tr}(H X_\infty), \qquad f(x) = f(0) + \tfrac12 x^T H x

    The loss without its decay term. See `stationary_covariance`; no (d, d)
    matrix is formed from factors.

    Parameters
    ----------
    hessians, gradients, lr, batch_size, momentum, weight_decay, replacement
        As for `stationary_covariance`.

    Returns
    -------
    float
        To what `stationary_covariance` says.

    Raises
    ------
    ValueError, RuntimeError
        As for `stationary_covariance`.

    Examples
    --------
    >>> round(loss_floor([[[1.0]], [[3.0]]], [[1.0], [-1.0]], 0.2, 1), 12)
    0.066666666667
    """
    modes, matrix, exponent, unit = _solved(hessians, gradients, lr, batch_size, momentum, weight_decay, replacement)
    return float(_in_units(modes.mean @ np.diagonal(matrix) / 2, exponent + unit))


def gradient_ratio(gradients, loss):
    r"""E‖g_B‖² / (2 E L): whether the next step shrinks or grows ‖x‖² on average, from gradients alone.

    On a quadratic loss L = ½ xᵀHx with batches independent of x,

    .. math:: E\|x_{+}\|^2 - E\|x\|^2 = \eta^2 E\|g_B\|^2 - 4 \eta\, E L,

    so the ratio equals 2/η in every stationary law of plain SGD at an
    interpolating minimum, such as the Perron law at η = η*, whatever the
    Hessians; above 2/η the mean square grows. Batch sharpness,
    E[g_BᵀH_B g_B/‖g_B‖²], is another quantity: at B = 1 and rank one it is .19
    to 1 of this one, equal for equal norms only.

    Parameters
    ----------
    gradients : array_like (m, d)
        Gradients of batches, each at a point of its own or not.
    loss : array_like (m,)
        Full loss above its minimum at the same points, not the batch's own.

    Returns
    -------
    float
        In units of curvature, to a relative 1e-15 for m d up to 100.

    Raises
    ------
    ValueError
        If the shapes do not fit, a loss is negative, all losses are zero, or
        the ratio is outside the range of floats.

    References
    ----------
    A. Andreyev, P. Beneventano, "Edge of stochastic stability", 2024 (batch sharpness).

    Examples
    --------
    >>> round(gradient_ratio([[0.2], [3.8]], [1.0, 1.0]), 12)   # h = .2, 3.8 at x = 1, L = H/2
    3.62
    """
    gradients = _checks.shaped(gradients, "gradients", (None, None))
    loss = _checks.positive(_checks.shaped(loss, "loss", (len(gradients),)), "loss", zero=True)
    if not loss.any():
        raise ValueError("loss must not be zero everywhere, got only zeros; take it before the minimum is reached")
    shift, unit = (int(np.frexp(np.abs(values).max())[1]) for values in (gradients, loss))
    gradients, loss = np.ldexp(gradients, -shift, dtype=float), np.ldexp(loss, -unit, dtype=float)
    return float(_in_units(np.vdot(gradients, gradients) / (2 * loss.sum()), 2 * shift - unit))


def _in_units(value, exponent):
    with np.errstate(over="ignore", under="ignore"):
        result = np.ldexp(value, exponent)
    if not np.isfinite(result).all() or (np.any(value) and not np.any(result)):
        raise ValueError(f"gradients give a value of {np.max(np.abs(value)):.3g} * 2**{exponent}, outside the range of "
                         "float64; rescale them or the parameters")
    return result


def _solved(hessians, gradients, lr, batch_size, momentum, weight_decay, replacement):
    """(modes, X∞ / 2^e on them, e, exponent of the curvatures)."""
    given, exponent = _noisy_ensemble(hessians)
    n, dim = (given.n, given.dim) if isinstance(given, Ensemble) else given.shape[:2]
    noise = sampling_factor(n, batch_size, replacement=replacement)
    rule, lr = step_rule(momentum, False, 0.0), _checks.scalar(lr, "lr")
    decay = float(np.ldexp(weight_decay_of(weight_decay), -exponent))
    gradients = _checks.shaped(gradients, "gradients", (n, dim)).astype(float)
    largest = np.abs(gradients).max()
    mean = np.abs(gradients.mean(axis=0)).max()
    if mean > AT_MINIMUM * largest:
        raise ValueError(f"gradients must have mean zero, got a mean of up to {mean:.3g} beside gradients of up to "
                         f"{largest:.3g}; take them, decay included, at the minimum of the mean loss")
    shift = int(np.frexp(largest)[1]) if largest else 0
    modes, pull = _modes(given, np.ldexp(gradients, -shift), decay, noise)
    family, inverse = Family(modes, noise, rule), 1 / float(np.ldexp(lr, exponent))
    verdict, _, message = judge(family, inverse)
    if verdict != "stable":
        raise ValueError(f"lr must be below the critical rate, got {lr:g}, which is {verdict} ({message}); "
                         "no stationary second moment exists at or above it")
    matrix = solve(family, inverse, noise * (pull.T @ pull) / n)
    return modes, matrix, 2 * (shift - exponent), exponent


def _noisy_ensemble(hessians):
    """(an `Ensemble`, or (n, d, d) Hessians scaled to order one, which may be indefinite; exponent)."""
    if isinstance(hessians, (Ensemble, GaussNewton)):
        ensemble = as_ensemble(hessians)
        return ensemble if ensemble.is_factored else ensemble.scaled, ensemble.exponent
    stack = _checks.shaped(hessians, "hessians", (None, None, None)).astype(float)
    if stack.shape[1] != stack.shape[2]:
        raise ValueError(f"hessians must have shape (n, d, d), got {stack.shape}; make each matrix square")
    largest, skew = np.abs(stack).max(), np.abs(stack - stack.swapaxes(1, 2)).max()
    if skew > 1e-10 * largest:
        raise ValueError(f"hessians must be symmetric, got an asymmetry of {skew:.3g}; use (h + h.T) / 2")
    exponent = int(np.frexp(largest)[1]) if largest else 0
    return np.ldexp((stack + stack.swapaxes(1, 2)) / 2, -exponent), exponent


def _modes(given, gradients, decay, noise):
    """Modes of the directions that are pulled back, and the gradients in them."""
    if isinstance(given, Ensemble):
        modes = modes_of(given.reduced, decay)
        if decay and len(modes.curvatures) < given.dim:
            modes = _with_null_space(given, decay)
        basis = modes.reduced.basis
        rest = gradients - (gradients @ basis) @ basis.T
        if np.abs(rest).max() > 1e-8:
            _refuse_walk(rest[np.argmax(np.abs(rest).max(axis=1))])
        return modes, gradients @ basis
    values, vectors = np.linalg.eigh(given.mean(axis=0) + decay * np.eye(given.shape[-1]))
    rounding = 8 * len(values) * _EPS * np.abs(values).max()
    if values[0] < -rounding or values[-1] <= rounding:
        raise ValueError(f"hessians must have a positive semi-definite mean at a minimum, got the eigenvalue "
                         f"{values[0]:.3g} beside {values[-1]:.3g} (scaled); check that the gradient vanishes there")
    kept = values > rounding
    flat = vectors[:, ~kept]
    if flat.size and noise:
        _refuse_bent(given, flat)
        along = np.abs(gradients @ flat)
        if along.max() > 1e-8:
            _refuse_walk(flat[:, np.argmax(along.max(axis=0))])
    values, vectors = values[kept], vectors[:, kept]
    reduced = Reduced(values - decay, np.ascontiguousarray(vectors.T @ given @ vectors), False, vectors)
    return Modes(reduced, values, values - decay), gradients @ vectors


def _with_null_space(ensemble, decay):
    """Modes on all of R^d: noise of gradients moves the directions that factors leave flat, decay pulls them back."""
    if ensemble.dim > _WIDEST:
        raise ValueError(f"weight_decay at factors of rank below d needs (d, d) arrays and d <= {_WIDEST}, "
                         f"got d = {ensemble.dim}; leave it out")
    reduced = ensemble.reduced
    null = null_space(reduced.basis.T, rcond=0.5)
    count = null.shape[1]
    factors = np.concatenate([np.zeros((*reduced.factors.shape[:2], count)), reduced.factors], axis=2)
    whole = Reduced(np.r_[np.zeros(count), reduced.eigenvalues], factors, True, np.hstack([null, reduced.basis]))
    return modes_of(whole, decay)


def _refuse_bent(stack, flat):
    bent = np.linalg.norm(stack @ flat, axis=1)                # (n, flat directions)
    if bent.max() > 1e-7:
        example, column = np.unravel_index(np.argmax(bent), bent.shape)
        raise ValueError(f"hessians leave no stable learning rate: H v = 0 but hessians[{example}] v is not 0 "
                         f"({bent.max():.3g} of the largest entry) for v = {_named(flat[:, column])}; "
                         "add weight_decay or fix that direction")


def _refuse_walk(direction):
    raise ValueError(f"gradients must vanish along directions that all hessians leave flat, got a part along "
                     f"v = {_named(direction)}: x walks at random there; add weight_decay or project it out")


def _named(vector):
    vector = vector / np.linalg.norm(vector)
    text = ", ".join(f"{entry:.3g}" for entry in vector[:4])
    at = int(np.argmax(np.abs(vector)))
    return f"[{text}{', …' if len(vector) > 4 else ''}], largest in coordinate {at}"
