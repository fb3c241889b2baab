"""Plain code that the diagnosis recomputes with a mistake built in: functions of a model, SGD, runs to a loss."""

import numpy as np


def functions(model):
    """The quantities of a model as plain functions, a dict; `losses` has the loss of each example alone."""
    found = {name: getattr(model, name) for name in ("predict", "loss", "gradient", "hvp") if hasattr(model, name)}

    def losses(w, x, y):
        return np.array([model.loss(w, x[i:i + 1], None if y is None else y[i:i + 1]) for i in range(len(x))])

    return found | {"losses": losses}


def iterate(gradient, w, x, y, *, lr, indices, noise=None, weight_decay=0.0, momentum=0.0, nesterov=False,
            dampening=0.0, damped_first=False, rate_inside=False, decoupled=False, decay_updated=False):
    """All iterates (T+1, *P) of g = ∇L_B(w) + λw + ξ, v ← μv + (1 − τ)g, w ← w − ηv; the first v is g.

    Parameters
    ----------
    gradient : callable
        ``gradient(w, x, y, t)`` on the examples of a batch at step t.
    w, x, y : ndarray
        Start, examples and labels (or None).
    lr : array_like (T,)
        One rate per step.
    indices : sequence of T index arrays
        One batch per step.
    noise : array_like (T, *P), optional
    weight_decay : float or array_like that broadcasts to (T, *P)
    momentum, dampening : float
        μ and τ.
    nesterov : bool
        Whether the step is along g + μv.
    damped_first, rate_inside, decoupled, decay_updated : bool
        Mistakes: the first v is (1 − τ)g; v ← μv + ηg; decay beside the
        velocity; decay of the updated weights.
    """
    path = [np.asarray(w, dtype=float)]
    decay = np.broadcast_to(weight_decay, (len(lr), *path[0].shape)) if np.ndim(weight_decay) else None
    velocity = 0.0
    for t, batch in enumerate(indices):
        w, rate = path[-1], lr[t]
        slope = gradient(w, x[batch], None if y is None else y[batch], t)
        if noise is not None:
            slope = slope + noise[t]
        shrink = weight_decay if decay is None else decay[t]
        if not (decoupled or decay_updated):
            slope = slope + shrink * w
        keep = 1.0 if t == 0 and not damped_first else 1 - dampening
        push = rate * slope if rate_inside else slope
        velocity = momentum * velocity + keep * push
        along = push + momentum * velocity if nesterov else velocity
        step = along if rate_inside else rate * along
        if decay_updated:
            path.append((1 - rate * shrink) * (w - step))
        else:
            path.append((1 - rate * shrink if decoupled else 1) * w - step)
    return np.array(path)


def anneal(gradient, loss, w, *, lr, large_lr=None, level=0.0, steps=None, target=None, noise=None, weight_decay=0.0,
           mistake=""):
    """Iterates of full-batch steps at `large_lr` until the loss is at most `level`, then at `lr`.

    Ends after `steps`, or at the first loss of at most `target`; `mistake` is
    one of "early", "late", "back", "overshot" or "".
    """
    path, below, most = [np.asarray(w, dtype=float)], [], 10_000 if steps is None else steps
    while len(path) <= most:
        now = loss(path[-1])
        if target is not None and now <= target or not np.isfinite(now):
            break
        following = path[-1] - large_lr * gradient(path[-1]) if mistake == "early" and large_lr is not None else None
        below.append((now if following is None else loss(following)) <= level)
        if large_lr is None:
            lowered = True
        elif mistake == "back":
            lowered = below[-1]
        else:
            lowered = any(below[:-1] if mistake == "late" else below)
        rate = lr if lowered else large_lr
        slope = gradient(path[-1])
        if noise is not None:
            slope = slope + noise[len(path) - 1]
        path.append((1 - rate * weight_decay) * path[-1] - rate * slope)
    if mistake == "overshot":
        path.append(path[-1] - lr * gradient(path[-1]))
    return np.array(path)
