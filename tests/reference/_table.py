"""How a reference table is written: rows of a function, its arguments and its value in decimal digits."""

import json
from fractions import Fraction
from pathlib import Path

import mpmath

HERE = Path(__file__).parent
DIGITS = 35  # of a value; the arithmetic behind it carries 80


def exact(value):
    """A float, or a fraction, as an mpmath number."""
    value = Fraction(value)
    return mpmath.mpf(value.numerator) / value.denominator


def text(value):
    """An mpmath number, or nested lists of them, as decimal strings."""
    if isinstance(value, (list, tuple)):
        return [text(one) for one in value]
    with mpmath.workdps(DIGITS + 5):
        return mpmath.nstr(mpmath.mpf(value), DIGITS, strip_zeros=False)


def row(function, args, value, rtol, **kwargs):
    """One row; the arguments are floats as the function gets them, `rtol` the promise of its docstring."""
    return {"function": function, "args": list(args), "kwargs": kwargs, "value": text(value), "rtol": rtol}


def rows_of(module):
    """`row` of the functions of one module, by their names alone."""
    return lambda function, *given, **options: row(f"{module}.{function}", *given, **options)


def write(name, rows):
    """Write NAME.json beside this file."""
    lines = ",\n".join(json.dumps(one, ensure_ascii=False) for one in rows)
    (HERE / f"{name}.json").write_text(f"[\n{lines}\n]\n", encoding="utf-8")
