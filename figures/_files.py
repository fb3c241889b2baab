"""What a figure leaves on disk: the same bytes each time."""

import io
import json
from dataclasses import asdict

import numpy as np

from refimpl._atomic import PENDING, write


def clear_pending(directory):
    """Remove what an interrupted run left under temporary names."""
    for path in directory.glob(f"{PENDING}*"):
        path.unlink(missing_ok=True)


def save(drawing, name, directory, effort, seed):
    """Write NAME.png, NAME.svg, NAME.npz (the plotted data) and, last, NAME.json (the report rows)."""
    for suffix, metadata in (("png", {"Software": None}), ("svg", {"Date": None})):
        buffer = io.BytesIO()
        drawing.figure.savefig(buffer, format=suffix, metadata=metadata)
        write(directory / f"{name}.{suffix}", buffer.getvalue())
    buffer = io.BytesIO()
    np.savez_compressed(buffer, **{key: np.asarray(value) for key, value in sorted(drawing.data.items())})
    write(directory / f"{name}.npz", buffer.getvalue())
    record = {"figure": name, "effort": effort, "seed": seed, "rows": [asdict(row) for row in drawing.rows]}
    write(directory / f"{name}.json", (json.dumps(record, indent=1, ensure_ascii=False) + "\n").encode())


def load_rows(directory, names):
    """The report rows of the figures that have been drawn into `directory`, in the order of `names`."""
    records = []
    for name in names:
        path = directory / f"{name}.json"
        if path.exists():
            records.append(json.loads(path.read_text(encoding="utf-8")))
    return records
