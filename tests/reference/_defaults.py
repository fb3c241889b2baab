"""Defaults of every public function and class, one per line: what a call without them rests on.

    python -m tests.reference._defaults

writes ``defaults.txt`` anew, after a default was changed on purpose.
"""

import importlib
import inspect
from pathlib import Path

import refimpl
import theory

TABLE = Path(__file__).with_name("defaults.txt")
MODULES = [f"{package.__name__}.{name}" for package in (theory, refimpl) for name in package.__all__]


def defaults(module):
    """Lines ``module.name: parameter=value, …`` of a public module; defaults that are no literals are left out."""
    module = importlib.import_module(module)
    lines = []
    for name in sorted(module.__all__):
        try:
            parameters = inspect.signature(getattr(module, name)).parameters.values()
        except (TypeError, ValueError):   # a number, a module, an exception
            continue
        given = [f"{each.name}={each.default!r}" for each in parameters if _is_literal(each.default)]
        lines += [f"{module.__name__}.{name}: {', '.join(given)}"] * bool(given)
    return lines


def _is_literal(value):
    if isinstance(value, tuple):
        return all(map(_is_literal, value))
    return value is None or type(value) in (bool, int, float, str)


if __name__ == "__main__":
    TABLE.write_text("\n".join(line for module in MODULES for line in defaults(module)) + "\n", encoding="utf-8")
