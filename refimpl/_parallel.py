"""`workers=` as SciPy has it, 1, a number of processes, -1 for all cores, or a map-like callable; or an executor."""

import multiprocessing
import os
import threading
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from functools import partial

from theory import _checks


@contextmanager
def mapper(workers):
    """A function like `map` that runs picklable tasks, in order, as `workers` says."""
    if (found := executor(workers)) is not None:
        yield found.map
    elif callable(workers):
        yield workers
    elif count(workers) == 1:
        yield map
    else:
        with process_pool(count(workers)) as pool:
            yield pool.map


def in_order(spread, function, tasks):
    """The results of tasks that `spread` maps, as `mapper` gives it, in their order, whatever that of a callable is."""
    found = spread(partial(_numbered, function), list(enumerate(tasks)))
    found = list(found) if hasattr(found, "__iter__") else [found]
    places = {one[:1] for one in found if isinstance(one, tuple)}
    if len(found) != len(tasks) or places != {(place,) for place in range(len(tasks))}:
        raise ValueError(f"workers must give back one result for each of {len(tasks)} tasks, got {len(found)}; give a "
                         "map-like callable workers(func, iterable)")
    return [result for _, result in sorted(found, key=lambda one: one[0])]


def _numbered(function, numbered):
    place, task = numbered
    return place, function(task)


def executor(workers):
    """What takes tasks one by one: an executor, also where its `map` is given, or that of a Dask client; else None."""
    owner = getattr(workers, "__self__", workers)
    owner = owner.get_executor() if hasattr(owner, "get_executor") else owner
    return owner if hasattr(owner, "submit") else None


def process_pool(size):
    """A pool of fresh processes that end with this one, even if it is killed."""
    return ProcessPoolExecutor(size, mp_context=multiprocessing.get_context("spawn"), initializer=_follow_parent)


def _follow_parent():
    def wait():
        multiprocessing.parent_process().join()
        os._exit(1)  # the pool's own loop would wait for ever for a task from a process that is gone

    threading.Thread(target=wait, daemon=True).start()


def count(workers):
    """How many tasks `workers` runs at once; where it cannot be asked, the cores of this machine."""
    if callable(workers) or executor(workers) is not None or workers == -1:
        return os.cpu_count() or 1
    try:
        return _checks.whole(workers, "workers")
    except ValueError:
        raise ValueError("workers must be a whole number of at least 1, -1, an executor or a callable "
                         f"workers(func, iterable), got {workers!r}; use 1 to stay in this process") from None
