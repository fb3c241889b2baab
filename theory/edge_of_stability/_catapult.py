r"""The catapult of a two-layer linear net on one example. Public names: `theory.edge_of_stability`.

f = u·v/√m, loss f²/2, κ = (|u|² + |v|²)/m. |u ± v|²/m = κ ± 2f/√m, and a step of
gradient descent multiplies u ± v by 1 ∓ ηf/√m: everything here follows from that.
"""

import numpy as np

from theory import _checks

_MOST_STEPS = 100_000
_SETTLED = 1e-17   # what is still to come of the kernel's fall, relative
_FAR = 1e6         # of |x|, beyond which nothing comes back


def catapult_step(f, kernel, lr, width):
    r"""One step of gradient descent, exactly.

    .. math:: f' = f\left(1 - \eta\kappa + \frac{\eta^2 f^2}{m}\right), \qquad
              \kappa' = \kappa + \frac{\eta f^2}{m} (\eta\kappa - 4)

    Parameters
    ----------
    f : float or array_like
        Output of the net, where the label is 0.
    kernel : float or array_like
        κ ≥ 2|f|/√m.
    lr : float or array_like
        η > 0.
    width : int
        m.

    Returns
    -------
    f, kernel : float or ndarray
        f′ to 1e-15 of its largest term, and κ′ likewise.

    Raises
    ------
    ValueError
        If an argument is outside its range, no weights have this f and κ, or
        the step leaves the range of floating point.

    References
    ----------
    [LBDSG20]_, section 2.1.

    Examples
    --------
    >>> [round(value, 12) for value in catapult_step(0.5, 3.0, 1.0, 4)]
    [-0.96875, 2.9375]
    """
    f, kernel, lr, width = _arguments(f, kernel, lr, width)
    with np.errstate(over="ignore", under="ignore", invalid="ignore"):
        square = lr * f * (f / width)
        after = f * (1 - lr * kernel + lr * square), kernel + square * (lr * kernel - 4)
    return tuple(_plain(_checks.within_floats(value, "f, kernel and lr")) for value in after)


def flow_kernel(f, kernel, width):
    r"""Kernel that gradient flow ends with.

    .. math:: \kappa_\infty = \sqrt{\kappa_0^2 - 4 f_0^2 / m}

    The flow conserves κ² − 4f²/m = |u + v|²|u − v|²/m², and ends at f = 0.

    Parameters
    ----------
    f, kernel, width
        As for `catapult_step`, at the start.

    Returns
    -------
    float or ndarray
        To 2e-15 relative, besides the rounding of 2f/√m where κ is close to it.

    Raises
    ------
    ValueError
        As for `catapult_step`.

    References
    ----------
    [LBDSG20]_, section 2.1, the limit η → 0.

    Examples
    --------
    >>> round(flow_kernel(1.0, 2.5, 4), 6)
    2.291288
    """
    f, kernel, _, width = _arguments(f, kernel, 1.0, width)
    share = np.minimum(np.abs(f) / (np.sqrt(width) / 2) / kernel, 1)
    return _plain(kernel * np.sqrt((1 - share) * (1 + share)))


def final_kernel(f, kernel, lr, width):
    r"""Kernel that gradient descent ends with, by running `catapult_step` until it rests.

    .. math:: \kappa_\infty = \sqrt{\kappa_0^2 - 4 f_0^2 / m}\; \prod_t \left|1 - \eta^2 f_t^2 / m\right|

    The square root is `flow_kernel`: gradient descent ends flatter than the
    flow if every η²f_t²/m < 2, but **not always**: a step with more than that
    enlarges the product. The map has no parameter in x = ηf/√m and k = ηκ. For
    small x₀ the end is one number per k₀ up to k₀ = 2.5 (there to 5e-6); from 3
    on it goes round in log x₀ or is erratic, so that only the end from a given
    start has a meaning, not a curve against k₀.

    Parameters
    ----------
    f : float or array_like
        Output at the start; with 0 nothing moves.
    kernel, lr, width
        As for `catapult_step`; they broadcast. ηκ < 4, and below where |f| is
        not small.

    Returns
    -------
    float or ndarray
        κ at the end, to 1e-12 relative where the run takes fewer than a
        thousand steps.

    Raises
    ------
    ValueError
        As for `catapult_step`; if a run diverges, as all with ηκ > 4 do (ηκ − 4
        is multiplied by 1 + η²f²/m at each step) that do not hit f = 0 exactly;
        or if it has not come to rest after 100 000 steps: ηκ close to 0, where
        `flow_kernel` is the end, or to 2, or 4 exactly, where f goes on for
        ever within |ηf/√m| ≤ 2.

    References
    ----------
    [LBDSG20]_, section 2.1; the product is an identity of the net.

    Examples
    --------
    >>> round(final_kernel(1e-3, 2.5, 1.0, 1), 4), round(flow_kernel(1e-3, 2.5, 1), 4)
    (1.2823, 2.5)
    """
    f, kernel, lr, width = _arguments(f, kernel, lr, width)
    with np.errstate(over="ignore"):
        x, begin, rates = np.broadcast_arrays(lr * (f / np.sqrt(width)), lr * kernel, lr)
    _checks.within_floats(x, "lr and f"), _checks.within_floats(begin, "lr and kernel")
    shape, x, k, going = x.shape, x.ravel().copy(), begin.ravel().copy(), np.arange(x.size)
    for _ in range(_MOST_STEPS):
        size, factor = np.abs(x[going]), 1 - np.minimum(k[going], 3)    # squares may be below the smallest float
        if (size > _FAR).any():
            raise ValueError(f"lr must keep the run bounded, but it diverges from lr · kernel = "
                             f"{begin.flat[going[size > _FAR][0]]:g}; take a smaller lr: below 4 / kernel, and less "
                             "where f is not small")
        going = going[size > np.sqrt(_SETTLED / 4 * np.minimum(k[going], 1) * np.maximum(1 - factor**2, 0))]
        if not going.size:
            return _plain(np.where(x.reshape(shape) == 0, kernel, k.reshape(shape) / rates))
        square = x[going] ** 2
        x[going], k[going] = x[going] * (1 - k[going] + square), k[going] + square * (k[going] - 4)
    raise ValueError(f"lr must let the run come to rest, but it has not after {_MOST_STEPS} steps from lr · kernel = "
                     f"{begin.flat[going[0]]:g}; next to 2, or at 4, it takes for ever: move away from there, and next "
                     "to 0 use flow_kernel")


def _arguments(f, kernel, lr, width):
    """The arguments as float arrays, f and κ such that there are weights with them."""
    f = _checks.double(f, "f")
    kernel, lr = (np.asarray(_checks.positive(value, name)) for value, name in ((kernel, "kernel"), (lr, "lr")))
    width = _checks.whole(width, "width")
    _checks.broadcast(kernel=kernel, f=f, lr=lr)
    with np.errstate(over="ignore"):
        least = np.abs(f) / (np.sqrt(width) / 2)
    if (kernel < least * (1 - 1e-15)).any():
        wrong = np.broadcast_arrays(kernel, least)
        place = np.argmax(wrong[1] - wrong[0])
        raise ValueError(f"kernel must be at least 2|f|/√m = {wrong[1].flat[place]:g}, got {wrong[0].flat[place]:g}; "
                         f"no weights "
                         "have a smaller one")
    return f, kernel, lr, width


def _plain(value):
    return value if np.ndim(value) else float(value)
