"""The hub as a process that stays: what a client asks of it over the API comes true on virtual phones."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING

import pytest

from devicehub.adb.server import PrivateServer, private_server
from devicehub.api import contract
from devicehub.api.auth import Access, make_token
from devicehub.api.client import Where, connect
from devicehub.api.model import RunChanged
from devicehub.clock import SystemClock
from devicehub.daemon import Daemon
from devicehub.demo_model import demo_model_dir
from devicehub.errors import ApiError
from devicehub.hub import open_hub
from devicehub.runs.ask import CompareAsk, RunAsk
from devicehub.settings import Home
from devicehub.sim.bundles import engine_bundle
from devicehub.sim.phone import builtin_specs, virtual_phone

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Collection
    from pathlib import Path

    from devicehub.api.client import Client


@contextlib.asynccontextmanager
async def desk(folder: Path, *, phones: int = 1) -> AsyncIterator[PrivateServer]:
    """A private adb server with virtual phones, and a home with the demo model and an engine."""
    async with private_server(home=folder / "adb") as server, contextlib.AsyncExitStack() as stack:
        hub = await open_hub(home=Home(folder / "home"), address=server.address)
        hub.models.add(demo_model_dir(), name="tiny")
        hub.engines.add(engine_bundle("virtual"), "plain")
        for spec in builtin_specs(phones):
            phone = await stack.enter_async_context(virtual_phone(spec, keys=[server.key_path]))
            await hub.client.connect(phone.address)
        yield server


@contextlib.asynccontextmanager
async def serving(folder: Path, server: PrivateServer) -> AsyncIterator[Client]:
    """A hub of its own while the block lasts, and a client of it."""
    home = Home(folder / "home")
    daemon = Daemon(await open_hub(home=home, address=server.address), SystemClock())
    token = home.root / "token"
    async with asyncio.TaskGroup() as tasks:
        access = Access(make_token(token))
        tasks.create_task(daemon.run(access))
        await daemon.listening.wait()
        try:
            where = Where(home, url=daemon.url, token_file=token)
            async with connect(where, name="test", start=False) as client:
                yield client
        finally:
            daemon.stopping.set()


async def until(client: Client, run_ids: Collection[str], states: Collection[str]) -> dict[str, RunChanged]:
    """Listen until each of these runs is in one of the states; seqs only grow meanwhile."""
    found: dict[str, RunChanged] = {}
    seqs: dict[str, int] = {}
    async with asyncio.timeout(120):
        for run_id in run_ids:
            view = (await client.call(contract.RUN, contract.RunNamed(run=run_id))).run
            if view.state in states:
                found[run_id] = RunChanged(run=view)
        async for event in client.events():
            assert event.seq > seqs.get(event.topic, 0)
            seqs[event.topic] = event.seq
            if isinstance(event.data, RunChanged) and event.data.run.state in states:
                found[event.data.run.id] = event.data
            if set(run_ids) <= found.keys():
                return found
    raise AssertionError(found)


ENDS = ("succeeded", "failed", "cancelled", "lost")


async def test_run_on_each_phone_is_told_step_by_step_and_once_ended(tmp_path: Path) -> None:
    async with desk(tmp_path, phones=2) as server, serving(tmp_path, server) as client:
        devices = await client.call(contract.DEVICES)
        assert [device.state for device in devices] == ["ready", "ready"]
        await client.subscribe("runs", "tokens")
        ask = RunAsk(model="tiny", prompt="What is DeviceHub?", selectors=("all",))
        runs = await client.call(contract.RUN_START, ask)
        assert [run.place for run in runs] == [1, 2]
        kinds: dict[str, list[str]] = {run.id: [] for run in runs}
        text: dict[str, str] = {}
        ended: set[str] = set()
        async with asyncio.timeout(120):
            async for event in client.events():
                if event.topic == "tokens":
                    text[event.data.run] = text.get(event.data.run, "") + event.data.text
                elif event.data.event is not None:
                    kinds[event.data.run.id].append(event.data.event.kind)
                    if event.data.run.state == "succeeded":
                        ended.add(event.data.run.id)
                if len(ended) == 2:
                    break
        steps = ["add", "check", "deploy", "start", "started", "exited", "end"]
        assert all(found == steps for found in kinds.values()), kinds
        document = (await client.call(contract.RUN, contract.RunNamed(run=runs[0].id))).document
        assert document["launches"][0]["text"].strip() == text[runs[0].id].strip()
        page = await client.call(contract.RUNS)
        assert (page.total, [run.client for run in page.runs]) == (2, ["test", "test"])
        last = [device.last for device in await client.call(contract.DEVICES)]
        assert all(figures is not None and figures.decode_tok_s for figures in last)
        again = await client.call(contract.RUN_AGAIN, contract.Selected(selectors=[devices[0].serial]))
        found = await until(client, [again[0].id], ENDS)
        assert found[again[0].id].run.verdict == "succeeded"


async def test_second_run_waits_for_the_phone_and_can_be_cancelled_there(tmp_path: Path) -> None:
    async with desk(tmp_path) as server, serving(tmp_path, server) as client:
        await client.subscribe("runs")
        ask = RunAsk(model="tiny", prompt="What is DeviceHub?", launches=6)
        [first] = await client.call(contract.RUN_START, ask)
        await until(client, [first.id], ("running",))
        [second] = await client.call(contract.RUN_START, ask)
        assert second.place == 1
        assert first.id in (second.waits_for or "")
        assert [run.id for run in await client.call(contract.QUEUE)] == [second.id]
        stopped = await client.call(contract.RUN_STOP, contract.RunNamed(run=second.id))
        assert stopped.state == "cancelled"
        assert (await client.call(contract.RUN_STOP, contract.RunNamed(run=first.id))).state == "cancelled"
        assert await client.call(contract.QUEUE) == []


async def test_hub_that_ends_leaves_its_run_and_the_next_one_takes_it_up(tmp_path: Path) -> None:
    async with desk(tmp_path) as server:
        async with serving(tmp_path, server) as client:
            await client.subscribe("runs")
            ask = RunAsk(model="tiny", prompt="What is DeviceHub?", launches=6)
            runs = await client.call(contract.RUN_START, ask)
            await until(client, [runs[0].id], ("running",))
        async with serving(tmp_path, server) as client:
            await client.subscribe("runs")
            found = await until(client, [runs[0].id], ENDS)
            assert found[runs[0].id].run.verdict == "succeeded"
            document = await client.call(contract.RUN, contract.RunNamed(run=runs[0].id))
            assert len(document.document["launches"]) == 6


async def test_comparison_of_two_profiles(tmp_path: Path) -> None:
    async with desk(tmp_path) as server, serving(tmp_path, server) as client:
        await client.subscribe("runs")
        ask = RunAsk(model="tiny", workload="demo", prompt="Hi", launches=1, gate=("off",))
        both = CompareAsk(by="profile", a="default", b="greedy-repeatable", run=ask)
        runs = await client.call(contract.RUN_COMPARE, both)
        found = await until(client, [run.id for run in runs], ENDS)
        assert [found[run.id].run.verdict for run in runs] == ["succeeded", "succeeded"]
        a, b = (run.id for run in runs)
        comparison = await client.call(contract.RUNS_COMPARED, contract.CompareRuns(a=a, b=b))
        assert (comparison.by, comparison.paired) == ("profile", True)


async def test_push_is_a_job_with_progress(tmp_path: Path) -> None:
    async with desk(tmp_path) as server, serving(tmp_path, server) as client:
        await client.subscribe("jobs", "progress")
        [job] = await client.call(contract.PUSH, contract.Push(kind="model", name="tiny"))
        done = 0
        async with asyncio.timeout(60):
            async for event in client.events():
                if event.topic == "progress":
                    done = event.data.done
                elif event.data.job.state != "running":
                    job = event.data.job
                    break
        assert job.state == "done", job.error
        assert done == job.total > 1_000_000
        assert job.result["row"]["outcome"]["bytes_sent"] == done


@pytest.mark.parametrize(
    ("ask", "kind", "words"),
    [
        (RunAsk(model="none", prompt="Hi"), "InputError", "none"),
        (RunAsk(model="tiny"), "AskError", "give either --prompt"),
        (RunAsk(model="tiny", prompt="Hi", selectors=("S9",)), "SelectionError", "no phone matches --on S9"),
        (RunAsk(model="tiny", prompt="Hi", profile="nope"), "InputError", "nope"),
    ],
)
async def test_run_that_cannot_be_is_refused_at_once(
    tmp_path: Path, ask: RunAsk, kind: str, words: str
) -> None:
    async with desk(tmp_path) as server, serving(tmp_path, server) as client:
        with pytest.raises(ApiError) as refused:
            await client.call(contract.RUN_START, ask)
        assert refused.value.kind == kind
        assert words in str(refused.value)
        assert await client.call(contract.QUEUE) == []
