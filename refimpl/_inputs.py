"""Arguments of a model's passes: lists become arrays, shapes and labels fit, or are refused by name.

Arrays of floats are not looked into, since passes are made at every step and of
parameters that diverge; `check_data` of a model looks at values, once for a run.
"""

from functools import wraps
from inspect import isfunction, signature

import numpy as np

from theory import _checks

_TAKEN = "fdO"      # float32, float64 and exact objects are computed with as they are; float16 becomes float64
_ROUNDED = 1e-3  # labels ±1 may be off by so much: the conformance kit disturbs them to measure conditions


def passes(x, y=1):
    """Decorate a model: its methods of w and x name the arguments whose leading axes do not broadcast.

    Examples have `x` axes of their own and labels `y`, a number or a function of the model.
    """
    def decorate(model):
        for name, method in list(vars(model).items()):
            if name[0] != "_" and isfunction(method) and list(signature(method).parameters)[1:3] in (["w", "x"],
                                                                                                     ["u", "x"]):
                setattr(model, name, _named(method, x, y))
        return model
    return decorate


def _named(method, x, y):
    names = list(signature(method).parameters)[1:]

    @wraps(method)
    def call(self, *args, **given):
        try:
            return method(self, *args, **given)
        except ValueError:
            own = len(self.parameter_shape)
            axes = {names[0]: own, "x": x, "y": y if isinstance(y, int) else y(self), "v": own, "pattern": own}
            leads = _leads(dict(zip(names, args)) | given, axes)
            try:
                np.broadcast_shapes(*leads.values())
            except ValueError:
                first, *others = leads
                raise ValueError(f"{first} must have leading axes that broadcast with those of {', '.join(others)}, "
                                 f"got {', '.join(map(str, leads.values()))}; give each replica its own of all, or one "
                                 "to all") from None
            raise
    return call


def _leads(values, axes):
    """Leading axes of the arguments that have so many axes of their own; of none where one is no array."""
    try:
        return {name: np.shape(value)[:max(np.ndim(value) - axes[name], 0)]
                for name, value in values.items() if name in axes and value is not None}
    except ValueError:
        return {}


def array(value, name):
    """`value` as an array of floats: one that is such an array (or of exact objects) as it is."""
    if type(value) is np.ndarray and value.dtype.char in _TAKEN:
        return value
    return _checks.real(value, name)


def parameters(w, shape, name="w"):
    """`w` with parameters of `shape` on its last axes."""
    w = array(w, name)
    if w.shape[w.ndim - len(shape):] != shape or w.ndim < len(shape):
        raise ValueError(f"{name} must have shape (…, {', '.join(map(str, shape))}), got {w.shape}; put replicas in "
                         "front and parameters last")
    return w


def examples(x, tail):
    """`x` with examples of shape `tail` on its last axes, at least one."""
    x = array(x, "x")
    if x.ndim < 1 + len(tail) or x.shape[x.ndim - len(tail):] != tail or 0 in x.shape:
        wanted = ", ".join(map(str, ("…", "n", *tail)))
        raise ValueError(f"x must have shape ({wanted}) with n at least 1, got {x.shape}; put the examples on the axis "
                         "before those of one example")
    return x


def labels(y, n, dtype, *, signs=False):
    """`y` with one number per example on its last axis; with `signs` only ±1. Whole numbers take the given dtype."""
    if y is None:
        raise ValueError(f"y must hold one label for each of the {n} examples, got None; give the labels")
    floats = type(y) is np.ndarray and y.dtype.char in _TAKEN
    y = array(y, "y")
    if y.shape[-1:] != (n,):
        raise ValueError(f"y must have shape (…, {n}), one label for each example, got {y.shape}; reshape it")
    if signs and (np.abs(np.abs(y) - 1) > _ROUNDED).any():
        wrong = y[np.abs(np.abs(y) - 1) > _ROUNDED].ravel()[0]
        raise ValueError(f"y must hold labels ±1, got {wrong:g}; map 0 and 1 to 2·y − 1")
    return y if floats else y.astype(dtype)


def residual(predicted, y, *, signs=False):
    """Predictions (…, n) minus their labels."""
    return predicted - labels(y, predicted.shape[-1], predicted.dtype, signs=signs)


def one_set(y, axes):
    """Refuse labels `y` with more axes than the examples: each replica would learn its own, if they broadcast."""
    if np.ndim(y) > axes:
        raise ValueError(f"y must hold one label for each example, at most {axes} axes, got shape {np.shape(y)}; give "
                         "replicas data of their own with stacked_data=True")


def data(x, y, axes, *, signs=False):
    """Check labels `y`, one for each example of `x`, an array of examples with so many axes each."""
    labels(y, x.shape[-1 - axes], x.dtype, signs=signs)
    one_set(y, x.ndim - axes)


def spread(product, shape, *leads):
    """A product of parameters' `shape` with the leading axes of all that it was asked for."""
    wanted = (*np.broadcast_shapes(*leads), *shape)
    return product if product.shape == wanted else np.broadcast_to(product, wanted).copy()
