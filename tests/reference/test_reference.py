"""Public functions of theory beside values in 35 digits, at the edges of their domains and inside.

The tables are made by the scripts ``make_*.py`` of this folder, which use
mpmath and fractions and nothing of the project; each promise is that of the
function's docstring.
"""

import importlib
import inspect
import json
from dataclasses import is_dataclass
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

import theory
from theory.linear_stability import GaussNewton, Products

HERE = Path(__file__).parent
ROWS = [row for path in sorted(HERE.glob("*.json")) for row in json.loads(path.read_text(encoding="utf-8"))]
PICTURES = {"theory.linear_stability.plot_diagram", "theory.linear_stability.plot_rates"}
REPORTS = {"theory.linear_stability.stability_report", "theory.claims.get"}   # of values that have rows, of the ledger
WITHOUT_VALUES = PICTURES | REPORTS


def thaw(value):
    """An argument as the function gets it: factors, products with them, or a derivative's tensor applied to vectors."""
    if not isinstance(value, dict):
        return value
    (kind, array), = value.items()
    array = np.array(array)
    if kind == "factors":
        return GaussNewton(array)
    if kind == "products":
        flat = array.reshape(-1, array.shape[-1])
        shape = array.shape[:-1]
        return Products(lambda v: (flat @ v).reshape(shape), lambda u: np.ravel(u) @ flat, len(array), flat.shape[1],
                        outputs=1 if array.ndim == 2 else array.shape[1])
    if kind == "third":
        return lambda v: np.einsum("ijk,j,k->i", array, v, v)
    return lambda v: np.einsum("ijkl,i,j,k,l->", array, v, v, v, v)


def call(row):
    module, name = row["function"].rsplit(".", 1)
    result = getattr(importlib.import_module(module), name)(*map(thaw, row["args"]), **row["kwargs"])
    result = result[row["entry"]] if "entry" in row else result
    result = getattr(result, row["attribute"]) if "attribute" in row else result
    return result(*row["with"]) if "with" in row else result


def largest(value):
    """Largest size of the entries of nested lists of decimals."""
    return max(map(largest, value)) if isinstance(value, list) else abs(Fraction(value))


def error(found, wanted, unit=None):
    """Largest error over the entries, exact: relative to each, or to `unit`; where the value is 0 the error itself."""
    if isinstance(wanted, list):
        assert len(found) == len(wanted)
        return max(error(*pair, unit) for pair in zip(found, wanted))
    assert np.isfinite(float(found))
    value = Fraction(wanted)
    difference = abs(Fraction(float(found)) - value)
    return float(difference / (unit or abs(value) or 1))


def agrees(found, row):
    if isinstance(row["value"], str) and isinstance(found, str):
        return found == row["value"]
    if "relation" in row:
        value = Fraction(float(found))
        return value <= Fraction(row["value"]) if row["relation"] == "<=" else value >= Fraction(row["value"])
    return error(found, row["value"], largest(row["value"]) if "of" in row else None) <= row["rtol"]


@pytest.mark.parametrize("function", sorted({row["function"] for row in ROWS}))
def test_values_have_the_promised_accuracy(function):
    """All rows of a function; the same value with one more unit in the place promised is caught."""
    for row in (row for row in ROWS if row["function"] == function):
        found = call(row)
        assert agrees(found, row), (row, found)
        if row["rtol"] and np.ndim(found) == 0 and Fraction(row["value"]):
            assert not agrees(float(found) * (1 + 3 * max(row["rtol"], 2e-16)), row), row


def without_row(functions):
    return sorted(set(functions) - {row["function"] for row in ROWS} - WITHOUT_VALUES)


def test_every_public_function_has_rows():
    """Of each package of theory, but pictures and reports of other values; one without rows is caught."""
    functions = []
    for study in theory.__all__:
        package = importlib.import_module(f"theory.{study}")
        functions += [f"{package.__name__}.{name}" for name in package.__all__
                      if inspect.isroutine(getattr(package, name)) and not is_dataclass(getattr(package, name))]
    assert len(functions) > 90 and WITHOUT_VALUES < set(functions)
    assert without_row(functions) == []
    assert without_row([*functions, "theory.images.new"]) == ["theory.images.new"]
