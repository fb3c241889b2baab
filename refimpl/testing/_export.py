"""Golden vectors on disk: the cases for languages that cannot import this package.

A directory holds ``manifest.json`` (the format's version, those of the
packages, what each model computes, the formula of every function, and the
SHA-256 of every other file), ``schema.json`` (a JSON Schema of a case, which
says how to compare), and one ``cases/Model/what.json`` for each case. An array is

    {"shape": [2, 3], "dtype": "float64", "decimal": […], "hex": […]}

in row-major order: decimals that read back to the same number, and C99
hexadecimal floats for readers that round otherwise. Integers have no ``hex``.
Arrays of more than 512 numbers lie in ``cases/Model/what.npz`` instead, under
the name that ``{"shape": …, "dtype": …, "npz": name}`` gives.
"""

import hashlib
import io
import json
import os
import shutil
import zipfile
from pathlib import Path

import numpy as np
import scipy

import refimpl
from refimpl._atomic import write
from refimpl.testing import _cases
from refimpl.testing._definitions import DEFINITIONS
from refimpl.testing._schema import FORMAT, SCHEMA

MANIFEST = "manifest.json"
_LARGEST_IN_JSON = 512
_EPOCH = (1980, 1, 1, 0, 0, 0)  # npz archives carry a time; the same bytes must come out each time


def export_vectors(directory, models=None):
    """Write golden vectors of the cases into a directory.

    Parameters
    ----------
    directory : str or Path
        A new or empty directory, or one that an earlier call wrote, which is
        then replaced whole: vectors of other models that it held go.
    models : sequence of str, optional
        Names of models; by default all.

    Returns
    -------
    Path
        Of the manifest.

    Raises
    ------
    ValueError
        If the directory holds anything that is not of such an export, or a
        model is unknown.

    Notes
    -----
    The same versions on the same kind of machine write the same bytes. All
    files are written beside the directory, which is then put in place in one
    step: whoever reads it finds the old vectors or the new ones, whole.
    """
    directory = Path(directory).resolve()
    names = _cases.models() if models is None else tuple(_cases.known(name) for name in models)
    _only_vectors(directory)
    files = {"schema.json": _json(SCHEMA)}
    for name in names:
        for case in _cases.shared(name):
            large = {}
            path = f"cases/{case.name}"
            files[f"{path}.json"] = _json(_document(case, large))
            if large:
                files[f"{path}.npz"] = _npz(large)
    manifest = {
        "format": FORMAT,
        "versions": {"large-lr-refimpl": refimpl.__version__, "numpy": np.__version__, "scipy": scipy.__version__},
        "conventions": {name: _cases.conventions(name) for name in names},
        "definitions": {name: DEFINITIONS[name] for name in names},
        "sha256": {path: hashlib.sha256(content).hexdigest() for path, content in sorted(files.items())},
    }
    _place(directory, files | {MANIFEST: _json(manifest)})
    return directory / MANIFEST


def _only_vectors(directory):
    """Refuse a directory that holds anything but what an earlier export wrote, by its manifest."""
    if directory.exists() and not directory.is_dir():
        raise ValueError(f"directory must be a directory, got the file {directory}; name another place")
    present = {path.relative_to(directory).as_posix() for path in directory.rglob("*") if not path.is_dir()}
    try:
        own = {MANIFEST, *json.loads((directory / MANIFEST).read_text(encoding="utf-8"))["sha256"]}
    except (OSError, ValueError, TypeError, KeyError):
        own = set()
    if present - own:
        raise ValueError(f"directory must be empty or hold only an earlier export, got {directory} with "
                         f"{min(present - own)}; name another place")


def _place(directory, files):
    """Put files, {path: bytes}, in the place of a directory, whole or not at all."""
    directory.parent.mkdir(parents=True, exist_ok=True)
    fresh, retired = (directory.with_name(f".{directory.name}.{os.getpid()}.{part}") for part in ("new", "old"))
    try:
        for path, content in files.items():
            (fresh / path).parent.mkdir(parents=True, exist_ok=True)
            write(fresh / path, content)
        if directory.exists():
            directory.rename(retired)
        fresh.rename(directory)
    finally:
        if retired.exists() and not directory.exists():
            retired.rename(directory)
        shutil.rmtree(fresh, ignore_errors=True)
        shutil.rmtree(retired, ignore_errors=True)


def _json(document):
    return (json.dumps(document, indent=1, ensure_ascii=False, allow_nan=False) + "\n").encode()


def _npz(arrays):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
        for name, array in arrays.items():
            content = io.BytesIO()
            np.lib.format.write_array(content, np.ascontiguousarray(array), version=(1, 0), allow_pickle=False)
            archive.writestr(zipfile.ZipInfo(f"{name}.npy", _EPOCH), content.getvalue())
    return buffer.getvalue()


def _document(case, large):
    """A case as JSON; arrays that are too long for it are put into `large`."""
    def put(name, value):
        if isinstance(value, np.ndarray):
            return _array(name, value, large)
        if isinstance(value, tuple):
            return [put(f"{name}.{place}", part) for place, part in enumerate(value)]
        return _number(value) if isinstance(value, float) else value

    expected = {}
    for quantity, each in case.expected.items():
        allowed = each.tolerance
        expected[quantity] = {
            "arguments": {key: put(f"{quantity}.{key}", value) for key, value in each.arguments.items()},
            "value": _array(f"{quantity}.value", each.value, large),
            "tolerance": put(f"{quantity}.tolerance", allowed if isinstance(allowed, np.ndarray) else float(allowed)),
        }
    return {
        "format": FORMAT, "name": case.name, "model": case.model, "dtype": case.dtype, "note": case.note,
        "settings": case.settings,
        "inputs": {part: put(part, getattr(case, part)) for part in "wxyv"},
        "expected": expected,
    }


def _number(value):
    return {"decimal": value, "hex": value.hex()}


def _array(name, array, large):
    array = np.asarray(array)
    head = {"shape": list(array.shape), "dtype": str(array.dtype)}
    if array.size > _LARGEST_IN_JSON:
        name = name.replace(":", "-")
        large[name] = array
        return head | {"npz": name}
    flat = array.ravel().tolist()
    return head | {"decimal": flat} | ({"hex": [value.hex() for value in flat]} if array.dtype.kind == "f" else {})
