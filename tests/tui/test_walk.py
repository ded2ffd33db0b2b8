"""Every key on every screen: it does something or says why not, and nothing ends."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from textual.events import Key

from devicehub.api.model import JobView
from devicehub_tui.bars import KeyBar
from devicehub_tui.keys import KEYS
from devicehub_tui.view import HubDialog, HubScreen
from tests.tui.screens.pictures import SCREENS, app_of, draw, hub_under
from tests.tui.scripted import run

if TYPE_CHECKING:
    from textual.pilot import Pilot

    from devicehub_tui.app import FleetApp

LEAVES = ("quit", "fleet", "runs", "models", "campaigns", "back", "command_palette")
"""What other tests press."""
WALKED = ["device", "run", "run_ended", "runs", "models", "exporting", "logs", "compare", "help", "campaigns"]
WALKED += ["campaign", "campaign_fronts", "campaign_history"]


@pytest.mark.parametrize("name", WALKED)
async def test_every_key_on(name: str) -> None:
    app = app_of()
    hub_under(app).answers |= {
        "runs.again": [run("again")],
        "runs.start": [run("new")],
        "runs.stop": run("run-1", state="cancelled"),
        "push.start": [JobView(id="j", kind="push", state="running")],
    }
    async with app.run_test(size=(100, 30)) as pilot:
        await SCREENS[name](app, pilot)
        screen = app.screen
        assert isinstance(screen, HubScreen)
        footer = screen.query_one(KeyBar).render().plain
        assert all(f"{key.shown} {key.label}" in footer for key in KEYS)
        for key in KEYS:
            if key.action in LEAVES:
                continue
            await press(key.key, app, pilot)
            await back_to(screen, app, pilot)
            assert app.is_running, key


async def press(key: str, app: FleetApp, pilot: Pilot[None]) -> None:
    """Press a key as a terminal does; Pilot's own waits until the whole process is idle."""
    app.post_message(Key(key, None))
    await pilot.pause(0.005)


async def back_to(screen: HubScreen, app: FleetApp, pilot: Pilot[None]) -> None:
    """Leave what a key has opened over a screen."""
    for _ in range(1000):
        if app.screen is screen and not screen.query("Input:focus"):
            return
        before = (app.screen, app.focused)
        await press("escape", app, pilot)
        # A second escape, while the first is still on its way, would leave the screen below too.
        for _ in range(100):
            if (app.screen, app.focused) != before:
                break
            await pilot.pause(0.005)
    raise AssertionError(f"{app.screen} stays over {screen}")


@pytest.mark.parametrize("dialog", ["choose", "push", "confirm"])
async def test_escape_leaves_a_dialog(dialog: str) -> None:
    app = app_of()
    async with app.run_test(size=(80, 24)) as pilot:
        await SCREENS[dialog](app, pilot)
        assert isinstance(app.screen, HubDialog)
        await draw(app, pilot, "escape")
        assert isinstance(app.screen, HubScreen)
