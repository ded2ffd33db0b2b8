"""Every key of the fleet screen, pressed; each does what the footer says."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest
from textual.command import CommandList
from textual.events import Key

from devicehub.api.model import JobView, ModelView, Noted, RunChanged
from devicehub.errors import ApiError
from devicehub_tui.app import FleetApp
from devicehub_tui.bars import Banner, NoticeLine
from devicehub_tui.keys import KEYS
from devicehub_tui.memory import Memory
from devicehub_tui.screens.confirm import Confirm
from devicehub_tui.screens.help import HelpScreen
from devicehub_tui.screens.push import PushDialog
from devicehub_tui.table import LiveTable
from tests.tui.scripted import ScriptedHub, changed, device, figures, run, sample

if TYPE_CHECKING:
    from pathlib import Path

    from textual.pilot import Pilot

SIZE = (120, 40)


def hub_of(*names: str, **changes: Any) -> ScriptedHub:
    hub = ScriptedHub()
    hub.snapshots["devices"] = [device(name, **changes) for name in names]
    return hub


def app_of(hub: ScriptedHub, memory: Memory | None = None) -> FleetApp:
    return FleetApp(hub.link, memory=memory)


async def settle(app: FleetApp, pilot: Pilot[None]) -> None:
    """Draw what changed now, not when the time for it has come."""
    await pilot.pause()
    app.flush()
    await pilot.pause()


async def press(app: FleetApp, pilot: Pilot[None], *keys: str) -> None:
    await pilot.press(*keys)
    app.flush()
    await pilot.pause()


def table(app: FleetApp) -> LiveTable:
    return app.screen.query_one(LiveTable)


def shown(app: FleetApp) -> list[str]:
    return [row.key for row in table(app).rows if row.heading is None]


def said(app: FleetApp) -> str:
    return app.screen.query_one(NoticeLine).text


@pytest.mark.parametrize("phones", [0, 3])
async def test_no_key_ends_the_app(phones: int) -> None:
    hub = hub_of(*(f"p{n}" for n in range(phones)))
    hub.answers = {"models.list": [], "models.holders": [], "engines.list": [], "runs.again": []}
    hub.answers |= {"profiles.list": [], "models.litter": []}
    app = app_of(hub)
    async with app.run_test(size=SIZE) as pilot:
        await settle(app, pilot)
        for key in KEYS:
            if key.action not in ("quit", "open"):
                app.post_message(Key(key.key, None))
                await pilot.pause(0.005)
                async with asyncio.timeout(60):
                    while (app.current_mode, len(app.screen_stack)) != ("fleet", 1):
                        app.post_message(Key("escape", None))
                        await pilot.pause(0.005)
                assert app.is_running, key


async def test_q_leaves() -> None:
    app = app_of(hub_of("a"))
    async with app.run_test(size=SIZE) as pilot:
        await pilot.press("q")
        await pilot.pause()
        assert not app.is_running


async def test_space_marks_and_goes_on_to_the_next_row() -> None:
    app = app_of(hub_of("a", "b", "c"))
    async with app.run_test(size=SIZE) as pilot:
        await settle(app, pilot)
        await press(app, pilot, "space", "space")
        assert app.state.marked() == ["a", "b"]
        assert table(app).cursor == "c"
        await press(app, pilot, "up", "space")
        assert app.state.marked() == ["a"]


async def test_a_marks_all_that_are_shown_or_the_group() -> None:
    hub = hub_of("a", "b")
    hub.snapshots["devices"].append(device("c", soc="MT6989", soc_name=None))
    app = app_of(hub)
    async with app.run_test(size=SIZE) as pilot:
        await settle(app, pilot)
        await press(app, pilot, "a")
        assert app.state.marked() == ["a", "b", "c"]
        await press(app, pilot, "a", "g", "home", "down", "a")
        assert app.state.marked() == ["c"]
        await press(app, pilot, "escape")
        assert app.state.marked() == []


async def test_the_heading_of_a_group_stands_for_its_phones() -> None:
    app = app_of(hub_of("a", "b"))
    async with app.run_test(size=SIZE) as pilot:
        await settle(app, pilot)
        await press(app, pilot, "g", "home")
        assert table(app).on_heading
        assert sorted(app.subject().devices) == ["a", "b"]


async def test_the_filter_holds_as_it_is_typed_and_escape_clears_it() -> None:
    app = app_of(hub_of("alpha", "beta"))
    async with app.run_test(size=SIZE) as pilot:
        await settle(app, pilot)
        await press(app, pilot, "slash", *"bet")
        assert shown(app) == ["beta"]
        await press(app, pilot, "enter", "space")
        assert app.state.marked() == ["beta"]
        await press(app, pilot, "escape")
        assert shown(app) == ["alpha", "beta"]


async def test_o_goes_through_the_orders_and_is_remembered(tmp_path: Path) -> None:
    hub = hub_of("a", "b")
    hub.snapshots["samples"] = [sample("a", temp_mc=30_000), sample("b", temp_mc=44_000)]
    memory = Memory(tmp_path / "tui.json")
    app = app_of(hub, memory)
    async with app.run_test(size=SIZE) as pilot:
        await settle(app, pilot)
        assert shown(app) == ["a", "b"]
        await press(app, pilot, "o", "o")
        assert said(app) == "ordered by temperature"
        assert shown(app) == ["b", "a"]
    again = app_of(hub, Memory(tmp_path / "tui.json"))
    async with again.run_test(size=SIZE) as pilot:
        await settle(again, pilot)
        assert shown(again) == ["b", "a"]


async def test_the_cursor_stays_on_its_phone_when_others_come() -> None:
    hub = hub_of("b", "c")
    app = app_of(hub)
    async with app.run_test(size=SIZE) as pilot:
        await settle(app, pilot)
        await press(app, pilot, "down")
        hub.say("devices", changed(device("a")))
        await settle(app, pilot)
        assert shown(app) == ["a", "b", "c"]
        assert table(app).cursor == "c"


async def test_capital_r_repeats_on_the_marked_phones_at_once() -> None:
    hub = hub_of("a", "b", "c")
    hub.answers["runs.again"] = lambda asked: [run(f"r-{name}") for name in asked.selectors]
    app = app_of(hub)
    async with app.run_test(size=SIZE) as pilot:
        await settle(app, pilot)
        await press(app, pilot, "space", "space", "R")
        assert [(name, params.selectors) for name, params in hub.asked] == [("runs.again", ["a", "b"])]
        assert said(app) == "queued 2 runs of qwen"


async def test_x_stops_one_run_at_once_and_asks_before_several() -> None:
    hub = hub_of("a", "b", run="r1")
    hub.snapshots["runs"] = [run("r1", state="running"), run("r2", state="running")]
    hub.snapshots["devices"] = [device("a", run="r1", state="busy"), device("b", run="r2", state="busy")]
    hub.answers["runs.stop"] = lambda asked: run(asked.run)
    app = app_of(hub)
    async with app.run_test(size=SIZE) as pilot:
        await settle(app, pilot)
        await press(app, pilot, "x")
        assert [params.run for _, params in hub.asked] == ["r1"]
        await press(app, pilot, "a", "x")
        assert isinstance(app.screen, Confirm)
        await press(app, pilot, "escape")
        assert len(hub.asked) == 1
        await press(app, pilot, "x", "y")
        assert [params.run for _, params in hub.asked] == ["r1", "r1", "r2"]


async def test_x_without_a_run_says_so() -> None:
    app = app_of(hub_of("a"))
    async with app.run_test(size=SIZE) as pilot:
        await settle(app, pilot)
        await press(app, pilot, "x")
        assert said(app) == "no run is under way there"


async def test_p_pushes_what_is_chosen_onto_the_phones() -> None:
    hub = hub_of("a", "b")
    models = [model("small"), model("large")]
    hub.answers = {
        "models.list": models,
        "models.holders": [],
        "engines.list": [],
        "push.start": [JobView(id="j", kind="push", state="running")],
    }
    app = app_of(hub)
    async with app.run_test(size=SIZE) as pilot:
        await settle(app, pilot)
        await press(app, pilot, "p")
        assert isinstance(app.screen, PushDialog)
        await press(app, pilot, "down", "enter")
        name, params = hub.asked[-1]
        assert (name, params.kind, params.name, params.selectors) == ("push.start", "model", "large", ["a"])
        assert said(app) == "pushing model large onto 1 phone"


def model(name: str) -> ModelView:
    return ModelView(
        name=name, id=name, state="ready", root="", files=[], size=1, sha256="", warnings=[], fixture=None,
        fixture_reason=None,
    )  # fmt: skip


async def test_what_the_hub_refuses_is_one_sentence() -> None:
    hub = hub_of("a")
    hub.answers["runs.again"] = ApiError("nothing ran on a yet", code=-32000, kind="InputError")
    app = app_of(hub)
    async with app.run_test(size=SIZE) as pilot:
        await settle(app, pilot)
        await press(app, pilot, "R")
        assert "nothing ran on a yet" in said(app)


async def test_a_hub_that_goes_leaves_a_banner_and_all_that_was_known() -> None:
    hub = hub_of("a", "b")
    app = app_of(hub)
    async with app.run_test(size=SIZE) as pilot:
        await settle(app, pilot)
        assert not app.screen.query_one(Banner).display
        await press(app, pilot, "space")
        hub.drop("it was stopped")
        await settle(app, pilot)
        assert app.screen.query_one(Banner).display
        assert shown(app) == ["a", "b"]
        await press(app, pilot, "R")
        assert "not connected" in said(app)
        hub.come_back()
        await settle(app, pilot)
        assert not app.screen.query_one(Banner).display
        assert app.state.marked() == ["a"]


async def test_a_warning_of_the_hub_is_told_at_once() -> None:
    hub = hub_of("a")
    app = app_of(hub)
    async with app.run_test(size=SIZE) as pilot:
        await settle(app, pilot)
        hub.say("notes", Noted(text="the adb server\nwas started again", wall_s=0, level="warning"))
        await settle(app, pilot)
        assert said(app) == "the adb server was started again"


async def test_y_copies_the_phones_with_their_figures() -> None:
    app = app_of(hub_of("a", last=figures("r"), virtual=True))
    async with app.run_test(size=SIZE) as pilot:
        await settle(app, pilot)
        await press(app, pilot, "y")
        expected = "a\tPhone a\tSM8650\t14\tqwen2.5-1.5b\t240.50\t21.37\tvirtual"
        assert app.clipboard == expected


async def test_help_tells_of_every_key_and_escape_leads_back() -> None:
    app = app_of(hub_of("a"))
    async with app.run_test(size=SIZE) as pilot:
        await settle(app, pilot)
        await press(app, pilot, "question_mark")
        assert isinstance(app.screen, HelpScreen)
        await press(app, pilot, "escape")
        assert table(app).cursor == "a"


async def test_the_palette_does_what_the_keys_do() -> None:
    app = app_of(hub_of("a"))
    async with app.run_test(size=SIZE) as pilot:
        await settle(app, pilot)
        await pilot.press("ctrl+p", *"all of the group")
        found = app.screen.query_one(CommandList)
        for _ in range(1000):
            if found.option_count == 1:
                break
            await pilot.pause()
        await press(app, pilot, "enter")
        assert app.state.marked() == ["a"]


async def test_tab_goes_to_what_is_going_on_even_in_a_small_window() -> None:
    hub = hub_of("a")
    app = app_of(hub)
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(app, pilot)
        hub.say("runs", RunChanged(run=run("r", place=1, waits_for="a is busy")))
        await press(app, pilot, "tab")
        assert app.focused is not None
        assert app.focused.display
        await press(app, pilot, "tab")
        assert app.focused is table(app)


async def test_the_look_is_remembered() -> None:
    memory = Memory(None)
    app = app_of(hub_of("a"), memory)
    async with app.run_test(size=SIZE) as pilot:
        await settle(app, pilot)
        app.action_theme()
        await settle(app, pilot)
        assert memory.get("theme") == "devicehub-light"
