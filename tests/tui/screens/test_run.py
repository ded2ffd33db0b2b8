"""One run: what its keys repeat, and the file its record goes to."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from devicehub.api.model import RecordPage
from devicehub.errors import ApiError
from devicehub_tui.screens.choose import RunDialog
from devicehub_tui.screens.run import RunScreen
from tests.tui.screens.pictures import ENGINE, MODEL, app_of, draw, hub_under, until
from tests.tui.scripted import run
from tests.tui.test_app import said

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

LAST = ("2", *["down"] * 3, "enter")
OLDER = ("2", *["down"] * 7, "enter")
SIZE = (100, 30)


async def test_the_last_run_of_its_phone_is_repeated_at_once() -> None:
    app = app_of()
    hub_under(app).answers["runs.again"] = [run("again", model="qwen")]
    async with app.run_test(size=SIZE) as pilot:
        await draw(app, pilot, *LAST, "R")
        assert isinstance(app.screen, RunScreen)
        await until(pilot, lambda: said(app) == "queued 1 run of qwen")
        name, asked = hub_under(app).asked[-1]
        assert (name, asked.selectors) == ("runs.again", ["R5CT0000"])


async def test_an_older_run_is_asked_for_as_its_record_tells() -> None:
    app = app_of()
    hub_under(app).answers["runs.start"] = lambda ask: [run("new", model=ask.model)]
    async with app.run_test(size=SIZE) as pilot:
        await draw(app, pilot, *OLDER, "R")
        await until(
            pilot, lambda: isinstance(app.screen, RunDialog) and bool(app.screen.query("Select:focus"))
        )
        await draw(app, pilot, "ctrl+r")
        await until(pilot, lambda: said(app) == f"queued 1 run of {MODEL}")
        name, ask = hub_under(app).asked[-1]
        assert (name, ask.selectors) == ("runs.start", ("R5CT0000",))
        assert (ask.workload, ask.profile, ask.engine) == ("bench", "greedy-repeatable", ENGINE)


async def test_a_record_is_written_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    app = app_of()
    record = {"id": "r1", "model": {"name": "模型"}}
    hub_under(app).answers["runs.records"] = RecordPage(records=[record])
    async with app.run_test(size=SIZE) as pilot:
        await draw(app, pilot, *LAST, "w")
        await until(pilot, lambda: bool(said(app)))
        assert json.loads((tmp_path / "r1.json").read_text()) == record
        (tmp_path / "r1.json").write_text("mine")
        await draw(app, pilot, "w")
        await until(pilot, lambda: "already" in said(app))
        assert (tmp_path / "r1.json").read_text() == "mine"


async def test_a_run_under_way_has_no_record_to_write() -> None:
    app = app_of()
    hub_under(app).answers["runs.records"] = RecordPage(records=[])
    async with app.run_test(size=SIZE) as pilot:
        await draw(app, pilot, "2", "enter", "w")
        await until(pilot, lambda: said(app) == "the run has no record before its end")


async def test_where_nothing_was_run_yet_the_form_opens() -> None:
    app = app_of()
    hub_under(app).answers["runs.again"] = ApiError("nothing was run yet", code=-32000, kind="AskError")
    async with app.run_test(size=SIZE) as pilot:
        await draw(app, pilot, "R")
        await until(pilot, lambda: isinstance(app.screen, RunDialog))
