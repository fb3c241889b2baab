r"""The convolutional net on images with a patch: curvature along the patch, the rates it bears, noise in the scores.

The public names are those of `theory.images`.
"""

import numpy as np

from theory import _checks
from theory.images._shares import checked_share


def patch_curvature(base, filters, head, share):
    r"""Curvature of the loss along the common patch z, at given weights with equal scores on z.

    .. math:: \lambda = \frac{q}{C}\,\lambda_{\max}(\Pi K \Pi), \qquad
              K = (1 + \|h\|^2) I + \|z\|^2 \sum_{j:\,h_j>0} u_j u_j^\top, \quad h = [U^\top z]_+

    Π removes the mean over classes. With p uniform the Hessian of the
    cross-entropy in the scores is Π/C, and Π K Π/C is the part of the
    Gauss–Newton matrix that the share q of examples with patch z has in
    common; the second derivative of the scores drops out where their labels
    are balanced, since Σ_y (p − e_y) = 0. λ is the largest eigenvalue of the
    whole Hessian if q = 1 and nothing else is in the images, and otherwise a
    lower bound of that of the Gauss–Newton matrix if all scores are equal.

    Parameters
    ----------
    base : array_like (d,)
        z.
    filters : array_like (d, m)
        U.
    head : array_like (m, C)
        u of the patch's block.
    share : float
        q in (0, 1].

    Returns
    -------
    float
        In units of the Hessian of the mean loss; to 1e-14 C relative.

    Raises
    ------
    ValueError
        If shapes do not fit or the share is outside (0, 1].

    Examples
    --------
    >>> patch_curvature([3.0], [[1.0, -1.0]], [[0.0, 0.0], [1.0, -1.0]], 1.0)   # (1 + 9)/2
    5.0
    """
    base = _checks.shaped(base, "base", (None,)).astype(float)
    filters = _checks.shaped(filters, "filters", (len(base), None))
    head = _checks.shaped(head, "head", (filters.shape[1], None)).astype(float)
    share, classes = _positive_share(share), head.shape[1]
    _checks.whole(classes, "the last axis of head", 2)
    (base, far), (filters, steep), (head, size) = map(_checks.unit, (base, filters, head))
    hidden = np.maximum(base @ filters, 0)
    live = head[hidden > 0]
    live = live - live.mean(axis=1, keepdims=True)
    ups = base @ base * max(np.linalg.eigvalsh(live.T @ live)[-1], 0.0)
    parts = _checks.scaled([hidden @ hidden, ups], [2 * (far + steep), 2 * (far + size)], "base, filters and head")
    return float(_checks.within_floats(share / classes * (1 + parts.sum()), "base, filters and head"))


def initial_patch_curvature(scale, *, inputs, filters, blocks, classes, share):
    r"""Mean of the curvature along z at the random start.

    .. math:: \bar\lambda = \frac{q}{C}\Bigl(1 + \frac{s^2}{2}\Bigl(m + \frac{d}{K}\Bigr)\Bigr)

    for z = s·N(0, I_d), U ~ N(0, 1/d), u ~ N(0, 1/(Km)): E‖h‖² = m‖z‖²/(2d)
    and E Σ_{j: h_j>0} u_{jc}² = 1/(2K). It is (q/C)·tr(ΠKΠ)/(C − 1), the mean
    over the C − 1 directions of scores; the largest of them (`patch_curvature`)
    is little above it if m ≫ C and d ≪ Km.

    Parameters
    ----------
    scale : float or array_like
        s ≥ 0.
    inputs, filters, blocks, classes : int
        d, m, K (what the head sees, not pooled) and C.
    share : float
        q in (0, 1], share of images with a patch.

    Returns
    -------
    float or ndarray
        Shape of `scale`; to 2e-15 relative.

    Raises
    ------
    ValueError
        If an argument is outside its range.

    Examples
    --------
    >>> round(initial_patch_curvature(2.2, inputs=147, filters=256, blocks=9, classes=10, share=0.8), 2)
    52.8
    """
    scale = _checks.positive(scale, "scale", zero=True)
    d, m, k = (_checks.whole(value, name)
               for value, name in ((inputs, "inputs"), (filters, "filters"), (blocks, "blocks")))
    grown = _checks.within_floats(lambda: 1 + scale * (scale / 2) * (m + d / k), "scale")
    return _positive_share(share) / _checks.whole(classes, "classes", 2) * grown


def momentum_limit(curvature, momentum=0.9, weight_decay=0.0):
    r"""Largest rate at which the heavy ball is stable along a direction of given curvature: the full-batch limit.

    .. math:: \eta < \frac{2(1 + \mu)}{\lambda + \lambda_w}

    for v ← μv + g + λ_w w, w ← w − ηv: the roots of
    r² − (1 + μ − η(λ + λ_w))r + μ leave the unit circle at r = −1. Batches that
    differ in curvature lower it: `theory.linear_stability.critical_lr` with
    ``momentum`` is the rate for them, and tends to this one as they agree.

    Parameters
    ----------
    curvature : float or array_like
        λ > 0.
    momentum : float
        μ in [0, 1).
    weight_decay : float
        λ_w ≥ 0.

    Returns
    -------
    float or ndarray
        Shape of `curvature`; to 1e-15 relative.

    Raises
    ------
    ValueError
        If an argument is outside its range.

    Examples
    --------
    >>> momentum_limit(4.0, momentum=0.0), momentum_limit(4.0, momentum=0.9)
    (0.5, 0.95)
    """
    curvature = _checks.positive(curvature, "curvature")
    momentum = _checks.scalar(momentum, "momentum", zero=True)
    if momentum >= 1:
        raise ValueError(f"momentum must be below 1, got {momentum:g}; 0.9 is usual")
    total = curvature + _checks.scalar(weight_decay, "weight_decay", zero=True)
    return _checks.within_floats(lambda: 2 * (1 + momentum) / _checks.within_floats(total, "curvature"), "curvature")


def critical_patch_scale(lr, *, inputs, filters, blocks, classes, share, momentum=0.9, weight_decay=0.0):
    r"""Scale of z above which the patch is unstable at the start, `initial_patch_curvature` against `momentum_limit`.

    .. math:: s^2 = \frac{2}{m + d/K} \Bigl[\frac Cq\Bigl(\frac{2(1+\mu)}{\eta} - \lambda_w\Bigr) - 1\Bigr]

    Parameters
    ----------
    lr : float
        η > 0, at most where the bias alone is unstable.
    inputs, filters, blocks, classes, share
        As in `initial_patch_curvature`.
    momentum, weight_decay : float
        As in `momentum_limit`.

    Returns
    -------
    float
        s, whose square is a difference: to 4e-15 (1 + 2/(m s²)) relative.

    Raises
    ------
    ValueError
        If an argument is outside its range, or the bias alone is unstable at this rate.

    Examples
    --------
    >>> round(critical_patch_scale(0.2, inputs=147, filters=256, blocks=9, classes=10, share=0.8), 3)
    1.318
    """
    # The curvature that is allowed along the patch: momentum_limit solved for λ.
    ceiling = momentum_limit(1.0, momentum) / _checks.scalar(lr, "lr")
    bias = initial_patch_curvature(0.0, inputs=inputs, filters=filters, blocks=blocks, classes=classes, share=share)
    slope = initial_patch_curvature(1.0, inputs=inputs, filters=filters, blocks=blocks, classes=classes,
                                    share=share) - bias
    over = ceiling - _checks.scalar(weight_decay, "weight_decay", zero=True) - bias
    if over < 0:
        raise ValueError(f"lr must be below {momentum_limit(bias, momentum, weight_decay):g}, where the bias alone is "
                         f"unstable, got {lr:g}; lower the rate")
    return float(_checks.within_floats(lambda: np.sqrt(np.divide(over, slope)), "lr and share"))


def noise_covariance(active, head, std, form):
    r"""Covariance over classes of the scores of one example under pre-activation noise, while no unit switches.

    .. math:: \text{shared: } \sigma^2 \sum_k s_k s_k^\top,\; s_k = \sum_j A_{kj} u_{kj}; \qquad
              \text{independent: } \sigma^2 \sum_{kj} A_{kj} u_{kj} u_{kj}^\top

    Shared noise adds up the units of a block before it squares; both agree in
    the mean at a start with independent u, and part as soon as u has learned.

    Parameters
    ----------
    active : array_like (K, m)
        A, 1 where a unit is active, else 0.
    head : array_like (K, m, C)
        u.
    std : float
        σ ≥ 0.
    form : {"shared", "independent"}
        One draw for the units of a block, or one for each unit.

    Returns
    -------
    ndarray (C, C)
        To 1e-14 of the largest entry.

    Raises
    ------
    ValueError
        If shapes do not fit, `active` holds another number or `form` is another word.

    References
    ----------
    [LWM19] section 6: noise "before every activation layer".

    Examples
    --------
    >>> active, head = np.ones((1, 2)), np.array([[[1.0], [3.0]]])
    >>> [noise_covariance(active, head, 1.0, form).item() for form in ("shared", "independent")]
    [16.0, 10.0]
    """
    active = _checks.shaped(active, "active", (None, None))
    if not np.isin(active, (0, 1)).all():
        raise ValueError(f"active must hold 0 and 1, got {active[~np.isin(active, (0, 1))][0]:g}; give where "
                         "preactivations are above 0")
    head = _checks.shaped(head, "head", (*active.shape, None)).astype(float)
    std = _checks.scalar(std, "std", zero=True)
    _checks.one_of(form, "form", ("shared", "independent"))
    weights, size = _checks.unit(active[..., None] * head)
    if form == "shared":
        weights = weights.sum(axis=1)
    weights = weights.reshape(-1, head.shape[2])
    std, height = _checks.unit(np.asarray(std))
    return _checks.scaled(std * std * (weights.T @ weights), 2 * (size + height), "std and head")


def _positive_share(value):
    value = checked_share(value, "share")
    if value == 0:
        raise ValueError("share must be above 0, got 0; without patches there is no direction of the patch")
    return value
