"""Jobs about models: what they tell, that one that was cancelled does nothing more, and what may go."""

from __future__ import annotations

import asyncio
import os
import threading
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from devicehub.api import contract
from devicehub.api.jobs import Jobs
from devicehub.api.model import JobChanged, JobView
from devicehub.api.model_methods import ModelMethods
from devicehub.clock import SystemClock
from devicehub.device.lifecycle import DeviceState
from devicehub.errors import AdbProtocolError, InputError
from devicehub.models.catalog import ModelCatalog
from devicehub.models.hubs import parse_source
from devicehub.models.pull import Pulled
from devicehub.models.pulled import RECORD, PulledFolder, PulledFolders, PullRecord
from devicehub.settings import Home
from tests.models.make_folder import make_model

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from devicehub.models.hubs import Source


class StandInPulls:
    """Finds a folder where a pull would have brought it."""

    def __init__(self, home: Home) -> None:
        self.folders = PulledFolders(home)
        self.parts: set[Path] = set()

    def is_under_way(self, part: Path) -> bool:
        return part in self.parts

    async def pull(self, source: Source, _teller: object) -> Pulled:
        place = self.folders.place(source)
        kind: Any = "model" if (place / "llm.mnn").exists() else "checkpoint"
        record = PullRecord(source=str(source), revision="main", kind=kind, files=(), pulled_s=0)
        (place / RECORD).write_bytes(msgspec.json.encode(record))
        return Pulled(PulledFolder(place, record), 5)


class Desk:
    """The methods on a home of their own; what their jobs tell."""

    def __init__(self, folder: Path) -> None:
        self.home = Home(folder)
        self.models = ModelCatalog(self.home)
        self.pulls = StandInPulls(self.home)
        self.told: asyncio.Queue[JobView] = asyncio.Queue()
        self.jobs = Jobs(self._hear, SystemClock())
        self.caller: Any = None
        self.devices: list[Any] = []

    def _hear(self, _topic: str, event: msgspec.Struct, _key: str) -> None:
        if isinstance(event, JobChanged):
            self.told.put_nowait(event.job)

    @property
    def methods(self) -> ModelMethods:
        services: Any = SimpleNamespace(
            catalogue=SimpleNamespace(models=self.models, home=self.home),
            jobs=self.jobs,
            pulls=self.pulls,
            clock=SystemClock(),
            phones=SimpleNamespace(devices=lambda: self.devices, transport=lambda device: device.serial),
        )
        return ModelMethods(services)

    async def end(self) -> JobView:
        async with asyncio.timeout(60):
            while (job := await self.told.get()).state == "running":
                pass
        return job


async def test_model_is_added_and_what_it_lacks_is_told(tmp_path: Path) -> None:
    desk = Desk(tmp_path / "home")
    async with desk.jobs:
        folder = make_model(tmp_path / "tiny")
        await desk.methods.add(contract.AddModel(folder=str(folder)), desk.caller)
        job = await desk.end()
    assert job.state == "done"
    assert job.result["model"]["name"] == "tiny"
    assert [sentence.split(":")[:2] for sentence in job.told] == [
        ["tiny", " asking it on this host what a phone must answer"],
        ["tiny", " no fixture"],
    ]


async def test_model_that_changed_can_be_checked_and_removed(tmp_path: Path) -> None:
    desk = Desk(tmp_path / "home")
    folder = make_model(tmp_path / "tiny")
    desk.models.add(folder)
    (folder / "llm.mnn").write_bytes(b"other")
    async with desk.jobs:
        await desk.methods.check(contract.CheckModel(name="tiny", fixture=True), desk.caller)
        job = await desk.end()
        assert (job.result["problems"], job.result["made"]) == (["llm.mnn has changed"], None)
        with pytest.raises(InputError, match="is not in the catalogue"):
            await desk.methods.check(contract.CheckModel(name="other"), desk.caller)
        removed = await desk.methods.remove(contract.Named(name="tiny"), desk.caller)
    assert (removed.name, removed.state) == ("tiny", "changed")
    assert desk.models.list() == []


async def test_hashing_ends_with_the_job_that_wanted_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk = Desk(tmp_path / "home")
    begun, ended = asyncio.Event(), threading.Event()
    loop = asyncio.get_running_loop()

    def add(
        _folder: Path, _name: str, *, begin: Callable[[int], None], progress: Callable[[int], None]
    ) -> None:
        begin(1 << 40)
        loop.call_soon_threadsafe(begun.set)
        try:
            while True:
                progress(1)
        finally:
            ended.set()

    monkeypatch.setattr(desk.models, "add", add)
    async with desk.jobs, asyncio.timeout(60):
        job = await desk.methods.add(contract.AddModel(folder=str(tmp_path)), desk.caller)
        await begun.wait()
        cancelled = await desk.jobs.cancel(job.id)
        assert cancelled.state == "cancelled"
        assert await asyncio.to_thread(ended.wait, 30)


async def test_pulled_model_is_in_the_catalogue(tmp_path: Path) -> None:
    desk = Desk(tmp_path / "home")
    place = make_model(desk.pulls.folders.place(parse_source("hf:org/tiny-MNN")))
    async with desk.jobs:
        ask = contract.PullModel(source="hf:org/tiny-MNN", fixture=False)
        await desk.methods.pull(ask, desk.caller)
        job = await desk.end()
    assert (job.state, job.result["kind"], job.result["fetched"]) == ("done", "model", 5)
    assert job.result["model"]["name"] == "tiny-MNN"
    assert [model.root for model in desk.models.list()] == [place]


async def test_pulled_checkpoint_is_not(tmp_path: Path) -> None:
    desk = Desk(tmp_path / "home")
    desk.pulls.folders.place(parse_source("hf:org/tiny")).mkdir(parents=True)
    async with desk.jobs:
        await desk.methods.pull(contract.PullModel(source="hf:org/tiny"), desk.caller)
        job = await desk.end()
    assert (job.state, job.result["kind"], job.result["model"]) == ("done", "checkpoint", None)
    assert desk.models.list() == []


async def test_name_that_another_model_has_is_refused_before_anything_is_pulled(tmp_path: Path) -> None:
    desk = Desk(tmp_path / "home")
    desk.models.add(make_model(tmp_path / "tiny"))
    with pytest.raises(InputError, match="the name tiny is taken by the model in"):
        await desk.methods.pull(contract.PullModel(source="hf:org/tiny"), desk.caller)


async def test_what_nothing_names_may_go_and_the_rest_stays(tmp_path: Path) -> None:
    desk = Desk(tmp_path / "home")
    folders = desk.pulls.folders
    kept, left = (make_model(folders.place(parse_source(f"hf:org/{name}"))) for name in ("kept", "left"))
    for folder in (kept, left):
        record = PullRecord(source=f"hf:org/{folder.name}", revision="1", kind="model", files=(), pulled_s=0)
        (folder / RECORD).write_bytes(msgspec.json.encode(record))
    desk.models.add(kept)
    cut, running = (folders.part(parse_source(f"modelscope:org/{name}")) for name in ("cut", "running"))
    for part in (cut, running):
        part.mkdir(parents=True)
        (part / "llm.mnn.weight.incomplete").write_bytes(b"half")
    desk.pulls.parts.add(running)
    old, new = desk.home.models / ".adding-old", desk.home.models / ".adding-new"
    for file in (old, new):
        file.write_bytes(b"{")
    os.utime(old, (0, 0))

    found = await desk.methods.litter(contract.Params(), desk.caller)
    assert [(one.kind, one.path, one.source) for one in found] == [
        ("file", str(old), None),
        ("part", str(cut), None),
        ("model", str(left), "hf:org/left"),
    ]
    # Added between the look and the answer: it stays, whatever was named.
    desk.models.add(left)
    everything = contract.Collect(ids=[one.id for one in found] + ["../elsewhere", "models/kept.json"])
    gone = await desk.methods.collect(everything, desk.caller)
    assert [one.path for one in gone] == [str(old), str(cut)]
    assert (kept.exists(), left.exists(), running.exists(), new.exists()) == (True, True, True, True)
    assert (cut.exists(), old.exists()) == (False, False)


async def test_exports_that_nothing_names_may_go_when_no_model_is_being_made(tmp_path: Path) -> None:
    desk = Desk(tmp_path / "home")
    kept, left = (make_model(desk.home.exported / name) for name in ("kept", "left"))
    desk.models.add(kept)
    rest = desk.home.exported / ".tiny.export-abc"
    rest.mkdir()
    (rest / "half").write_bytes(b"half")
    waiting = asyncio.Event()

    async def wait(_job: object) -> None:
        await waiting.wait()

    async with desk.jobs, asyncio.timeout(60):
        export = desk.jobs.start("exports.start", wait)
        busy = await desk.methods.litter(contract.Params(), desk.caller)
        assert [(one.kind, one.path) for one in busy] == [("part", str(rest))]
        waiting.set()
        await desk.jobs.wait(export.id)
        quiet = await desk.methods.litter(contract.Params(), desk.caller)
        assert [(one.kind, one.path) for one in quiet] == [("part", str(rest)), ("model", str(left))]
        await desk.methods.collect(contract.Collect(ids=[one.id for one in quiet]), desk.caller)
    assert [one.name for one in desk.home.exported.iterdir()] == ["kept"]
    assert desk.pulls.folders.parts() == []


def test_pull_that_was_killed_between_the_old_and_the_new_is_finished(tmp_path: Path) -> None:
    folders = PulledFolders(Home(tmp_path))
    done, begun = parse_source("hf:org/done"), parse_source("hf:org/begun")
    make_model(folders.part(done))
    record = PullRecord(source="hf:org/done", revision="2", kind="model", files=(), pulled_s=0)
    (folders.part(done) / RECORD).write_bytes(msgspec.json.encode(record))
    folders.place(done).parent.mkdir(parents=True)
    make_model(folders.part(begun))
    folders.settle()
    assert (folders.place(done) / RECORD).exists()
    assert folders.parts() == [folders.part(begun)]


async def test_phones_that_are_ready_are_asked_and_what_others_said_is_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk = Desk(tmp_path / "home")
    tiny = desk.models.add(make_model(tmp_path / "tiny"))
    asked: list[str] = []

    async def read(serial: str) -> dict[str, str]:
        asked.append(serial)
        if serial == "deaf":
            raise AdbProtocolError("it said nothing")
        return {"tiny": tiny.manifest.id if serial == "a" else "other", "gone": "x"}

    monkeypatch.setattr("devicehub.api.model_methods.read_holdings", read)
    methods = desk.methods
    for serial, state in (("a", "READY"), ("b", "READY"), ("busy", "BUSY"), ("deaf", "READY")):
        desk.devices.append(
            SimpleNamespace(serial=serial, state=DeviceState[state], is_host=False, transport_id=1)
        )
    told = await methods.holders(contract.Params(), desk.caller)
    assert [(one.model, one.device, one.same) for one in told] == [
        ("gone", "a", None),
        ("tiny", "a", True),
        ("gone", "b", None),
        ("tiny", "b", False),
    ]
    assert asked == ["a", "b", "deaf"]
    desk.devices[0].state = DeviceState.BUSY
    asked.clear()
    again = await methods.holders(contract.Params(), desk.caller)
    assert [(one.model, one.device) for one in again] == [(one.model, one.device) for one in told]
    assert asked == ["b", "deaf"]


async def test_phones_that_share_a_serial_are_told_apart(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk = Desk(tmp_path / "home")

    async def read(_serial: str) -> dict[str, str]:
        return {"tiny": "x"}

    monkeypatch.setattr("devicehub.api.model_methods.read_holdings", read)
    for number in (3, 4):
        device = SimpleNamespace(serial="a", state=DeviceState.READY, is_host=False, transport_id=number)
        desk.devices.append(device)
    told = await desk.methods.holders(contract.Params(), desk.caller)
    assert [one.device for one in told] == ["a#3", "a#4"]
