"""Figures drawn in processes of their own, so that Ctrl-C ends them at once and one that dies takes no other with
it."""

import multiprocessing
import signal
from collections import deque
from concurrent.futures import FIRST_COMPLETED, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager, suppress

from figures._all import Outcome, draw
from refimpl._parallel import process_pool

LOST = "the process that drew it ended: killed, or out of memory; --missing draws it again"


def draw_all(tasks, workers, progress):
    """Draw the tasks in turn; the outcomes, and whether Ctrl-C came before the last."""
    outcomes, queue = [], deque(tasks)
    try:
        while queue:
            size = min(workers, len(queue))
            with process_pool(size) as pool, _ended_on_interrupt():
                for outcome in _one_pool(pool, size, queue, progress):
                    outcomes.append(outcome)
                    progress.finished(outcome)
    except KeyboardInterrupt:
        progress.clear()
        return outcomes, True
    return outcomes, False


def _one_pool(pool, size, queue, progress):
    """Outcomes as they come, until all is drawn or a process of the pool has died."""
    pending, broken = {}, False
    while pending or (queue and not broken):
        while queue and len(pending) < size and not broken:
            task = queue.popleft()
            try:
                with _interrupts_held():  # what starts a process: it inherits that, and leaves Ctrl-C to this one
                    pending[pool.submit(draw, task)] = task
            except BrokenProcessPool:
                broken = True
                queue.appendleft(task)
            else:
                progress.started(task.name)
        done, _ = wait(pending, timeout=progress.interval, return_when=FIRST_COMPLETED)
        progress.show()
        for future in done:
            task = pending.pop(future)
            try:
                yield future.result()
            except BrokenProcessPool:
                broken = True
                yield Outcome(task.name, progress.seconds_of(task.name), error=LOST, failed=True)


@contextmanager
def _interrupts_held():
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


@contextmanager
def _ended_on_interrupt():
    """On Ctrl-C the processes are killed: what they have written is whole, see `refimpl._atomic`."""
    try:
        yield
    except KeyboardInterrupt:
        for child in multiprocessing.active_children():
            with suppress(OSError):
                child.kill()
        raise
