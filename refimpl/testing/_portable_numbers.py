r"""Numbers that any language can draw again: splitmix64, started from the FNV-1a hash of a name.

With all arithmetic modulo 2⁶⁴, the state starts as the hash of the name's UTF-8
bytes (h = 14695981039346656037; for each byte h = (h xor byte) · 1099511628211)
and each draw is::

    state = state + 0x9E3779B97F4A7C15
    z = (state xor state >> 30) · 0xBF58476D1CE4E5B9
    z = (z xor z >> 27) · 0x94D049BB133111EB
    output = z xor z >> 31

A real number is (2·(output >> 56) − 255) / 128: an odd multiple of 1/128 in
(−2, 2), exact in float32, never zero. An index
below n is (output >> 32)·n >> 32. NumPy's streams may change between versions;
these cannot.
"""

import math

import numpy as np

_MASK = 2**64 - 1


class Numbers:
    """A stream of portable numbers.

    Parameters
    ----------
    name : str
        What the numbers are for; another name gives another stream.
    """

    def __init__(self, name):
        self._state = 14695981039346656037
        for byte in name.encode():
            self._state = (self._state ^ byte) * 1099511628211 & _MASK

    def _next(self):
        self._state = self._state + 0x9E3779B97F4A7C15 & _MASK
        z = (self._state ^ self._state >> 30) * 0xBF58476D1CE4E5B9 & _MASK
        z = (z ^ z >> 27) * 0x94D049BB133111EB & _MASK
        return z ^ z >> 31

    def real(self, *shape):
        """Odd multiples of 1/128 in (−2, 2), an array of this shape."""
        values = [(2 * (self._next() >> 56) - 255) / 128 for _ in range(math.prod(shape))]
        return np.array(values).reshape(shape)

    def index(self, below, *shape):
        """Whole numbers in 0…below−1, an int64 array of this shape."""
        values = [(self._next() >> 32) * below >> 32 for _ in range(math.prod(shape))]
        return np.array(values, dtype=np.int64).reshape(shape)

    def sign(self, *shape):
        """±1, an array of this shape."""
        return 2.0 * self.index(2, *shape) - 1

    def order(self, count):
        """A permutation of 0…count−1 (Fisher and Yates, from the last place down)."""
        order = np.arange(count)
        for last in range(count - 1, 0, -1):
            other = self.index(last + 1)
            order[last], order[other] = order[other], order[last]
        return order
