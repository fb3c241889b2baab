"""One point of a sweep: its run, and the file of its result."""

import io
import zipfile
from dataclasses import dataclass, fields, is_dataclass

import numpy as np

from refimpl._atomic import write

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
        raise ValueError(
            f"the function must return numbers, got {type(returned).__name__} without any; return a dict of them"
        )
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
