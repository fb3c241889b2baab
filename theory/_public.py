"""Where public names say that they are from."""

import sys
from types import FunctionType


def publish(package):
    """Let the functions and classes that `package` makes public report it, not one of its files, as their module."""
    module = sys.modules[package]
    for name in module.__all__:
        value = getattr(module, name)
        if isinstance(value, (type, FunctionType)) and value.__module__.startswith(f"{package}."):
            value.__module__ = package
