"""Finding the PNG in what screencap prints."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devicehub.android.png import find_png
from tests.screen.samples import PNG, chunk, head


def test_whole_picture() -> None:
    found = find_png(PNG)
    assert found is not None
    assert (found.data, found.width, found.height) == (PNG, 6, 4)


def test_warning_of_several_displays_before_the_picture() -> None:
    warning = b"[Warning] Multiple displays were found, but no display id was specified! Defaulting to 4619\n"
    found = find_png(warning + PNG + b"\n")
    assert found is not None
    assert found.data == PNG


@pytest.mark.parametrize("cut", range(len(PNG)))
def test_picture_that_was_cut_is_none(cut: int) -> None:
    assert find_png(PNG[:cut]) is None


def test_picture_whose_newlines_a_terminal_changed_is_none() -> None:
    assert find_png(PNG.replace(b"\n", b"\r\n")) is None


@pytest.mark.parametrize("size", [(0, 5), (5, 0), (1 << 20, 5), (5, 0xFFFFFFFF)])
def test_size_that_no_screen_has_is_none(size: tuple[int, int]) -> None:
    assert find_png(head(*size) + chunk(b"IEND", b"")) is None


def test_first_chunk_that_is_no_head_is_none() -> None:
    assert find_png(head(6, 4)[:8] + chunk(b"IDAT", b"x" * 13) + chunk(b"IEND", b"")) is None


def test_length_beyond_the_end_is_none() -> None:
    assert find_png(head(6, 4) + b"\xff\xff\xff\xffIDATabc") is None


@given(st.binary(max_size=200))
def test_any_bytes_are_no_error(data: bytes) -> None:
    find_png(data)
    find_png(PNG[:40] + data)
