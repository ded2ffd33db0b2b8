"""app.sh as the launch's process: it starts the app, watches it, and ends it, under each shell."""

from __future__ import annotations

import asyncio
import os
import signal
from typing import TYPE_CHECKING

import pytest

from devicehub.runner.contract import Command, RunSpec
from devicehub.runner.exits import parse_fields
from devicehub.workloads.mnn_chat_launch import AppSide
from devicehub.workloads.mnn_chat_wire import PACKAGE
from tests.agent.local_phone import LocalPhone, is_alive

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

AM = """#!/bin/sh
printf '%s\\n' "$*" >>"$APP/am"
case $1 in
  start)
    if [ -f "$APP/refusal" ]; then cat "$APP/refusal"; exit 0; fi
    echo "Starting: Intent { cmp=$3 }"
    setsid sleep 300 </dev/null >/dev/null 2>&1 &
    printf '%s\\n' "$!" >"$APP/pid"
    while read -r line; do
      printf '1700000000.000000001  10123 %s %s D MNN_DEBUG: %s\\n' "$!" "$!" "$line" >>"$APP_LOG"
    done <"$APP/says"
    ;;
  force-stop)
    [ ! -f "$APP/pid" ] || kill -9 "$(cat "$APP/pid")" 2>/dev/null
    rm -f "$APP/pid"
    ;;
esac
"""
PIDOF = """#!/bin/sh
[ "$1" != adbd ] || exit 1
pid=$(cat "$APP/pid" 2>/dev/null) && [ -d "/proc/$pid" ] && echo "$pid"
"""
ACTIVITIES = f"""  Display #0
    mResumedActivity: ActivityRecord{{1a2b u0 {PACKAGE}/.chat.ChatActivity t12}}
    mLastPausedActivity: ActivityRecord{{9 u0 com.launcher/.Home t1}}
  KeyguardController:
    mKeyguardShowing=false
"""


class App:
    """The app of a local phone, as its am plays it."""

    def __init__(self, phone: LocalPhone) -> None:
        self.phone = phone
        self.folder = phone.folder / "app"
        self.folder.mkdir()
        self.says("createLLM BeginLoad /m/config.json", "createLLM EndLoad 77 ")
        phone.env.update(APP=str(self.folder), APP_LOG=str(phone.run_dir("r1") / "log"))
        for name, text in (("am", AM), ("pidof", PIDOF)):
            (phone.bin / name).write_text(text.replace("#!/bin/sh", f"#!{phone.bin}/sh"))
            (phone.bin / name).chmod(0o755)
        for name, text in (
            ("activity", ACTIVITIES),
            ("power", "  mWakefulness=Awake\nDisplay Power: state=ON\n"),
            ("window", "    mShowingLockscreen=false mDreamingLockscreen=false\n"),
        ):
            (phone.folder / "dumpsys" / name).write_text(text)

    def says(self, *lines: str) -> None:
        (self.folder / "says").write_text("".join(f"{line}\n" for line in lines))

    @property
    def calls(self) -> list[str]:
        return (self.folder / "am").read_text().splitlines()

    @property
    def pid(self) -> int:
        return int((self.folder / "pid").read_text())

    @property
    def launch(self) -> Path:
        return self.phone.run_dir("r1") / "1"

    async def start(self, *extras: str, limit_s: int = 120) -> None:
        run = self.phone.run_dir("r1")
        argv = ("sh", f"{self.phone.agent}/app.sh", f"{run}/1", str(limit_s), PACKAGE, f"{PACKAGE}/.Main")
        self.phone.prepare(RunSpec("r1", [Command((*argv, *extras), str(run))]))
        assert (await self.phone.start("r1")).status == 0

    async def state(self, wanted: str) -> dict[str, str]:
        """Wait until app.sh tells that state."""
        file = self.launch / "app"
        await self.phone.script(
            f"n=0; until grep -q 'state={wanted}' {file} 2>/dev/null || [ $n -ge 400 ]; "
            "do n=$((n+1)); sleep 0.05; done"
        )
        fields = parse_fields(file.read_bytes())
        assert fields.get("state") == wanted, (fields, (self.launch / "stderr").read_text())
        return fields

    async def ended(self) -> AppSide:
        await self.phone.finished("r1")
        side = AppSide()
        for line in (self.launch / "stdout").read_text().splitlines():
            side.take_line(line)
        return side


@pytest.fixture
def app(phone: LocalPhone) -> Iterator[App]:
    app = App(phone)
    yield app
    if (app.folder / "pid").exists() and is_alive(app.pid):
        os.kill(app.pid, signal.SIGKILL)


async def test_it_loads_waits_for_the_answer_and_stops_the_app(app: App) -> None:
    await app.start("--es", "modelName", "it's a 'model'")
    fields = await app.state("loaded")
    pid = app.pid
    assert fields["pid"] == str(pid)
    assert (app.launch / "watch").read_text().split()[0] == str(pid)
    assert (app.launch / "package").read_text().strip() == PACKAGE
    assert is_alive(pid)
    (app.launch / "done").touch()
    side = await app.ended()
    assert (side.pid, side.gone, side.late) == (pid, False, False)
    assert (side.absence(), side.spoilt()) == (None, None)
    assert side.looked("begin").front == side.looked("end").front == f"{PACKAGE}/.chat.ChatActivity"
    assert app.calls[1] == f"start -n {PACKAGE}/.Main --es modelName it's a 'model'"
    assert app.calls[-1] == f"force-stop {PACKAGE}"
    assert not is_alive(pid)
    assert not (app.launch / "package").exists()
    assert app.phone.end().launches[0].status == 0


async def test_a_load_that_failed_is_told(app: App) -> None:
    app.says("createLLM BeginLoad /m/config.json", "Model load failed, cleaning up LlmSession: no file")
    await app.start("--es", "modelName", "m")
    await app.state("failed")
    (app.launch / "done").touch()
    assert (await app.ended()).absence() is None


async def test_an_app_that_loads_nothing_by_itself_is_ready_when_it_is_up(app: App) -> None:
    app.says("JNI_OnLoad")
    await app.start()
    await app.state("loaded")
    (app.launch / "done").touch()
    await app.ended()


async def test_the_load_of_another_process_is_not_the_apps(app: App) -> None:
    app.says("JNI_OnLoad")
    await app.start("--es", "modelName", "m")
    await app.state("up")
    with (app.phone.run_dir("r1") / "log").open("a") as log:
        log.write("1700000000.000000002  10123 1 1 D MNN_DEBUG: createLLM EndLoad 9\n")
        log.write(f"1700000000.000000002  10123 {app.pid} {app.pid} D Other: createLLM EndLoad 9\n")
    await asyncio.to_thread((app.launch / "done").touch)
    await app.ended()
    assert parse_fields((app.launch / "app").read_bytes())["state"] == "up"


async def test_an_app_that_dies_is_told_and_ends_the_launch(app: App) -> None:
    await app.start("--es", "modelName", "m")
    await app.state("loaded")
    os.kill(app.pid, signal.SIGKILL)
    side = await app.ended()
    assert side.gone
    assert parse_fields((app.launch / "app").read_bytes())["state"] == "gone"


async def test_an_app_that_is_not_there(app: App) -> None:
    (app.folder / "refusal").write_text(
        "Starting: Intent { }\nError type 3\nError: Activity class {x} does not exist.\n"
    )
    await app.start("--es", "modelName", "m")
    side = await app.ended()
    assert side.pid is None
    assert side.absence() == (
        "app_not_installed",
        ["Error type 3", "Error: Activity class {x} does not exist."],
    )


async def test_its_own_limit_ends_it(app: App) -> None:
    await app.start(limit_s=1)
    side = await app.ended()
    assert side.late
    assert side.spoilt() == ("limit_time", ["the agent's own limit ended the app"])
    assert app.calls[-1] == f"force-stop {PACKAGE}"


async def test_a_stop_ends_the_app_too(app: App) -> None:
    await app.start("--es", "modelName", "m")
    await app.state("loaded")
    pid = app.pid
    await app.phone.ctl("stop", "r1")
    await app.ended()
    assert app.phone.end().cause == "stopped"
    await app.phone.dead(pid)
    assert not (app.launch / "package").exists()


async def test_a_locked_phone_shows_at_the_end(app: App) -> None:
    await app.start("--es", "modelName", "m")
    await app.state("loaded")
    window = app.phone.folder / "dumpsys/window"
    await asyncio.to_thread(window.write_text, "    mShowingLockscreen=false mDreamingLockscreen=true\n")
    (app.launch / "done").touch()
    cause = (await app.ended()).spoilt()
    assert cause is not None
    assert (cause[0], cause[1][0]) == ("app_backgrounded", "at the end of the launch the phone is locked")


async def test_an_app_that_ran_before_is_started_anew(app: App) -> None:
    first = await asyncio.create_subprocess_exec("sleep", "300")
    await asyncio.to_thread((app.folder / "pid").write_text, str(first.pid))
    await app.start("--es", "modelName", "m")
    await app.state("loaded")
    assert app.pid != first.pid
    assert await first.wait() == -signal.SIGKILL
    (app.launch / "done").touch()
    await app.ended()
    assert "was_running=1" in (app.launch / "stdout").read_text()
