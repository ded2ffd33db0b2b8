"""Pictures as halves of cells."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.segment import Segment

from devicehub.sim.android import screencap
from devicehub_tui.picture import draw, fit
from tests.screen.samples import PNG, chunk, head


def text_of(lines: list[list[Segment]]) -> list[str]:
    return ["".join(segment.text for segment in line) for line in lines]


@pytest.mark.parametrize(
    ("room", "size"),
    [
        ((80, 24), (22, 48)),  # a phone upright: as high as the room
        ((10, 60), (10, 22)),
        ((200, 1), (1, 2)),
        ((1, 1), (1, 2)),
    ],
)
def test_phone_fits_the_room_and_keeps_its_shape(room: tuple[int, int], size: tuple[int, int]) -> None:
    assert fit(1440, 3200, *room) == size


@given(*(st.integers(1, 16384),) * 2, *(st.integers(1, 500),) * 2)
def test_no_picture_is_larger_than_its_room(width: int, height: int, columns: int, rows: int) -> None:
    across, down = fit(width, height, columns, rows)
    assert 1 <= across <= columns
    assert 2 <= down <= 2 * rows
    assert down % 2 == 0


def test_two_rows_of_pixels_are_one_line() -> None:
    lines = draw(PNG, 6, 2)  # 6 x 4 pixels, each row of one colour
    assert lines is not None
    assert text_of(lines) == ["▀▀▀▀▀▀", "▀▀▀▀▀▀"]
    (first,), (second,) = lines
    rows = [row[:3] for row in screencap.picture(6, 4, second=3, lit=True)]
    for segment, upper, lower in ((first, rows[0], rows[1]), (second, rows[2], rows[3])):
        assert segment.style is not None
        assert segment.style.color is not None
        assert segment.style.bgcolor is not None
        assert bytes(segment.style.color.get_truecolor()) == upper
        assert bytes(segment.style.bgcolor.get_truecolor()) == lower


def test_screen_of_a_phone_is_as_wide_as_it_was_fitted() -> None:
    lines = draw(screencap.png(1440, 3200, second=1, lit=True), 80, 24)
    assert lines is not None
    assert {len(line) for line in text_of(lines)} == {22}
    assert len(lines) == 24


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"GIF89a" + bytes(40),
        PNG[:50],
        head(6, 4) + chunk(b"IDAT", b"no zlib") + chunk(b"IEND", b""),
        head(16384, 16384) + chunk(b"IEND", b""),
    ],
    ids=["nothing", "another format", "cut", "damaged", "far too large"],
)
def test_file_that_cannot_be_read_is_none(data: bytes) -> None:
    assert draw(data, 20, 10) is None
