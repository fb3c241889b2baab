"""What a study's module of figures is made of: figures, what drawing one returns, and report rows."""

from collections.abc import Callable
from dataclasses import dataclass

EFFORTS = ("quick", "standard", "full")


@dataclass(frozen=True)
class Row:
    """One comparison: what the theory says, what was measured, and whether they agree."""

    claim: str
    quantity: str
    predicted: str
    measured: str
    tolerance: str
    passed: bool


@dataclass(frozen=True)
class Drawing:
    """A figure that was drawn, with the arrays it shows and its rows for the report."""

    figure: object           # matplotlib Figure
    data: dict               # name -> array, written beside the picture
    rows: tuple


@dataclass(frozen=True)
class Figure:
    """A figure that can be drawn: ``draw(effort, rng) -> Drawing``, or ``draw(effort, rng, data)`` with `reads_data`.

    `data` is the directory given by ``--data``, or None for the synthetic set.
    """

    name: str
    title: str
    draw: Callable
    claims: tuple            # ids, exactly those of its rows
    seconds: tuple           # expected on one core at quick, standard, full effort
    reads_data: bool = False


def close(claim, quantity, predicted, measured, tolerance, note=""):
    """A row that passes if |measured − predicted| ≤ tolerance; `note` says where the tolerance comes from."""
    return Row(claim, quantity, f"{predicted:.6g}", f"{measured:.6g}",
               f"±{tolerance:.2g}{' ' + note if note else ''}", bool(abs(measured - predicted) <= tolerance))


def holds(claim, quantity, predicted, measured, tolerance, passed):
    """A row whose columns are given as text and whose test was made by the caller."""
    return Row(claim, quantity, str(predicted), str(measured), str(tolerance), bool(passed))
