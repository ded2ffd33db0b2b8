"""Every screen as a picture; `pytest --snapshot-update` makes them anew, for one to look at each."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.tui.screens.pictures import SCREENS, app_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from textual.pilot import Pilot

DARK, LIGHT = "devicehub-dark", "devicehub-light"
SMALL, USUAL, LARGE = (80, 24), (120, 40), (200, 60)
PICTURES = [
    *(("fleet", size, look) for size in (SMALL, USUAL, LARGE) for look in (DARK, LIGHT)),
    ("fleet_groups", USUAL, DARK),
    ("fleet_gone", SMALL, DARK),
    ("fleet_empty", SMALL, DARK),
    ("device", SMALL, DARK),
    ("device", USUAL, LIGHT),
    ("device", LARGE, DARK),
    ("run", USUAL, DARK),
    ("run_ended", USUAL, LIGHT),
    ("run_failed", SMALL, DARK),
    ("runs", SMALL, LIGHT),
    ("runs", LARGE, DARK),
    ("models", SMALL, LIGHT),
    ("models", USUAL, DARK),
    ("export", SMALL, DARK),
    ("exporting", USUAL, DARK),
    ("exported", SMALL, LIGHT),
    ("campaigns", SMALL, DARK),
    ("campaigns", USUAL, LIGHT),
    ("campaigns_none", SMALL, LIGHT),
    ("campaign", SMALL, DARK),
    ("campaign", USUAL, DARK),
    ("campaign", USUAL, LIGHT),
    ("campaign_fronts", USUAL, DARK),
    ("campaign_history", USUAL, LIGHT),
    ("logs", USUAL, DARK),
    ("compare", USUAL, DARK),
    ("compare_refused", SMALL, DARK),
    ("doctor", SMALL, DARK),
    ("doctor", USUAL, LIGHT),
    ("choose", SMALL, DARK),
    ("push", USUAL, LIGHT),
    ("confirm", SMALL, DARK),
    ("mirror", SMALL, DARK),
    ("help", USUAL, DARK),
    ("palette", USUAL, DARK),
]


@pytest.fixture(autouse=True)
def still(monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither the user's own clock nor how long the test takes shows."""
    monkeypatch.setattr("devicehub_tui.clocks.utc_offset_s", lambda: 0)
    monkeypatch.setattr("devicehub_tui.bars._NOTICE_S", 1e6)


def named(picture: tuple[str, tuple[int, int], str]) -> str:
    name, (width, height), look = picture
    return f"{name}-{width}x{height}-{look.removeprefix('devicehub-')}"


@pytest.mark.parametrize("picture", PICTURES, ids=named)
def test_screen(picture: tuple[str, tuple[int, int], str], snap_compare: Callable[..., bool]) -> None:
    name, size, look = picture
    app = app_of(look, phones=name != "fleet_empty")

    async def prepare(pilot: Pilot[None]) -> None:
        await SCREENS[name](app, pilot)

    assert snap_compare(app, terminal_size=size, run_before=prepare)
