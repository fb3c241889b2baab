"""Every figure there is, and how one is drawn (here, so that worker processes can import it)."""

import time
import zlib
from dataclasses import dataclass, field
from pathlib import Path
from traceback import extract_tb

import numpy as np

from figures import (benign_oscillation, convex_annealing, edge_of_stability, images, learning_order, linear_stability,
                     network)
from figures._data_set import SYNTHETIC
from figures._figure import not_judged
from figures._files import remove, save, source
from figures._style import names_null, style, titled

STUDIES = {package.__name__.split(".")[-1]: package.FIGURES
           for package in (linear_stability, network, convex_annealing, learning_order, images, benign_oscillation,
                           edge_of_stability)}
FIGURES = tuple(figure for figures in STUDIES.values() for figure in figures)


@dataclass(frozen=True)
class Task:
    """One figure to draw into `directory`; `data` is where a user's set is, `data_set` what it is called.

    `source` is the state of the code when the run began, also if it changes meanwhile.
    """

    name: str
    effort: str
    seed: int
    directory: Path
    data: Path | None = None
    data_set: str = SYNTHETIC
    source: str = field(default_factory=source)


@dataclass(frozen=True)
class Outcome:
    """What became of a task: `error` says in a line why there is no picture; `failed`, whether that is a fault of
    ours."""

    name: str
    seconds: float
    verdicts: tuple = ()
    error: str = ""
    failed: bool = False


def draw(task):
    """Draw one figure and leave its files.

    What raises on synthetic data has failed; on a user's set it becomes a
    record whose rows are not judged and say why.
    """
    started = time.monotonic()
    figure = next(figure for figure in FIGURES if figure.name == task.name)
    error, picture = "", None
    try:
        remove(task)
        with style(figure.name):
            numbers, rows, picture = _three_steps(figure, task)
    except Exception as reason:
        error, numbers = _in_a_line(reason), {}
        rows = [] if task.data_set == SYNTHETIC else [
            not_judged(claim, "the figure as a whole", f"not judged: {error}") for claim in figure.claims]
    failed = bool(error) and task.data_set == SYNTHETIC
    try:
        with style(figure.name):
            save(figure, task, numbers, rows, picture, error)
    except OSError as reason:
        error, failed = _in_a_line(reason), True
    return Outcome(figure.name, time.monotonic() - started, tuple(row.verdict for row in rows), error, failed)


def _three_steps(figure, task):
    options = {"data": task.data} if figure.reads_data else {}
    rng = np.random.default_rng([task.seed, zlib.crc32(figure.name.encode())])
    numbers = figure.simulate(task.effort, rng, **options)
    rows = figure.judge(numbers)
    if {row.claim for row in rows} != set(figure.claims):
        raise ValueError(f"rows of {figure.name} must be of the claims {', '.join(sorted(figure.claims))}, got "
                         f"{', '.join(sorted({row.claim for row in rows}))}; mend its claims or its judge")
    picture = titled(figure.draw(numbers), figure.title)
    if task.data_set == SYNTHETIC and names_null(picture) == bool(figure.without_null):
        raise ValueError(f"{figure.name} must draw the nulls of its rows, named so, or say why it cannot; got "
                         f"{'both' if figure.without_null else 'neither'}")
    return numbers, rows, picture


def _in_a_line(error):
    """Type, message and place of an exception."""
    root = Path(__file__).parent.parent
    frames = [frame for frame in extract_tb(error.__traceback__) if Path(frame.filename).is_relative_to(root)]
    place = f" ({Path(frames[-1].filename).relative_to(root).as_posix()}, line {frames[-1].lineno})" if frames else ""
    return f"{type(error).__name__}: {' '.join(str(error).split())}{place}"
