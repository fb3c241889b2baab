"""`workers=` as SciPy has it: 1, a number of processes, -1 for all cores, or a map-like callable."""

import multiprocessing
import os
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager

from refimpl import _checks


@contextmanager
def mapper(workers):
    """A function like `map` that runs picklable tasks, in order, as `workers` says."""
    if callable(workers):
        yield workers
    elif count(workers) == 1:
        yield map
    else:
        with ProcessPoolExecutor(count(workers), mp_context=multiprocessing.get_context("spawn")) as pool:
            yield pool.map


def count(workers):
    """How many tasks `workers` runs at once; for a callable, which cannot be asked, the cores of this machine."""
    if callable(workers) or workers == -1:
        return os.cpu_count() or 1
    try:
        return _checks.whole(workers, "workers")
    except ValueError:
        raise ValueError(f"workers must be a whole number of at least 1, -1, or a callable workers(func, iterable), "
                         f"got {workers!r}; use 1 to stay in this process") from None
