"""What a figure leaves on disk: the same bytes each time."""

import io
import json
from dataclasses import asdict
from functools import cache
from hashlib import sha256
from pathlib import Path

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.backends.backend_svg import FigureCanvasSVG

import refimpl
from refimpl._atomic import PENDING, write
import theory

SUFFIXES = ("png", "svg", "npz", "json")
ENDS = {"png": b"IEND", "svg": b"</svg>", "npz": b"PK\x05\x06"}   # how a whole file ends
SAME = ("effort", "seed", "data", "version", "source")  # what records of one report have in common


def probe(directory):
    """Make `directory` and see that it can be written to; OSError where not."""
    directory.mkdir(parents=True, exist_ok=True)
    pending = directory / f"{PENDING}probe"
    pending.write_bytes(b"")
    pending.unlink()


def clear_pending(directory):
    """Remove what an interrupted run left under temporary names."""
    for path in directory.glob(f"{PENDING}*"):
        path.unlink(missing_ok=True)


@cache
def source():
    """Digest of the code that draws: a picture is out of date when this changes."""
    content = sha256()
    for package in (theory, refimpl):
        root = Path(package.__file__).parent
        _add(content, root, [path for path in root.rglob("*.py") if "claims" not in path.parts])
    root = Path(__file__).parent
    _add(content, root, [path for path in root.rglob("*.py") if path.parent != root and "report" not in path.parts]
         + [root / f"_{name}.py" for name in ("effects", "figure", "fitted_powers", "style")])
    return content.hexdigest()[:12]


def _add(content, root, paths):
    for path in sorted(paths):
        content.update(path.relative_to(root).as_posix().encode() + b"\0" + path.read_bytes())


def mark(task):
    """What a record of this task has in common with others of the same run."""
    return dict(zip(SAME, (task.effort, task.seed, task.data_set, refimpl.__version__, task.source)))


def remove(task):
    """Remove what an earlier run left under the task's name, its record first: a record speaks of the files beside
    it."""
    for suffix in reversed(SUFFIXES):
        (task.directory / f"{task.name}.{suffix}").unlink(missing_ok=True)


def current(task):
    """Whether all files of the task are there and whole, from a run like this one in which it could be drawn."""
    for suffix, end in ENDS.items():
        path = task.directory / f"{task.name}.{suffix}"
        if not path.is_file() or end not in path.read_bytes()[-24:]:
            return False
    return any(not record["error"] and mark(task).items() <= record.items()
               for record in load_records(task.directory, [task.name]))


def drawn(picture):
    """The picture as (suffix, bytes), laid out once: `savefig` would do that for each file, and draw twice."""
    buffer = io.BytesIO()
    FigureCanvasAgg(picture).print_png(buffer, metadata={"Software": None})
    yield "png", buffer.getvalue()
    picture.set_layout_engine("none")
    buffer = io.BytesIO()
    FigureCanvasSVG(picture).print_svg(buffer, metadata={"Date": None})
    yield "svg", buffer.getvalue()


def save(figure, task, numbers, rows, picture, error=""):
    """Write NAME.png, NAME.svg, NAME.npz (the numbers) and, last, NAME.json (title, caption and report rows).

    A figure that could not be drawn leaves its record alone, with the reason in `error`.
    """
    name = figure.name
    if picture is not None:
        for suffix, content in drawn(picture):
            write(task.directory / f"{name}.{suffix}", content)
        buffer = io.BytesIO()
        np.savez_compressed(buffer, **{key: np.asarray(value) for key, value in sorted(numbers.items())})
        write(task.directory / f"{name}.npz", buffer.getvalue())
    record = {"figure": name, "title": figure.title, "caption": figure.caption, **mark(task), "error": error,
              "rows": [asdict(row) for row in rows]}
    write(task.directory / f"{name}.json", (json.dumps(record, indent=1, ensure_ascii=False) + "\n").encode())


def load_records(directory, names):
    """The records of the figures that have been drawn into `directory`, in the order of `names`."""
    records = []
    for name in names:
        path = directory / f"{name}.json"
        try:
            record = json.loads(path.read_text(encoding="utf-8"))
        except (FileNotFoundError, ValueError):
            continue
        if isinstance(record, dict) and isinstance(record.get("rows"), list):
            records.append({"error": "", "version": "", "source": "", "data": "", **record})
    return records
