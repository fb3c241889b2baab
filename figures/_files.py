"""What a figure leaves on disk: the same bytes each time."""

import io
import json
from dataclasses import asdict

import numpy as np

from refimpl import __version__
from refimpl._atomic import PENDING, write


def clear_pending(directory):
    """Remove what an interrupted run left under temporary names."""
    for path in directory.glob(f"{PENDING}*"):
        path.unlink(missing_ok=True)


def save(figure, picture, numbers, rows, directory, effort, seed):
    """Write NAME.png, NAME.svg, NAME.npz (the numbers) and, last, NAME.json (title, caption and report rows)."""
    name, numbers = figure.name, numbers["drawing"].data if "drawing" in numbers else numbers
    for suffix, metadata in (("png", {"Software": None}), ("svg", {"Date": None})):
        buffer = io.BytesIO()
        picture.savefig(buffer, format=suffix, metadata=metadata)
        write(directory / f"{name}.{suffix}", buffer.getvalue())
    buffer = io.BytesIO()
    np.savez_compressed(buffer, **{key: np.asarray(value) for key, value in sorted(numbers.items())})
    write(directory / f"{name}.npz", buffer.getvalue())
    record = {"figure": name, "title": figure.title, "caption": figure.caption, "effort": effort, "seed": seed,
              "data": str(numbers.get("data", "synthetic")), "version": __version__, "rows": [asdict(row) for row in rows]}
    write(directory / f"{name}.json", (json.dumps(record, indent=1, ensure_ascii=False) + "\n").encode())


def load_rows(directory, names):
    """The report rows of the figures that have been drawn into `directory`, in the order of `names`."""
    records = []
    for name in names:
        path = directory / f"{name}.json"
        if path.exists():
            records.append(json.loads(path.read_text(encoding="utf-8")))
    return records
