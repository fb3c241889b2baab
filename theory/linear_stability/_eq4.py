"""Eq. 4 of the poster and what it is made of: sharpness, non-uniformity and their limits."""

import numpy as np

from theory import _checks
from theory.linear_stability._ensemble import as_ensemble, problem
from theory.linear_stability._sampling_factor import sampling_factor


def stability_matrix(hessians, lr, batch_size, *, replacement=False):
    r"""The matrix whose largest eigenvalue eq. 4 compares with 1.

    .. math:: (I - \eta H)^2 + \eta^2 p\, \Sigma

    Parameters
    ----------
    hessians : array_like (n, d, d), GaussNewton or Ensemble
        Symmetric positive semi-definite Hessians of the n examples.
    lr : float
        Learning rate η > 0.
    batch_size : int
        Batch size B in 1…n.
    replacement : bool
        Whether batches are drawn with replacement.

    Returns
    -------
    ndarray (d, d)
        Symmetric, dense: for large d use `lambda_max`, which does not form it.
        To 1e-14 d of its largest entry.

    Raises
    ------
    ValueError
        If the Hessians are not symmetric positive semi-definite, finite and
        not all zero, or another argument is outside its range.

    References
    ----------
    [WME18]_, eq. 4.

    Examples
    --------
    >>> stability_matrix([[[0.2]], [[3.8]]], 0.7, 1)
    array([[1.7476]])
    """
    ensemble, lr, noise = problem(hessians, lr, batch_size, replacement)
    reduced = ensemble.reduced
    on_range = _stability_on_range(reduced, lr, noise) - np.eye(len(reduced.eigenvalues))
    return np.eye(ensemble.dim) + reduced.to_parameters(on_range)


def lambda_max(hessians, lr, batch_size, *, replacement=False):
    r"""The left side of eq. 4: the largest one-step growth of E‖x‖².

    .. math:: \lambda_{\max}\{(I - \eta H)^2 + \eta^2 p\, \Sigma\}
              = \max_x E\|x_{+}\|^2 / \|x\|^2

    At most 1 *suffices* for linear stability; it is not necessary (see
    `critical_lr`). Directions without curvature count, with eigenvalue 1.

    Parameters
    ----------
    hessians, lr, batch_size, replacement
        As for `stability_matrix`.

    Returns
    -------
    float
        To a relative 1e-14 d.

    Raises
    ------
    ValueError
        As for `stability_matrix`.

    References
    ----------
    [WME18]_, eq. 4.

    Examples
    --------
    >>> round(lambda_max([[[0.2]], [[3.8]]], 0.7, 1), 12)
    1.7476
    """
    ensemble, lr, noise = problem(hessians, lr, batch_size, replacement)
    reduced = ensemble.reduced
    largest = float(np.linalg.eigvalsh(_stability_on_range(reduced, lr, noise))[-1])
    return max(largest, 1.0) if len(reduced.eigenvalues) < ensemble.dim else largest


def sharpness(hessians):
    """Sharpness a = λmax(H) of the mean Hessian.

    Parameters
    ----------
    hessians : array_like (n, d, d), GaussNewton or Ensemble
        As for `stability_matrix`.

    Returns
    -------
    float
        To a relative 1e-14 for d of order ten; rounding grows as d.

    Raises
    ------
    ValueError
        As for `stability_matrix`.

    References
    ----------
    [WME18]_, below eq. 4.
    """
    ensemble = as_ensemble(hessians)
    return ensemble.curvature(ensemble.reduced.eigenvalues[-1])


def non_uniformity(hessians):
    r"""Non-uniformity s = √λmax(Σ), Σ = mean(H_i²) − H².

    The poster prints s = λmax(Σ); the bound that it draws, 1/(η√p), is one on
    the square root, which has the units of a curvature.

    Parameters
    ----------
    hessians : array_like (n, d, d), GaussNewton or Ensemble
        As for `stability_matrix`.

    Returns
    -------
    float
        To a relative 1e-13 for d of order ten, also where all H_i are nearly equal; 0 where they are.

    Raises
    ------
    ValueError
        As for `stability_matrix`.

    References
    ----------
    [WME18]_, below eq. 4 (corrected).
    """
    ensemble = as_ensemble(hessians)
    return ensemble.curvature(np.sqrt(max(np.linalg.eigvalsh(ensemble.reduced.variance)[-1], 0.0)))


def sharpness_limit(lr):
    r"""Largest sharpness at which gradient descent is stable, a ≤ 2/η.

    Necessary for SGD of any batch size as well.

    Parameters
    ----------
    lr : float or array_like
        Learning rate η > 0, any shape.

    Returns
    -------
    float or ndarray
        Same shape as `lr`, in units of the Hessian, to rounding.

    Raises
    ------
    ValueError
        If any learning rate is not positive and finite.

    References
    ----------
    [WME18]_, Table 1.
    """
    return _checks.within_floats(lambda: 2.0 / _checks.positive(lr, "lr"), "lr")


def non_uniformity_limit(lr, n, batch_size, *, replacement=False):
    r"""Largest non-uniformity that eq. 4 admits at any sharpness, s ≤ 1/(η√p).

    The upper edge of the poster's rectangle. It is necessary for eq. 4 only:
    minima above it can be stable in mean square, and minima below it unstable.

    Parameters
    ----------
    lr : float or array_like
        Learning rate η > 0, any shape.
    n, batch_size, replacement
        As for `sampling_factor`.

    Returns
    -------
    float or ndarray
        Same shape as `lr`; infinite where a batch has no sampling noise. To a relative 1e-15.

    Raises
    ------
    ValueError
        As for `sampling_factor`, or if a learning rate is not positive and finite.

    References
    ----------
    [WME18]_, Fig. 2.
    """
    lr = _checks.positive(lr, "lr")
    noise = sampling_factor(n, batch_size, replacement=replacement)
    return _checks.within_floats(lambda: 1.0 / (lr * np.sqrt(noise)), "lr") if noise > 0 else lr * np.inf


def mean_square_non_uniformity(sharpness, lr, n, batch_size, *, replacement=False):
    r"""Largest non-uniformity that is stable at a given sharpness in one dimension.

    .. math:: s_{\max}(a) = \frac{\sqrt{1 - (1 - \eta a)^2}}{\eta \sqrt p}

    A half-ellipse inside the poster's rectangle, which it touches at a = 1/η.
    Exact (necessary and sufficient) for d = 1, where Q is one number.

    Parameters
    ----------
    sharpness : float or array_like
        a in [0, 2/η].
    lr, n, batch_size, replacement
        As for `non_uniformity_limit`; `lr` one number.

    Returns
    -------
    float or ndarray
        Same shape as `sharpness`; infinite where a batch has no sampling noise. To a
        relative 2e-15 / min(1, 2 − ηa): the edge is steep at 2/η.

    Raises
    ------
    ValueError
        As for `non_uniformity_limit`, or if a sharpness lies outside [0, 2/η].

    References
    ----------
    [WME18]_, Fig. 2 (corrected).
    """
    lr = _checks.scalar(lr, "lr")
    sharp = np.asarray(_checks.positive(sharpness, "sharpness", zero=True))
    if (lr * sharp > 2).any():
        raise ValueError(f"sharpness must be at most 2 / lr = {2 / lr:g}, got {sharp.max():g}; "
                         "beyond it no non-uniformity is stable")
    edge = non_uniformity_limit(lr, n, batch_size, replacement=replacement)
    limit = edge * np.sqrt(lr * sharp * (2 - lr * sharp)) if edge < np.inf else np.full(sharp.shape, np.inf)
    return limit if limit.ndim else float(limit)


def _stability_on_range(reduced, lr, noise):
    return np.diag((1 - lr * reduced.eigenvalues) ** 2) + noise * lr**2 * reduced.variance
