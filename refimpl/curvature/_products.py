"""What a product with a vector may return, and what it is made into: a float64 vector of its own."""

import numpy as np

from theory import _checks


_EXTREME = 300      # powers of two; squares of the least and largest are 2**∓600 and sums of them are safe


class Products:
    """v ↦ sign · A v, asked through a door: a float64 copy (P,) comes back, or a refusal by name; counts the products.

    `eps` is the rounding unit of the least precise product so far. Where the
    first product is so large or small that its square would leave the range of
    floats, all come back in a unit of 2**exponent; `in_units` undoes that
    (not so if not `scaled`).
    """

    def __init__(self, function, size, dtype=np.float64, name="source.product", sign=1.0, scaled=True):
        self._function, self._dtype, self._name, self._sign, self.size = function, dtype, name, sign, size
        self.count, self.eps, self.exponent = 0, np.finfo(np.float64).eps, None if scaled else 0

    def __call__(self, v):
        self.count += 1
        # the callee gets a copy: it may write into it, and keep it
        array = vector(self._function(np.array(v, self._dtype)), (self.size,), self._name)
        if array.dtype.kind == "f":
            self.eps = max(self.eps, float(np.finfo(array.dtype).eps))
        array = self._sign * array.astype(np.float64)  # never the callee's own buffer, which it may use again
        if self.exponent is None:
            power = int(np.frexp(np.abs(array).max())[1])
            self.exponent = power if abs(power) > _EXTREME else 0
        return np.ldexp(array, -self.exponent) if self.exponent else array

    def in_units(self, value):
        """A float or array that is linear in the products, in the caller's units."""
        return np.ldexp(value, self.exponent) if self.exponent else value

    def tolerance(self, asked):
        """The tolerance asked for; by default 1e-6, or 1e-4 where products are less precise than float64."""
        return asked if asked is not None else 1e-6 if self.eps < 1e-10 else 1e-4


def vector(value, shape, name):
    """What `name` returned, as an array of finite real numbers of this shape."""
    if value is None:
        raise ValueError(f"{name} must return an array {shape}, got None; return the product")
    array = _checks.array(value, f"what {name} returns")
    if array.dtype.kind not in "fiu":
        raise ValueError(f"{name} must return real numbers, got dtype {array.dtype}; convert them to float64")
    if array.shape != shape:
        raise ValueError(f"{name} must return shape {shape}, got {array.shape}; flatten the parameters, examples first")
    if not np.isfinite(array).all():
        bad = np.argwhere(~np.isfinite(array))[0].tolist()
        raise ValueError(f"{name} must return finite numbers, got NaN or infinity at index {bad}; "
                         "look for it in the point, the data or the loss")
    return array
