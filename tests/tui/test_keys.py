import pytest

from devicehub_tui.app import FleetApp
from devicehub_tui.keys import KEYS, footer_lines
from devicehub_tui.view import HubScreen


@pytest.mark.parametrize("width", [10, 40, 78, 118, 198, 400])
def test_the_footer_shows_every_key_once_and_fits(width: int) -> None:
    lines = footer_lines(width)
    assert [key for line in lines for key in line] == list(KEYS)
    for line in lines:
        used = sum(len(key.shown) + 1 + len(key.label) for key in line) + 2 * (len(line) - 1)
        assert used <= width or len(line) == 1


def test_three_lines_are_enough_for_eighty_columns() -> None:
    assert len(footer_lines(78)) == 3


def test_every_key_has_an_action() -> None:
    for key in KEYS:
        assert hasattr(HubScreen if key.local else FleetApp, f"action_{key.action}"), key


def test_no_key_is_given_twice() -> None:
    assert len({key.key for key in KEYS}) == len({key.action for key in KEYS}) == len(KEYS)
