"""Figures that still simulate, judge and draw in one function; gone when the last of them is split."""

from dataclasses import dataclass

from figures import _figure


@dataclass(frozen=True)
class Drawing:
    """A figure that was drawn, with the arrays it shows and its rows for the report."""

    figure: object
    data: dict
    rows: tuple


class Figure(_figure.Figure):
    """A figure of one function ``draw(effort, rng)``, or ``draw(effort, rng, data)``, that returns a `Drawing`."""

    def __init__(self, name, title, draw, claims, seconds, reads_data=False):
        simulate = (lambda effort, rng, data=None: {"drawing": draw(effort, rng, data)}) if reads_data else (
            lambda effort, rng: {"drawing": draw(effort, rng)})
        super().__init__(name, title, "", simulate, lambda numbers: numbers["drawing"].rows,
                         lambda numbers: numbers["drawing"].figure, claims, seconds, reads_data)


def close(claim, quantity, predicted, measured, tolerance, note=""):
    """A row without a null."""
    return _figure.close(claim, quantity, predicted, measured, tolerance, null=(float("inf"), "none given"), note=note)


def holds(claim, quantity, predicted, measured, tolerance, passed):
    """A row without a null."""
    return _figure.holds(claim, quantity, predicted, measured, tolerance, passed, null="none given")
