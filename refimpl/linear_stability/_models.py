"""The quadratic models around a global minimum and the toy with two minima."""

from dataclasses import dataclass

import numpy as np

from refimpl import _inputs
from refimpl.sgd._path_batch_counts import SHARE, CountsKernel
from refimpl.sgd._path_dense_hessians import dense_kernel
from refimpl.sgd._path_gathered_rows import gathered_kernel
from theory import _checks

TOY_CURVATURES = np.array([0.1, 1.9])  # c_i of f_i = min{x², c_i (x−1)²}


@_inputs.passes(x=2)
@dataclass(frozen=True)
class LinearRegression:
    r"""Linear least squares, L = (1/2n) Σ (⟨w, x_i⟩ − y_i)²; with y = 0 a quadratic with H_i = x_i x_iᵀ.

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
        """Standard normal parameters (d,)."""
        return _checks.generator(rng).standard_normal(self.dim)

    def predict(self, w, x):
        """⟨w, x_i⟩, shape (…, n), for w (…, d) and x (…, n, d)."""
        w, x = _inputs.parameters(w, self.parameter_shape), _inputs.examples(x, self.parameter_shape)
        return np.einsum("...d,...nd->...n", w, x)

    def loss(self, w, x, y=None):
        """(1/2n) Σ (⟨w, x_i⟩ − y_i)², shape (…)."""
        return (self._residual(w, x, y) ** 2).mean(axis=-1) / 2

    def gradient(self, w, x, y=None):
        """(1/n) Σ (⟨w, x_i⟩ − y_i) x_i, shape (…, d)."""
        x = _inputs.examples(x, self.parameter_shape)
        return np.einsum("...n,...nd->...d", self._residual(w, x, y), x) / x.shape[-2]

    def hvp(self, w, x, y, v):
        """Hessian-vector product (1/n) Σ x_i ⟨x_i, v⟩, shape (…, d), the same at every w and y."""
        w, v = _inputs.parameters(w, self.parameter_shape), _inputs.parameters(v, self.parameter_shape, "v")
        product = self.gradient(v, x)
        if y is not None:
            _inputs.labels(y, np.shape(x)[-2], product.dtype)
        return _inputs.spread(product, self.parameter_shape, w.shape[:-1], product.shape[:-1])

    def check_data(self, x, y):
        """Refuse examples that are not (…, n, d), and labels that are not one per example."""
        x = _inputs.examples(x, self.parameter_shape)
        if y is not None:
            _inputs.data(x, y, 1)

    def kernel(self, x, y, batch_size):
        """Fast path of `refimpl.sgd.run` for batches."""
        if batch_size is None or y is not None and y.ndim > 1:
            return None
        by_counts = y is None and len(x) <= SHARE * batch_size
        return CountsKernel(x, batch_size) if by_counts else gathered_kernel(x, y, batch_size)

    def _residual(self, w, x, y):
        predicted = self.predict(w, x)
        return predicted if y is None else _inputs.residual(predicted, y)


@_inputs.passes(x=3)
@dataclass(frozen=True)
class Quadratic:
    r"""Quadratic loss with given Hessians, L = (1/2n) Σ wᵀ H_i w; the examples are the H_i (n, d, d).

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
        """Standard normal parameters (d,)."""
        return _checks.generator(rng).standard_normal(self.dim)

    def predict(self, w, x):
        """The example's loss ½ wᵀ H_i w, shape (…, n)."""
        w, x = self._point(w, x)
        return np.einsum("...i,...nij,...j->...n", w, x, w) / 2

    def loss(self, w, x, y=None):
        """(1/2n) Σ wᵀ H_i w, shape (…)."""
        return self.predict(w, x).mean(axis=-1)

    def gradient(self, w, x, y=None):
        """(1/n) Σ H_i w, shape (…, d)."""
        w, x = self._point(w, x)
        return np.einsum("...nij,...j->...i", x, w) / x.shape[-3]

    def hvp(self, w, x, y, v):
        """Hessian-vector product (1/n) Σ H_i v, shape (…, d), the same at every w."""
        w, v = _inputs.parameters(w, self.parameter_shape), _inputs.parameters(v, self.parameter_shape, "v")
        product = self.gradient(v, x)
        return _inputs.spread(product, self.parameter_shape, w.shape[:-1], product.shape[:-1])

    def check_data(self, x, y):
        """Refuse Hessians that are not (…, n, d, d)."""
        _inputs.examples(x, (self.dim, self.dim))

    def _point(self, w, x):
        return _inputs.parameters(w, self.parameter_shape), _inputs.examples(x, (self.dim, self.dim))

    def kernel(self, x, y, batch_size):
        """Fast path of `refimpl.sgd.run` for batches."""
        return None if batch_size is None else dense_kernel(x, batch_size)


@_inputs.passes(x=1)
@dataclass(frozen=True)
class TwoMinima:
    r"""The poster's toy, L = mean_i min{w², c_i (w−1)²} with examples c_i; both minima are global."""

    @property
    def parameter_shape(self):
        """Shape of the parameters, (1,)."""
        return (1,)

    def init(self, rng=None):
        """A start drawn uniformly from [−1, 2), shape (1,)."""
        return _checks.generator(rng).random(1) * 3 - 1

    def predict(self, w, x):
        """The example's loss min{w², c_i (w−1)²}, shape (…, n)."""
        w, x = _inputs.parameters(w, (1,)), _inputs.examples(x, ())
        return np.minimum(w**2, x * (w - 1) ** 2)

    def loss(self, w, x, y=None):
        """Mean over the examples, shape (…)."""
        return self.predict(w, x).mean(axis=-1)

    def gradient(self, w, x, y=None):
        """Derivative of the loss, shape (…, 1); at a tie that of the branch around 1."""
        w, x = _inputs.parameters(w, (1,)), _inputs.examples(x, ())
        return np.where(w**2 < x * (w - 1) ** 2, 2 * w, 2 * x * (w - 1)).mean(axis=-1, keepdims=True)
