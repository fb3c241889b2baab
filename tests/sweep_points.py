"""What the tests of sweeps run: workers load this file, and nothing that they do not need."""

import multiprocessing
import os
import signal
import time
from pathlib import Path

import numpy as np


def noisy(lr, size, seed, scale=1.0, rng=None):
    """A result that shows every argument and the stream."""
    draws = np.random.default_rng(seed).random(2) if rng is None else rng.random(2)
    return {"sum": lr + 10 * size + 100 * seed, "draws": scale * draws, "whole": size}


def escape(lr, batch_size, rng):
    """The toy of the linear-stability study: how many replicas leave x = 1."""
    from refimpl.linear_stability import two_minima  # here: other points do not need it

    runs = two_minima(np.full(64, 1.01), lr=lr, batch_size=batch_size, steps=50, rng=rng)
    return {"left": np.count_nonzero(runs.w < 0.5), "w": runs.w}


def faulty(lr, size):
    """Raises at one point and leaves the process at another, every time."""
    if (lr, size) == (0.5, 1):
        raise ZeroDivisionError("planted")
    if (lr, size) == (0.3, 2):
        os._exit(1)
    return lr * size


def once_killed(place, directory):
    """Kills its own process the first time it comes to point 2, and says in which process each point ran."""
    mark = Path(directory) / f"seen-{place}"
    first = not mark.exists()
    mark.touch()
    if place == 2 and first:
        os.kill(os.getpid(), signal.SIGKILL)
    with open(Path(directory) / "log", "a") as log:
        log.write(f"{place}\n")
    time.sleep(0.1)
    return place**2


def slow(place, directory):
    """Says that it ran, then, in a worker, takes its time."""
    with open(Path(directory) / "log", "a") as log:
        log.write(f"{place}\n")
    time.sleep(0.2 * (multiprocessing.parent_process() is not None))
    return {"value": place, "draw": np.random.default_rng(place).random()}
