"""`devicehub runs list` and `show` of runs that wait in the hub's queue."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING

import msgspec
import pytest

from devicehub.api.client import LiveClient
from devicehub.cli.at_hub import Place
from devicehub.cli.following import Following
from devicehub.cli.run_view import Narration
from devicehub.clock import SystemClock
from devicehub.runs.ask import RunAsk
from devicehub.runs.model import RunHeader
from tests.cli.hub_fixture import HubHere, hub, run, store
from tests.store.samples import record, run_row

if TYPE_CHECKING:
    from devicehub.store.store import Store

__all__ = ["hub", "store"]


@pytest.fixture
def queued(hub: HubHere) -> list[str]:
    """Two runs for any phone, and there is none."""
    asks = [RunAsk(model=model, prompt="Hi", spread="any", engine="plain") for model in ("small", "large")]
    return hub.do(lambda: [hub.daemon.queue.submit(ask, client="somebody")[0] for ask in asks])


def keep(store: Store, *run_ids: str) -> None:
    for number, run_id in enumerate(run_ids):
        made = record(run_id=run_id)
        header = RunHeader(**{name: getattr(made, name) for name in RunHeader.__struct_fields__})
        store.add_run(run_row(run_id, created=100.0 + number, request=msgspec.json.encode(header)))
        store.finish(run_id, made, wall_s=200.0)


def ids_of(capsys: pytest.CaptureFixture[str], *argv: str) -> list[str]:
    assert run("runs", "list", "--json", *argv) == 0
    return [row["id"] for row in json.loads(capsys.readouterr().out)]


def test_runs_that_wait_come_first_with_their_place(
    queued: list[str], store: Store, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    keep(store, "r1")
    monkeypatch.setenv("COLUMNS", "300")
    assert run("runs", "list") == 0
    _, first, second, third = capsys.readouterr().out.splitlines()
    assert first.split()[0] == queued[0]
    assert "queued (place 1)" in first
    assert "queued (place 2)" in second
    assert third.startswith("r1 ")
    assert run("runs", "list", "--json") == 0
    waiting, _, ended = json.loads(capsys.readouterr().out)
    assert list(waiting)[:-2] == list(ended)
    assert (waiting["state"], waiting["place"], waiting["model"]) == ("queued", 1, "small")
    assert waiting["waits_for"]


def test_long_queue_comes_page_by_page(
    queued: list[str], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for most in (1, 2, 3):
        monkeypatch.setattr("devicehub.cli.run_pages._RUNS", most)
        assert ids_of(capsys, "--state", "queued") == queued


def test_filters_hold_for_runs_that_wait(
    queued: list[str], store: Store, capsys: pytest.CaptureFixture[str]
) -> None:
    keep(store, "r1", "r2")
    first, second = queued
    assert ids_of(capsys, "--state", "queued") == queued
    assert ids_of(capsys, "--state", "open", "--model", "large") == [second]
    assert ids_of(capsys, "--state", "ended") == ["r2", "r1"]
    assert ids_of(capsys, "--engine", "other") == ids_of(capsys, "--serial", "nobody") == []
    assert ids_of(capsys, "--since", "2100-01-01") == []
    assert ids_of(capsys, "--before", "r2") == ["r1"]
    assert ids_of(capsys, "--limit", "3") == [first, second, "r2"]
    assert ids_of(capsys, "--limit", "2") == queued
    assert ids_of(capsys, "--limit", "1") == [first]
    assert len(ids_of(capsys, "--limit", "1", "--all")) == 4


@pytest.mark.parametrize(
    ("limit", "said"),
    [("3", "there are older ones: --before r2, or --all\n"), ("2", "there are more: --all\n"), ("4", "")],
)
def test_page_says_whether_there_is_more(
    queued: list[str], store: Store, capsys: pytest.CaptureFixture[str], limit: str, said: str
) -> None:
    keep(store, "r1", "r2")
    assert run("runs", "list", "--limit", limit) == 0
    assert capsys.readouterr().err == said


def test_history_longer_than_a_page_of_the_hub_is_listed_whole(
    store: Store, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("devicehub.cli.run_pages._RUNS", 2)
    keep(store, *(f"r{number}" for number in range(5)))
    assert ids_of(capsys, "--all") == ["r4", "r3", "r2", "r1", "r0"]
    assert ids_of(capsys, "--limit", "3") == ["r4", "r3", "r2"]


def test_run_that_waits_is_shown_with_what_it_waits_for(
    queued: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("runs", "show", queued[0]) == 0
    captured = capsys.readouterr()
    assert captured.out.startswith(f"{queued[0]}  queued (place 1)\n")
    assert "demo, small, plain" in captured.out
    assert "somebody" in captured.out
    assert captured.err == ""
    assert run("runs", "show", queued[0], "--json") == 0
    document = json.loads(capsys.readouterr().out)
    assert (document["state"], document["asked"]["prompt"]) == ("queued", "Hi")


@pytest.mark.parametrize("options", [[], ["--samples"]])
def test_run_that_waits_has_nothing_to_export(
    queued: list[str], options: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("runs", "export", queued[0], *options) == 1
    captured = capsys.readouterr()
    assert (captured.out, captured.err) == ("", f"not ended yet, so left out: {queued[0]}\n")


def test_ctrl_c_before_the_link_is_up_ends_the_run(
    hub: HubHere, queued: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    async def never(*_args: object, **_named: object) -> None:
        await asyncio.Event().wait()

    monkeypatch.setattr(LiveClient, "follow", never)

    async def interrupted() -> None:
        following = asyncio.ensure_future(
            Following(Place(), {queued[0]: Narration("P", stream_text=False)}).ends()
        )
        await SystemClock().sleep(0.1)
        following.cancel()
        await asyncio.wait({following})

    monkeypatch.setattr("devicehub.cli.following._STOP_S", 5.0)
    asyncio.run(interrupted())
    assert hub.do(lambda: [one.id for one in hub.daemon.queue.waiting()]) == [queued[1]]
