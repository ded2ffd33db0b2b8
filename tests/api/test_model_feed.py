"""What clients hear of models, whoever moved them; what comes to lie in a watched folder is added."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from devicehub.api.adding import Adding
from devicehub.api.jobs import Jobs
from devicehub.api.model import JobChanged, ModelChanged, ModelRemoved
from devicehub.api.model_feed import ModelFeed
from devicehub.clock import SystemClock
from devicehub.models.catalog import ModelCatalog
from devicehub.models.fixture import NoFixture
from devicehub.models.folders import WatchedFolders
from devicehub.settings import Home
from tests.manual_clock import ManualClock
from tests.models.make_folder import make_model

if TYPE_CHECKING:
    from pathlib import Path

    import msgspec


class Desk:
    """A feed that looks when it is told to, and what it told."""

    def __init__(self, home: Home) -> None:
        self.home = home
        self.catalog = ModelCatalog(home)
        self.folders = WatchedFolders(home)
        self.clock = ManualClock()
        self.events: list[tuple[str, str]] = []
        self.notes: list[str] = []
        self.ended: asyncio.Queue[str] = asyncio.Queue()
        self.jobs = Jobs(self._job, SystemClock())
        self.feed = ModelFeed(
            home,
            self.catalog,
            self.folders,
            adding=Adding(self.catalog),
            jobs=self.jobs,
            publish=self._hear,
            clock=self.clock,
            tell=self.notes.append,
        )

    def _job(self, _topic: str, event: msgspec.Struct, _key: str) -> None:
        if isinstance(event, JobChanged) and event.job.state != "running":
            self.ended.put_nowait(event.job.state)

    def _hear(self, topic: str, event: msgspec.Struct, key: str) -> None:
        assert topic == "models"
        match event:
            case ModelChanged(model=view):
                assert view.name == key
                self.events.append((view.name, view.state))
            case ModelRemoved(name=name):
                self.events.append((name, "gone"))

    async def looks(self, *after_s: float) -> None:
        for seconds in after_s:
            self.clock.advance(seconds)
            await self.feed.look()


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Desk:
    made = Desk(Home(tmp_path / "home"))

    async def mute(*_args: Any, **_rest: Any) -> NoFixture:
        return NoFixture(reason="it is mute")

    monkeypatch.setattr(made.catalog, "make_fixture", mute)
    return made


async def test_model_that_any_process_added_changed_or_removed_is_told_once(
    tmp_path: Path, desk: Desk
) -> None:
    others = ModelCatalog(desk.home)
    folder = make_model(tmp_path / "tiny")
    others.add(folder)
    await desk.looks(0, 1)
    (folder / "llm.mnn").write_bytes(b"other")
    await desk.looks(1, 1)
    assert [view.name for view in desk.feed.views()] == ["tiny"]
    others.remove("tiny")
    await desk.looks(1, 1)
    assert desk.events == [("tiny", "ok"), ("tiny", "changed"), ("tiny", "gone")]
    assert desk.feed.views() == []


async def test_model_in_a_watched_folder_is_added_and_told_within_two_seconds(
    tmp_path: Path, desk: Desk
) -> None:
    drop = tmp_path / "drop"
    drop.mkdir()
    desk.folders.add(drop)
    async with desk.jobs:
        await desk.looks(0)
        make_model(drop / "tiny")
        await desk.looks(0.5, 0.5, 0.5)
        async with asyncio.timeout(60):
            assert await desk.ended.get() == "done"
        await desk.looks(0.5)
        assert desk.events == [("tiny", "ok")]
        desk.catalog.remove("tiny")
        await desk.looks(1, 1, 60)
    assert desk.events[-1] == ("tiny", "gone")  # and not added again, since it is as it was


async def test_model_whose_name_is_taken_is_told_of_and_not_tried_again(tmp_path: Path, desk: Desk) -> None:
    desk.catalog.add(make_model(tmp_path / "tiny"))
    make_model(tmp_path / "drop" / "tiny")
    desk.folders.add(tmp_path / "drop")
    async with desk.jobs:
        await desk.looks(0, 2)
        async with asyncio.timeout(60):
            assert await desk.ended.get() == "failed"
        await desk.looks(2, 60)
    [note] = desk.notes
    assert "a model was found and not added" in note
    assert "the name tiny is taken" in note
