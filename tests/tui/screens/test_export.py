"""An export from the key to its end: the form, the stages, the log, the result."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
from textual.widgets import Input, OptionList, Static

from devicehub.api.model import (
    ExportPlanView,
    JobChanged,
    JobView,
    LitterView,
    LogPage,
    ProfileView,
    ProgressMade,
    StageView,
)
from devicehub.errors import ApiError
from devicehub_tui.app import FleetApp
from devicehub_tui.lines import Lines
from devicehub_tui.screens.confirm import Confirm
from devicehub_tui.screens.export import ExportScreen
from devicehub_tui.screens.export_dialog import ExportDialog
from tests.tui.scripted import ScriptedHub
from tests.tui.test_app import press, said, settle

if TYPE_CHECKING:
    from devicehub.api.contract import Export

SIZE = (120, 40)
JOB = JobView(id="j", kind="exports.start", state="running", label="tiny: default, lora")


def stage(recipe: str, number: int, title: str, **more: Any) -> StageView:
    known: dict[str, Any] = {"stage_share": None, "share": 0.4, "elapsed_s": 75.0, "left_s": 12.0, **more}
    return StageView(recipe=recipe, stage=title, title=title, number=number, of=8, **known)


def hub_of() -> ScriptedHub:
    hub = ScriptedHub()
    hub.answers = {
        "profiles.list": [
            ProfileView(kind="recipes", id="default", purpose="4 bits", user=False),
            ProfileView(kind="recipes", id="lora", purpose="an adapter merged", user=False),
            ProfileView(kind="runs", id="greedy", purpose="the same each time", user=False),
        ],
        "models.litter": [
            LitterView(id="pulled/hf/org/tiny", kind="checkpoint", path="/p", size=1, source="hf:org/tiny")
        ],
        "exports.plan": [
            ExportPlanView(
                recipe="default",
                name="tiny",
                size=400_000_000,
                bits_per_weight=4.62,
                ram=2 << 30,
                disk=1 << 30,
            ),
            ExportPlanView(
                recipe="lora", name="tiny-lora", refused="it takes an adapter; --set lora_path=DIR"
            ),
        ],
        "exports.start": JOB,
        "exports.log": ApiError("j: has no log yet; ask again when it exports", code=-32000),
        "jobs.show": JOB,
        "jobs.cancel": msgspec.structs.replace(JOB, state="cancelled"),
    }
    return hub


def text_of(app: FleetApp, ident: str) -> str:
    return app.screen.query_one(f"#{ident}").query_one(Lines).render().plain


def lines_of(app: FleetApp, ident: str) -> str:
    return app.screen.query_one(f"#{ident}", Lines).render().plain


def recipes_of(app: FleetApp) -> list[str]:
    return [str(option.prompt) for option in app.screen.query_one(OptionList).options]


async def test_e_asks_what_to_export_and_tells_what_each_recipe_would_come_to() -> None:
    hub = hub_of()
    app = FleetApp(hub.link)
    async with app.run_test(size=SIZE) as pilot:
        await settle(app, pilot)
        await press(app, pilot, "e")
        assert isinstance(app.screen, ExportDialog)
        assert app.screen.query_one(Input).value == "hf:org/tiny"
        assert recipes_of(app) == ["● default  4 bits", "  lora     an adapter merged"]
        await press(app, pilot, "enter", "down", "up")
        assert "400.0 MB, 4.62 bits per weight" in lines_of(app, "plan")
        await press(app, pilot, "down")
        assert "it takes an adapter" in lines_of(app, "plan")
        await press(app, pilot, "space", "ctrl+r")
        assert isinstance(app.screen, ExportScreen)
        asked: list[Export] = [params for name, params in hub.asked if name == "exports.start"]
        assert [(one.source, one.recipes) for one in asked] == [("hf:org/tiny", ["default", "lora"])]


async def test_form_says_what_is_missing_and_what_the_hub_refuses() -> None:
    hub = hub_of()
    hub.answers["models.litter"] = []
    hub.answers["exports.plan"] = ApiError("/none: there is no such folder", code=-32000)
    app = FleetApp(hub.link)
    async with app.run_test(size=SIZE) as pilot:
        await settle(app, pilot)
        await press(app, pilot, "e", "ctrl+r")
        problem = app.screen.query_one(".problem", Static)
        assert "name the checkpoint" in str(problem.content)
        await press(app, pilot, *"/none", "enter")
        assert "there is no such folder" in str(problem.content)
        await press(app, pilot, "home", "space", "ctrl+r")
        assert "choose a recipe" in str(problem.content)
        hub.answers["exports.start"] = ApiError("torch is not installed; pip install", code=-32000)
        await press(app, pilot, "space", "ctrl+r")
        assert said(app) == "torch is not installed; pip install"


async def test_screen_shows_stages_log_and_what_came_of_it() -> None:
    hub = hub_of()
    hub.snapshots["jobs"] = [JOB]
    pages = {
        0: LogPage(file="a.log", text="loading\r 10%\r 90%\nexp", next=9),
        9: LogPage(file="a.log", text="", next=9),
    }
    hub.answers["exports.log"] = lambda asked: pages[asked.first]
    app = FleetApp(hub.link)
    async with app.run_test(size=SIZE) as pilot:
        await settle(app, pilot)
        await press(app, pilot, "e")
        assert isinstance(app.screen, ExportScreen)
        assert text_of(app, "log").split() == ["90%", "exp"]
        for now in (stage("default", 1, "load"), stage("default", 2, "onnx", stage_share=0.5)):
            hub.say("jobs", JobChanged(job=msgspec.structs.replace(JOB, stage=now)))
            hub.say("progress", ProgressMade(run=None, job="j", label="", done=4, total=10, stage=now))
            await settle(app, pilot)
        assert text_of(app, "stages").splitlines() == ["default", "✓ load", "▶ onnx  50%", "· 6 more"]
        assert "40%  default: 1 min 15 s, about 12 s left" in lines_of(app, "head")
        row = {"recipe": "default", "name": "tiny-default", "size": 2_000_000, "bits_per_weight": 4.6,
               "cosine": 0.98, "perplexity": None, "decode_tok_s": 99.0, "pareto": True}  # fmt: skip
        result = {"variants": [row], "skipped": [{"recipe": "lora", "reason": "no adapter"}]}
        done = msgspec.structs.replace(JOB, state="done", result=result, told=["default: warning: narrow"])
        hub.say("jobs", JobChanged(job=done))
        await settle(app, pilot)
        told = text_of(app, "said")
        assert "tiny-default      2.0 MB    4.60  0.9800        ·     99.0" in told
        assert "✗ lora: no adapter" in told
        assert "default: warning: narrow" in told
        assert not app.screen.query_one("#stages").display
        await press(app, pilot, "x")
        assert said(app) == "the export has ended already"


async def test_log_of_the_next_recipe_begins_anew() -> None:
    hub = hub_of()
    hub.snapshots["jobs"] = [JOB]
    pages = {0: LogPage(file="a.log", text="first\n", next=6), 6: LogPage(file="a.log", text="", next=6)}
    hub.answers["exports.log"] = lambda asked: pages[asked.first]
    app = FleetApp(hub.link)
    async with app.run_test(size=SIZE) as pilot:
        await settle(app, pilot)
        await press(app, pilot, "e")
        assert isinstance(app.screen, ExportScreen)
        assert text_of(app, "log") == "first"
        pages[6] = LogPage(file="b.log", text="", next=6)
        pages[0] = LogPage(file="b.log", text="next\n", next=5)
        pages[5] = LogPage(file="b.log", text="", next=5)
        await app.screen.read_log()
        await settle(app, pilot)
        assert text_of(app, "log").splitlines() == ["first", "next"]


async def test_x_ends_it_when_somebody_agrees_and_e_begins_another() -> None:
    hub = hub_of()
    hub.snapshots["jobs"] = [JOB]
    app = FleetApp(hub.link)
    async with app.run_test(size=SIZE) as pilot:
        await settle(app, pilot)
        await press(app, pilot, "e", "x")
        assert isinstance(app.screen, Confirm)
        await press(app, pilot, "escape")
        assert "jobs.cancel" not in {name for name, _ in hub.asked}
        await press(app, pilot, "x", "y")
        assert "jobs.cancel" in {name for name, _ in hub.asked}
        await press(app, pilot, "e")
        assert isinstance(app.screen, ExportDialog)
