"""From near a minimum to interpolation, by the shortest way."""

import numpy as np
from scipy.linalg import lstsq

from theory import _checks

_CONDITION = 1e-6  # least ratio of the kernel's eigenvalues at which it is inverted: Jᵀ(J Jᵀ)⁻¹r keeps ten digits


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
        Parameters near a minimum that interpolates.
    x, y : array_like (n, dim), (n,) or (n, k)
        Examples and the labels to be met.
    steps : int
        Gauss–Newton steps; the error is squared by each, once it is small.

    Returns
    -------
    ndarray (P,)

    Raises
    ------
    ValueError
        If the loss is not the squared one: the cross-entropy has no finite minimum that interpolates.
    """
    if _checks.having(model, "model", "loss_kind", "jacobian", "gram").loss_kind != "squared":
        raise ValueError(f"model must have the squared loss to interpolate, got {model.loss_kind!r}; "
                         "its minimum is at infinity")
    w, x, y = np.array(_checks.shaped(w, "w", model.parameter_shape)), _checks.real(x, "x"), _checks.real(y, "y")
    model.check_data(x, y)
    for _ in range(_checks.whole(steps, "steps", 0)):
        w -= _least_step(model, w, x, (model.predict(w, x) - y).reshape(-1))
    return w


def _least_step(model, w, x, residual):
    """J†r: by the kernel J Jᵀ where squaring costs at most half of the digits of a step that is repeated, else by J."""
    values, vectors = np.linalg.eigh(model.gram(w, x))
    if values[0] <= _CONDITION * values[-1] or not residual.any():
        # gelsd cuts singular values below rounding, as directions in which no step is known
        return lstsq(model.jacobian(w, x).reshape(len(residual), -1), residual, cond=1e-12)[0]
    dual = vectors @ ((vectors.T @ residual) / values)
    outputs = model.predict(w, x)
    size = np.abs(dual).max()
    # the gradient at labels f − u is Jᵀu / n; u is scaled so that f does not swallow it
    return model.gradient(w, x, outputs - (dual / size).reshape(outputs.shape)) * (len(x) * size)
