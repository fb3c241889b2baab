"""Numbers that carry a bound on their own rounding, to first order and in units of ε: a running error analysis."""

import numpy as np


class Rounded:
    """A float with a bound on its error; array operations reach it element by element."""

    def __init__(self, value, error=0.0):
        self.value, self.error = float(value), float(error)

    @staticmethod
    def of(value):
        return value if isinstance(value, Rounded) else Rounded(value)

    def __add__(self, other):
        if isinstance(other, np.ndarray):
            return NotImplemented
        other = Rounded.of(other)
        return _rounded(self.value + other.value, self.error + other.error)

    def __mul__(self, other):
        if isinstance(other, np.ndarray):
            return NotImplemented
        other = Rounded.of(other)
        return _rounded(self.value * other.value, abs(self.value) * other.error + abs(other.value) * self.error)

    def __truediv__(self, other):
        if isinstance(other, np.ndarray):
            return NotImplemented
        other = Rounded.of(other)
        value = self.value / other.value
        return _rounded(value, (self.error + abs(value) * other.error) / abs(other.value))

    def __sub__(self, other):
        return NotImplemented if isinstance(other, np.ndarray) else self + -Rounded.of(other)

    def __rsub__(self, other):
        return Rounded.of(other) - self

    def __rtruediv__(self, other):
        return Rounded.of(other) / self

    __radd__, __rmul__ = __add__, __mul__

    def __pow__(self, power):
        return self * self if power == 2 else NotImplemented

    def __neg__(self):
        return Rounded(-self.value, self.error)

    def __abs__(self):
        return Rounded(abs(self.value), self.error)

    def sqrt(self):
        root = self.value**0.5
        return _rounded(root, self.error / (2 * root))

    def __ge__(self, other):
        return self.value >= Rounded.of(other).value

    def __eq__(self, other):
        return self.value == Rounded.of(other).value


def _rounded(value, error):
    return Rounded(value, error + abs(value) / 2)


rounded = np.vectorize(Rounded, otypes=[object])


def errors(array):
    """The bounds of an array of `Rounded`."""
    return np.vectorize(lambda each: each.error)(array)
