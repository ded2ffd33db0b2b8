"""What the hub tells of campaigns, taken in."""

from __future__ import annotations

from devicehub.api.campaign_model import CampaignChanged
from devicehub.api.contract import Gone
from devicehub.api.model import Event
from devicehub_tui.campaign_state import forget_document, take_document
from devicehub_tui.state import State, apply, apply_gone, take_changes
from tests.tui.campaigns import campaign, cell, document


def told(state: State, news: CampaignChanged) -> None:
    apply(state, Event(topic="campaigns", epoch="e", seq=1, data=news))


def test_cells_of_a_campaign_that_nobody_looks_at_are_not_kept() -> None:
    state = State()
    told(state, CampaignChanged(campaign=campaign("a"), cells=[cell(1)]))
    assert list(state.campaigns.views) == ["20231114-2213-a"]
    assert state.campaigns.cells == {}
    assert take_changes(state).campaigns.views == {"20231114-2213-a"}


def test_cells_of_one_that_is_looked_at_move_on_until_it_is_left() -> None:
    state, view = State(), campaign("a")
    take_document(state.campaigns, state.changes.campaigns, document(view))
    assert take_changes(state).campaigns.whole == {view.id}
    told(state, CampaignChanged(campaign=view, cells=[cell(24, state="failed")]))
    assert state.campaigns.cells[view.id][24].state == "failed"
    changes = take_changes(state).campaigns
    assert (changes.cells, changes.missed) == ({(view.id, 24)}, False)
    forget_document(state.campaigns, view.id)
    told(state, CampaignChanged(campaign=view, cells=[cell(24)]))
    assert (state.campaigns.cells, state.campaigns.documents) == ({}, {})


def test_a_snapshot_of_the_newest_keeps_the_older_and_says_that_news_may_be_missing() -> None:
    state = State()
    told(state, CampaignChanged(campaign=campaign("old")))
    take_changes(state)
    assert not state.changes
    apply_gone(state, Gone(topic="campaigns", seq=3, snapshot=[campaign("new")]))
    assert sorted(state.campaigns.views) == ["20231114-2213-new", "20231114-2213-old"]
    assert state.changes
    assert (state.changes.campaigns.missed, state.changes.campaigns.views) == (True, {"20231114-2213-new"})


def test_those_under_way_come_first_then_the_newest() -> None:
    state = State()
    for name, how, created in (("old", "ended", 1.0), ("new", "ended", 2.0), ("on", "running", 0.0)):
        told(state, CampaignChanged(campaign=campaign(name, state=how, created=created)))
    assert [view.name for view in state.campaigns.newest_first()] == ["on", "new", "old"]
