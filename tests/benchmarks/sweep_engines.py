"""What a sweep costs a point, by the engine that spreads it: ``python -m tests.benchmarks.sweep_engines [COUNT]``.

A function that takes microseconds is run at 10 000 points in this process, in
processes, through a `ProcessPoolExecutor` and through a Dask client of two
worker processes, and once more while a worker of Dask is killed; MPI's
executor where the script is started by

    mpiexec -n 3 python -m mpi4py.futures -m tests.benchmarks.sweep_engines

Each line: the wall clock and this process's CPU time a point, and whether the
result is that of the first, to the bit.
"""

import multiprocessing
import os
import signal
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack
from importlib.util import find_spec

import numpy as np

from refimpl import sweep
from tests.sweep_points import noisy


def cost(label, count, reference=None, **options):
    """Print a line, return the sweep."""
    grid = {"lr": [0.5], "size": range(count), "seed": [0]}
    clock, processor = time.perf_counter(), time.process_time()
    found = sweep.run(noisy, grid, rng=3, **options)
    clock, processor = (1e6 * spent / count for spent in (time.perf_counter() - clock,
                                                          time.process_time() - processor))
    same = reference is None or all(np.array_equal(found.values[name], values)
                                    for name, values in reference.values.items())
    print(f"{label:30s}{clock:8.0f} µs{processor:8.0f} µs of CPU  {'same bits' if same else 'DIFFERS'} {found.message}",
          flush=True)
    return found


def started(executor):
    """The executor, with a worker that has loaded what points need."""
    executor.submit(noisy, 0.5, 1, 0).result()
    return executor


def through_dask(count, one, stack):
    import distributed

    cluster = stack.enter_context(distributed.LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None))
    client = stack.enter_context(distributed.Client(cluster))
    cost("Dask, two worker processes", count, one, workers=started(client.get_executor()))
    worker, seen = next(iter(cluster.workers.values())).pid, []

    def kill(intermediate_result):
        seen.append(intermediate_result)
        if len(seen) == count // 10:
            os.kill(worker, signal.SIGKILL)

    cost("the same, one killed", count, one, workers=client, callback=kill)


def main(count):
    one = cost("this process", count)
    with ExitStack() as stack:
        if os.environ.get("OMPI_COMM_WORLD_SIZE") or os.environ.get("PMI_SIZE"):
            from mpi4py.futures import MPIPoolExecutor

            return cost("MPI, all ranks but this", count, one,
                        workers=started(stack.enter_context(MPIPoolExecutor())))
        cost("two processes", count, one, workers=2)
        pool = ProcessPoolExecutor(2, mp_context=multiprocessing.get_context("spawn"))
        cost("ProcessPoolExecutor(2)", count, one, workers=started(stack.enter_context(pool)))
        if find_spec("distributed"):
            through_dask(count, one, stack)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 10_000)
