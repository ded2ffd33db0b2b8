"""Phones and a hub on an adb server of their own, for runs to which something happens."""

from __future__ import annotations

import asyncio
import contextlib
import math
import os
import shutil
import signal
import sqlite3
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final

import msgspec
import pytest

from devicehub import procs
from devicehub.adb.server import ensure_server, private_server
from devicehub.api.hubfile import find_running
from devicehub.clock import SystemClock
from devicehub.demo_model import demo_model_dir
from devicehub.dispatch.keeper import Keeper
from devicehub.dispatch.request import RunRequest, SilentListener
from devicehub.errors import AdbError, SimError
from devicehub.fleet.fleet import answering
from devicehub.hub import open_hub
from devicehub.profiles.load import run_profile
from devicehub.runs.model import RunRecord
from devicehub.runs.retry import RetryPolicy
from devicehub.settings import PHONE_ROOT, Home
from devicehub.sim.bundles import engine_bundle
from devicehub.sim.engine.scenario import EngineScript
from devicehub.sim.phone import PhoneSpec, VirtualPhone, virtual_phone
from devicehub.workloads.prompts import encode_prompts
from tests.chaos.moments import Listener
from tests.e2e.command import DEVICEHUB

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence
    from pathlib import Path

    from devicehub.adb.server import PrivateServer
    from devicehub.device.model import Device
    from devicehub.hub import Hub
    from devicehub.sim.faults import Faults
    from devicehub.store.model import RunRow

MODEL: Final = "chaos"
PROMPT: Final = "What is DeviceHub?"
TOKENS: Final = 24
TOKEN_MS: Final = 120.0
"""Decoding takes three seconds: time enough for something to happen in its midst."""
SAMPLE_HZ: Final = 5.0
BUNDLES: Final = {"stdout": "virtual", "logcat": "virtual-logcat"}
OURS: Final = ("llm_demo", "supervise.sh", "sample.sh", "logcat")
"""What a run starts on a phone, by pieces of command lines."""
_PATIENCE_S: Final = 60.0
BOUND_S: Final = 100.0
_LOOK_S: Final = 0.1
_SEES_NOTHING: Final = {
    "ADB_USB": "0",
    "ADB_EMU": "0",
    "ADB_MDNS": "0",
    "ADB_LOCAL_TRANSPORT_MAX_PORT": "5553",
}
_ENDS: Final = "SELECT count(*) FROM ends WHERE run_id = ?"

needs_shells = pytest.mark.skipif(
    shutil.which("mksh") is None or shutil.which("toybox") is None, reason="mksh or toybox is not installed"
)


@dataclass
class Bench:
    """One phone of a desk and the engine that its runs take.

    Attributes:
        build: where that engine's figures go, stdout or logcat.
        one_at_a_time: held while something happens to the phone.
        is_over: nothing more shall.
        spoilt: the runs on the phone whose figures something touched.
    """

    phone: VirtualPhone
    build: str
    listener: Listener = field(default_factory=Listener)
    one_at_a_time: asyncio.Lock = field(default_factory=asyncio.Lock)
    is_over: bool = False
    spoilt: list[str] = field(default_factory=list)

    @property
    def faults(self) -> Faults:
        return self.phone.faults

    def measuring(self) -> str | None:
        """The run on the phone whose engine speaks now."""
        if not self.faults.processes("llm_demo"):
            return None
        spoke = self.phone.root.glob(f"{PHONE_ROOT.lstrip('/')}/runs/*/1/stdout")
        return max(((path.stat().st_mtime, path.parts[-3]) for path in spoke), default=(0.0, None))[1]

    def lock_is_free(self) -> bool:
        """Whether a next run gets the phone: a lock of another boot, or of nobody who lives, is none."""
        owner = self.phone.root / f"{PHONE_ROOT.lstrip('/')}/lock/owner"
        try:
            words = owner.read_text().split()
        except FileNotFoundError:
            return True
        boot_id = (self.phone.root / "proc/sys/kernel/random/boot_id").read_text().strip()
        return words[0] != boot_id or not self.faults.processes("supervise.sh")


@dataclass(frozen=True)
class Carrying:
    """A hub that carries runs, and the command that asked for them."""

    hub: asyncio.subprocess.Process
    asking: asyncio.subprocess.Process

    async def kill(self) -> None:
        """Kill both; a command whose hub breaks off would start it again."""
        for process in (self.asking, self.hub):
            if process.returncode is None:
                os.kill(process.pid, signal.SIGKILL)
            await process.wait()


class Desk:
    """A hub with some phones.

    Attributes:
        benches: the phones.
    """

    def __init__(self, server: PrivateServer, hub: Hub, benches: Sequence[Bench]) -> None:
        self.server = server
        self.hub = hub
        self.benches = list(benches)
        self.clock = SystemClock()

    async def request(self, bench: Bench, *, retries: int = 0) -> RunRequest:
        """A run of the small model; its decoding is slow, its retries are quick."""
        return RunRequest(
            run_id=self.hub.new_run_id(),
            engine=self.hub.engines.get(bench.build),
            model=self.hub.models.get(MODEL),
            profile=run_profile("greedy-repeatable", self.hub.home),
            prompts=encode_prompts(PROMPT),
            overrides={"max_new_tokens": TOKENS},
            sample_hz=SAMPLE_HZ,
            retries=RetryPolicy(retries=retries, first_wait_s=0.2),
            patience_s=_PATIENCE_S,
        )

    async def device(self, bench: Bench) -> Device:
        """The phone as a next command sees it, connected again if adb forgot it."""
        async with asyncio.timeout(BOUND_S):
            await ensure_server(self.server.address)
            while True:
                with contextlib.suppress(AdbError):
                    for device in await self.hub.devices():
                        serialno = device.identity.serialno if device.identity else None
                        if device.transports and serialno == bench.phone.serialno:
                            return device
                    await self.hub.client.disconnect(bench.phone.address)
                with contextlib.suppress(AdbError):
                    await self.hub.client.connect(bench.phone.address)
                await self.clock.sleep(_LOOK_S)

    async def kill_server(self) -> None:
        """End the adb server, by its own command; the hub starts another on its port."""
        await _kill_server(self.server)

    @contextlib.asynccontextmanager
    async def command(self, *benches: Bench, retries: int) -> AsyncIterator[Carrying]:
        """`devicehub run` and the hub that it asks, each a process, on these phones of one build."""
        words: list[str | Path] = [DEVICEHUB, "run", MODEL, "--engine", benches[0].build]
        for bench in benches:
            words += ["--on", (await self.device(bench)).serial]
        words += ["--profile", "greedy-repeatable", "--prompt", PROMPT]
        words += ["--set", f"max_new_tokens={TOKENS}", "--sample-hz", f"{SAMPLE_HZ:g}"]
        environ = {
            **os.environ,
            "ANDROID_ADB_SERVER_PORT": str(self.server.address.port),
            "DEVICEHUB_HOME": str(self.hub.home.root),
        }
        async with procs.child([DEVICEHUB, "serve"], env=environ) as hub:
            async with asyncio.timeout(BOUND_S):
                while find_running(self.hub.home) is None:
                    await self.clock.sleep(_LOOK_S)
            async with procs.child([*words, "--retries", str(retries)], env=environ) as asking:
                yield Carrying(hub, asking)

    async def carry(self, bench: Bench, *, retries: int = 0) -> RunRecord:
        """One run to its end, as `devicehub run` carries it."""
        device = await self.device(bench)
        request = await self.request(bench, retries=retries)
        async with asyncio.timeout(BOUND_S):
            return (await self.hub.run(request, device, bench.listener)).record

    async def adopted(self) -> None:
        """Let a later hub take up what was left, until no run is open."""
        async with asyncio.timeout(BOUND_S):
            for bench in self.benches:
                await self.device(bench)
            async with self._keeping():
                while self.hub.store.open_runs():
                    await self.clock.sleep(_LOOK_S)
                    await self.hub.devices()

    @contextlib.asynccontextmanager
    async def _keeping(self) -> AsyncIterator[None]:
        """What a hub has to look after runs that nobody carries, at work."""
        hub, means = self.hub, await self.hub.means()
        keeper = Keeper(
            hub.store,
            self.clock,
            phones=lambda: [(device, hub.transport(device)) for device in answering(hub.fleet.devices())],
            means=lambda: means,
            listener=lambda _run_id: SilentListener(),
            on_end=lambda _run_id: None,
            lost_after_s=math.inf,
            keep_days=None,
            patience_s=_PATIENCE_S,
        )
        async with asyncio.TaskGroup() as tasks:
            working = tasks.create_task(keeper.run())
            yield
            working.cancel()

    async def decided(self) -> None:
        """Wait until no phone carries on by itself."""
        for bench in self.benches:
            await bench.faults.when_gone("supervise.sh")

    async def assert_ended_once(self) -> list[RunRecord]:
        """Every run has its one end, which nothing changes any more, and the phones are as before."""
        rows = self.hub.store.runs(limit=-1)
        assert self.hub.store.open_runs() == []
        ends = [self._stored(row) for row in rows]
        async with self._keeping():
            await self.clock.sleep(_LOOK_S)
        assert [self._stored(row) for row in rows] == ends
        for bench in self.benches:
            await self._assert_free(bench)
        records = [record for count, record in ends if count == 1]
        assert len(records) == len(rows), "a run has not exactly one end"
        return records

    def _stored(self, row: RunRow) -> tuple[int, RunRecord]:
        with contextlib.closing(sqlite3.connect(self.hub.home.database)) as database:
            ((count,),) = database.execute(_ENDS, (row.id,)).fetchall()
        record = self.hub.store.run(row.id).record
        assert record is not None
        return count, msgspec.json.decode(record, type=RunRecord)

    async def _assert_free(self, bench: Bench) -> None:
        for piece in OURS:
            try:
                async with asyncio.timeout(30):
                    await bench.faults.when_gone(piece)
            except TimeoutError:
                raise AssertionError(f"{bench.phone.serialno}: {piece} still runs") from None
        assert bench.lock_is_free(), f"{bench.phone.serialno} is still locked"


@contextlib.asynccontextmanager
async def desk_with(folder: Path, *wanted: tuple[PhoneSpec, str]) -> AsyncIterator[Desk]:
    """A hub on a private adb server, with a phone for each spec and the build of its engine."""
    async with contextlib.AsyncExitStack() as stack:
        server = await stack.enter_async_context(private_server(home=folder / "adb"))
        # A hub whose adb server is gone starts one as a user's: it must find nothing but these phones.
        environ = stack.enter_context(pytest.MonkeyPatch.context())
        for name, value in {**_SEES_NOTHING, "HOME": str(folder / "adb")}.items():
            environ.setenv(name, value)
        stack.push_async_callback(_kill_server, server)
        benches = []
        for number, (spec, build) in enumerate(wanted):
            named = replace(spec, serialno=f"CHAOS{number}")
            try:
                phone = await stack.enter_async_context(virtual_phone(named, keys=[server.key_path]))
            except SimError as error:
                pytest.skip(f"no such phone on this host: {error}")
            phone.set_engine_script(EngineScript(token_ms=TOKEN_MS))
            benches.append(Bench(phone, build))
        hub = await open_hub(home=Home(folder / "home"), address=server.address)
        stack.callback(lambda: hub.store.close())
        for name, bundle in BUNDLES.items():
            hub.engines.add(engine_bundle(bundle), name)
        hub.models.add(_model_of_its_own(folder), MODEL)
        desk = Desk(server, hub, benches)
        for bench in benches:
            await desk.device(bench)
        yield desk


def _model_of_its_own(folder: Path) -> Path:
    """The demo model with another content id, so without a fixture: a run here is its one launch."""
    model = folder / "model"
    shutil.copytree(demo_model_dir(), model)
    config = model / "config.json"
    config.write_text(config.read_text().replace('"n_gram": 8', '"n_gram": 9'))
    return model


async def _kill_server(server: PrivateServer) -> None:
    with contextlib.suppress(ConnectionError):
        reader, writer = await asyncio.open_connection("127.0.0.1", server.address.port)
        writer.write(b"0009host:kill")
        await reader.read()
        writer.close()
        await writer.wait_closed()


_texts: Final[dict[str, str | None]] = {}


async def undisturbed_text(folder: Path) -> str:
    """What the model says when nothing happens; asked once per process."""
    if "text" not in _texts:
        async with desk_with(folder / "undisturbed", (PhoneSpec(), "stdout")) as desk:
            desk.benches[0].phone.set_engine_script(None)
            record = await desk.carry(desk.benches[0])
        assert (record.verdict, record.trusted) == ("succeeded", True), record
        _texts["text"] = record.launches[0].text
    text = _texts["text"]
    assert text
    return text
