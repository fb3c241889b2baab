"""The gallery: figures/README.md and figures/gallery/, from what was drawn at standard effort; counts for the front
page."""

import io
from collections import Counter
from pathlib import Path

from PIL import Image

from figures import _all
from figures._all import Task
from figures._files import current, load_records
from figures.report._stories import story
from refimpl._atomic import write as _write
from theory.claims import CLAIMS
from theory.claims._claim import STATUSES

ROOT = Path(__file__).parent.parent
PAGE, PICTURES, FRONT = ROOT / "figures/README.md", ROOT / "figures/gallery", ROOT / "README.md"
SOURCES = {"WME18": "Wu, Ma and E 2018", "NAK20": "Nakkiran 2020", "LWM19": "Li, Wei and Ma 2019",
           "LWYZ24": "Lu, Wu, Yang and Zou 2024"}
OTHERS = "later sources"
BEGIN, END = "<!-- gallery -->\n", "<!-- /gallery -->\n"
WIDTH, COLOURS = 1000, 96  # pixels and palette of a committed picture


def write(directory):
    """Write pictures and page from the standard figures in `directory`; the path of the page.

    Raises ValueError if one is not there or out of date.
    """
    lacking = [figure.name for figure in _all.FIGURES if not current(Task(figure.name, "standard", 0, directory))]
    if lacking:
        raise ValueError(f"{directory} must hold all figures of standard effort, seed 0, synthetic data, as the code "
                         f"draws them now; it lacks {', '.join(lacking)}: run python -m figures --missing first")
    PICTURES.mkdir(exist_ok=True)
    names = [figure.name for figure in _all.FIGURES]
    for name in names:
        _write(PICTURES / f"{name}.png", compact((directory / f"{name}.png").read_bytes()))
    for path in PICTURES.glob("*.png"):
        if path.stem not in names:
            path.unlink()
    verdicts = {record["figure"]: Counter(row["verdict"] for row in record["rows"])
                for record in load_records(directory, names)}
    _replace(PAGE, BEGIN, END, page(verdicts))
    _replace(FRONT, "<!-- counts -->\n", "<!-- /counts -->\n", counts())
    return PAGE


def compact(content):
    """A picture of at most so many pixels across and colours."""
    image = Image.open(io.BytesIO(content)).convert("RGB")
    if image.width > WIDTH:
        image = image.resize((WIDTH, round(WIDTH * image.height / image.width)), Image.Resampling.LANCZOS)
    buffer = io.BytesIO()
    image.quantize(COLOURS, dither=Image.Dither.NONE).save(buffer, "png", optimize=True)
    return buffer.getvalue()


def page(verdicts):
    """The gallery as Markdown: a section per study, each figure with title, caption and how its rows stand."""
    status = {claim.id: claim.status for claim in CLAIMS}
    lines = []
    for study, figures in _all.STUDIES.items():
        lines += [f"## {story(study).title}", ""]
        for figure in figures:
            rows = ", ".join(f"{count} {verdict}" for verdict, count in sorted(verdicts[figure.name].items()))
            claims = ", ".join(f"{claim} ({status[claim]})" for claim in figure.claims)
            lines += [*described(figure), f"*Rows: {rows}.* Claims: {claims}.", ""]
    return "\n".join(lines)


def described(figure):
    """Title, picture and caption of a figure, as lines."""
    return [f"### {figure.title}", "", f"![{figure.title}](gallery/{figure.name}.png)", "", figure.caption, ""]


def counts():
    """Claims by source and status, as a Markdown table."""
    table = Counter((SOURCES.get(claim.id.split(".")[0], OTHERS), claim.status) for claim in CLAIMS)
    names = [name for name in (*SOURCES.values(), OTHERS) if any(name == source for source, _ in table)]
    used = [status for status in STATUSES if any(table[name, status] for name in names)]
    lines = [f"| claims of | {' | '.join(used)} |", "|---|" + "---:|" * len(used)]
    lines += [f"| {name} | {' | '.join(str(table[name, status] or '') for status in used)} |" for name in names]
    return "\n".join(lines) + "\n"


def between(text, begin, end):
    """What stands between two markers."""
    return text[text.index(begin) + len(begin):text.index(end)]


def _replace(path, begin, end, content):
    text = path.read_text(encoding="utf-8")
    first, last = text.index(begin) + len(begin), text.index(end)
    _write(path, (text[:first] + content + text[last:]).encode())
