"""One point of a sweep: its run, and what it returned as arrays by name."""

from dataclasses import dataclass, fields, is_dataclass

import numpy as np

from refimpl.sweep._stored_points import kept, save

COMPLETED, RAISED, NOT_RUN, LOST = range(4)


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


def attempt(task):
    """(place, (status, values, error)) of running a task; its result is on disk before this returns."""
    generator = {} if task.seed is None else {"rng": np.random.default_rng(task.seed)}
    try:
        values = _named(task.function(**task.point, **task.fixed, **generator))
    except Exception as error:  # recorded for the caller: one bad point must not end the others
        return task.place, (RAISED, None, f"{type(error).__name__}: {error}")
    if task.path is not None:
        save(task.path, task.key, values)
    return task.place, (COMPLETED, kept(values, task.keep), "")


def attempt_all(tasks):
    """What `attempt` returns of each; or the error that ends a sweep: of `keep`, of the disk."""
    try:
        return [attempt(task) for task in tasks]
    except Exception as error:  # handed back, since what a future raises is the executor's
        return error


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
        raise ValueError(f"the function must return numbers, got {type(returned).__name__} without any; return a dict "
                         "of them")
    return values
