"""Points spread over workers of which any may die: what is done is kept, and what was lost with one is run again."""

from collections import deque
from concurrent.futures import Future
from queue import SimpleQueue

from refimpl._parallel import process_pool
from refimpl.sweep._point import COMPLETED, LOST, attempt_all
from refimpl.sweep._stored_points import load

_ATTEMPTS = 2    # a worker may be killed for reasons that are not its point's; twice on one point is no chance
_PACKETS = 2000  # at the most: many points travel several at a time, as a journey costs what some hundred steps do


def pooled(tasks, size):
    """Yield what `attempt` returns as tasks finish, each process in a pool of its own, so that one may die alone."""
    def renewed(pool):
        pool.shutdown()
        return process_pool(1)

    pools = [process_pool(1) for _ in range(min(size, len(tasks)))]
    return _spread(tasks, pools, renewed, lambda pool: pool.shutdown(cancel_futures=True))


def submitted(tasks, executor):
    """The same through an executor, all at once: it knows its machines, and it alone can replace a dead worker."""
    return _spread(tasks, [executor] * len(tasks), lambda same: same, lambda same: None)


def _spread(tasks, idle, renewed, release):
    """The tasks' outcomes through executors that each take one packet at a time; a failed one is `renewed`."""
    size = -(-len(tasks) // _PACKETS)
    waiting = deque((tasks[first : first + size], 1) for first in range(0, len(tasks), size))
    running, done = {}, SimpleQueue()
    try:
        while waiting or running:
            while waiting and idle:
                executor, (packet, tried) = idle.pop(), waiting.popleft()
                future = _submit(executor, packet)
                running[future] = executor, packet, tried
                future.add_done_callback(done.put)
            future = done.get()
            executor, packet, tried = running.pop(future)
            try:
                found = future.result()
            except Exception as error:  # `attempt_all` raises none: a worker died, or its executor failed
                executor, found = renewed(executor), []
                for task in reversed(packet):
                    if (outcome := _lost(task, tried, error)) is None:
                        waiting.appendleft(([task], tried + 1))
                    else:
                        found.append((task.place, outcome))
            idle.append(executor)
            if isinstance(found, Exception):
                raise found
            yield from found
    finally:
        for future in running:
            future.cancel()
        for executor in (*idle, *(executor for executor, _, _ in running.values())):
            release(executor)


def _submit(executor, packet):
    """Its future, a failed one where the executor takes nothing more."""
    try:
        return executor.submit(attempt_all, packet)
    except Exception as error:
        future = Future()
        future.set_exception(error)
        return future


def _lost(task, tried, error):
    """The outcome of a task whose worker died: what it had stored; None where it is to be tried again."""
    if (values := load(task.path, task.key, task.keep)) is not None:
        return COMPLETED, values, ""
    if tried < _ATTEMPTS:
        return None
    return LOST, None, (f"its worker or executor died {tried} times ({type(error).__name__}: {error}): killed, out of "
                        "memory, or unable to import the function")
