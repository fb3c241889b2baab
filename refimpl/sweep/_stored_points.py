"""Results of points on disk: by what one is known (its function's public name and its arguments, which also make its
stream), and when a file is believed."""

import hashlib
import io
import json
import zipfile
from dataclasses import fields, is_dataclass
from pathlib import Path

import numpy as np

from refimpl import __version__
from refimpl._atomic import write


def identity(function, fixed, seed):
    """What all stored results of a sweep are known by, once for all its points: JSON of it."""
    name = f"{getattr(function, '__module__', '?')}.{getattr(function, '__qualname__', '?')}"
    if "<" in name or "?" in name:
        raise ValueError(f"function must be defined by name in a module when directory is given, got {name}; stored "
                         "results are known by it")
    root = None if seed is None else [str(seed.entropy), list(map(int, seed.spawn_key)),
                                      *([] if seed.pool_size == 4 else [seed.pool_size])]
    return {"function": name, "version": __version__, "fixed": _token(fixed), "rng": _token(root)}


def stream(seed, point):
    """The seed of a point: of `seed` and the point's arguments alone."""
    words = np.frombuffer(hashlib.sha256(_canonical(point).encode()).digest(), "<u4")
    return np.random.SeedSequence(seed.entropy, spawn_key=(*seed.spawn_key, *map(int, words)), pool_size=seed.pool_size)


def stored(directory, known, point):
    """(path, key) of a point's result; (None, "") without a directory."""
    if directory is None:
        return None, ""
    key = json.dumps({"dict": {**known, "point": _token(point)}}, sort_keys=True, allow_nan=False)
    return Path(directory) / f"{hashlib.sha256(key.encode()).hexdigest()[:32]}.npz", key


def load(path, key, keep):
    """The stored result, or None where there is no whole one."""
    if path is None or not path.exists():
        return None
    try:
        # Opened here, since np.load leaves a file open that is not one of its own.
        with open(path, "rb") as opened, np.load(opened, allow_pickle=False) as file:
            values = {name.removeprefix("value."): file[name] for name in file.files if name != "key"}
            whole = str(file["key"]) == key
    except (OSError, ValueError, KeyError, EOFError, AttributeError, zipfile.BadZipFile):
        return None  # damaged by others: the point is run again
    return kept(values, keep) if whole else None


def save(path, key, values):
    """Write a result whole."""
    buffer = io.BytesIO()
    np.savez(buffer, key=np.array(key), **{f"value.{name}": value for name, value in values.items()})
    write(path, buffer.getvalue())


def kept(values, keep):
    """The results of these names, all where `keep` is None."""
    if keep is None:
        return values
    missing = [name for name in keep if name not in values]
    if missing:
        raise ValueError(f"keep must name results of the function, got {missing[0]!r}; there are {', '.join(values)}")
    return {name: values[name] for name in keep}


def _canonical(value):
    return json.dumps(_token(value), sort_keys=True, allow_nan=False)


def _token(value):
    """`value` as JSON that differs wherever the value does."""
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float):
        return float.hex(value)
    if isinstance(value, str):
        return ["str", value] if value in ("inf", "-inf", "nan") or "0x" in value else value  # a float is such a word
    if value is None or isinstance(value, (bool, int)):
        return value
    if isinstance(value, np.ndarray) and value.dtype != object and not isinstance(value, np.ma.MaskedArray):
        digest = hashlib.sha256(np.ascontiguousarray(value).tobytes()).hexdigest()
        return {"array": [str(value.dtype), list(value.shape), digest]}
    if isinstance(value, (list, tuple)):
        return [type(value).__name__, *map(_token, value)]
    if isinstance(value, dict):
        return {"dict": {key if isinstance(key, str) else f"{type(key).__name__} {key!r}": _token(entry)
                         for key, entry in value.items()}}
    if is_dataclass(value) and not isinstance(value, type):
        return {type(value).__qualname__: {field.name: _token(getattr(value, field.name)) for field in fields(value)}}
    raise ValueError("fixed must hold numbers, strings, arrays, lists, dicts or dataclasses of them when directory is "
                     f"given, got {type(value).__name__}; stored results are known by what they were made from")
