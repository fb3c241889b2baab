"""One point of a sweep: its stream, its file, its run, and the pool that outlives its workers."""

import hashlib
import io
import json
import zipfile
from collections import deque
from concurrent.futures import FIRST_COMPLETED, wait
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, fields, is_dataclass
from pathlib import Path

import numpy as np

from refimpl import __version__
from refimpl._atomic import write
from refimpl._parallel import process_pool

COMPLETED, RAISED, NOT_RUN, LOST = range(4)
_ATTEMPTS = 2  # a worker may be killed for reasons that are not its point's; twice on one point is no chance


@dataclass(frozen=True)
class Task:
    """A point, and all that a worker needs to run it."""

    place: int
    function: object
    point: dict
    fixed: dict
    seed: object         # SeedSequence or None
    path: object         # file of its result, or None
    key: str             # what the file must say that it holds
    keep: tuple | None

    def load(self):
        """The stored result, or None where there is no whole one."""
        if self.path is None or not self.path.exists():
            return None
        try:
            # Opened here, since np.load leaves a file open that is not one of its own.
            with open(self.path, "rb") as opened, np.load(opened, allow_pickle=False) as file:
                values = {name.removeprefix("value."): file[name] for name in file.files if name != "key"}
                whole = str(file["key"]) == self.key
        except (OSError, ValueError, KeyError, EOFError, AttributeError, zipfile.BadZipFile):
            return None  # damaged by others: the point is run again
        return _kept(values, self.keep) if whole else None


def attempt(task):
    """(place, (status, values, error)) of running a task; its result is on disk before this returns."""
    generator = {} if task.seed is None else {"rng": np.random.default_rng(task.seed)}
    try:
        values = _named(task.function(**task.point, **task.fixed, **generator))
    except Exception as error:  # recorded for the caller: one bad point must not end the others
        return task.place, (RAISED, None, f"{type(error).__name__}: {error}")
    if task.path is not None:
        write(task.path, _npz(values, task.key))
    return task.place, (COMPLETED, _kept(values, task.keep), "")


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
                    outcome = task.place, (LOST, None, f"its worker died {tried} times: killed, out of memory, or unable "
                                                       "to import the function")
                    if tried < _ATTEMPTS:
                        waiting.appendleft((task, tried + 1))
                        outcome = None
                idle.append(pool)
                if outcome is not None:
                    yield outcome
    finally:
        for pool in (*idle, *(pool for pool, _, _ in running.values())):
            pool.shutdown(cancel_futures=True)


def identity(function):
    """The name by which stored results know a function."""
    name = f"{getattr(function, '__module__', '?')}.{getattr(function, '__qualname__', '?')}"
    if "<" in name or "?" in name:
        raise ValueError(f"function must be defined by name in a module when directory is given, got {name}; stored results "
                         "are known by it")
    return name


def stream(seed, point):
    """The seed of a point: of `seed` and the point's arguments alone."""
    words = np.frombuffer(hashlib.sha256(_canonical(point).encode()).digest(), "<u4")
    return np.random.SeedSequence(seed.entropy, spawn_key=(*seed.spawn_key, *map(int, words)), pool_size=seed.pool_size)


def stored(directory, name, point, fixed, seed):
    """(path, key) of a point's result; (None, "") without a directory."""
    if directory is None:
        return None, ""
    root = None if seed is None else [str(seed.entropy), list(map(int, seed.spawn_key))]
    key = _canonical({"function": name, "version": __version__, "point": point, "fixed": fixed, "rng": root})
    path = Path(directory) / f"{hashlib.sha256(key.encode()).hexdigest()[:32]}.npz"
    path.parent.mkdir(parents=True, exist_ok=True)
    return path, key


def _canonical(value):
    return json.dumps(_token(value), sort_keys=True, allow_nan=False)


def _token(value):
    """`value` as JSON that differs wherever the value does."""
    if isinstance(value, np.generic):
        value = value.item()
    if value is None or isinstance(value, (bool, int, float, str)):
        return value if not isinstance(value, float) else float.hex(value)
    if isinstance(value, np.ndarray) and value.dtype != object:
        digest = hashlib.sha256(np.ascontiguousarray(value).tobytes()).hexdigest()
        return {"array": [str(value.dtype), list(value.shape), digest]}
    if isinstance(value, (list, tuple)):
        return [type(value).__name__, *map(_token, value)]
    if isinstance(value, dict):
        return {"dict": {str(key): _token(entry) for key, entry in value.items()}}
    if is_dataclass(value) and not isinstance(value, type):
        return {type(value).__qualname__: {field.name: _token(getattr(value, field.name)) for field in fields(value)}}
    raise ValueError(f"fixed must hold numbers, strings, arrays, lists, dicts or dataclasses of them when directory is given, "
                     f"got {type(value).__name__}; stored results are known by what they were made from")


def _named(returned):
    """Arrays by name of what a function returned."""
    if is_dataclass(returned):
        entries = {}
        for field in fields(returned):
            value = getattr(returned, field.name)
            if isinstance(value, dict):
                entries.update({f"{field.name}.{key}": entry for key, entry in value.items()})
            elif not (isinstance(value, str) or value is None):
                entries[field.name] = value
    else:
        entries = returned if isinstance(returned, dict) else {"value": returned}
    values = {str(name): np.asarray(value) for name, value in entries.items()}
    wrong = [name for name, value in values.items() if value.dtype.kind not in "biufc"]
    if wrong and is_dataclass(returned):
        values = {name: value for name, value in values.items() if name not in wrong}
    elif wrong:
        raise ValueError(f"the function must return numbers or arrays of them, got {wrong[0]} of dtype "
                         f"{values[wrong[0]].dtype}; leave it out")
    if not values:
        raise ValueError(f"the function must return numbers, got {type(returned).__name__} without any; return a dict of them")
    return values


def _kept(values, keep):
    if keep is None:
        return values
    missing = [name for name in keep if name not in values]
    if missing:
        raise ValueError(f"keep must name results of the function, got {missing[0]!r}; there are {', '.join(values)}")
    return {name: values[name] for name in keep}


def _npz(values, key):
    buffer = io.BytesIO()
    np.savez(buffer, key=np.array(key), **{f"value.{name}": value for name, value in values.items()})
    return buffer.getvalue()
