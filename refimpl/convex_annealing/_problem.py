r"""Least squares with the loss of the slides, and train and test sets for it.

The public names are those of `refimpl.convex_annealing`.
"""

from dataclasses import dataclass

import numpy as np

from refimpl import _inputs
from refimpl.sgd._path_whole_set import FEW, ColumnsKernel
from theory import _checks


@_inputs.passes(x=2)
@dataclass(frozen=True)
class LeastSquares:
    r"""Linear model with the loss of the slides, L = (1/n) Σ (⟨w, x_i⟩ − y_i)², without ½.

    Parameters
    ----------
    dim : int
        Number of parameters d.
    """

    dim: int

    def __post_init__(self):
        _checks.whole(self.dim, "dim")

    @property
    def parameter_shape(self):
        """Shape of the parameters, (d,)."""
        return (self.dim,)

    def init(self, rng=None):
        """The slides' start, zeros (d,), whatever `rng`."""
        return np.zeros(self.dim)

    def predict(self, w, x):
        """⟨w, x_i⟩, shape (…, n), for w (…, d) and x (…, n, d)."""
        w, x = _inputs.parameters(w, self.parameter_shape), _inputs.examples(x, self.parameter_shape)
        return np.einsum("...d,...nd->...n", w, x)

    def loss(self, w, x, y):
        """(1/n) Σ (⟨w, x_i⟩ − y_i)², shape (…)."""
        return (_inputs.residual(self.predict(w, x), y) ** 2).mean(axis=-1)

    def gradient(self, w, x, y):
        """(2/n) Σ (⟨w, x_i⟩ − y_i) x_i, shape (…, d)."""
        x = _inputs.examples(x, self.parameter_shape)
        return np.einsum("...n,...nd->...d", _inputs.residual(self.predict(w, x), y), x) * (2 / x.shape[-2])

    def hvp(self, w, x, y, v):
        """Hessian-vector product (2/n) Σ x_i ⟨x_i, v⟩, shape (…, d), the same at every w and y."""
        w, v = _inputs.parameters(w, self.parameter_shape), _inputs.parameters(v, self.parameter_shape, "v")
        x = _inputs.examples(x, self.parameter_shape)
        _inputs.labels(y, x.shape[-2], x.dtype)
        product = np.einsum("...n,...nd->...d", self.predict(v, x), x) * (2 / x.shape[-2])
        return _inputs.spread(product, self.parameter_shape, w.shape[:-1], product.shape[:-1])

    def check_data(self, x, y):
        """Refuse examples that are not (…, n, d), and labels that are not one per example."""
        x = _inputs.examples(x, self.parameter_shape)
        _inputs.data(x, y, 1)

    def kernel(self, x, y, batch_size):
        """Fast path of `refimpl.sgd.run` on the whole set, for few parameters."""
        return ColumnsKernel(x, y, 2) if batch_size is None and self.dim <= FEW and y is not None else None


@dataclass(frozen=True)
class Problem:
    """Train and test sets of a linear regression; S are axes of independent train sets.

    Attributes
    ----------
    x : ndarray (*S, n, d)
        Train examples.
    y : ndarray (*S, n)
        Train labels.
    x_test : ndarray (m, d)
        Test examples.
    y_test : ndarray (m,)
        Test labels.
    """

    x: np.ndarray
    y: np.ndarray
    x_test: np.ndarray
    y_test: np.ndarray

    def __post_init__(self):
        for examples, labels in (("x", "y"), ("x_test", "y_test")):
            x, y = _checks.real(getattr(self, examples), examples), _checks.real(getattr(self, labels), labels)
            if x.ndim < 2 or 0 in x.shape or y.shape != x.shape[:-1]:
                raise ValueError(f"{examples} must have shape (…, n, d) with no empty axis and {labels} (…, n), "
                                 f"got {x.shape} and {y.shape}; give one label per example")
            object.__setattr__(self, examples, x.astype(np.float64, copy=False))
            object.__setattr__(self, labels, y.astype(np.float64, copy=False))
        if self.x_test.ndim != 2 or self.x_test.shape[-1] != self.x.shape[-1]:
            raise ValueError(f"x_test must have shape (m, {self.x.shape[-1]}), got {self.x_test.shape}; "
                             "give one test set with as many inputs as the train set")

    def train_loss(self, w):
        """L̂ at w (…, d), shape (…)."""
        return LeastSquares(self.x.shape[-1]).loss(w, self.x, self.y)

    def test_loss(self, w):
        """P at w (…, d), shape (…)."""
        return LeastSquares(self.x.shape[-1]).loss(w, self.x_test, self.y_test)


def three_samples(minimum=(1.0, 1.0)):
    """The sample of the slides, (e₁, e₁, e₂) with y = ⟨β*, x⟩, tested on the whole distribution.

    Parameters
    ----------
    minimum : array_like (2,)
        β*.

    Returns
    -------
    Problem

    Raises
    ------
    ValueError
        If `minimum` does not hold two finite numbers.

    References
    ----------
    [NAK20] "Assume you have n = 3".

    Examples
    --------
    >>> float(three_samples().train_loss(np.array([0.0, 1.0])))   # 2/3
    0.6666666666666666
    """
    return _basis_problem(np.array([0, 0, 1]), _checks.shaped(minimum, "minimum", (2,)))


def draw_samples(n, minimum=(1.0, 1.0), *, size=(), rng=None):
    """Train sets of n basis vectors drawn uniformly, with y = ⟨β*, x⟩, tested on the whole distribution.

    Parameters
    ----------
    n : int
        Examples in a train set.
    minimum : array_like (d,)
        β*; its length is the number of basis vectors.
    size : tuple of int
        Shape S of the stack of train sets.
    rng : None, int, SeedSequence or Generator
        By `numpy.random.default_rng`.

    Returns
    -------
    Problem

    Raises
    ------
    ValueError
        If an argument is outside its range.

    References
    ----------
    [NAK20] "for drawn n samples from the distribution".

    Examples
    --------
    >>> draw_samples(5, size=(4,), rng=0).x.shape
    (4, 5, 2)
    """
    minimum = _checks.shaped(minimum, "minimum", (None,))
    n = _checks.whole(n, "n")
    drawn = _checks.generator(rng).integers(len(minimum), size=(*_checks.sizes(size, "size"), n))
    return _basis_problem(drawn, minimum)


def from_hessians(train_hessian, test_hessian, minimum):
    """A problem whose train and test losses have these Hessians, any two, around one minimum.

    Parameters
    ----------
    train_hessian, test_hessian : array_like (d, d)
        Second derivatives of the losses, symmetric positive semi-definite.
    minimum : array_like (d,)
        w*, where both losses are 0.

    Returns
    -------
    Problem
        With n = d examples that are √(d/2) times the rows of the square root
        of the Hessian, since L = (1/d) Σ ⟨r, x_i⟩² = ½ rᵀHr.

    Raises
    ------
    ValueError
        If a Hessian is not symmetric positive semi-definite or sizes differ.

    Examples
    --------
    >>> problem = from_hessians([[4.0, 0.0], [0.0, 1.0]], [[1.0, 0.0], [0.0, 1.0]], [0.0, 0.0])
    >>> float(problem.train_loss(np.array([1.0, 2.0])))   # (4·1 + 1·4) / 2
    4.0
    """
    minimum = _checks.shaped(minimum, "minimum", (None,))
    dim = len(minimum)
    rows = []
    for hessian, name in ((train_hessian, "train_hessian"), (test_hessian, "test_hessian")):
        values, vectors = np.linalg.eigh(_checks.symmetric(hessian, name, dim))
        rows.append(np.sqrt(dim / 2) * (vectors * np.sqrt(np.maximum(values, 0))) @ vectors.T)
    return Problem(rows[0], rows[0] @ minimum, rows[1], rows[1] @ minimum)


def _basis_problem(drawn, minimum):
    basis = np.eye(len(minimum))
    return Problem(basis[drawn], np.asarray(minimum, float)[drawn], basis, minimum)
