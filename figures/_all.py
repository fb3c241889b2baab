"""Every figure there is, and how one is drawn (here, so that worker processes can import it)."""

import time
import zlib

import numpy as np

from figures import convex_annealing, linear_stability
from figures._files import save
from figures._style import style

FIGURES = (*linear_stability.FIGURES, *convex_annealing.FIGURES)


def draw(name, effort, seed, directory):
    """Draw one figure into `directory`; returns (seconds it took, report rows that failed)."""
    started = time.monotonic()
    chosen = next(figure for figure in FIGURES if figure.name == name)
    with style(name):
        drawing = chosen.draw(effort, np.random.default_rng([seed, zlib.crc32(name.encode())]))
        save(drawing, name, directory, effort, seed)
    return time.monotonic() - started, [row for row in drawing.rows if not row.passed]
