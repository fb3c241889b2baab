"""Gradient descent on a loss above its edge, and whether it ends in an orbit of period two."""

from dataclasses import dataclass

import numpy as np

from refimpl.sgd._status import diverged
from theory import _checks

ALTERNATES, DIVERGED, UNDECIDED = 0, 1, 2
_CLOSED = 1e-7  # an orbit has period two where two steps move by less than this share of one


@dataclass(frozen=True)
class Oscillation:
    """Where `oscillate` ended, for losses of shape S.

    Attributes
    ----------
    points : ndarray (2, *S, d)
        The last two iterates; NaN where the run diverged.
    success : ndarray (*S) of bool
        Whether they are an orbit of period two.
    status : ndarray (*S) of int
        0 alternates, 1 diverged, 2 neither after all steps.
    nit : ndarray (*S) of int
        Steps made.
    message : str
    """

    points: np.ndarray
    success: np.ndarray
    status: np.ndarray
    nit: np.ndarray
    message: str

    @property
    def amplitude(self):
        """Half the distance of both points, (*S)."""
        return np.linalg.norm(self.points[0] - self.points[1], axis=-1) / 2


def oscillate(loss, start, lr, steps, *, divergence_limit=1e3):
    """Gradient descent on a loss or a stack of losses, and whether it ends in an orbit of period two.

    Parameters
    ----------
    loss : CubicQuartic, RegularisedNet or another with `gradient` and `parameter_shape`
        A stack of losses (S, d), or one loss (d,) for all replicas.
    start : array_like (*S, d)
        One start per replica.
    lr : float or array_like (*S)
        η > 0.
    steps : int
        At least 3.
    divergence_limit : float
        A run diverges when an entry of w is not finite or beyond this.

    Returns
    -------
    Oscillation

    Raises
    ------
    ValueError
        If an argument is outside its range or shapes do not fit.

    Examples
    --------
    >>> found = oscillate(CubicQuartic([[2.0]], [[[3.0]]], [[[[6.0]]]]), [0.01], 1.001, 20_000)
    >>> bool(found.success), round(float(found.amplitude), 4)
    (True, 0.0401)
    """
    shape = _checks.having(loss, "loss", "parameter_shape", "gradient").parameter_shape
    start = _checks.real(start, "start")
    ahead = max(np.ndim(start) - len(shape), 0) if len(shape) == 1 else 0
    w = _checks.shaped(start, "start", (None,) * ahead + shape).astype(float)
    stack, steps = w.shape[:-1], _checks.whole(steps, "steps", 3)
    rates = np.asarray(_checks.positive(lr, "lr"), float)
    limit = _checks.scalar(divergence_limit, "divergence_limit")
    if rates.shape not in ((), stack):
        raise ValueError(f"lr must be one number or have shape {stack}, got {rates.shape}; give one rate per loss")
    rates, nit = rates[..., None], np.full(stack, steps)
    recent = [w, w, w]
    with np.errstate(over="ignore", invalid="ignore"):
        for step in range(1, steps + 1):
            w = w - rates * loss.gradient(w)
            lost = diverged(w, limit, axis=-1) & (nit == steps)
            if lost.any():
                nit[lost] = step
            w = np.where(np.isnan(w) | (np.abs(w) > limit), np.nan, w)
            recent = [*recent[1:], w]
    gone = np.isnan(w).any(axis=-1)
    apart, moved = (np.linalg.norm(recent[2] - recent[k], axis=-1) for k in (1, 0))
    closed = moved <= _CLOSED * apart     # False where the run is gone: no number is at most NaN
    status = np.where(gone, DIVERGED, np.where(closed, ALTERNATES, UNDECIDED))
    counts = [int((status == code).sum()) for code in (ALTERNATES, DIVERGED, UNDECIDED)]
    message = "{} of {} runs alternate between two points, {} diverged, {} do neither".format(counts[0], status.size,
                                                                                              *counts[1:])
    return Oscillation(np.stack(recent[1:]), closed[()], status[()], nit[()], message)
