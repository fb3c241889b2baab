r"""The sample of the slides, (e₁, e₁, e₂), in closed form: where gradient flow stops and what it costs.

With r = β − β*, the train loss is L = A + B, A = ⅔r₁² held by the *sharp*
direction (curvature 4/3) and B = ⅓r₂² by the *flat* one (curvature 2/3), and
the population loss is

.. math:: P = \tfrac12(r_1^2 + r_2^2) = \tfrac34 A + \tfrac32 B .

Along the flow B decays as q = exp(−4t/3) and A, with twice the curvature, as
q², so that the stop L = ε is the root of a quadratic equation in q. The public
names are those of `theory.convex_annealing`.
"""

import numpy as np

from theory import _checks
from theory.convex_annealing._trajectory import shrunk

_LIMIT = 1.5  # 2 / λ_max: the curvatures, second derivatives of L, are 4/3 and 2/3


def flow_loss_ratio(sharp_loss, flat_loss, target):
    r"""Test loss over train loss where gradient flow stops, for the sample of the slides.

    .. math:: \frac{P}{\varepsilon} = \frac34 (1 + s), \qquad
              s = \frac{Bq}{\varepsilon} = \frac{2}{1 + \sqrt{1 + 4A\varepsilon / B^2}}

    from Aq² + Bq = ε and P = ¾Aq² + (3/2)Bq; s is the share of the flat
    direction in the train loss at the stop. Start and target enter through
    the one number Aε/B² only. The limit is 3/2 as ε → 0, unless B = 0.

    Parameters
    ----------
    sharp_loss, flat_loss : float or array_like
        A = ⅔r₁² ≥ 0 and B = ⅓r₂² ≥ 0 at the start of the flow; not both 0.
        They broadcast with each other and with `target`.
    target : float or array_like
        ε in (0, A + B].

    Returns
    -------
    float or ndarray
        P/ε in [3/4, 3/2], to 2e-15 relative.

    Raises
    ------
    ValueError
        If a loss is negative or not finite, or a target is not positive or is
        above the train loss at the start, which the flow only lowers.

    References
    ----------
    [NAK20]_, panel (a).

    Examples
    --------
    >>> flow_loss_ratio(2 / 3, 1 / 3, [1e-1, 1e-2, 1e-3, 1e-6]).round(6)
    array([1.277443, 1.459705, 1.495553, 1.499996])
    """
    sharp, flat, target = _problem(sharp_loss, flat_loss, target)
    return _plain(0.75 * (1 + 2 * flat / (flat + _root(sharp, flat, target))))


def flow_stop_time(sharp_loss, flat_loss, target):
    r"""Time at which gradient flow stops, for the sample of the slides.

    .. math:: t = -\tfrac34 \ln q, \qquad q = \frac{2\varepsilon}{B + \sqrt{B^2 + 4A\varepsilon}}

    q is the positive root of Aq² + Bq = ε, written so that it does not cancel;
    close to the start 1 − q = 2(A + B − ε)/(2A + B + √(B² + 4Aε)) is used. To
    1e-14 relative, besides the rounding of A + B − ε.

    Parameters
    ----------
    sharp_loss, flat_loss, target
        As for `flow_loss_ratio`.

    Returns
    -------
    float or ndarray
        In units where dβ/dt = −∇L; gradient descent at a small rate η takes
        about t/η steps.

    Raises
    ------
    ValueError
        As for `flow_loss_ratio`.

    References
    ----------
    [NAK20]_, panel (a).

    Examples
    --------
    >>> round(flow_stop_time(2 / 3, 1 / 3, 1e-2), 6)
    2.671336
    """
    sharp, flat, target = _problem(sharp_loss, flat_loss, target)
    root = _root(sharp, flat, target)
    lost = np.maximum(sharp, flat) - target + np.minimum(sharp, flat)   # L − ε
    gone = 2 * lost / (2 * sharp + flat + root)                         # 1 − q
    share = 2 * target / (flat + root)
    apart = np.log(target) - np.log((flat + root) / 2)                  # for a share that is no float
    with np.errstate(divide="ignore"):
        logs = np.where(share > 1e-300, np.log(share), apart)
    logs = np.where(gone < 0.5, np.log1p(-np.minimum(gone, 0.5)), logs)
    return _plain(np.maximum(-0.75 * logs, 0.0))


def annealed_loss_ratio(sharp_loss, flat_loss, target, lr, large_steps):
    r"""Test loss over train loss at the stop after K large steps and then a small rate.

    .. math:: \frac{P}{\varepsilon} = \frac34 \Big(1 + \frac{2}{1 + \sqrt{1 + 4A_K\varepsilon / B_K^2}}\Big),
              \qquad A_K = A (1 - \tfrac43\eta)^{2K}, \quad B_K = B (1 - \tfrac23\eta)^{2K}

    `flow_loss_ratio` from the point that K steps of gradient descent reach. It
    is near 3/4 while B_K²/(4A_K) ≪ ε, and tends to 3/2 as ε → 0 with K fixed. To
    (1 + K|log|1 − 4η/3||)·1e-14 relative: the logarithm of the factors is what
    is multiplied by K.

    Parameters
    ----------
    sharp_loss, flat_loss, target
        As for `flow_loss_ratio`, at the start of the large steps.
    lr : float
        Large learning rate η in (0, 3/2), where gradient descent is stable.
    large_steps : int
        K ≥ 0.

    Returns
    -------
    float or ndarray
        P/ε in [3/4, 3/2].

    Raises
    ------
    ValueError
        As for `flow_loss_ratio`; also if a target is above the loss at the
        switch: that run stops within the large steps, see `stopping_point`.

    References
    ----------
    [NAK20]_, panel (b).

    Examples
    --------
    >>> annealed_loss_ratio(2 / 3, 1 / 3, [1e-2, 1e-4, 1e-6, 1e-8], 1.3, 2).round(3)
    array([0.752, 0.768, 0.91 , 1.402])
    """
    sharp, flat, target = _problem(sharp_loss, flat_loss, target)
    sharp, flat = _after_large_steps(sharp, flat, lr, large_steps)
    _below(target, sharp + flat, "at the switch", "the run stops within the large steps: make fewer of them, lower the "
           "target, or use stopping_point")
    return _plain(0.75 * (1 + 2 * flat / (flat + _root(sharp, flat, target))))


def reversal_target(sharp_loss, flat_loss, lr=None, large_steps=0):
    r"""Target at which both directions hold half of the train loss: half of the benefit is gone.

    .. math:: \varepsilon_{1/2} = 2 B_K^2 / A_K

    from s = ½, that is Aε/B² = 2 in `flow_loss_ratio`; P/ε is 9/8 there, below
    it for larger targets and above it for smaller ones.

    Parameters
    ----------
    sharp_loss, flat_loss : float or array_like
        A > 0 and B > 0.
    lr, large_steps
        As for `annealed_loss_ratio`, given together; without them the flow
        starts at once.

    Returns
    -------
    float or ndarray
        ε_½, at most the train loss at the switch; as accurate as
        `annealed_loss_ratio`.

    Raises
    ------
    ValueError
        If a loss is not positive, large steps are asked for without a rate,
        or the flat direction holds more than half of the train loss at the
        switch, so that every target is below ε_½.

    References
    ----------
    [NAK20]_, panel (b).

    Examples
    --------
    >>> f"{reversal_target(2 / 3, 1 / 3, 1.3, 2):.2e}"
    '1.15e-07'
    """
    sharp, flat = sharp_and_flat(sharp_loss, flat_loss, positive=True)
    if lr is not None:
        sharp, flat = _after_large_steps(sharp, flat, lr, large_steps)
    elif large_steps:
        raise ValueError(f"lr must be given with large_steps, got None and {large_steps}; say at which rate "
                         "they are made")
    if ((sharp == 0) & (flat == 0)).any():
        raise ValueError(f"large_steps must leave a train loss above the smallest float, got {large_steps} at lr = "
                         f"{lr:g}; make fewer")
    if (flat > sharp).any():
        raise ValueError(f"flat_loss must be at most sharp_loss at the switch, got {_first(flat, flat > sharp):g} and "
                         f"{_first(sharp, flat > sharp):g}; the flat direction already holds more than half of the "
                         "train loss")
    return _plain(2 * flat * (flat / sharp))


def sharp_and_flat(sharp_loss, flat_loss, *, positive=False):
    """Both train losses checked, as float64 arrays of one shape."""
    sharp, flat = (_checks.positive(value, name, zero=not positive)
                   for value, name in ((sharp_loss, "sharp_loss"), (flat_loss, "flat_loss")))
    flat, sharp = _checks.broadcast(flat_loss=flat, sharp_loss=sharp)
    _checks.within_floats(lambda: 4 * (sharp + flat), "sharp_loss and flat_loss")
    if (sharp + flat == 0).any():
        raise ValueError("sharp_loss and flat_loss must not both be 0: at the minimum nothing moves; start elsewhere")
    return sharp, flat


def _problem(sharp_loss, flat_loss, target):
    sharp, flat = sharp_and_flat(sharp_loss, flat_loss)
    target, sharp, flat = _checks.broadcast(target=_checks.positive(target, "target"), sharp_loss=sharp, flat_loss=flat)
    _below(target, sharp + flat, "at the start", "gradient flow only lowers it: start further away or lower the target")
    return sharp, flat, target


def _after_large_steps(sharp, flat, lr, large_steps):
    rate, steps = _checks.scalar(lr, "lr"), _checks.whole(large_steps, "large_steps", 0)
    if rate >= _LIMIT:
        raise ValueError(f"lr must be below 2 / lambda_max = {_LIMIT:g}, where gradient descent is stable, got "
                         f"{rate:g}; follow single unstable steps with gradient_descent")
    return tuple(loss * shrunk(times * rate / 3, (3 - times * rate) / 3, 2 * steps)  # 3 − 4η is exact near 0
                 for loss, times in ((sharp, 4), (flat, 2)))


def _below(target, loss, where, remedy):
    if (target > loss).any():
        raise ValueError(f"target must be at most the train loss {where}, {_first(loss, target > loss):g}, "
                         f"got {_first(target, target > loss):g}; {remedy}")


def _root(sharp, flat, target):
    """√(B² + 4Aε) without overflow or underflow of the squares."""
    return np.hypot(flat, 2 * np.sqrt(sharp) * np.sqrt(target))


def _first(values, chosen):
    return np.atleast_1d(values)[np.atleast_1d(chosen)][0]


def _plain(values):
    return values if np.ndim(values) else float(values)
