"""Loss and sharpness along a run, and what keeps the sharpness at 2/η once it is there."""

from dataclasses import dataclass

import numpy as np

from refimpl import sgd
from refimpl.curvature import sharpness, top_eigenpairs
from refimpl.network import line_derivatives
from theory import _checks


@dataclass(frozen=True)
class Sharpening:
    """Loss and sharpness along a run of `sharpen`, K records.

    Attributes
    ----------
    steps : ndarray (K,) of int
        Steps made at each record, the start left out.
    loss, sharpness : ndarray (K,)
        Of the whole set; NaN from where the run diverged.
    w : ndarray (P,)
        At the last record.
    success : bool
        Whether all steps were made.
    status : int
        0 all steps made, 1 diverged.
    nit : int
        Steps made.
    message : str
    """

    steps: np.ndarray
    loss: np.ndarray
    sharpness: np.ndarray
    w: np.ndarray
    success: bool
    status: int
    nit: int
    message: str

    def settled(self, share=0.2):
        """Mean sharpness over the last `share` of the records."""
        return float(self.sharpness[-max(1, round(share * len(self.steps))):].mean())


def sharpen(model, w0, x, y, *, lr, steps, record_every, batch_size=None, momentum=0.0, tolerance=1e-3, rng=None):
    """Gradient descent or SGD from one start, with the sharpness of the whole set's loss every few steps.

    Parameters
    ----------
    model : MLP
        With `loss` and what `refimpl.curvature.sharpness` needs.
    w0 : array_like (P,)
        The start.
    x, y : array_like (n, …), (n, …)
        Examples and labels.
    lr : float
        η > 0.
    steps : int
        Steps in all.
    record_every : int
        Steps between two records; a remainder of `steps` is left out.
    batch_size : int, optional
        B; None for gradient descent.
    momentum : float
        μ of heavy ball, as for `refimpl.sgd.run`.
    tolerance : float
        Residual of the sharpness, relative.
    rng : None, int or Generator
        Source of batches and of the starting vectors of Lanczos.

    Returns
    -------
    Sharpening

    Raises
    ------
    ValueError
        As `refimpl.sgd.run` does, or if `record_every` exceeds `steps`.

    References
    ----------
    [CKLKT21]_, figures 1 and 5.

    Examples
    --------
    >>> from refimpl.network import MLP
    >>> path = sharpen(MLP((1, 2, 1)), [1.0, -0.5, 0, 0, 0.5, 0.5, 0], [[1.0], [2.0]], [1.0, 0.5], lr=0.1, steps=20,
    ...                record_every=10, rng=0)
    >>> path.steps.tolist(), path.success
    ([10, 20], True)
    """
    _checks.having(model, "model", "parameter_shape", "gradient", "hvp")
    steps, record_every = _checks.whole(steps, "steps"), _checks.whole(record_every, "record_every")
    if record_every > steps:
        raise ValueError(f"record_every must be at most steps = {steps}, got {record_every}; record more often")
    rng, w = _checks.generator(rng), _checks.shaped(w0, "w0", model.parameter_shape)
    marks = np.arange(record_every, steps + 1, record_every)
    loss, sharp, going = np.full(len(marks), np.nan), np.full(len(marks), np.nan), {}
    for k in range(len(marks)):
        run = sgd.run(model, w, x, y, lr=lr, steps=record_every, batch_size=batch_size, momentum=momentum, rng=rng,
                      divergence_limit=1e6, **going)
        w = run.w
        if not run.success:
            nit = k * record_every + int(run.nit)
            return Sharpening(marks, loss, sharp, w, False, 1, nit, f"diverged at step {nit}")
        going = {} if run.velocity is None else {"velocity": run.velocity}
        loss[k] = model.loss(w, x, y)
        sharp[k] = float(sharpness(model, w, x, y, tolerance=tolerance, rng=rng))
    return Sharpening(marks, loss, sharp, w, True, 0, int(marks[-1]), f"all {marks[-1]} steps made")


@dataclass(frozen=True)
class Middle:
    """Gradient descent at its edge seen from the middle of two iterates, by `middle`.

    Attributes
    ----------
    w : ndarray (P,)
        The middle w̄ of an iterate and the next one.
    sharpness : float
        Top eigenvalue λ of the Hessian there.
    top : ndarray (P,)
        Its unit eigenvector v.
    displacement : float
        v·(w_t − w_{t+1})/2: how far both iterates are out, to opposite sides.
    gradient : ndarray (P,)
        ∇L(w̄).
    third : ndarray (P,)
        T[v, v] at w̄, the gradient of λ.
    drift : ndarray (P,)
        Displacement of the middle in two steps over 2η: its velocity.
    """

    w: np.ndarray
    sharpness: float
    top: np.ndarray
    displacement: float
    gradient: np.ndarray
    third: np.ndarray
    drift: np.ndarray


def middle(model, w, x, y, lr, *, tolerance=1e-5, rng=None):
    """Where gradient descent is between two steps, and where that point moves.

    Parameters
    ----------
    model : MLP
        Smooth: tanh or identity.
    w : array_like (P,)
        An iterate.
    x, y : array_like (n, …), (n, …)
        Examples and labels.
    lr : float
        η > 0.
    tolerance : float
        Residual of the eigenpair, relative.
    rng : None, int or Generator
        Source of the starting vector of Lanczos.

    Returns
    -------
    Middle

    Raises
    ------
    ValueError
        If an argument is outside its range.

    References
    ----------
    [DNL23]_, section 4.

    Examples
    --------
    >>> from refimpl.network import MLP
    >>> seen = middle(MLP((1, 2, 1)), [1.0, -0.5, 0, 0, 0.5, 0.5, 0], [[1.0], [2.0]], [1.0, 0.5], 0.1, rng=0)
    >>> seen.w.shape, seen.third.shape
    ((7,), (7,))
    """
    _checks.having(model, "model", "parameter_shape", "gradient", "hvp")
    x, y = _checks.real(x, "x"), _checks.real(y, "y")
    model.check_data(x, y)
    lr, path = _checks.scalar(lr, "lr"), [_checks.shaped(w, "w", model.parameter_shape)]
    for _ in range(3):
        path.append(path[-1] - lr * model.gradient(path[-1], x, y))
    here, later = (path[0] + path[1]) / 2, (path[2] + path[3]) / 2
    pair = top_eigenpairs(model, here, x, y, k=1, tolerance=tolerance, rng=rng)
    top = pair.vectors[0]
    gradient, _, third = line_derivatives(model, here, x, y, top, order=2)
    return Middle(here, float(pair.values[0]), top, float(top @ (path[0] - path[1]) / 2), gradient, third,
                  (later - here) / (2 * lr))
