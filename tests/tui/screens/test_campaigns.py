"""The list of campaigns, and one of them, on a hub that is told what to say."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from devicehub.api.campaign_model import CampaignChanged, CampaignView, CellView
from devicehub.api.model import RunDocument
from devicehub.errors import ApiError
from devicehub_tui.app import FleetApp
from devicehub_tui.lines import Lines
from devicehub_tui.matrix import Matrix
from devicehub_tui.screens.campaign import CampaignScreen
from devicehub_tui.screens.campaigns import CampaignsScreen
from devicehub_tui.screens.confirm import Confirm
from devicehub_tui.screens.run import RunScreen
from tests.tui.campaigns import campaign, cell, cells, document
from tests.tui.scripted import ScriptedHub, device, run
from tests.tui.test_app import press, said, settle, shown

if TYPE_CHECKING:
    from collections.abc import Sequence

    from textual.pilot import Pilot

    from devicehub_tui.columns import Column
    from devicehub_tui.format import Cell

SIZE = (120, 40)
VIEW = campaign()


def hub_with(*views: CampaignView, known: Sequence[CellView] = (), **changes: Any) -> ScriptedHub:
    hub = ScriptedHub()
    hub.snapshots["devices"] = [device("R5CT0001")]
    hub.snapshots["campaigns"] = list(views)
    hub.answers = {
        "campaigns.list": list(views),
        "campaigns.show": lambda asked: document(
            next(view for view in views if view.id == asked.campaign), cells=list(known) or cells(), **changes
        ),
        "campaigns.stop": lambda asked: campaign(state="stopped"),
        "campaigns.resume": lambda asked: campaign(sentence="goes on with 8 cells"),
        "runs.show": lambda asked: RunDocument(run=run(asked.run, state="failed"), document={}, events=[]),
    }
    return hub


def asked(hub: ScriptedHub, method: str) -> list[Any]:
    return [params for name, params in hub.asked if name == method]


def text_of(app: FleetApp, ident: str) -> str:
    found = app.screen.query_one(f"#{ident}")
    lines = found if isinstance(found, Lines) else found.query_one(Lines)
    return lines.render().plain


def chosen(app: FleetApp) -> int | None:
    return app.screen.query_one(Matrix).number


async def open_campaign(app: FleetApp, pilot: Pilot[None]) -> None:
    await settle(app, pilot)
    await press(app, pilot, "4", "enter")
    await settle(app, pilot)
    assert isinstance(app.screen, CampaignScreen)


async def test_without_a_campaign_the_commands_are_told() -> None:
    app = FleetApp(hub_with().link)
    async with app.run_test(size=SIZE) as pilot:
        await settle(app, pilot)
        await press(app, pilot, "4", "enter", "x")
        assert isinstance(app.screen, CampaignsScreen)
        assert "campaign run FILE.toml" in said(app)


async def test_the_list_moves_on_and_is_filtered() -> None:
    hub = hub_with(VIEW, campaign("old", state="ended", exit=0))
    app = FleetApp(hub.link)
    async with app.run_test(size=SIZE) as pilot:
        await settle(app, pilot)
        await press(app, pilot, "4")
        assert shown(app) == [VIEW.id, "20231114-2213-old"]
        hub.say("campaigns", CampaignChanged(campaign=campaign("new")))
        await settle(app, pilot)
        assert len(shown(app)) == 3
        await press(app, pilot, "slash", *"passed", "enter")
        assert shown(app) == ["20231114-2213-old"]
        await press(app, pilot, "escape", "escape")
        assert app.current_mode == "fleet"


async def test_the_cursor_goes_over_cells_and_enter_opens_the_run() -> None:
    app = FleetApp(hub_with(VIEW).link)
    async with app.run_test(size=SIZE) as pilot:
        await open_campaign(app, pilot)
        assert chosen(app) == 1
        await press(app, pilot, "right", "right", "down")
        assert chosen(app) == 7
        await press(app, pilot, *["left"] * 9, "up", "right", "right")
        assert chosen(app) == 3
        assert "wrong_output" in text_of(app, "about")
        assert app.subject().runs == ("run-3-a", "run-3-b")
        await press(app, pilot, "enter")
        assert isinstance(app.screen, RunScreen)
        assert app.screen.run_id == "run-3-b"
        await press(app, pilot, "escape")
        assert chosen(app) == 3


async def test_a_click_chooses_a_cell_and_a_second_one_opens_it() -> None:
    app = FleetApp(hub_with(VIEW).link)
    async with app.run_test(size=SIZE) as pilot:
        await open_campaign(app, pilot)
        matrix = app.screen.query_one(Matrix)
        left = matrix.region.x + 2 + sum(column.width + 1 for column in matrix._columns[:3])
        for expected in (CampaignScreen, RunScreen):
            await pilot.click(offset=(left + 1, matrix.region.y + 2))
            await settle(app, pilot)
            assert isinstance(app.screen, expected)
            if expected is CampaignScreen:
                assert chosen(app) == 7


async def test_a_cell_without_a_run_says_why() -> None:
    app = FleetApp(hub_with(VIEW).link)
    async with app.run_test(size=SIZE) as pilot:
        await open_campaign(app, pilot)
        await press(app, pilot, "n", "n", "n", "n", "enter")
        assert isinstance(app.screen, CampaignScreen)
        assert said(app) == "cell 11 has no run: profile opencl is not for MT6989"


async def test_cells_move_on_as_the_hub_tells() -> None:
    hub = hub_with(VIEW)
    app = FleetApp(hub.link)
    async with app.run_test(size=SIZE) as pilot:
        await open_campaign(app, pilot)
        asked_before = len(asked(hub, "campaigns.show"))
        news = campaign(counts={"passed": 12, "failed": 2}, cells=24)
        hub.say("campaigns", CampaignChanged(campaign=news, cells=[cell(1, state="failed", reason="limit")]))
        await settle(app, pilot)
        assert "X failed: limit" in text_of(app, "about")
        assert "X2" in text_of(app, "head")
        assert "[X]" in row_text(app, 0)
        assert len(asked(hub, "campaigns.show")) == asked_before


def row_text(app: FleetApp, row: int) -> str:
    matrix = app.screen.query_one(Matrix)
    return "".join(segment.text for segment in matrix.render_line(row + 1))


async def test_what_no_event_brings_is_asked_for_at_the_end_and_after_a_gap() -> None:
    hub = hub_with(VIEW)
    app = FleetApp(hub.link)
    async with app.run_test(size=SIZE) as pilot:
        await open_campaign(app, pilot)
        asked_before = len(asked(hub, "campaigns.show"))
        ended = campaign(state="ended", exit=1)
        hub.answers["campaigns.show"] = document(ended)
        hub.say("campaigns", CampaignChanged(campaign=ended))
        await settle(app, pilot)
        assert len(asked(hub, "campaigns.show")) == asked_before + 1
        assert "X failed" in text_of(app, "head")
        hub.drop("it was stopped")
        hub.come_back()
        await settle(app, pilot)
        assert len(asked(hub, "campaigns.show")) == asked_before + 2


async def test_fronts_and_history_are_shown_in_turn() -> None:
    other = CampaignView(id="campaign-2", name="nightly-2", state="ended", created=1.0)
    app = FleetApp(hub_with(VIEW, other).link)
    async with app.run_test(size=SIZE) as pilot:
        await open_campaign(app, pilot)
        await press(app, pilot, "v", "down")
        assert "[fronts 1]" in text_of(app, "views")
        assert "on the front" in text_of(app, "about")
        await press(app, pilot, "enter")
        assert isinstance(app.screen, RunScreen)
        assert app.screen.run_id == "run-2-b"
        await press(app, pilot, "escape", "v", "down", "down")
        assert "[history 2]" in text_of(app, "views")
        assert "21.40 before, 18.20 since" in text_of(app, "about")
        await press(app, pilot, "enter")
        assert isinstance(app.screen, CampaignScreen)
        assert app.screen.campaign_id == "campaign-2"
        await press(app, pilot, "escape", "escape")
        assert "[cells 24]" in text_of(app, "views")
        await press(app, pilot, "escape")
        assert isinstance(app.screen, CampaignsScreen)
        assert app.state.campaigns.documents == {}


async def test_a_filter_keeps_the_rows_that_match() -> None:
    app = FleetApp(hub_with(VIEW).link)
    async with app.run_test(size=SIZE) as pilot:
        await open_campaign(app, pilot)
        await press(app, pilot, "slash", *"not comparable", "enter")
        assert len(app.screen.query_one(Matrix).rows) == 1
        assert chosen(app) == 5
        await press(app, pilot, "escape")
        assert len(app.screen.query_one(Matrix).rows) == 6


@pytest.mark.parametrize("where", ["list", "campaign"])
async def test_stopping_asks_first(where: str) -> None:
    hub = hub_with(VIEW)
    app = FleetApp(hub.link)
    async with app.run_test(size=SIZE) as pilot:
        await open_campaign(app, pilot)
        if where == "list":
            await press(app, pilot, "escape")
        await press(app, pilot, "x")
        assert isinstance(app.screen, Confirm)
        await press(app, pilot, "escape")
        assert asked(hub, "campaigns.stop") == []
        await press(app, pilot, "s", "enter")
        assert [params.campaign for params in asked(hub, "campaigns.stop")] == [VIEW.id]
        assert said(app) == "stopping nightly"
        await press(app, pilot, "r")
        assert said(app) == "nightly is running already"


async def test_a_stopped_one_is_resumed_after_asking() -> None:
    hub = hub_with(campaign(state="stopped"))
    app = FleetApp(hub.link)
    async with app.run_test(size=SIZE) as pilot:
        await open_campaign(app, pilot)
        await press(app, pilot, "x")
        assert said(app) == "nightly is not running"
        await press(app, pilot, "r", "y")
        assert [params.campaign for params in asked(hub, "campaigns.resume")] == [VIEW.id]
        assert said(app) == "nightly: goes on with 8 cells"
        hub.answers["campaigns.resume"] = ApiError("all of its cells have results", code=-32000)
        await press(app, pilot, "r", "enter")
        assert said(app) == "all of its cells have results"


async def test_of_two_thousand_cells_a_key_and_an_event_draw_few_rows(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    many = [
        cell(
            100 * phone + row + 1,
            serial=f"S{phone:02}",
            name=f"SM S{phone:02} / m",
            profile=f"profile-{row:03}",
            model="m",
        )
        for phone in range(20)
        for row in range(100)
    ]
    hub = hub_with(VIEW, known=many)
    app = FleetApp(hub.link)
    async with app.run_test(size=SIZE) as pilot:
        await open_campaign(app, pilot)
        matrix = app.screen.query_one(Matrix)
        assert len(matrix.rows) == 100
        drawn: list[str] = []
        row_of = matrix._row

        def counted(key: str, columns: Sequence[Column]) -> list[Cell]:
            drawn.append(key)
            return row_of(key, columns)

        monkeypatch.setattr(matrix, "_cells", counted)
        await press(app, pilot, "right", "down")
        assert len(drawn) <= 2 * matrix.size.height
        drawn.clear()
        hub.say("campaigns", CampaignChanged(campaign=VIEW, cells=[cell(1, serial="S00", state="failed")]))
        await settle(app, pilot)
        assert len(drawn) <= 2
        await press(app, pilot, "end", *["right"] * 25)
        assert chosen(app) == 2000
