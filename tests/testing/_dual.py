"""Dual numbers over floats, fractions and decimals, and the few functions that the plain models need of them."""

import math
from decimal import Decimal


class Dual:
    """value + slope·ε with ε² = 0."""

    def __init__(self, value, slope=0):
        self.value, self.slope = value, slope

    def __add__(self, other):
        other = dual(other)
        return Dual(self.value + other.value, self.slope + other.slope)

    def __mul__(self, other):
        other = dual(other)
        return Dual(self.value * other.value, self.slope * other.value + self.value * other.slope)

    def __truediv__(self, other):
        other = dual(other)
        return Dual(self.value / other.value, (self.slope - self.value / other.value * other.slope) / other.value)

    def __neg__(self):
        return Dual(-self.value, -self.slope)

    def __sub__(self, other):
        return self + -dual(other)

    def __rsub__(self, other):
        return dual(other) - self

    def __rtruediv__(self, other):
        return dual(other) / self

    def __gt__(self, other):
        return self.value > dual(other).value

    def __lt__(self, other):
        return self.value < dual(other).value

    __radd__, __rmul__ = __add__, __mul__


def dual(number):
    return number if isinstance(number, Dual) else Dual(number)


def exp(number):
    if isinstance(number, Dual):
        return Dual(exp(number.value), exp(number.value) * number.slope)
    return number.exp() if isinstance(number, Decimal) else math.exp(number)


def log(number):
    return number.ln() if isinstance(number, Decimal) else math.log(number)


def tanh(number):
    if isinstance(number, Dual):
        value = tanh(number.value)
        return Dual(value, (1 - value * value) * number.slope)
    return 1 - 2 / ((2 * number).exp() + 1) if isinstance(number, Decimal) else math.tanh(number)


def dot(a, b):
    """⟨a, b⟩ of two sequences of numbers."""
    total = 0
    for p, q in zip(a, b):
        total = total + p * q
    return total


def mean(values):
    """Mean of a sequence of numbers."""
    total = 0
    for value in values:
        total = total + value
    return total / len(values)


def leaves(tree):
    """The numbers of nested lists, in order."""
    return [leaf for part in tree for leaf in leaves(part)] if isinstance(tree, (list, tuple)) else [tree]


def like(tree, numbers):
    """An iterator of numbers in the nesting of a tree."""
    return [like(part, numbers) for part in tree] if isinstance(tree, (list, tuple)) else next(numbers)
