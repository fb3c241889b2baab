"""`MLP`: a fully connected net; its conventions are those of the package."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from refimpl import _cross_entropy as cross_entropy, _inputs
from refimpl.network import _passes as passes
from refimpl.network._linearized import Linearized
from theory import _checks


_WORKING_SET = 2**18  # bytes of activations that replicas treated together may fill: more leaves the cache


@_inputs.passes(x=2, y=lambda model: model.label_axes)
@dataclass(frozen=True)
class MLP:
    r"""Fully connected net; see the docstring of the package for every convention.

    Parameters
    ----------
    widths : tuple of int
        Inputs, hidden widths…, outputs; at least two entries.
    activation : {"tanh", "relu", "identity"}
    loss_kind : {"squared", "cross-entropy"}
        Cross-entropy needs at least two outputs.
    gain : float
        Scale of what `init` draws.
    init_kind : {"normal", "uniform"}
        "normal": W ~ N(0, gain²/fan-in), b = 0. "uniform": W and b uniform in
        ±gain/√fan-in, which with gain 1 is PyTorch's default for a linear layer.

    Raises
    ------
    ValueError
        If a width is not a positive whole number, or another field is not one
        of its options.

    References
    ----------
    [WME18] numerical experiments.

    Examples
    --------
    >>> model = MLP((1, 1, 1), activation="identity")
    >>> float(model.loss([2.0, 0.0, 3.0, 0.0], [[1.0]], [5.0]))
    0.5
    >>> model.gradient([2.0, 0.0, 3.0, 0.0], [[1.0]], [5.0])
    array([3., 3., 2., 1.])
    """

    widths: tuple
    activation: str = "tanh"
    loss_kind: str = "squared"
    gain: float = 1.0
    init_kind: str = "normal"

    def __post_init__(self):
        if not isinstance(self.widths, (tuple, list)) or len(self.widths) < 2:
            raise ValueError(f"widths must be a tuple of at least two numbers, got {self.widths!r}; "
                             "give inputs, hidden widths and outputs")
        object.__setattr__(self, "widths", tuple(_checks.whole(width, "widths") for width in self.widths))
        _checks.one_of(self.activation, "activation", ("tanh", "relu", "identity"))
        _checks.one_of(self.loss_kind, "loss_kind", ("squared", "cross-entropy"))
        _checks.scalar(self.gain, "gain")
        _checks.one_of(self.init_kind, "init_kind", ("normal", "uniform"))
        if self.loss_kind == "cross-entropy" and self.widths[-1] < 2:
            raise ValueError(f"widths must end with at least 2 outputs for the cross-entropy, got {self.widths[-1]}; "
                             "give one output a class")
        _checks.room(self.parameter_shape, "widths")

    @cached_property
    def layers(self):
        """Where each layer lies in the flat parameters, [(first, middle, last, inputs, outputs)]."""
        return passes.shapes(self.widths)

    @cached_property
    def blocks(self):
        """Names of the blocks of flat parameters, {"W0": slice, "b0": slice, "W1": …}."""
        found = {}
        for level, (first, middle, last, *_) in enumerate(self.layers):
            found |= {f"W{level}": slice(first, middle), f"b{level}": slice(middle, last)}
        return found

    @property
    def parameter_shape(self):
        """Shape of the parameters, (P,)."""
        return (self.layers[-1][2],)

    @property
    def label_axes(self):
        """Axes of the labels of a set: 1 for one number per example, 2 for one per output."""
        return 1 if self.loss_kind == "cross-entropy" or self.widths[-1] == 1 else 2

    def init(self, rng=None):
        """Random parameters by `init_kind`, as one array (P,)."""
        rng = _checks.generator(rng)
        w = np.zeros(self.parameter_shape)
        for weight, bias in passes.split(w, self.layers):
            scale = self.gain / np.sqrt(len(weight))
            if self.init_kind == "normal":
                weight[:] = rng.standard_normal(weight.shape) * scale
            else:
                weight[:] = rng.uniform(-scale, scale, weight.shape)
                bias[:] = rng.uniform(-scale, scale, bias.shape)
        return w

    def check_data(self, x, y):
        """Refuse examples (…, n, inputs) and labels that no pass could use, by value, before any pass is made."""
        x = self._examples(x)
        if y is None:
            raise ValueError("y must be given: a net learns labels; pass them beside x")
        targets = self._targets(y, (x.shape[-2], self.widths[-1]))
        _inputs.one_set(y, np.ndim(y) + x.ndim - targets.ndim)

    def predict(self, w, x):
        """Outputs f, shape (…, n, k), or (…, n) for one output."""
        outputs = self._forward(w, x)[2]
        return outputs[..., 0] if self.widths[-1] == 1 else outputs

    def loss(self, w, x, y):
        """Mean over the examples of ℓ_i, shape (…)."""
        outputs = self._forward(w, x)[2]
        if self.loss_kind == "squared":
            return np.square(outputs - self._targets(y, outputs.shape[-2:])).sum(axis=-1).mean(axis=-1)[()] / 2
        return cross_entropy.loss(outputs, self._targets(y, outputs.shape[-2:])).mean(axis=-1)[()]

    def accuracy(self, w, x, y):
        """Share of examples on the right side, shape (…).

        One output: sign of f·y, with labels ±1. Else the largest output, which
        should be that of the class, or of the largest label of the squared loss.
        """
        outputs, y = self.predict(w, x), self._array(y, "y")
        targets = self._targets(y, (outputs.shape[-1 if self.widths[-1] == 1 else -2], self.widths[-1]))
        if self.widths[-1] > 1:
            return (outputs.argmax(axis=-1) == targets.argmax(axis=-1)).mean(axis=-1)
        if not (np.abs(y) == 1).all():
            raise ValueError(f"y must hold labels ±1 for an accuracy, got {y[np.abs(y) != 1].ravel()[0]:g}; "
                             "map 0/1 to 2·y − 1")
        return (outputs * y > 0).mean(axis=-1)

    def gradient(self, w, x, y):
        """Gradient of the loss, shape (…, P)."""
        w, x = self._point(w, x)
        y = self._array(y, "y")
        each, own_x, own_y = w.shape[:-1], x.shape[:-2], y.shape[:-self.label_axes]
        lead = np.broadcast_shapes(each, own_x, own_y)
        out = np.empty((*lead, w.shape[-1]), np.result_type(w, x))
        size = x.shape[-2] * sum(self.widths[1:-1]) * w.itemsize
        if len(each) == 1 and size * each[0] > _WORKING_SET and {each, own_x, own_y} <= {lead, ()}:
            # Replicas in blocks whose activations stay in the cache.
            block = max(1, _WORKING_SET // size)
            for first in range(0, each[0], block):
                part = slice(first, first + block) if block > 1 else first
                self._gradient(w[part], x[part] if own_x else x, y[part] if own_y else y, out[part])
            return out
        return self._gradient(w, x, y, out)

    def _gradient(self, w, x, y, out):
        weights = passes.split(w, self.layers)
        inputs, outputs = passes.forward(weights, x, self.activation)
        return passes.gradient(weights, inputs, self._delta(outputs, y), self.activation, self.layers, out)

    def hvp(self, w, x, y, v):
        """Hessian-vector product (1/n) Σ H_i v, shape (…, P): the tangent of the backward pass along v."""
        return self.linearize(w, x, y).hessian_product(self._direction(w, x, v))

    def mean_square_hvp(self, w, x, y, v):
        """(1/n) Σ H_i (H_i v), shape (…, P), without an array that has both n and P entries."""
        return self.linearize(w, x, y).hessian_square_product(self._direction(w, x, v))

    def linearize(self, w, x, y):
        """Both passes at w, kept for many products: methods {hessian, gauss_newton}_{, square_}product(v)."""
        weights, inputs, outputs = self._forward(w, x)
        return Linearized(weights, inputs, self._delta(outputs, y), self._bend(outputs), self.activation, self.layers)

    def jacobian(self, w, x):
        """∂f/∂w for each example, (…, n, k, P), or (…, n, P) for one output: the one n × P array here."""
        result = passes.jacobian(*self._derivatives(w, x), self.layers)
        return result[..., 0, :] if self.widths[-1] == 1 else result

    def factors(self, w, x):
        """J_i with Gauss–Newton Hessians H_i = J_iᵀ J_i, shape (…, n, P) or (…, n, k, P); see `jacobian`.

        For the cross-entropy ∂²ℓ/∂f² = S Sᵀ with S = diag(√q) − q √qᵀ, q the
        softmax, and the factor is Sᵀ ∂f/∂w.
        """
        jacobian = self.jacobian(w, x)
        if self.loss_kind == "squared":
            return jacobian
        return np.matmul(cross_entropy.root(self.predict(w, x)).swapaxes(-1, -2), jacobian)

    def gram(self, w, x):
        """Gram matrix of the Jacobian's rows, (…, n k, n k), example by example, without the Jacobian."""
        return passes.gram(*self._derivatives(w, x))

    def _derivatives(self, w, x):
        weights, inputs, _ = self._forward(w, x)
        return inputs, passes.output_derivatives(weights, inputs, self.activation, self.widths[-1])

    def _forward(self, w, x):
        """(weights and biases, inputs of the layers, outputs)."""
        w, x = self._point(w, x)
        weights = passes.split(w, self.layers)
        return weights, *passes.forward(weights, x, self.activation)

    def _array(self, value, name):
        """`value` as floats, or as the exact numbers that it holds where the net has no transcendental function."""
        array = _inputs.array(value, name)
        exact = self.activation != "tanh" and self.loss_kind == "squared"
        return array if exact or array.dtype != object else _checks.real(array, name)

    def _point(self, w, x):
        w, x = self._array(w, "w"), self._examples(x)
        if w.shape[-1:] != self.parameter_shape:
            raise ValueError(f"w must have shape (…, {self.parameter_shape[0]}) for {self.widths}, got {w.shape}; "
                             "put replicas in front and parameters last")
        return w, x

    def _examples(self, x):
        x = self._array(x, "x")
        if x.ndim < 2 or x.shape[-1] != self.widths[0]:
            raise ValueError(f"x must have shape (…, n, {self.widths[0]}), got {x.shape}; flatten each example")
        return x

    def _direction(self, w, x, v):
        v = self._array(v, "v")
        if v.shape[-1:] != self.parameter_shape:
            raise ValueError(f"v must have shape (…, {self.parameter_shape[0]}), got {v.shape}; "
                             "give one entry per parameter")
        lead = np.broadcast_shapes(np.shape(w)[:-1], np.shape(x)[:-2], v.shape[:-1])
        return v if v.shape[:-1] == lead else np.broadcast_to(v, (*lead, *self.parameter_shape))

    def _targets(self, y, shape):
        """Labels in the `shape` (n, k) of the outputs: themselves, or for the cross-entropy the class marked."""
        y, (n, count) = self._array(y, "y"), shape
        if self.loss_kind == "squared":
            wanted = (n,) if count == 1 else (n, count)
            if y.shape[-len(wanted):] != wanted:
                raise ValueError(f"y must have shape (…, {', '.join(map(str, wanted))}), got {y.shape}; "
                                 f"give one label for each output{', without a last axis of 1' if count == 1 else ''}")
            return y[..., None] if count == 1 else y
        if y.shape[-1:] != (n,):
            raise ValueError(f"y must hold one class number for each example, shape (…, {n}), got {y.shape}; "
                             "give numbers, not one-hot rows")
        hot = y[..., None] == np.arange(count)
        if not hot.any(axis=-1).all():
            wrong = y[~hot.any(axis=-1)].ravel()[0]
            raise ValueError(f"y must hold class numbers 0…{count - 1}, got {wrong:g}; number the classes from 0")
        return hot

    def _delta(self, outputs, y):
        """∂ℓ_i/∂f, (…, n, k)."""
        targets = self._targets(y, outputs.shape[-2:])
        return outputs - targets if self.loss_kind == "squared" else cross_entropy.slope(outputs, targets)

    def _bend(self, outputs):
        """The map u ↦ (∂²ℓ_i/∂f²) u."""
        return (lambda tangent: tangent) if self.loss_kind == "squared" else cross_entropy.bend(outputs)
