"""Public functions of theory beside values in 35 digits, at the edges of their domains and inside.

The tables are made by the scripts ``make_*.py`` of this folder, which use
mpmath and fractions and nothing of the project; each promise is that of the
function's docstring.
"""

import importlib
import json
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

HERE = Path(__file__).parent
ROWS = [row for path in sorted(HERE.glob("*.json")) for row in json.loads(path.read_text(encoding="utf-8"))]


def error(found, wanted):
    """Largest relative error over the entries, exact; where the value is 0 the error itself."""
    if isinstance(wanted, list):
        assert len(found) == len(wanted)
        return max(error(*pair) for pair in zip(found, wanted))
    assert np.isfinite(float(found))
    value = Fraction(wanted)
    difference = abs(Fraction(float(found)) - value)
    return float(difference / abs(value)) if value else float(difference)


def call(row):
    module, name = row["function"].rsplit(".", 1)
    result = getattr(importlib.import_module(module), name)(*row["args"], **row["kwargs"])
    return getattr(result, row["attribute"]) if "attribute" in row else result


@pytest.mark.parametrize("function", sorted({row["function"] for row in ROWS}))
def test_values_have_the_promised_accuracy(function):
    """All rows of a function; the same value with one more unit in the place promised is caught."""
    for row in (row for row in ROWS if row["function"] == function):
        found = call(row)
        assert error(found, row["value"]) <= row["rtol"], row
        if row["rtol"] and np.ndim(found) == 0 and Fraction(row["value"]):
            assert error(float(found) * (1 + 3 * max(row["rtol"], 2e-16)), row["value"]) > row["rtol"], row
