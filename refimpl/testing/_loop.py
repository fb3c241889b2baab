"""Plain code that the diagnosis recomputes with a mistake built in: the functions of a model, and SGD."""

import numpy as np


def functions(model):
    """The quantities of a model as plain functions, a dict; `losses` has the loss of each example alone."""
    found = {name: getattr(model, name) for name in ("predict", "loss", "gradient", "hvp") if hasattr(model, name)}

    def losses(w, x, y):
        return np.array([model.loss(w, x[i:i + 1], None if y is None else y[i:i + 1]) for i in range(len(x))])

    return found | {"losses": losses}


def iterate(gradient, w, x, y, *, lr, indices, noise=None, weight_decay=0.0, decay_updated=False,
            decay_undivided=False):
    """All iterates (T+1, *P) of w ← (1 − ηλ) w − η (∇L_B(w) + ξ).

    Parameters
    ----------
    gradient : callable
        ``gradient(w, x, y)`` on the examples of a batch.
    w, x, y : ndarray
        Start, examples and labels (or None).
    lr : array_like (T,)
        One rate a step.
    indices : sequence of T index arrays
        One batch a step.
    noise : array_like (T, *P), optional
    weight_decay : float
    decay_updated : bool
        The mistake of shrinking the weights after the step: w ← (1 − ηλ)(w − η (∇L_B(w) + ξ)).
    decay_undivided : bool
        The mistake of leaving the rate out of the decay: w ← (1 − λ) w − η (∇L_B(w) + ξ).
    """
    path = [np.asarray(w, dtype=float)]
    for step, batch in enumerate(indices):
        w = path[-1]
        slope = gradient(w, x[batch], None if y is None else y[batch])
        if noise is not None:
            slope = slope + noise[step]
        keep = 1 - (1 if decay_undivided else lr[step]) * weight_decay
        path.append(keep * (w - lr[step] * slope) if decay_updated else keep * w - lr[step] * slope)
    return np.array(path)
