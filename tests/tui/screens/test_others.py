"""The phone, the catalogue, the logs, the comparison, the form."""

from __future__ import annotations

import msgspec
import pytest

from devicehub.api.contract import Comparison, Facet, Figure, Report, Row, Standing
from devicehub.api.model import (
    EngineView,
    HolderView,
    JobChanged,
    JobView,
    LogLines,
    ProfileView,
    RunDocument,
    RunPage,
)
from devicehub.errors import ApiError
from devicehub_tui.app import FleetApp
from devicehub_tui.lines import Lines
from devicehub_tui.screens.choose import RunDialog
from devicehub_tui.screens.compare import CompareScreen
from devicehub_tui.screens.device import DeviceScreen
from devicehub_tui.screens.doctor import DoctorScreen
from devicehub_tui.screens.logs import LogsScreen
from devicehub_tui.screens.models import ModelsScreen
from devicehub_tui.screens.run import RunScreen
from devicehub_tui.table import LiveTable
from tests.tui.scripted import WALL_S, ScriptedHub, changed, device, figures, removed, run, sample
from tests.tui.test_app import model, press, said, settle, shown

SIZE = (120, 40)
ENGINE = EngineView(
    id="mnn-1", name="mnn", abi="arm64-v8a", version="3.6.1", logcat=False, programs=["llm_demo"], files=[],
    size=5_000_000, page_align=16384, sha256="0" * 64, origin=None,
)  # fmt: skip


def hub_with(*names: str) -> ScriptedHub:
    hub = ScriptedHub()
    hub.snapshots["devices"] = [device(name, last=figures(f"last-{name}")) for name in names]
    hub.answers = {
        "runs.list": RunPage(runs=[run("old", state="failed", cause="segfault")], total=1),
        "runs.show": lambda asked: RunDocument(run=run(asked.run, state="failed"), document={}, events=[]),
        "models.list": [model("small"), model("large")],
        "engines.list": [ENGINE],
        "models.holders": [],
        "profiles.list": [
            ProfileView(kind="runs", id="greedy", purpose="the same each time", user=False),
            ProfileView(kind="protocols", id="standard", purpose="six launches", user=False),
        ],
    }
    return hub


def text_of(app: FleetApp, pane: str) -> str:
    return app.screen.query_one(f"#{pane}").query_one(Lines).render().plain


@pytest.mark.parametrize("size", [(80, 24), (120, 40), (200, 60)])
async def test_enter_opens_the_phone_with_what_is_known_of_it(size: tuple[int, int]) -> None:
    hub = hub_with("a")
    hub.snapshots["samples"] = [
        sample(
            "a",
            wall_s=WALL_S + at_s,
            temp_mc=30_000 + at_s,
            cpu_percent=5.0,
            clocks_khz={"policy0": 1_800_000},
        )
        for at_s in range(60)
    ]
    app = FleetApp(hub.link)
    async with app.run_test(size=size) as pilot:
        await settle(app, pilot)
        await press(app, pilot, "enter")
        assert isinstance(app.screen, DeviceScreen)
        about = text_of(app, "about")
        assert "decode       21.4 tok/s" in about
        assert "policy0      1800 MHz" in about
        assert "✗ segfault" in about
        await press(app, pilot, "enter")
        assert isinstance(app.screen, RunScreen)
        await press(app, pilot, "escape", "escape")
        assert shown(app) == ["a"]


async def test_a_phone_that_goes_while_it_is_looked_at_comes_back_by_itself() -> None:
    hub = hub_with("a")
    app = FleetApp(hub.link)
    async with app.run_test(size=SIZE) as pilot:
        await settle(app, pilot)
        await press(app, pilot, "enter")
        hub.say("devices", removed("a"))
        await settle(app, pilot)
        head = app.screen.query_one("#head", Lines)
        assert "not listed any more" in head.render().plain
        hub.say("devices", changed(device("a", product="Back again")))
        await settle(app, pilot)
        assert "Back again" in head.render().plain


async def test_the_catalogue_shows_what_can_be_pushed() -> None:
    app = FleetApp(hub_with("a").link)
    async with app.run_test(size=SIZE) as pilot:
        await settle(app, pilot)
        await press(app, pilot, "3")
        assert isinstance(app.screen, ModelsScreen)
        assert shown(app) == ["model large", "model small", "engine mnn-1"]
        assert app.subject().thing == ("model", "large")
        await press(app, pilot, "end")
        assert "16 KiB" in text_of(app, "about")
        await press(app, pilot, "slash", *"small", "enter")
        assert shown(app) == ["model small"]


async def test_the_logs_of_the_marked_phones_are_merged_and_searched() -> None:
    hub = hub_with("a", "b")
    app = FleetApp(hub.link)
    async with app.run_test(size=SIZE) as pilot:
        await settle(app, pilot)
        await press(app, pilot, "a", "l")
        screen = app.screen
        assert isinstance(screen, LogsScreen)
        hub.say("log", LogLines(device="a", lines=["11-23 09:41:07.123  1  2 W MNN: low"]))
        hub.say("log", LogLines(device="b", lines=["11-23 09:41:07.123  1  2 D X: tick"]))
        await press(app, pilot, "y")
        assert app.clipboard.count("\n") == 1
        await press(app, pilot, "slash", *"low", "enter", "y")
        assert app.clipboard.endswith("low")
        await press(app, pilot, "escape", "escape")
        assert shown(app) == ["a", "b"]
        assert hub.followers == 1


async def test_two_phones_compare_their_newest_runs() -> None:
    hub = hub_with("a", "b")
    hub.answers["runs.compare"] = Comparison(
        a="last-a",
        b="last-b",
        by="phone",
        paired=True,
        pairs=6,
        figures={
            "decode_tok_s": Figure(
                a=20.0, b=22.0, launches_a=6, launches_b=6, pairs=6, ratio=1.1, low=1.08, high=1.12,
                conclusion="faster",
            )
        },
    )  # fmt: skip
    app = FleetApp(hub.link)
    async with app.run_test(size=SIZE) as pilot:
        await settle(app, pilot)
        await press(app, pilot, "a", "c")
        assert isinstance(app.screen, CompareScreen)
        assert "1.100  1.080 to 1.120  ▲ B is faster" in text_of(app, "about")


async def test_a_refusal_comes_with_its_reasons() -> None:
    hub = hub_with("a", "b")
    hub.answers["runs.compare"] = Comparison(
        a="x", b="y", by="phone", unlike=[Facet(what="model", a="qwen", b="llama")]
    )
    app = FleetApp(hub.link)
    async with app.run_test(size=SIZE) as pilot:
        await settle(app, pilot)
        await press(app, pilot, "a", "c")
        about = text_of(app, "about")
        assert "Refused" in about
        assert "Only the phone may differ" in about
        assert "llama" in about


async def test_runs_that_cannot_be_compared_say_why() -> None:
    hub = hub_with("a", "b")
    hub.answers["runs.compare"] = ApiError("run x has not ended", code=-32000)
    app = FleetApp(hub.link)
    async with app.run_test(size=SIZE) as pilot:
        await settle(app, pilot)
        await press(app, pilot, "a", "c")
        assert "✗ run x has not ended" in text_of(app, "about")


async def test_r_asks_first_and_remembers() -> None:
    hub = hub_with("a", "b")
    hub.answers["runs.start"] = lambda ask: [run("new", model=ask.model)]
    app = FleetApp(hub.link)
    async with app.run_test(size=SIZE) as pilot:
        await settle(app, pilot)
        await press(app, pilot, "a", "r")
        assert isinstance(app.screen, RunDialog)
        await press(app, pilot, "ctrl+r")
        name, ask = hub.asked[-1]
        assert (name, ask.model, ask.selectors) == ("runs.start", "small", ("a", "b"))
        assert said(app) == "queued 1 run of small"
        kept = app.memory.get("run.last")
        assert kept["model"] == "small"


async def test_a_form_that_is_left_runs_nothing() -> None:
    hub = hub_with("a")
    app = FleetApp(hub.link)
    async with app.run_test(size=SIZE) as pilot:
        await settle(app, pilot)
        await press(app, pilot, "r", "escape")
        assert "runs.start" not in {name for name, _ in hub.asked}


async def test_a_catalogue_without_models_says_how_to_get_one() -> None:
    hub = hub_with("a")
    hub.answers["models.list"] = []
    app = FleetApp(hub.link)
    async with app.run_test(size=SIZE) as pilot:
        await settle(app, pilot)
        await press(app, pilot, "r", "ctrl+r")
        assert isinstance(app.screen, RunDialog)


async def test_variants_of_one_source_stand_together_with_the_phones_that_hold_them() -> None:
    hub = hub_with("a")
    made = {"source": "Qwen", "recipe": "default"}
    hub.answers["models.list"] = [
        model("small"),
        msgspec.structs.replace(model("variant-a"), cosine=0.9871, **made),
        msgspec.structs.replace(model("variant-b"), cosine=0.8, **made),
    ]
    hub.answers["models.holders"] = [
        HolderView(model="variant-a", device="a", same=True, seen=WALL_S),
        HolderView(model="variant-b", device="a", same=False, seen=WALL_S),
    ]
    app = FleetApp(hub.link)
    async with app.run_test(size=(120, 40)) as pilot:
        await settle(app, pilot)
        await press(app, pilot, "3")
        rows = app.screen.query_one(LiveTable).rows
        assert [row.key for row in rows] == [
            "source Qwen",
            "model variant-a",
            "model variant-b",
            "model small",
            "engine mnn-1",
        ]
        assert rows[0].heading == "Qwen: 2 variants"
        assert "0.9871" in text_of(app, "about")
        await press(app, pilot, "down")
        assert "Phone a\n" in text_of(app, "about")
        await press(app, pilot, "down")
        assert "Phone a (holds another of this name)" in text_of(app, "about")
        await press(app, pilot, "o")
        assert all(row.heading is None for row in app.screen.query_one(LiveTable).rows)


async def test_phones_are_asked_again_when_a_push_has_ended() -> None:
    hub = hub_with("a")
    app = FleetApp(hub.link)
    async with app.run_test(size=SIZE) as pilot:
        await settle(app, pilot)
        await press(app, pilot, "3")
        running = JobView(id="j", kind="push", state="running")
        hub.say("jobs", JobChanged(job=running))
        await settle(app, pilot)
        asked = [name for name, _ in hub.asked].count("models.holders")
        hub.say("jobs", JobChanged(job=msgspec.structs.replace(running, state="done")))
        await settle(app, pilot)
        assert [name for name, _ in hub.asked].count("models.holders") == asked + 1


def doctor_found(state: Standing, says: str) -> Report:
    row = Row(subject="a", name="battery", state=state, says=says, remedy="charge it")
    return Report(rows=[row], phones=["a"])


async def test_doctor_looks_at_the_marked_phones_and_again_with_the_same_key() -> None:
    hub = hub_with("a", "b", "c")
    hub.answers["doctor.look"] = doctor_found(Standing.WARNING, "at 9 %")
    app = FleetApp(hub.link)
    async with app.run_test(size=SIZE) as pilot:
        await settle(app, pilot)
        await press(app, pilot, "space", "space", "d")
        assert isinstance(app.screen, DoctorScreen)
        serials = [device("a").serial, device("b").serial]
        assert [params.selectors for name, params in hub.asked if name == "doctor.look"] == [serials]
        assert "! warning battery       at 9 %" in text_of(app, "about")
        hub.answers["doctor.look"] = doctor_found(Standing.OK, "at 90 %")
        await press(app, pilot, "d")
        assert isinstance(app.screen, DoctorScreen)
        assert "✓ ok      battery       at 90 %" in text_of(app, "about")
        await press(app, pilot, "escape")
        assert shown(app) == ["a", "b", "c"]


async def test_doctor_of_a_hub_that_does_not_answer_says_so_and_keeps_what_it_had() -> None:
    hub = hub_with("a")
    hub.answers["doctor.look"] = doctor_found(Standing.OK, "at 90 %")
    app = FleetApp(hub.link)
    async with app.run_test(size=SIZE) as pilot:
        await settle(app, pilot)
        await press(app, pilot, "enter", "d")
        hub.answers["doctor.look"] = ApiError("the hub stumbled", code=-32000)
        await press(app, pilot, "d")
        assert "the hub stumbled" in app.screen.query_one("#head", Lines).render().plain
        assert "at 90 %" in text_of(app, "about")


async def test_doctor_without_any_phone_looks_at_the_host() -> None:
    hub = hub_with()
    hub.answers["doctor.look"] = Report(
        rows=[Row(subject="host", name="adb", state=Standing.PROBLEM, says="none", remedy="install it")]
    )
    app = FleetApp(hub.link)
    async with app.run_test(size=SIZE) as pilot:
        await settle(app, pilot)
        await press(app, pilot, "d")
        about = text_of(app, "about")
        assert "✗ problem adb" in about
        assert "no phone is connected" in about
