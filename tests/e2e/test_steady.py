"""The fixed-performance mode of a steady run on a virtual phone: off again, whatever becomes of the run."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import signal
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from devicehub import procs
from devicehub.adb.shell import run_script
from devicehub.api.hubfile import find_running
from devicehub.clock import SystemClock
from devicehub.demo_model import demo_model_dir
from devicehub.device.lifecycle import DeviceState
from devicehub.errors import AdbError
from devicehub.hub import Hub
from devicehub.settings import PHONE_ROOT, Home
from devicehub.sim.bundles import engine_bundle
from devicehub.sim.engine.scenario import EngineScript
from devicehub.sim.phone import PhoneSpec
from tests.e2e.command import DEVICEHUB, devicehub, stop_hub
from tests.runner.desk import Desk, desk_with, spec

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence
    from pathlib import Path

    from devicehub.device.model import Device
    from devicehub.runner.contract import RunHandle

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        shutil.which("mksh") is None or shutil.which("toybox") is None,
        reason="mksh or toybox is not installed",
    ),
]
LONG = "sleep 600"
GO = "/data/local/tmp/go-"
ON_OFF = [True, False]


class SteadyDesk:
    """One phone, a hub, and what the hub told."""

    def __init__(self, desk: Desk, home: Home) -> None:
        self.desk = desk
        self.faults = desk.phone.faults
        self.mode = desk.phone.system.fixed_performance
        self.told: list[str] = []
        self.hub = Hub(desk.client, home, SystemClock(), self.told.append)

    @property
    def is_marked(self) -> bool:
        return (self.desk.phone.root / PHONE_ROOT.lstrip("/") / "steady").exists()

    async def start(self, script: str = LONG, run_id: str = "r1", *, steady: bool = True) -> RunHandle:
        handle = await self.desk.runner.start(replace(spec(script, run_id), steady=steady))
        if handle.supervisor["steady"] == "on":
            assert self.mode.on
        return handle

    async def on(self) -> None:
        async with asyncio.timeout(90):
            while not self.mode.on:
                await SystemClock().sleep(0.05)

    async def off(self) -> None:
        async with asyncio.timeout(90):
            while self.mode.on or self.is_marked:
                await SystemClock().sleep(0.05)

    async def plug(self) -> None:
        """Connect again; nothing is asked of the phone."""
        with contextlib.suppress(AdbError):
            await self.desk.client.disconnect(self.desk.address)
        async with asyncio.timeout(90):
            seen = 0
            while seen < 3:
                # The server may drop what it has just connected: it still was at dropping the last.
                await self.desk.client.connect(self.desk.address)
                await SystemClock().sleep(0.1)
                lines = await self.desk.client.devices()
                usable = any(line.serial == self.desk.address and line.state == "device" for line in lines)
                seen = seen + 1 if usable else 0

    async def look(self) -> Device:
        """The phone as the hub finds it."""
        async with asyncio.timeout(90):
            while True:
                for device in await self.hub.devices():
                    if device.state is DeviceState.READY:
                        return device
                await SystemClock().sleep(0.05)


@asynccontextmanager
async def steady_desk(folder: Path, phone_spec: PhoneSpec | None = None) -> AsyncIterator[SteadyDesk]:
    async with desk_with(phone_spec or PhoneSpec()) as desk:
        yield SteadyDesk(desk, Home(folder / "home"))


@pytest.fixture
async def steady(tmp_path: Path) -> AsyncIterator[SteadyDesk]:
    async with steady_desk(tmp_path) as desk:
        yield desk


async def test_at_a_normal_end_the_mode_is_off_before_the_end_is_told_twice_in_a_row(
    steady: SteadyDesk,
) -> None:
    for run_id in ("r1", "r2"):
        handle = await steady.start(f"until [ -e {GO}{run_id} ]; do sleep 0.1; done", run_id)
        assert handle.supervisor["steady"] == "on"
        # A look at the phone while its run is under way leaves the mode alone.
        await steady.look()
        assert (await steady.desk.runner.status(run_id)).state == "running"
        assert steady.mode.on
        await steady.desk.sh(f"touch {GO}{run_id}")
        _, end = await steady.desk.finish(handle)
        assert (end.cause, steady.mode.on, steady.is_marked) == (None, False, False)
    assert steady.mode.history == ON_OFF * 2
    await steady.faults.when_gone("steady.sh")


async def test_a_stop_undoes_it(steady: SteadyDesk) -> None:
    handle = await steady.start()
    await steady.desk.runner.stop(handle)
    await steady.desk.finish(handle)
    assert (steady.mode.history, steady.is_marked) == (ON_OFF, False)


async def test_without_the_cable_run_and_watcher_undo_it_while_adbd_lives(steady: SteadyDesk) -> None:
    await steady.start("sleep 3")
    await steady.faults.cable_out()
    await steady.off()
    assert steady.mode.history == ON_OFF
    await steady.faults.cable_in()
    await steady.plug()
    await steady.start(run_id="r2")
    await steady.faults.cable_out()
    assert steady.faults.kill("supervise.sh") > 0
    await steady.off()
    assert steady.mode.history == ON_OFF * 2


@pytest.mark.parametrize(
    "victims", [["supervise.sh"], ["supervise.sh", "workload.sh", "logcat", "sample.sh"]]
)
async def test_a_killed_supervisor_leaves_the_watcher_that_undoes_it(
    victims: Sequence[str], steady: SteadyDesk
) -> None:
    await steady.start()
    for victim in victims:
        steady.faults.kill(victim)
    await steady.off()
    assert steady.mode.history == ON_OFF


async def test_a_killed_watcher_leaves_the_supervisor_that_undoes_it(steady: SteadyDesk) -> None:
    handle = await steady.start("sleep 3")
    assert steady.faults.kill("steady.sh") > 0
    await steady.desk.finish(handle)
    assert (steady.mode.history, steady.is_marked) == (ON_OFF, False)


@pytest.mark.parametrize("mode", ["confined", "portable"])
async def test_after_a_restart_of_adbd_the_hub_undoes_it_on_the_phones_return(
    mode: str, tmp_path: Path
) -> None:
    phone_spec = PhoneSpec(usb_mode="mtp", mode="confined" if mode == "confined" else "portable")
    async with steady_desk(tmp_path, phone_spec) as steady:
        await steady.start()
        await steady.faults.cable_out()
        await steady.faults.when_gone("steady.sh")
        assert (steady.mode.on, steady.is_marked) == (True, True)
        await steady.faults.cable_in()
        await steady.plug()
        await steady.look()
        assert (steady.mode.history, steady.is_marked, steady.told) == (ON_OFF, False, [])
        await steady.look()
        assert steady.mode.history == ON_OFF


async def test_a_hub_that_watches_undoes_it_when_the_phone_answers_again(steady: SteadyDesk) -> None:
    ready = asyncio.Event()

    def show(devices: Sequence[Device]) -> None:
        if any(device.state is DeviceState.READY for device in devices):
            ready.set()

    async with asyncio.timeout(90), asyncio.TaskGroup() as tasks:
        watching = tasks.create_task(steady.hub.watch(show))
        await ready.wait()
        await steady.start()
        await steady.faults.restart_adbd()
        await steady.off()
        watching.cancel()
    assert steady.mode.history == ON_OFF


async def test_an_agent_that_was_removed_is_brought_again_to_undo_it(steady: SteadyDesk) -> None:
    await steady.start()
    await steady.faults.restart_adbd()
    shutil.rmtree(steady.desk.phone.root / PHONE_ROOT.lstrip("/") / "agent")
    await steady.plug()
    await steady.look()
    assert (steady.mode.history, steady.is_marked) == (ON_OFF, False)


@pytest.mark.parametrize("again", [True, False])
async def test_the_next_run_undoes_it_before_it_begins(again: bool, steady: SteadyDesk) -> None:
    await steady.start()
    await steady.faults.restart_adbd()
    await steady.plug()
    handle = await steady.start("sleep 1", "r2", steady=again)
    assert handle.supervisor["steady"] == ("on" if again else "")
    assert steady.mode.history == [True, False, True][: 3 if again else 2]
    await steady.desk.finish(handle)
    assert not steady.mode.on


async def test_any_question_to_the_agent_undoes_it_first(steady: SteadyDesk) -> None:
    await steady.start()
    await steady.faults.restart_adbd()
    await steady.plug()
    status = await steady.desk.runner.status("r1")
    assert (status.state, steady.mode.history, steady.is_marked) == ("lost", ON_OFF, False)


async def test_a_reboot_undoes_it_by_itself_and_the_hub_removes_the_mark(steady: SteadyDesk) -> None:
    await steady.start()
    await steady.faults.reboot()
    await steady.plug()
    assert (steady.mode.on, steady.is_marked) == (False, True)
    await steady.look()
    assert (steady.mode.history, steady.is_marked) == ([True], False)


async def test_services_that_are_away_are_told_of_once_and_tried_again(steady: SteadyDesk) -> None:
    await steady.start()
    await steady.faults.restart_adbd()
    steady.desk.phone.system.server_up = False
    await steady.plug()
    for _ in range(2):
        await steady.plug()  # a connection of its own each: the phone is asked anew
        await steady.look()
    assert steady.mode.on
    [told] = steady.told
    assert "could not be undone" in told
    assert "restart of the phone ends it" in told
    handle = await steady.start("sleep 1", "r2", steady=False)
    assert handle.supervisor["steady"] == "left"
    steady.desk.phone.system.server_up = True
    _, end = await steady.desk.finish(handle)
    assert end.cause is None
    await steady.plug()
    await steady.look()
    assert (steady.mode.history, steady.is_marked) == (ON_OFF, False)


@pytest.mark.parametrize(
    ("android", "refuses", "word"),
    [(8, False, "unsupported"), (10, False, "unsupported"), (14, True, "refused")],
)
async def test_a_phone_that_cannot_says_so_and_runs_all_the_same(
    android: int, refuses: bool, word: str, tmp_path: Path
) -> None:
    async with steady_desk(tmp_path, PhoneSpec(android=android)) as steady:
        steady.mode.refuses = refuses
        handle = await steady.start("exit 3")
        assert handle.supervisor["steady"] == word
        _, end = await steady.desk.finish(handle)
        assert (end.launches[0].status, steady.mode.history, steady.is_marked) == (3, [], False)


async def test_a_mode_that_no_run_of_ours_switched_on_stays(steady: SteadyDesk) -> None:
    switched = "cmd power set-fixed-performance-mode-enabled true"
    assert (await run_script(steady.desk.transport, switched, timeout_s=60)).status == 0
    await steady.desk.finish(await steady.start("exit 0", steady=False))
    await steady.look()
    assert (steady.mode.on, steady.mode.history) == (True, [True])


async def test_a_killed_hub_leaves_a_run_that_undoes_it(steady: SteadyDesk) -> None:
    steady.hub.engines.add(engine_bundle("virtual"), "plain")
    steady.hub.models.add(demo_model_dir(), "tiny")
    steady.desk.phone.set_engine_script(EngineScript(token_ms=100.0))
    environ = {
        **os.environ,
        "ANDROID_ADB_SERVER_PORT": str(steady.desk.client.address.port),
        "DEVICEHUB_HOME": str(steady.hub.home.root),
    }
    words = ["run", "tiny", "--engine", "plain", "--steady", "--prompt", "What is MNN?"]
    async with procs.child([DEVICEHUB, *words, "--profile", "greedy-repeatable"], env=environ) as command:
        # A push names llm_demo in its commands, too: only the mode tells that the list has begun.
        await steady.on()
        async with asyncio.timeout(90):
            await steady.faults.when_process("llm_demo")
        assert steady.mode.history == [True]
        command.kill()
        await command.wait()
        hub = find_running(steady.hub.home)
        assert hub is not None
        os.kill(hub.pid, signal.SIGKILL)
    await steady.off()
    assert steady.mode.history == ON_OFF
    listed = await devicehub("runs", "list", "--json", env=environ)
    watched = await devicehub("runs", "watch", listed.json[0]["id"], "--json", env=environ)
    await stop_hub(environ)
    assert (watched.json["state"], watched.json["conditions"]["steady"]) == ("succeeded", "on")
