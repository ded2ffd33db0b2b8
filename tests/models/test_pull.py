"""Pulling from a stand-in of each hub: what comes, what is kept of a try that failed, what is refused."""

from __future__ import annotations

import asyncio
import os
import sys
from types import SimpleNamespace
from typing import TYPE_CHECKING

import msgspec
import pytest

from devicehub import procs
from devicehub.clock import SystemClock
from devicehub.errors import HubError, InputError, SourceUnreachable
from devicehub.models.fetching import Request
from devicehub.models.hubs import RemoteFile, parse_source
from devicehub.models.pull import Puller
from devicehub.models.pulled import read_record
from devicehub.settings import Home
from tests.models.stand_in_hub import StandInHub, stand_in_hub

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from devicehub.models.hubs import Source

WEIGHT = bytes(range(256)) * 20_000
FILES = {
    "config.json": b"{}",
    "llm.mnn": b"graph",
    "llm.mnn.weight": WEIGHT,
    "visual/visual.mnn": b"eyes" * 500,
    ".gitattributes": b"*.weight filter=lfs",
}
SHOWN = sorted(path for path in FILES if not path.startswith("."))


class Heard:
    """A teller that remembers."""

    def __init__(self) -> None:
        self.total = self.done = 0
        self.said: list[str] = []

    def begin(self, _label: str, total: int) -> None:
        self.total, self.done = total, 0

    def advance(self, size: int) -> None:
        self.done += size

    def say(self, sentence: str) -> None:
        self.said.append(sentence)


@pytest.fixture
def hub() -> Iterator[StandInHub]:
    with stand_in_hub() as hub:
        hub.repos["org/tiny-MNN"] = dict(FILES)
        yield hub


@pytest.fixture(params=["hf", "modelscope"])
def source(request: pytest.FixtureRequest) -> Source:
    return parse_source(f"{request.param}:org/tiny-MNN")


def puller(home: Path, url: str, **more: str) -> Puller:
    alone = {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": os.environ.get("PYTHONPATH", ""),
        "HOME": str(home),
        "HF_HOME": str(home / "hf"),
        "HF_ENDPOINT": url,
        "MODELSCOPE_ENDPOINT": url,
        "MODELSCOPE_HOME": str(home / "ms"),
        "MODELSCOPE_CACHE": str(home / "ms-cache"),
        "MODELSCOPE_DOWNLOAD_MAX_RETRIES": "0",
        "NO_PROXY": "127.0.0.1",
    }
    return Puller(Home(home), SystemClock(), environ={**alone, **more})


def content(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and not path.name.startswith(".")
    }


async def test_model_comes_whole_and_without_the_hubs_own_files(
    tmp_path: Path, hub: StandInHub, source: Source
) -> None:
    heard = Heard()
    pulled = await puller(tmp_path, hub.url).pull(source, heard)
    folder = pulled.folder.path
    assert folder == tmp_path / "pulled" / source.hub / "org" / "tiny-MNN"
    assert content(folder) == {path: FILES[path] for path in SHOWN}
    assert sorted(path.name for path in folder.iterdir() if path.name.startswith(".")) == [
        ".devicehub-pull.json"
    ]
    record = read_record(folder)
    assert record is not None
    assert (record.source, record.kind) == (str(source), "model")
    assert heard.done == heard.total == sum(len(FILES[path]) for path in SHOWN)
    assert list((tmp_path / "pulled" / ".partial").iterdir()) == []


async def test_pull_goes_on_where_another_process_was_cut(
    tmp_path: Path, hub: StandInHub, source: Source
) -> None:
    part = puller(tmp_path, hub.url).folders.part(source) / "llm.mnn.weight.incomplete"
    part.parent.mkdir(parents=True)
    part.write_bytes(WEIGHT[:3_000_000])
    heard = Heard()
    pulled = await puller(tmp_path, hub.url).pull(source, heard)
    assert content(pulled.folder.path)["llm.mnn.weight"] == WEIGHT
    assert hub.ranges["llm.mnn.weight"] == ["bytes=3000000-"]
    assert hub.sent["llm.mnn.weight"] == len(WEIGHT) - 3_000_000
    assert heard.done == heard.total


async def test_cut_connection_loses_nothing_that_came(
    tmp_path: Path, hub: StandInHub, source: Source
) -> None:
    hub.cuts["llm.mnn.weight"] = [2_000_000]
    for _ in range(2):
        try:
            pulled = await puller(tmp_path, hub.url).pull(source, Heard())
        except HubError:
            assert not puller(tmp_path, hub.url).folders.place(source).exists()
        else:
            break
    assert content(pulled.folder.path)["llm.mnn.weight"] == WEIGHT
    assert hub.sent["llm.mnn.weight"] <= len(WEIGHT) + (1 << 20)


async def test_part_of_another_revision_is_fetched_anew(
    tmp_path: Path, hub: StandInHub, source: Source
) -> None:
    part = puller(tmp_path, hub.url).folders.part(source) / "llm.mnn.weight.incomplete"
    part.parent.mkdir(parents=True)
    part.write_bytes(b"old" * 100_000)
    pulled = await puller(tmp_path, hub.url, MODELSCOPE_DOWNLOAD_MAX_RETRIES="1").pull(source, Heard())
    assert content(pulled.folder.path)["llm.mnn.weight"] == WEIGHT


async def test_wrong_bytes_are_refused_and_not_kept(tmp_path: Path, hub: StandInHub, source: Source) -> None:
    hub.lies["llm.mnn"] = b"wrong"
    place = puller(tmp_path, hub.url).folders.place(source)
    with pytest.raises(InputError, match=r"llm\.mnn does not arrive as the hub describes it"):
        await puller(tmp_path, hub.url).pull(source, Heard())
    assert not place.exists()
    hub.lies.clear()
    pulled = await puller(tmp_path, hub.url).pull(source, Heard())
    assert content(pulled.folder.path)["llm.mnn"] == b"graph"


async def test_model_that_is_not_there(tmp_path: Path, hub: StandInHub, source: Source) -> None:
    hub.repos.clear()
    with pytest.raises(InputError, match=r"the hub shows no such model; check its name .* log in with"):
        await puller(tmp_path, hub.url).pull(source, Heard())


async def test_private_model_without_a_token(tmp_path: Path, hub: StandInHub, source: Source) -> None:
    hub.private.add("org/tiny-MNN")
    with pytest.raises(InputError, match=r"does not let this host read it.*log in with"):
        await puller(tmp_path, hub.url).pull(source, Heard())


async def test_private_model_with_the_users_token(tmp_path: Path, hub: StandInHub) -> None:
    hub.private.add("org/tiny-MNN")
    source = parse_source("hf:org/tiny-MNN")
    pulled = await puller(tmp_path, hub.url, HF_TOKEN="let-me-in").pull(source, Heard())
    assert content(pulled.folder.path)["llm.mnn"] == b"graph"


async def test_host_that_is_offline(tmp_path: Path, source: Source) -> None:
    with pytest.raises(SourceUnreachable, match=r"^\S+: the hub cannot be reached \(.*\); check the network"):
        await puller(tmp_path, "http://127.0.0.1:9").pull(source, Heard())


async def test_pointer_that_was_uploaded_in_place_of_the_file(
    tmp_path: Path, hub: StandInHub, source: Source
) -> None:
    pointer = b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 5\n"
    hub.repos["org/tiny-MNN"]["llm.mnn.weight"] = pointer
    with pytest.raises(InputError, match=r"llm\.mnn\.weight is a git-lfs pointer"):
        await puller(tmp_path, hub.url).pull(source, Heard())
    assert not puller(tmp_path, hub.url).folders.place(source).exists()


async def test_pull_again_brings_nothing_while_the_hub_has_nothing_new(
    tmp_path: Path, hub: StandInHub, source: Source
) -> None:
    await puller(tmp_path, hub.url).pull(source, Heard())
    hub.sent.clear()
    heard = Heard()
    again = await puller(tmp_path, hub.url).pull(source, heard)
    assert (again.fetched, hub.sent) == (0, {})
    assert "is here already" in heard.said[0]


async def test_newer_revision_takes_the_place_of_the_older(
    tmp_path: Path, hub: StandInHub, source: Source
) -> None:
    await puller(tmp_path, hub.url).pull(source, Heard())
    hub.repos["org/tiny-MNN"] = {"config.json": b"{}", "llm.mnn": b"newer"}
    pulled = await puller(tmp_path, hub.url).pull(source, Heard())
    assert content(pulled.folder.path) == {"config.json": b"{}", "llm.mnn": b"newer"}


async def test_disk_that_is_full_keeps_what_came(tmp_path: Path, hub: StandInHub, source: Source) -> None:
    part = puller(tmp_path, hub.url).folders.part(source)
    part.mkdir(parents=True)
    (part / "llm.mnn.weight.incomplete").symlink_to("/dev/full")
    with pytest.raises(InputError, match=r"the disk is full \(No space left .*what came is kept"):
        await puller(tmp_path, hub.url).pull(source, Heard())
    assert (part / "llm.mnn").read_bytes() == b"graph"


async def test_disk_that_is_too_small_is_seen_before(
    tmp_path: Path, hub: StandInHub, source: Source, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shutil.disk_usage", lambda _folder: SimpleNamespace(free=20_000_000))
    with pytest.raises(InputError, match=r"5\.1 MB are still to come, and 20\.0 MB are free"):
        await puller(tmp_path, hub.url).pull(source, Heard())
    assert "llm.mnn" not in hub.sent


async def test_source_that_is_being_pulled_is_not_pulled_twice(
    tmp_path: Path, hub: StandInHub, source: Source
) -> None:
    one = puller(tmp_path, hub.url)
    results = await asyncio.gather(
        one.pull(source, Heard()), one.pull(source, Heard()), return_exceptions=True
    )
    assert sum(isinstance(result, InputError) for result in results) == 1


async def test_cancelled_pull_ends_its_child_and_publishes_nothing(
    tmp_path: Path, hub: StandInHub, source: Source
) -> None:
    one = puller(tmp_path, hub.url)
    hub.stalled.add("llm.mnn.weight")
    pulling = asyncio.ensure_future(one.pull(source, Heard()))
    async with asyncio.timeout(60):
        await asyncio.to_thread(hub.reached.wait)
        pulling.cancel()
        with pytest.raises(asyncio.CancelledError):
            await pulling
    assert not one.folders.place(source).exists()
    assert not one.is_under_way(one.folders.part(source))


async def test_checkpoint_comes_in_one_format(tmp_path: Path, hub: StandInHub, source: Source) -> None:
    checkpoint = {"config.json": b"{}", "model.safetensors": b"w" * 3000, "pytorch_model.bin": b"w" * 3000}
    hub.repos["org/tiny-MNN"] = checkpoint
    heard = Heard()
    pulled = await puller(tmp_path, hub.url).pull(source, heard)
    assert pulled.folder.record.kind == "checkpoint"
    assert sorted(content(pulled.folder.path)) == ["config.json", "model.safetensors"]
    assert heard.said == ["left out 1 files (3.0 kB) of other formats: pytorch_model.bin"]


async def test_child_ends_when_its_parent_was_killed(tmp_path: Path, hub: StandInHub, source: Source) -> None:
    one = puller(tmp_path, hub.url)
    hub.stalled.add("llm.mnn.weight")
    file = RemoteFile(path="llm.mnn.weight", size=len(WEIGHT), sha256="0" * 64)
    request = Request(
        hub=source.hub, repo=source.repo, revision="main", folder=str(tmp_path / "part"), files=(file,)
    )
    argv = (sys.executable, "-m", "devicehub.models.fetching")
    async with asyncio.timeout(60), procs.child(argv, env=one.environ) as process:
        assert process.stdin is not None
        process.stdin.write(msgspec.json.encode(request) + b"\n")
        await asyncio.to_thread(hub.reached.wait)
        process.stdin.close()
        assert await process.wait() == 1
