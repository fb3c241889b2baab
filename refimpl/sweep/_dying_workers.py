"""Points spread over processes of which any may die: its point is run again, and no other is lost."""

from collections import deque
from concurrent.futures import FIRST_COMPLETED, wait
from concurrent.futures.process import BrokenProcessPool

from refimpl._parallel import process_pool
from refimpl.sweep._point import LOST, attempt

_ATTEMPTS = 2  # a worker may be killed for reasons that are not its point's; twice on one point is no chance


def pooled(tasks, size):
    """Yield what `attempt` returns as tasks finish, each process in a pool of its own, so that one may die alone."""
    idle = [process_pool(1) for _ in range(min(size, len(tasks)))]
    waiting, running = deque((task, 1) for task in tasks), {}
    try:
        while waiting or running:
            while waiting and idle:
                pool, (task, tried) = idle.pop(), waiting.popleft()
                running[pool.submit(attempt, task)] = pool, task, tried
            for future in wait(running, return_when=FIRST_COMPLETED).done:
                pool, task, tried = running.pop(future)
                try:
                    outcome = future.result()
                except BrokenProcessPool:
                    pool.shutdown()
                    pool = process_pool(1)
                    outcome = task.place, (
                        LOST,
                        None,
                        f"its worker died {tried} times: killed, out of memory, or unable to import the function",
                    )
                    if tried < _ATTEMPTS:
                        waiting.appendleft((task, tried + 1))
                        outcome = None
                idle.append(pool)
                if outcome is not None:
                    yield outcome
    finally:
        for pool in (*idle, *(pool for pool, _, _ in running.values())):
            pool.shutdown(cancel_futures=True)
