"""Figures that draw at once, in this process: what the tests of the command and of the report run on."""

from concurrent.futures import Future
from contextlib import nullcontext

from figures import _all, _processes
from figures._figure import Figure, holds
from figures._style import panels, theory


class _HereAndNow:
    """An executor of this process."""

    def submit(self, function, *arguments):
        future = Future()
        future.set_result(function(*arguments))
        return future


def tiny(name, passed=True, claim="WME18.eq4", raises=None, reads_data=False, without_null="one line is all"):
    """A figure of one line and one row; with `raises`, one whose `judge` does."""

    def simulate(effort, rng, data=None):
        return {"values": rng.random(5)}

    def judge(numbers):
        if raises:
            raise raises
        return (holds(claim, "q", "1", "1", "0", passed, null="2", margins=(0.25, -7.0)),)

    def draw(numbers):
        figure, axes = panels(1, 1)
        axes[0].plot(numbers["values"], **theory())
        return figure

    return Figure(
        name, f"title of {name}", f"The line of {name}.", simulate, judge, draw, (claim,), (0.1, 0.2, 0.3), reads_data,
        without_null=without_null
    )


def install(monkeypatch, *figures, study="linear_stability"):
    """Let `figures` be all there are, drawn in this process."""
    monkeypatch.setattr(_all, "FIGURES", figures)
    monkeypatch.setattr(_all, "STUDIES", {study: figures})
    monkeypatch.setattr(_processes, "process_pool", lambda size: nullcontext(_HereAndNow()))
