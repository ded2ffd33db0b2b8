"""The key for a phone's screen: a window where scrcpy can be, else pictures."""

import asyncio
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace
from textual.app import App
from textual.pilot import Pilot
from textual.widgets import Static

from devicehub.api.model import ShotView, WayView
from devicehub.errors import ApiError
from devicehub_tui.screens.mirror import MirrorScreen, Picture, open_window, why_no_window
from devicehub_tui.state import State
from tests.manual_clock import ManualClock
from tests.screen.samples import PNG

WAY = WayView(serial="A1", transport_id=3, adb_host="127.0.0.1", adb_port=5037, adb_path="/adb", local=True)
DESK = {"DISPLAY": ":0"}


def test_scrcpy_is_started_on_the_hubs_host_with_a_desktop() -> None:
    assert why_no_window(WAY, web=False, environ=DESK, scrcpy="/usr/bin/scrcpy") is None


@pytest.mark.parametrize(
    ("way", "web", "environ", "scrcpy", "sentence"),
    [
        (WAY, True, DESK, "/usr/bin/scrcpy", "A browser shows pictures only"),
        (WAY, False, DESK, None, "scrcpy is not installed (https"),
        (WAY, False, {}, "/usr/bin/scrcpy", "no desktop"),
        (replace(WAY, local=False), False, DESK, "/usr/bin/scrcpy", "hub's host only"),
        (replace(WAY, shared=True), False, DESK, "/usr/bin/scrcpy", "share the serial A1"),
    ],
)
def test_reason_for_pictures_is_a_sentence(
    way: WayView, web: bool, environ: dict[str, str], scrcpy: str | None, sentence: str
) -> None:
    assert sentence in (why_no_window(way, web=web, environ=environ, scrcpy=scrcpy) or "")


async def test_window_that_closes_says_nothing_and_one_that_fails_says_why(tmp_path: Path) -> None:
    assert await open_window([sys.executable, "-c", ""], {}) is None
    failing = "import sys; print('INFO: x'); print('devicehub: scrcpy: no', file=sys.stderr); sys.exit(1)"
    assert await open_window([sys.executable, "-c", failing], {}) == "scrcpy: no"
    assert "did not start" in (await open_window([str(tmp_path / "none")], {}) or "")


class Hub:
    """Answers with pictures, or with what it is told to raise."""

    def __init__(self) -> None:
        self.asked = 0
        self.answer: ShotView | ApiError = ShotView(png=PNG)
        self.news = asyncio.Event()

    async def call(self, method: Any, params: Any = None, *, timeout_s: float = 30.0) -> Any:
        assert (method.name, params.device) == ("devices.shot", "A1")
        self.asked += 1
        self.news.set()
        if isinstance(self.answer, ApiError):
            raise self.answer
        return self.answer

    async def follow(self, topics: Any, **rest: Any) -> None:
        await asyncio.Event().wait()


class Turns(ManualClock):
    """Lets time go on by a step each time it is told to."""

    def __init__(self) -> None:
        super().__init__()
        self.steps = asyncio.Semaphore(0)

    async def sleep(self, seconds: float) -> None:
        await self.steps.acquire()
        await super().sleep(seconds)


class Holder(App[None]):
    """What a screen needs of the app."""

    def __init__(self) -> None:
        super().__init__()
        self.state = State()

    def go_back(self) -> None:
        self.pop_screen()


class Desk:
    """The screen on an app of its own."""

    def __init__(self, *, busy: bool = False) -> None:
        self.hub = Hub()
        self.clock = Turns()
        self.busy = busy
        self.app = Holder()
        self.screen = MirrorScreen(
            self.hub, "A1", title="Acme", reason="no window.", busy=lambda: self.busy, clock=self.clock
        )

    def said(self) -> str:
        return str(self.screen.query_one("#said", Static).content)

    async def when(self, pilot: Pilot[None], condition: Callable[[], bool]) -> None:
        async with asyncio.timeout(60):
            while not condition():
                await pilot.pause(0.01)


async def test_pictures_come_one_after_the_other() -> None:
    desk = Desk()
    async with desk.app.run_test(size=(40, 12)) as pilot:
        await desk.app.push_screen(desk.screen)
        picture = desk.screen.query_one(Picture)
        await desk.when(pilot, lambda: picture.drawn)
        assert "▀" in picture.render_line(0).text
        assert picture.render_line(0).cell_length <= 40
        assert "Acme — no window." in str(desk.screen.query_one("#about", Static).content)
        assert desk.hub.asked == 1
        desk.clock.steps.release()
        await desk.when(pilot, lambda: desk.hub.asked == 2)
        await pilot.press("m")
        await desk.when(pilot, lambda: desk.hub.asked == 3)
        await pilot.press("escape")
        await desk.when(pilot, lambda: desk.app.screen is not desk.screen)


async def test_failure_is_said_and_the_next_picture_tried() -> None:
    desk = Desk()
    desk.hub.answer = ApiError("A1 is not connected", code=1, kind="DeviceGone")
    async with desk.app.run_test(size=(40, 12)) as pilot:
        await desk.app.push_screen(desk.screen)
        await desk.when(pilot, lambda: "A1 is not connected" in desk.said())
        desk.hub.answer = ShotView(png=b"no picture")
        desk.clock.steps.release()
        await desk.when(pilot, lambda: "cannot be read" in desk.said())
        desk.hub.answer = ShotView(png=PNG)
        desk.clock.steps.release()
        await desk.when(pilot, lambda: desk.screen.query_one(Picture).drawn)
    assert set(desk.clock.slept_s) == {3.0}


async def test_phone_at_work_is_asked_on_the_key_alone() -> None:
    desk = Desk(busy=True)
    async with desk.app.run_test(size=(40, 12)) as pilot:
        await desk.app.push_screen(desk.screen)
        await desk.when(pilot, lambda: "m takes one" in desk.said())
        desk.clock.steps.release()
        await pilot.pause()
        assert desk.hub.asked == 1
        await pilot.press("m")
        await desk.when(pilot, lambda: desk.hub.asked == 2)


async def test_picture_is_fitted_anew_when_the_terminal_changes() -> None:
    desk = Desk()
    async with desk.app.run_test(size=(40, 12)) as pilot:
        await desk.app.push_screen(desk.screen)
        picture = desk.screen.query_one(Picture)
        await desk.when(pilot, lambda: picture.drawn)
        before = picture.render_line(0).cell_length
        await pilot.resize_terminal(80, 40)
        await desk.when(pilot, lambda: picture.render_line(0).cell_length > before)
