"""The synthetic two-class set of the study."""

import numpy as np

from theory import _checks


def teacher_set(n=200, tests=2000, dim=20, hidden=10, *, flipped=0.25, decay=0.55, scale=1.5, rng=None):
    r"""A synthetic two-class set: a random tanh net's sign on Gaussian inputs, some training labels turned over.

    .. math:: y = \operatorname{sign} \sum_j a_j \tanh\langle u_j, z\rangle, \qquad x_k \propto k^{-decay} z_k,
              \qquad \overline{E x_k^2} = scale^2

    with standard normal z (dim) and a, u (entries of variance 1 and 1/dim).
    The coordinates' spread decays as principal components of images do; that
    and the turned labels give minima sharp enough to feel η = 0.02.

    Parameters
    ----------
    n, tests : int
        Examples to train and to test on.
    dim, hidden : int
        Inputs, and hidden units of the teacher.
    flipped : float
        Share of training labels turned over, in [0, 1); test labels stay true.
    decay, scale : float
        Exponent and root mean square of the coordinates' standard deviations.
    rng : None, int or Generator
        Source of all that is drawn, by `numpy.random.default_rng`.

    Returns
    -------
    x, y, test_x, test_y : ndarray (n, dim), (n,), (tests, dim), (tests,)
        Labels ±1.

    Raises
    ------
    ValueError
        If a number is outside its range.

    Examples
    --------
    >>> x, y, test_x, test_y = teacher_set(4, 2, 3, rng=0)
    >>> x.shape, sorted(set(y.tolist())), test_y.shape
    ((4, 3), [-1.0, 1.0], (2,))
    """
    n, tests, dim, hidden = (_checks.whole(value, name) for value, name in
                             ((n, "n"), (tests, "tests"), (dim, "dim"), (hidden, "hidden")))
    flipped = _checks.scalar(flipped, "flipped", zero=True)
    if flipped >= 1:
        raise ValueError(f"flipped must be a share in [0, 1), got {flipped!r}; 0 keeps the teacher's labels")
    spread = np.arange(1.0, dim + 1) ** -_checks.scalar(decay, "decay", zero=True)
    spread *= _checks.scalar(scale, "scale") / np.sqrt((spread**2).mean())
    rng = _checks.generator(rng)
    inner, outer = rng.standard_normal((dim, hidden)) / np.sqrt(dim), rng.standard_normal(hidden)
    z = rng.standard_normal((n + tests, dim))
    y = np.where(np.tanh(z @ inner) @ outer >= 0, 1.0, -1.0)
    y[rng.permutation(n)[:round(flipped * n)]] *= -1
    x = z * spread
    return x[:n], y[:n], x[n:], y[n:]
