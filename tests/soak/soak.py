"""A hub, some virtual phones to which things happen, and clients that ask for runs: for as long as wanted."""

from __future__ import annotations

import asyncio
import contextlib
import random
import shutil
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from msgspec import structs

from devicehub import procs
from devicehub.adb.client import AdbClient
from devicehub.adb.server import find_adb, private_server
from devicehub.api.client import connect
from devicehub.api.contract import (
    DEVICES,
    RUN_START,
    RUN_STOP,
    RUNS,
    STATUS,
    RunNamed,
    RunsQuery,
)
from devicehub.clock import SystemClock
from devicehub.demo_model import demo_model_dir
from devicehub.errors import ApiError
from devicehub.runs.ask import RunAsk
from devicehub.runs.lifecycle import RunState
from devicehub.sim.bundles import engine_bundle
from devicehub.sim.phone import builtin_specs, virtual_phone
from tests.bench.hub_process import environment, serving
from tests.e2e.command import devicehub
from tests.soak.ledger import Ledger, risen
from tests.soak.mishaps import Mishaps

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from devicehub.adb.server import PrivateServer
    from devicehub.api.client import Client
    from devicehub.api.model import RunView
    from devicehub.sim.phone import VirtualPhone
    from tests.bench.hub_process import HubProcess

MOST_RISEN: Final = 5 * 1024 * 1024
_TOPICS: Final = ("devices", "samples", "runs", "tokens", "progress", "notes", "jobs")
_MODEL, _ENGINE = "tiny", "plain"
_READY_S: Final = 180.0
_DRAIN_S: Final = 300.0
_SETTLE_S: Final = 30.0
_MORE_FILES: Final = 3
"""The database opens some when it needs them."""
_LOOK_S: Final = 0.5
_CALM_S: Final = (4.0, 25.0)
"""The shortest and the longest time between two mishaps of a phone."""
_PATIENCE_S: Final = 20.0
_CANCELLED: Final = 0.1
_ANY_PHONE: Final = 0.5
_WARM_RUNS: Final = 3
"""Of each phone, before anything is weighed: what a hub imports and caches is then there."""
_ASK: Final = RunAsk(
    model=_MODEL,
    engine=_ENGINE,
    profile="greedy-repeatable",
    protocol="none",
    prompt="What is DeviceHub?",
    overrides={"max_new_tokens": 12},
    patience_s=_PATIENCE_S,
)


@dataclass
class Report:
    """What came of a soak; `wrong` is empty where all held."""

    wrong: list[str] = field(default_factory=list)
    seconds: float = 0.0
    runs: int = 0
    ends: Counter[str] = field(default_factory=Counter)
    events: Counter[str] = field(default_factory=Counter)
    mishaps: Counter[str] = field(default_factory=Counter)
    refused: Counter[str] = field(default_factory=Counter)
    rss: list[int] = field(default_factory=list)
    open_files: tuple[int, int] = (0, 0)
    tasks: tuple[int, int] = (0, 0)

    def lines(self) -> list[str]:
        """For a person."""
        mib = [size / 1024 / 1024 for size in self.rss]
        said = [
            f"{self.seconds:.0f} s, {self.runs} runs: {dict(self.ends)}",
            f"mishaps: {dict(self.mishaps)}",
            f"events: {dict(self.events)}",
            f"refused: {dict(self.refused)}",
            f"before and after: open files {self.open_files}, tasks {self.tasks}",
        ]
        if mib:
            tenths = [f"{mib[len(mib) * tenth // 10]:.1f}" for tenth in range(10)]
            said.append(f"memory in MiB, each tenth: {' '.join(tenths)} {mib[-1]:.1f}")
        return said + [f"WRONG: {sentence}" for sentence in self.wrong]


async def soak(folder: Path, *, phones: int, seconds: float, seed: int) -> Report:
    """Let it run, heal all phones, wait for the ends of all runs, and end the hub."""
    async with contextlib.AsyncExitStack() as stack:
        server = await stack.enter_async_context(private_server(home=folder / "adb"))
        stack.push_async_callback(_kill_server, server)
        fleet = [
            await stack.enter_async_context(virtual_phone(spec, keys=[server.key_path]))
            for spec in builtin_specs(phones)
        ]
        for phone in fleet:
            await AdbClient(server.address).connect(phone.address)
        hub = await stack.enter_async_context(serving(folder, server.address))
        await _stock(folder, server)  # a command that finds no hub would start one
        soaking = Soak(hub, fleet, seed)
        async with connect(hub.where, name="soak", start=False) as client:
            await soaking.run(client, seconds)
        report = soaking.report
        status = await hub.stop()
        if status != 0:
            report.wrong.append(f"the hub ended with status {status}")
        report.wrong += [f"the hub wrote: {line}" for line in hub.complaints()]
    return report


class Soak:
    """One soak: its hub, its phones, and what is found.

    Attributes:
        report: what was found so far.
    """

    def __init__(self, hub: HubProcess, fleet: Sequence[VirtualPhone], seed: int) -> None:
        self.report = Report()
        self._hub = hub
        self._fleet = fleet
        self._clock = SystemClock()
        self._chance = random.Random(seed)
        self._ledger: Ledger

    async def run(self, client: Client, seconds: float) -> None:
        """Make the hub warm, then let mishaps and runs come for so long."""
        subscribed = await client.subscribe(*_TOPICS)
        self._ledger = Ledger(subscribed.epoch, subscribed.seqs)
        async with asyncio.TaskGroup() as tasks:
            listening = tasks.create_task(self._listen(client))
            await self._until_ready(client)
            for _ in range(_WARM_RUNS):
                await self._ask(client, structs.replace(_ASK, selectors=("all",)))
            await self._until_ended(client)
            before = await self._counts()
            begun_s = self._clock.monotonic_s()
            async with asyncio.TaskGroup() as trouble:
                for phone in self._fleet:
                    trouble.create_task(self._disturb(phone, begun_s + seconds))
                trouble.create_task(self._keep_asking(client, begun_s + seconds))
                trouble.create_task(self._weigh(begun_s + seconds))
            self.report.seconds = self._clock.monotonic_s() - begun_s
            await self._until_ready(client)
            await self._until_ended(client)
            await self._judge(client, before)
            listening.cancel()

    async def _listen(self, client: Client) -> None:
        async for event in client.events():
            self._ledger.take(event)

    async def _disturb(self, phone: VirtualPhone, until_s: float) -> None:
        """Let things happen to a phone; what has begun is put right before the end."""
        chance = random.Random(self._chance.random())
        mishaps = Mishaps(phone.faults, self._clock, chance, self.report.mishaps)
        while (left_s := until_s - self._clock.monotonic_s()) > 0:
            await self._clock.sleep(min(chance.uniform(*_CALM_S), left_s))
            await mishaps.one()

    async def _weigh(self, until_s: float) -> None:
        while self._clock.monotonic_s() < until_s:
            self.report.rss.append(self._hub.rss())
            await self._clock.sleep(_LOOK_S)

    async def _keep_asking(self, client: Client, until_s: float) -> None:
        """Keep as many runs as there are phones; stop some of them."""
        while self._clock.monotonic_s() < until_s:
            status = await client.call(STATUS)
            missing = len(self._fleet) - status.queued - status.runs
            for _ in range(missing):
                phone = self._chance.choice(self._fleet)
                any_phone = self._chance.random() < _ANY_PHONE
                ask = structs.replace(
                    _ASK,
                    selectors=("all",) if any_phone else (phone.address,),
                    spread="any" if any_phone else "each",
                )
                for run in await self._ask(client, ask):
                    if self._chance.random() < _CANCELLED:
                        await self._clock.sleep(self._chance.uniform(0, 2))
                        await self._stop(client, run)
            await self._clock.sleep(_LOOK_S)

    async def _ask(self, client: Client, ask: RunAsk) -> list[RunView]:
        try:
            runs = await client.call(RUN_START, ask)
        except ApiError as error:  # no such phone at this moment
            self.report.refused[error.kind] += 1
            return []
        self.report.runs += len(runs)
        return runs

    async def _stop(self, client: Client, run: RunView) -> None:
        try:
            await client.call(RUN_STOP, RunNamed(run=run.id))
        except ApiError as error:  # it had ended
            self.report.refused[error.kind] += 1

    async def _until_ready(self, client: Client) -> None:
        """Wait until every phone is there and has nothing to do, or say which is not."""
        deadline_s = self._clock.monotonic_s() + _READY_S
        while True:
            states = {device.serial: device.state for device in await client.call(DEVICES)}
            away = {
                phone.address: states.get(phone.address)
                for phone in self._fleet
                if states.get(phone.address) not in ("ready", "busy", "quarantined")
            }
            if not away:
                return
            if self._clock.monotonic_s() > deadline_s:
                self.report.wrong.append(f"phones did not come back: {away}")
                return
            await self._clock.sleep(_LOOK_S)

    async def _until_ended(self, client: Client) -> None:
        deadline_s = self._clock.monotonic_s() + _DRAIN_S
        while True:
            status = await client.call(STATUS)
            if not status.runs and not status.queued:
                return
            if self._clock.monotonic_s() > deadline_s:
                self.report.wrong.append(f"{status.queued} runs wait, these do not end: {status.run_ids}")
                return
            await self._clock.sleep(_LOOK_S)

    async def _judge(self, client: Client, before: tuple[int, int]) -> None:
        report, ledger = self.report, self._ledger
        stored = await self._stored(client)
        report.wrong += ledger.wrong
        report.wrong += [f"run {run} has no end for the subscriber" for run in ledger.unended()]
        report.wrong += [
            f"run {run.id} is stored as {run.state}" for run in stored if not RunState(run.state).is_end
        ]
        if len(stored) != report.runs:
            report.wrong.append(f"{report.runs} runs were asked for, {len(stored)} are stored")
        after = await self._counts()
        deadline_s = self._clock.monotonic_s() + _SETTLE_S
        while (after[0] > before[0] or after[1] > before[1]) and self._clock.monotonic_s() < deadline_s:
            await self._clock.sleep(_LOOK_S)
            after = await self._counts()
        report.open_files, report.tasks = (before[0], after[0]), (before[1], after[1])
        if after[1] > before[1]:
            report.wrong.append(f"{before[1]} tasks became {after[1]}")
        if after[0] > before[0] + _MORE_FILES:
            report.wrong.append(f"{before[0]} open files became {after[0]}")
        rise = risen(report.rss)
        if rise > MOST_RISEN:
            report.wrong.append(f"the hub's memory rose by {rise / 1024 / 1024:.1f} MiB")
        report.ends, report.events = ledger.ends(), ledger.seen

    async def _stored(self, client: Client) -> list[RunView]:
        runs: list[RunView] = []
        page = await client.call(RUNS, RunsQuery())
        while True:
            runs += page.runs
            if page.next is None:
                return runs
            page = await client.call(RUNS, RunsQuery(before=page.next))

    async def _counts(self) -> tuple[int, int]:
        """How many files the hub has open and how many tasks it has, as its /metrics tells."""
        return self._hub.usage.num_fds(), int(await self._hub.metric("devicehub_event_loop_tasks"))


async def _stock(folder: Path, server: PrivateServer) -> None:
    env = environment(folder, server.address)
    model = folder / "model"
    shutil.copytree(demo_model_dir(), model)
    config = model / "config.json"
    # Another content than the demo's, so without its fixture: a run is one launch.
    config.write_text(config.read_text().replace('"n_gram": 8', '"n_gram": 9'))
    for argv in (
        ("models", "add", model, "--name", _MODEL, "--no-fixture"),
        ("engines", "add", engine_bundle("virtual"), "--name", _ENGINE),
    ):
        answer = await devicehub(*argv, env=env)
        if answer.status:
            raise RuntimeError(answer.stderr)


async def _kill_server(server: PrivateServer) -> None:
    """End whatever adb server listens there: the hub may have started one."""
    argv: list[str | Path] = [find_adb(), "-L", f"tcp:localhost:{server.address.port}", "kill-server"]
    with contextlib.suppress(OSError, TimeoutError):
        await procs.run(argv, timeout_s=20)
