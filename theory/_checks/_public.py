"""Where public names say that they are from, and how results print."""

import sys
from dataclasses import fields, is_dataclass
from reprlib import recursive_repr
from types import FunctionType

import numpy as np

_PRINTED = 6  # entries of the largest array that is printed in full
_LONGEST = 300  # characters of a tuple or list that is


def publish(package):
    """Let the functions and classes that `package` makes public report it, not one of its files, as their module.

    Dataclasses without a `__repr__` of their own print their arrays' shapes; those without an `__eq__` of their own are
    equal if all fields are, arrays element by element.
    """
    module = sys.modules[package]
    for name in module.__all__:
        value = getattr(module, name)
        if isinstance(value, (type, FunctionType)) and value.__module__.startswith(f"{package}."):
            value.__module__ = package
        own = vars(value) if isinstance(value, type) and is_dataclass(value) else {}
        if hasattr(own.get("__repr__"), "__wrapped__"):
            value.__repr__ = _short
        if "__eq__" in own and own["__eq__"].__code__.co_filename == "<string>":  # as dataclasses make it
            value.__eq__ = _equal


@recursive_repr()
def _short(self):
    shown = ", ".join(f"{field.name}={_shown(getattr(self, field.name))}" for field in fields(self) if field.repr)
    return f"{type(self).__qualname__}({shown})"


def _equal(self, other):
    if other.__class__ is not self.__class__:
        return NotImplemented
    return all(_same(getattr(self, field.name), getattr(other, field.name)) for field in fields(self) if field.compare)


def _same(value, other):
    if isinstance(value, np.ndarray) and isinstance(other, np.ndarray):
        return value.dtype == other.dtype and np.array_equal(value, other, equal_nan=value.dtype.kind in "fc")
    if isinstance(value, dict) and isinstance(other, dict):
        return value.keys() == other.keys() and all(_same(item, other[key]) for key, item in value.items())
    if isinstance(value, (tuple, list)) and type(value) is type(other):
        return len(value) == len(other) and all(map(_same, value, other))
    return type(value) is type(other) and (value is other or bool(value == other) or value != value and other != other)


def _shown(value):
    if isinstance(value, np.ndarray) and value.size > _PRINTED:
        return f"<{value.dtype} {value.shape}>"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key!r}: {_shown(item)}" for key, item in value.items()) + "}"
    text = repr(value.item() if isinstance(value, np.generic) else value)
    long = isinstance(value, (tuple, list)) and len(text) > _LONGEST
    return f"<{type(value).__name__} of {len(value)}>" if long else text
