from __future__ import annotations

from typing import TYPE_CHECKING

from devicehub.api.model import RunChanged, RunDocument, RunPage, TokensSaid
from devicehub_tui.app import FleetApp
from devicehub_tui.lines import Lines
from devicehub_tui.screens.run import RunScreen
from devicehub_tui.screens.runs import RunsScreen
from devicehub_tui.table import LiveTable
from tests.tui.scripted import WALL_S, ScriptedHub, device, run
from tests.tui.test_app import press, settle, shown

if TYPE_CHECKING:
    from devicehub.api.contract import RunsQuery

SIZE = (120, 30)
RUNS = [run(f"r{n:03}", state="failed", started=WALL_S - n, ended=WALL_S) for n in range(250)]


def history(query: RunsQuery) -> RunPage:
    first = next((n + 1 for n, known in enumerate(RUNS) if known.id == query.before), 0)
    last = first + query.limit
    return RunPage(
        runs=RUNS[first:last], total=len(RUNS), next=RUNS[last - 1].id if last < len(RUNS) else None
    )


def hub_with_runs() -> ScriptedHub:
    hub = ScriptedHub()
    hub.snapshots["devices"] = [device("a")]
    hub.answers["runs.list"] = history
    hub.answers["runs.show"] = lambda asked: RunDocument(
        run=run(asked.run, state="running"), document={}, events=[]
    )
    return hub


async def test_the_next_page_comes_before_the_end_is_reached() -> None:
    app = FleetApp(hub_with_runs().link)
    async with app.run_test(size=SIZE) as pilot:
        await press(app, pilot, "2")
        assert isinstance(app.screen, RunsScreen)
        assert len(shown(app)) == 100
        await press(app, pilot, "end")
        assert len(shown(app)) == 200
        await press(app, pilot, "end", "end")
        assert len(shown(app)) == 250
        assert app.screen.query_one(LiveTable).cursor == "r249"


async def test_a_run_that_waits_stands_above_those_that_ended() -> None:
    hub = hub_with_runs()
    app = FleetApp(hub.link)
    async with app.run_test(size=SIZE) as pilot:
        await press(app, pilot, "2")
        hub.say("runs", RunChanged(run=run("new", place=1)))
        await settle(app, pilot)
        assert shown(app)[:2] == ["new", "r000"]


async def test_two_marked_runs_are_what_the_keys_are_about_the_older_first() -> None:
    app = FleetApp(hub_with_runs().link)
    async with app.run_test(size=SIZE) as pilot:
        await press(app, pilot, "2", "space", "space")
        assert app.subject().runs == ("r001", "r000")
        await press(app, pilot, "escape")
        assert app.subject().runs == ("r002",)
        await press(app, pilot, "escape")
        assert app.current_mode == "fleet"


async def test_a_filter_holds_over_the_keys_of_runs() -> None:
    hub = hub_with_runs()
    app = FleetApp(hub.link)
    async with app.run_test(size=SIZE) as pilot:
        await press(app, pilot, "2")
        hub.say("runs", RunChanged(run=run("new", state="running", model="llama")))
        await press(app, pilot, "slash", *"state=running")
        assert shown(app) == ["new"]


async def test_the_words_of_a_run_stream_while_it_is_looked_at() -> None:
    hub = hub_with_runs()
    app = FleetApp(hub.link)
    async with app.run_test(size=SIZE) as pilot:
        await press(app, pilot, "2")
        hub.say("runs", RunChanged(run=run("new", state="running")))
        await settle(app, pilot)
        await press(app, pilot, "home", "enter")
        assert isinstance(app.screen, RunScreen)
        hub.say("tokens", TokensSaid(run="new", text="Hello "))
        hub.say("tokens", TokensSaid(run="new", text="you\x1b[31m"))
        await settle(app, pilot)
        lines = app.screen.query_one("#said").query_one(Lines)
        assert lines.render().plain == "Hello you�[31m"
        await press(app, pilot, "escape")
        assert app.state.texts == {}
        assert isinstance(app.screen, RunsScreen)
