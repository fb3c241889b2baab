"""The two-layer linear net u·v with its passes, on which the catapult is exact."""

from dataclasses import dataclass

import numpy as np

from refimpl import _inputs
from theory import _checks


@_inputs.passes(x=1)
@dataclass(frozen=True)
class LinearNet:
    r"""f(x_i) = u·v x_i/√m with weights w = (u, v), shape (2, m), and the loss (1/2n) Σ (f(x_i) − y_i)².

    Parameters
    ----------
    width : int
        m.

    Examples
    --------
    >>> net = LinearNet(4)
    >>> w = np.array([[1.0, 0.0, 0.0, 0.0], [1.0, 1.0, 0.0, 0.0]])
    >>> net.predict(w, np.ones(1)).tolist(), float(net.tangent_kernel(w))
    ([0.5], 0.75)
    """

    width: int

    def __post_init__(self):
        _checks.whole(self.width, "width")

    @property
    def parameter_shape(self):
        """Shape of the parameters, (2, m)."""
        return (2, self.width)

    def init(self, rng=None):
        """Standard normal weights (2, m)."""
        return _checks.generator(rng).standard_normal(self.parameter_shape)

    def predict(self, w, x):
        """f(x_i), shape (…, n), for w (…, 2, m) and x (…, n)."""
        w, x = _inputs.parameters(w, self.parameter_shape), _inputs.examples(x, ())
        return self._output(w)[..., None] * x

    def loss(self, w, x, y):
        """(1/2n) Σ (f(x_i) − y_i)², shape (…)."""
        return (_inputs.residual(self.predict(w, x), y) ** 2).mean(axis=-1) / 2

    def gradient(self, w, x, y):
        """(1/n) Σ (f(x_i) − y_i) x_i (v, u)/√m, shape (…, 2, m)."""
        w = _inputs.parameters(w, self.parameter_shape)
        return self._slope(w, x, y)[..., None, None] * w[..., ::-1, :]

    def hvp(self, w, x, y, v):
        """Hessian-vector product, shape (…, 2, m)."""
        w, v = _inputs.parameters(w, self.parameter_shape), _inputs.parameters(v, self.parameter_shape, "v")
        slope, x = self._slope(w, x, y), _inputs.examples(x, ())
        along = (w[..., ::-1, :] * v).sum(axis=(-2, -1)) * (x * x).mean(axis=-1) / self.width
        return slope[..., None, None] * v[..., ::-1, :] + along[..., None, None] * w[..., ::-1, :]

    def check_data(self, x, y):
        """Refuse examples that are not (…, n), and labels that are not one per example."""
        x = _inputs.examples(x, ())
        _inputs.data(x, y, 0)

    def tangent_kernel(self, w):
        """κ = (|u|² + |v|²)/m, shape (…)."""
        w = _inputs.parameters(w, self.parameter_shape)
        return (w * w).sum(axis=(-2, -1)) / self.width

    def _output(self, w):
        return (w[..., 0, :] * w[..., 1, :]).sum(axis=-1) / w.dtype.type(np.sqrt(self.width))

    def _slope(self, w, x, y):
        """∂L/∂(u·v), shape (…)."""
        x = _inputs.examples(x, ())
        return (_inputs.residual(self.predict(w, x), y) * x).mean(axis=-1) / x.dtype.type(np.sqrt(self.width))
