"""Runs of workload app that do not end well, each as a user starts it, on a virtual phone."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from collections.abc import Awaitable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest
import pytest_asyncio

from devicehub.adb.client import AdbClient
from devicehub.adb.server import private_server
from devicehub.demo_model import demo_model_dir
from devicehub.sim.app.spec import PACKAGE, AppSpec
from devicehub.sim.engine.scenario import End, EngineScript
from devicehub.sim.phone import PhoneSpec
from tests.e2e.command import Answer, devicehub, stop_hub
from tests.sim.app.make_apk import make_apk
from tests.sim.conftest import phone_or_skip
from tests.sim.engine.runs import needs_demo_model

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator
    from pathlib import Path

    from devicehub.sim.phone import VirtualPhone

pytestmark = [needs_demo_model, pytest.mark.slow, pytest.mark.asyncio(loop_scope="module")]

_PATIENCE_S = 120
SLOW = EngineScript(token_ms=100)
ANSWERING = "No multimodal content detected"
"""What the app logs before it answers."""


@dataclass
class Desk:
    """One phone, and the hub's own home."""

    phone: VirtualPhone
    env: dict[str, str]

    async def hub(self, *argv: str | Path) -> Answer:
        """What a command answers."""
        return await devicehub(*argv, "--on", self.phone.address, env=self.env)

    async def run(self) -> Any:
        """The record of a run."""
        answer = await self.hub(
            "run", "tiny", "--workload", "app", "--prompt", "What is DeviceHub?", "--retries", "0", "--json"
        )
        assert "Traceback" not in answer.stderr
        assert answer.stdout, answer.stderr
        return answer.json

    async def run_and(self, act: Callable[[], object | Awaitable[object]], *, after: str) -> Any:
        """The record of a run during which something is done once the phone's log holds a text."""
        running = asyncio.ensure_future(self.run())
        try:
            await self._logged(after)
            done = act()
            if isinstance(done, Awaitable):
                await done
            return await running
        finally:
            running.cancel()

    async def press_home(self) -> None:
        """What a person may do at any time."""
        await self.phone.system.run(["input", "keyevent", "HOME"], pid=0)

    async def force_stop(self) -> None:
        """What a person may do in the settings."""
        await self.phone.system.run(["am", "force-stop", PACKAGE], pid=0)

    async def _logged(self, text: str) -> None:
        log, news = self.phone.system.log, asyncio.Event()
        last = max((entry.number for entry in log.after(0, ["main"])), default=0)
        log.on_entry.add(news.set)
        try:
            async with asyncio.timeout(_PATIENCE_S):
                while not any(text.encode() in entry.message for entry in log.after(last, ["main"])):
                    news.clear()
                    await news.wait()
        finally:
            log.on_entry.discard(news.set)


@contextlib.asynccontextmanager
async def _desk(folder: Path, app: AppSpec | None) -> AsyncIterator[Desk]:
    async with private_server(home=folder / "adb") as server:
        spec = PhoneSpec(serialno="ENDS0001", app=app)
        async with phone_or_skip(spec, [server.key_path]) as phone:
            await AdbClient(server.address).connect(phone.address)
            env = {
                **os.environ,
                "HOME": str(folder / "adb"),
                "ANDROID_ADB_SERVER_PORT": str(server.address.port),
                "DEVICEHUB_HOME": str(folder / "hub"),
            }
            added = await devicehub("models", "add", demo_model_dir(), "--name", "tiny", env=env)
            assert added.status == 0, added.stderr
            try:
                yield Desk(phone, env)
            finally:
                await stop_hub(env)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def desk(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Desk]:
    """A phone with a debug build of the app."""
    async with _desk(tmp_path_factory.mktemp("ends"), AppSpec()) as desk:
        yield desk


@pytest.fixture(autouse=True)
def plain_phone(desk: Desk) -> Iterator[None]:
    """The phone as it was, for the next test."""
    yield
    desk.phone.set_engine_script(None)
    desk.phone.system.screen_on, desk.phone.system.locked = True, False


def _judged(record: Any) -> tuple[str, str, str | None]:
    return record["state"], record["verdict"], record["cause"]


async def test_lmkd_takes_the_app_amid_an_answer(desk: Desk) -> None:
    desk.phone.set_engine_script(SLOW)
    apps = desk.phone.system.apps
    assert apps is not None
    record = await desk.run_and(lambda: apps.kill_by_lmkd(PACKAGE), after=ANSWERING)
    assert _judged(record) == ("failed", "failed", "killed_low_memory")
    [launch] = record["launches"]
    assert any(line.startswith(f"lowmemorykiller: Kill '{PACKAGE}'") for line in launch["crash"])
    assert launch["records"] == []


async def test_app_crashes_amid_an_answer(desk: Desk) -> None:
    desk.phone.set_engine_script(EngineScript(end=End(at="decode", tokens=5, signal=signal.SIGSEGV)))
    record = await desk.run()
    assert _judged(record) == ("failed", "failed", "segfault")
    [launch] = record["launches"]
    assert any("signal 11 (SIGSEGV)" in line for line in launch["evidence"])
    assert any(f">>> {PACKAGE} <<<" in line for line in launch["crash"])
    assert launch["remedy"]
    # What an app logged is there: it is not repeated on a terminal.
    assert record["diagnosis"] == []


async def test_app_goes_to_the_background_amid_an_answer(desk: Desk) -> None:
    desk.phone.set_engine_script(SLOW)
    record = await desk.run_and(desk.press_home, after=ANSWERING)
    assert _judged(record) == ("failed", "failed", "app_backgrounded")
    [launch] = record["launches"]
    assert "at the end of the launch" in launch["evidence"][0]
    assert any("launcher" in line for line in launch["evidence"])
    # The figures stay, for nobody to trust.
    assert launch["records"][0]["decode_tok_s"] > 0
    assert record["trusted"] is False


@pytest.mark.parametrize(
    ("screen_on", "locked", "line"),
    [
        (True, True, "at the begin of the launch the phone is locked"),
        (False, False, "at the begin of the launch the screen is off"),
    ],
)
async def test_app_that_nobody_sees_gives_no_figure(
    desk: Desk, *, screen_on: bool, locked: bool, line: str
) -> None:
    desk.phone.system.screen_on, desk.phone.system.locked = screen_on, locked
    record = await desk.run()
    assert _judged(record) == ("failed", "failed", "app_backgrounded")
    assert record["launches"][0]["evidence"][0] == line
    assert record["trusted"] is False


async def test_model_does_not_load(desk: Desk) -> None:
    desk.phone.set_engine_script(EngineScript(refuse_load=True))
    record = await desk.run()
    assert _judged(record) == ("failed", "failed", "load_failed")
    [launch] = record["launches"]
    assert launch["evidence"][0].startswith("Model load() returned false: Module load failed for config: ")
    assert launch["records"] == []


async def test_app_that_did_not_answer_a_touch_says_so_and_succeeds(desk: Desk) -> None:
    desk.phone.set_engine_script(SLOW)
    apps = desk.phone.system.apps
    assert apps is not None
    record = await desk.run_and(lambda: apps.stop_answering(PACKAGE), after=ANSWERING)
    assert _judged(record) == ("succeeded", "succeeded", None)
    assert record["launches"][0]["crash"][0].startswith(f"ActivityManager: ANR in {PACKAGE} ")


async def test_somebody_stops_the_app_amid_an_answer(desk: Desk) -> None:
    desk.phone.set_engine_script(SLOW)
    record = await desk.run_and(desk.force_stop, after=ANSWERING)
    assert _judged(record) == ("failed", "failed", "killed")
    [launch] = record["launches"]
    assert any(f"stop {PACKAGE} due to" in line for line in launch["crash"])


async def test_phone_asks_a_person_before_an_install(tmp_path: Path) -> None:
    async with _desk(tmp_path, AppSpec(installed=False, restricted=True)) as desk:
        answer = await desk.hub("app", "install", make_apk(tmp_path / "app.apk"))
        assert answer.status == 1
        answer.assert_one_sentence("INSTALL_FAILED_USER_RESTRICTED", "Install via USB")
