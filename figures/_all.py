"""Every figure there is, and how one is drawn (here, so that worker processes can import it)."""

import time
import zlib

import numpy as np

from figures import benign_oscillation, convex_annealing, images, learning_order, linear_stability, network
from figures._figure import DIFFERS
from figures._files import save
from figures._style import style, titled

FIGURES = (*linear_stability.FIGURES, *network.FIGURES, *convex_annealing.FIGURES, *learning_order.FIGURES,
           *images.FIGURES, *benign_oscillation.FIGURES)


def draw(name, effort, seed, directory, data=None):
    """Draw one figure into `directory`, on the data sets in `data` where it can; (seconds, report rows that differ)."""
    started = time.monotonic()
    chosen = next(figure for figure in FIGURES if figure.name == name)
    with style(name):
        options = {"data": data} if chosen.reads_data else {}
        numbers = chosen.simulate(effort, np.random.default_rng([seed, zlib.crc32(name.encode())]), **options)
        rows = chosen.judge(numbers)
        save(chosen, titled(chosen.draw(numbers), chosen.title), numbers, rows, directory, effort, seed)
    return time.monotonic() - started, [row for row in rows if row.verdict == DIFFERS]
