"""Pictures inside the file, and small ones of them."""

import base64
import io
from html import escape

from PIL import Image

SMALL = 150  # pixels across a thumbnail, drawn at half that for sharp screens


def read(path):
    """The bytes of a picture; none where it is not there."""
    return path.read_bytes() if path.exists() else b""


def figure(content, words):
    """The picture at full size."""
    width, height = Image.open(io.BytesIO(content)).size
    return f'<img src="{_inline(content)}" width="{width}" height="{height}" alt="{escape(words)}">'


def thumbnail(content, words):
    """A small copy of the picture; words where there is none."""
    if not content:
        return escape(words)
    image = Image.open(io.BytesIO(content)).convert("RGB")
    image.thumbnail((2 * SMALL, 2 * SMALL))
    buffer = io.BytesIO()
    image.quantize(32).save(buffer, "png")
    width = min(SMALL, image.width)
    return (f'<img class="small" src="{_inline(buffer.getvalue())}" width="{width}" '
            f'height="{round(width * image.height / image.width)}" alt="{escape(words)}">')


def _inline(content):
    return f"data:image/png;base64,{base64.b64encode(content).decode()}"
