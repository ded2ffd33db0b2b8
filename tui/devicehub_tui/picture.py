"""Pictures in a terminal: two pixels a cell, one above the other, as the halves of `▀`.

Neither Textual nor Rich decodes pictures; Pillow does, and comes with adbutils.
"""

from __future__ import annotations

from io import BytesIO
from typing import Final

from PIL import Image
from rich.color import Color
from rich.segment import Segment
from rich.style import Style

_UPPER_HALF: Final = "▀"
_MOST_PIXELS: Final = 64_000_000
"""Of the picture as it came: 256 MB while it is decoded."""


def fit(width: int, height: int, columns: int, rows: int) -> tuple[int, int]:
    """The size in pixels that a picture takes in so many cells, its shape kept; never nothing, even."""
    share = min(columns / width, 2 * rows / height)
    return max(1, min(columns, round(width * share))), max(2, min(2 * rows, round(height * share / 2) * 2))


def draw(png: bytes, columns: int, rows: int) -> list[list[Segment]] | None:
    """A picture as lines of a terminal that fit so many cells; None where the file cannot be read.

    Takes tens of milliseconds for a phone's screen: call it in a thread.
    """
    pixels = _shrink(png, columns, rows)
    if pixels is None:
        return None
    width, height = pixels.size
    data = pixels.tobytes()
    stride = 3 * width
    lines = []
    for row in range(0, height, 2):
        upper, lower = row * stride, (row + 1) * stride
        lines.append(_line(data[upper : upper + stride], data[lower : lower + stride]))
    return lines


def _shrink(png: bytes, columns: int, rows: int) -> Image.Image | None:
    try:
        with Image.open(BytesIO(png), formats=("PNG",)) as picture:
            if picture.width * picture.height > _MOST_PIXELS:
                return None
            size = fit(picture.width, picture.height, columns, rows)
            return picture.convert("RGB").resize(size, Image.Resampling.BOX)
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError):
        # What Pillow raises on damaged files; it says so of SyntaxError, too.
        return None


def _line(upper: bytes, lower: bytes) -> list[Segment]:
    """One line; neighbours of the same two colours are one segment."""
    segments: list[Segment] = []
    begin = 0
    size = len(upper)
    for end in range(3, size + 3, 3):
        same = (
            end < size
            and upper[end : end + 3] == upper[begin : begin + 3]
            and lower[end : end + 3] == lower[begin : begin + 3]
        )
        if not same:
            style = Style(color=_colour(upper, begin), bgcolor=_colour(lower, begin))
            segments.append(Segment(_UPPER_HALF * ((end - begin) // 3), style))
            begin = end
    return segments


def _colour(row: bytes, place: int) -> Color:
    return Color.from_rgb(*row[place : place + 3])
