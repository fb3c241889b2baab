"""Runs of the models of this study by `refimpl.sgd.run`."""

from refimpl import sgd
from refimpl.linear_stability._models import TOY_CURVATURES, LinearRegression, Quadratic, TwoMinima
from theory import _checks


def simulate(hessians, w0, *, lr, batch_size, steps, **options):
    r"""SGD on f(w) = (1/2n) Σ wᵀ H_i w, the linear dynamics around a global minimum at 0.

    .. math:: w_{t+1} = w_t - \eta H_{B_t} w_t

    Parameters
    ----------
    hessians : array_like (n, d, d) or (n, d)
        Symmetric positive semi-definite Hessians, or factors g_i with
        H_i = g_i g_iᵀ (much faster).
    w0 : array_like (*S, d)
        Starts, one for each replica.
    lr, batch_size, steps
        As for `refimpl.sgd.run`.
    **options
        Further arguments of `refimpl.sgd.run`: sampling, indices, observe, …

    Returns
    -------
    refimpl.sgd.Result

    Raises
    ------
    ValueError
        If the Hessians are not symmetric positive semi-definite and finite, or
        as `refimpl.sgd.run` does.

    References
    ----------
    [WME18] eq. 2.

    Examples
    --------
    >>> simulate([[1.0], [2.0]], [1.0], lr=0.1, batch_size=None, steps=2).w
    array([0.5625])
    """
    array = _checks.real(hessians, "hessians")
    if array.ndim == 2:
        _checks.shaped(array, "hessians", (None, None))
        model = LinearRegression(array.shape[1])
    else:
        model = Quadratic(_checks.hessians(array).shape[1])
    return sgd.run(model, w0, array, lr=lr, batch_size=batch_size, steps=steps, **options)


def two_minima(w0, *, lr, steps, batch_size=1, **options):
    r"""Run SGD (or, with ``batch_size=2``, gradient descent) on the poster's toy.

    .. math:: f_1 = \min\{x^2, 0.1 (x-1)^2\}, \quad f_2 = \min\{x^2, 1.9 (x-1)^2\}

    Parameters
    ----------
    w0 : array_like (*S,)
        Starts, one for each replica.
    lr, steps, batch_size
        As for `refimpl.sgd.run`.
    **options
        Further arguments of `refimpl.sgd.run`.

    Returns
    -------
    refimpl.sgd.Result
        With w of shape (*S, 1).

    Raises
    ------
    ValueError
        As `refimpl.sgd.run` does.

    References
    ----------
    [WME18] "Toy example".

    Examples
    --------
    >>> two_minima(1.001, lr=0.7, steps=50, batch_size=2).w   # gradient descent stays
    array([1.])
    """
    start = _checks.real(w0, "w0")[..., None]
    return sgd.run(TwoMinima(), start, TOY_CURVATURES, lr=lr, steps=steps, batch_size=batch_size, **options)
