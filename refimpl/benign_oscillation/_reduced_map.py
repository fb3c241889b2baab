"""One example in four numbers. The public name is that of `refimpl.benign_oscillation`."""

import numpy as np

from theory import _checks


def descend_reduced(start, c, kappa, steps, *, record_every=1):
    r"""Gradient descent on one example with patches u and v, as a map of four strengths.

    .. math:: \alpha \leftarrow \alpha (1 + c e)_+^2, \quad \beta \leftarrow \beta (1 + \kappa c e)_+^2, \quad
              \alpha^- \leftarrow \alpha^- (1 - c e)_+^2, \quad \beta^- \leftarrow \beta^- (1 - \kappa c e)_+^2

    with e = 1 − f and f = α + β − α⁻ − β⁻: α and β are (1/m) Σ ⟨w_r, u⟩₊² and
    (1/m) Σ ⟨w_r, v⟩₊² over F₊, α⁻ and β⁻ over F₋. All filters that see a patch
    are multiplied alike, which is why nothing else is needed.

    Parameters
    ----------
    start : array_like (*S, 4)
        α, β, α⁻, β⁻ ≥ 0.
    c : float, array_like (*S) or (steps, *S)
        c = 4η|u|²/m > 0; with the steps in front for a schedule.
    kappa : float or array_like (*S)
        κ = |v|²/|u|².
    steps : int
        Steps of the map, at least 0.
    record_every : int
        Record at steps 0, k, 2k, ….

    Returns
    -------
    ndarray (K, *S, 4)
        A run that diverges becomes inf and then NaN, without a warning.

    Raises
    ------
    ValueError
        If an argument is outside its range or shapes do not fit.

    Examples
    --------
    >>> path = descend_reduced([1e-4, 1e-4, 0.0, 0.0], 1.2, 0.01, 12000)
    >>> round(float(path[-1, 1]), 4)      # what has been learned of the weak feature
    0.1688
    """
    start = _checks.positive(start, "start", zero=True)
    if np.ndim(start) < 1 or start.shape[-1] != 4:
        raise ValueError(f"start must have shape (*S, 4), got {np.shape(start)}; give α, β, α⁻, β⁻ on the last axis")
    steps, every = _checks.whole(steps, "steps", 0), _checks.whole(record_every, "record_every")
    stack = start.shape[:-1]
    c, kappa = (np.asarray(_checks.positive(value, name)) for value, name in ((c, "c"), (kappa, "kappa")))
    if c.ndim <= len(stack):
        c = c[None]
    try:
        rates = np.broadcast_to(c, (steps, *stack))
        kappa = np.broadcast_to(kappa, stack)
    except ValueError:
        raise ValueError(f"c must have shape {stack} or {(steps, *stack)} and kappa {stack}, got {c.shape} and "
                         f"{kappa.shape}; match the replicas of start") from None
    state = np.moveaxis(start, -1, 0).copy()                       # (4, *S)
    gains = np.stack([np.ones(stack), kappa, -np.ones(stack), -kappa])
    signs = np.array([1.0, 1.0, -1.0, -1.0]).reshape(4, *(1,) * len(stack))
    path = np.empty((steps // every + 1, 4, *stack))
    path[0] = state
    with np.errstate(over="ignore", invalid="ignore"):
        for step in range(steps):
            error = 1 - (signs * state).sum(axis=0)
            state *= np.maximum(1 + gains * (rates[step] * error), 0) ** 2
            if (step + 1) % every == 0:
                path[(step + 1) // every] = state
    return np.moveaxis(path, 1, -1)
