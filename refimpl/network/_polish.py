"""From near a minimum to interpolation, by the shortest way."""

import numpy as np
from scipy.linalg import lstsq

from theory import _checks


def polish(model, w, x, y, *, steps=3):
    r"""Carry a near-minimum of the squared loss to interpolation by minimum-norm Gauss–Newton steps.

    .. math:: w \leftarrow w - J^\dagger (f - y)

    Each step moves w as little as the linearised residuals allow, so the
    minimum that is measured is the one that training was at.

    Parameters
    ----------
    model : MLP
        With the squared loss.
    w : array_like (P,)
    x, y : array_like (n, dim), (n,) or (n, k)
    steps : int

    Returns
    -------
    ndarray (P,)

    Raises
    ------
    ValueError
        If the loss is not the squared one: the cross-entropy has no finite minimum that interpolates.
    """
    if model.loss_kind != "squared":
        raise ValueError(f"model must have the squared loss to interpolate, got {model.loss_kind!r}; "
                         "its minimum is at infinity")
    w, y = np.array(_checks.shaped(w, "w", model.parameter_shape)), np.asarray(y)
    for _ in range(_checks.whole(steps, "steps", 0)):
        residual = (model.predict(w, x) - y).reshape(-1)
        # gelsd cuts singular values below rounding, as directions in which no step is known
        w -= lstsq(model.jacobian(w, x).reshape(len(residual), -1), residual, cond=1e-12)[0]
    return w
