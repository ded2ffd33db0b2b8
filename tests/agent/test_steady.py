"""The fixed-performance mode: set after its mark, undone by whoever is left, and by nobody else."""

from __future__ import annotations

import asyncio
import os
import signal
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from devicehub.runner.exits import parse_fields
from tests.agent.local_phone import LocalPhone, boot_file, local_phone, sh, spec_of
from tests.agent.test_hardships import small_disk

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

CMD = """#!/bin/sh
# As Android 11's, which takes the mode and says nothing; $POWER/says: other words.
# It notes whether there was a mark.
if [ "$*" = 'power set-fixed-performance-mode-enabled true' ]; then word=true; else word=false; fi
while [ -e "$POWER/hangs" ]; do sleep 0.05; done
if [ -e "$POWER/says" ]; then cat "$POWER/says"; read -r status <"$POWER/status"; exit "$status"; fi
mark=no; [ ! -s "$MARK" ] || mark=yes
echo "$word mark=$mark" >>"$POWER/history"
"""
GETPROP = """#!/bin/sh
[ "$1" != ro.build.version.sdk ] || cat "$POWER/sdk"
"""
REFUSAL = "Failed to set FIXED_PERFORMANCE mode\nThis is likely because Power HAL AIDL is not implemented\n"


class SteadyPhone:
    """A local phone with a power service; processes that play supervisors."""

    def __init__(self, phone: LocalPhone) -> None:
        self.phone = phone
        self.folder = phone.folder / "power"
        self.mark = phone.root / "steady"
        self._supervisors: list[asyncio.subprocess.Process] = []

    def prepare(self) -> None:
        self.folder.mkdir()
        (self.folder / "sdk").write_text("34\n")
        self.phone.env |= {"POWER": str(self.folder), "MARK": str(self.mark)}
        for name, text in (("cmd", CMD), ("getprop", GETPROP)):
            (self.phone.bin / name).write_text(text.replace("#!/bin/sh", f"#!{self.phone.bin}/sh"))
            (self.phone.bin / name).chmod(0o755)

    def answer(self, text: str, status: int) -> None:
        (self.folder / "status").write_text(f"{status}\n")
        (self.folder / "says").write_text(text)

    def answer_again(self) -> None:
        (self.folder / "says").unlink()

    def history(self) -> list[str]:
        """What the mode was set to, with whether the mark stood then."""
        file = self.folder / "history"
        return file.read_text().splitlines() if file.exists() else []

    async def supervisor(self, run_id: str = "r1") -> tuple[str, str, str]:
        """The words that name a run and its supervisor, a process of its own."""
        self.phone.run_dir(run_id).mkdir(parents=True, exist_ok=True)
        process = await asyncio.create_subprocess_exec(
            self.phone.bin / "sleep", "600", env=self.phone.env, start_new_session=True
        )
        self._supervisors.append(process)
        stat = (await self.phone.script(f"cat /proc/{process.pid}/stat")).stdout.decode()
        return run_id, str(process.pid), stat.rpartition(") ")[2].split()[19]

    async def kill(self, number: int = 0) -> None:
        self._supervisors[number].kill()
        await self._supervisors[number].wait()

    async def steady(self, *words: str) -> tuple[int, str]:
        # To a file, as in a run: the watcher goes on holding it.
        script = f'exec sh "$@" 2>>"{self.folder}/said"'
        done = await self.phone.sh("-c", script, "sh", self.phone.agent / "steady.sh", *words)
        return done.status, done.stdout.decode().strip()

    async def until(self, condition: str) -> None:
        done = await self.phone.script(
            f"n=0; until {condition} || [ $n -ge 400 ]; do n=$((n+1)); sleep 0.05; done; {condition}"
        )
        assert done.status == 0, (condition, self.history())

    async def undone(self) -> None:
        """Wait until the mark is gone."""
        await self.until(f"[ ! -e '{self.mark}' ]")

    def watchers(self) -> list[int]:
        """The processes that wait to undo the mode."""
        found = []
        for folder in Path("/proc").glob("[0-9]*"):
            try:
                words = (folder / "cmdline").read_bytes().split(b"\0")
            except OSError:
                continue
            if os.fsencode(self.phone.agent / "steady.sh") in words and b"watch" in words:
                found.append(int(folder.name))
        return found

    async def end(self) -> None:
        for process in self._supervisors:
            if process.returncode is None:
                process.kill()
                await process.wait()
        for pid in self.watchers():
            os.kill(pid, signal.SIGKILL)


@asynccontextmanager
async def steady_phone(folder: Path, shell: str) -> AsyncIterator[SteadyPhone]:
    async with local_phone(folder, shell) as phone:
        steady = SteadyPhone(phone)
        steady.prepare()
        try:
            yield steady
        finally:
            await steady.end()


@pytest.fixture
async def desk(phone: LocalPhone) -> AsyncIterator[SteadyPhone]:
    desk = SteadyPhone(phone)
    desk.prepare()
    try:
        yield desk
    finally:
        await desk.end()


async def test_the_mark_stands_before_the_mode_and_until_it_was_undone(desk: SteadyPhone) -> None:
    run, pid, start = await desk.supervisor()
    assert await desk.steady("on", run, pid, start) == (0, "on")
    assert desk.history() == ["true mark=yes"]
    assert desk.mark.read_text() == f"{pid} {start} r1 b00t-0001\n"
    assert desk.mark.stat().st_mode & 0o077 == 0
    assert len(desk.watchers()) == 1
    assert await desk.steady("off", run) == (0, "")
    assert desk.history() == ["true mark=yes", "false mark=yes"]
    assert not desk.mark.exists()
    [watcher] = desk.watchers()
    await desk.kill()
    await desk.phone.dead(watcher)
    assert len(desk.history()) == 2


async def test_the_watcher_undoes_the_mode_of_a_killed_supervisor(desk: SteadyPhone) -> None:
    await desk.steady("on", *await desk.supervisor())
    [watcher] = desk.watchers()
    for sign in (signal.SIGHUP, signal.SIGTERM, signal.SIGINT):
        os.kill(watcher, sign)
    await desk.kill()
    await desk.undone()
    await desk.phone.dead(watcher)
    assert desk.history() == ["true mark=yes", "false mark=yes"]


async def test_what_watcher_and_supervisor_left_is_restored_and_a_living_run_is_not(
    desk: SteadyPhone,
) -> None:
    await desk.steady("on", *await desk.supervisor())
    assert await desk.steady("restore") == (0, "")
    assert desk.mark.exists()
    os.kill(desk.watchers()[0], signal.SIGKILL)
    await desk.kill()
    assert await desk.steady("restore") == (0, "")
    assert await desk.steady("restore") == (0, "")
    assert desk.history() == ["true mark=yes", "false mark=yes"]
    assert not desk.mark.exists()


async def test_a_late_watcher_leaves_the_next_run_alone(desk: SteadyPhone) -> None:
    await desk.steady("on", *await desk.supervisor("r1"))
    [late] = desk.watchers()
    os.kill(late, signal.SIGSTOP)
    await desk.kill(0)
    await desk.steady("restore")
    await desk.steady("on", *await desk.supervisor("r2"))
    os.kill(late, signal.SIGCONT)
    await desk.phone.dead(late)
    assert await desk.steady("off", "r1") == (0, "")
    assert [line.split()[0] for line in desk.history()] == ["true", "false", "true"]
    assert " r2 " in desk.mark.read_text()


async def test_a_second_run_takes_over_what_could_not_be_undone(desk: SteadyPhone) -> None:
    await desk.steady("on", *await desk.supervisor("r1"))
    os.kill(desk.watchers()[0], signal.SIGKILL)
    await desk.kill(0)
    desk.answer("cmd: Can't find service: power\n", 20)
    assert (await desk.steady("restore"))[0] == 1
    assert await desk.steady("on", *await desk.supervisor("r2")) == (0, "refused")
    desk.answer_again()
    assert await desk.steady("off", "r2") == (0, "")
    assert [line.split()[0] for line in desk.history()] == ["true", "false"]
    assert not desk.mark.exists()


@pytest.mark.parametrize(
    ("text", "status", "word"),
    [
        (REFUSAL, 255, "refused"),
        ("Failed to set FIXED_PERFORMANCE mode\n", 0, "refused"),
        (
            "java.lang.SecurityException: uid 2000 does not have android.permission.DEVICE_POWER\n",
            255,
            "refused",
        ),
        ("Unknown command: set-fixed-performance-mode-enabled\n", 255, "unsupported"),
        ("No shell command implementation.\n", 0, "unsupported"),
    ],
)
async def test_a_phone_that_says_no_keeps_no_mark(
    text: str, status: int, word: str, desk: SteadyPhone
) -> None:
    desk.answer(text, status)
    assert await desk.steady("on", *await desk.supervisor()) == (0, word)
    assert not desk.mark.exists()
    desk.answer_again()
    assert await desk.steady("off", "r1") == (0, "")
    assert desk.history() == []


async def test_words_of_a_linker_do_not_count_as_a_refusal(desk: SteadyPhone) -> None:
    desk.answer("WARNING: linker: cmd: unsupported flags DT_FLAGS_1=0x8000001\n", 0)
    assert await desk.steady("on", *await desk.supervisor()) == (0, "on")


async def test_a_phone_before_android_11_is_not_asked(desk: SteadyPhone) -> None:
    (desk.folder / "sdk").write_text("29\n")
    assert await desk.steady("on", *await desk.supervisor()) == (0, "unsupported")
    assert (desk.history(), desk.watchers(), desk.mark.exists()) == ([], [], False)


async def test_a_phone_without_the_command_cannot(desk: SteadyPhone) -> None:
    (desk.phone.bin / "cmd").unlink()
    assert await desk.steady("on", *await desk.supervisor()) == (0, "unsupported")
    assert not desk.mark.exists()


async def test_services_that_restart_are_waited_for(desk: SteadyPhone) -> None:
    await desk.steady("on", *await desk.supervisor())
    [watcher] = desk.watchers()
    desk.answer("cmd: Can't find service: power\n", 20)
    await desk.kill()
    assert (await desk.steady("restore"))[0] == 1
    desk.answer_again()
    await desk.undone()
    await desk.phone.dead(watcher)
    assert desk.history() == ["true mark=yes", "false mark=yes"]


async def test_a_boot_undoes_the_mode_by_itself(desk: SteadyPhone) -> None:
    await desk.steady("on", *await desk.supervisor())
    os.kill(desk.watchers()[0], signal.SIGKILL)
    boot_file(desk.phone).write_text("b00t-0002\n")
    # The process that has the supervisor's number now is another one: it lives.
    assert await desk.steady("restore") == (0, "")
    assert desk.history() == ["true mark=yes"]
    assert not desk.mark.exists()


async def test_a_mark_that_lost_its_text_is_undone(desk: SteadyPhone) -> None:
    desk.mark.write_text("")
    assert await desk.steady("restore") == (0, "")
    assert desk.history() == ["false mark=no"]
    assert not desk.mark.exists()


async def test_killed_between_mark_and_mode_it_is_undone(desk: SteadyPhone) -> None:
    run, pid, start = await desk.supervisor()
    (desk.folder / "hangs").touch()
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(desk.steady("on", run, pid, start))
        await desk.until(f"[ -s '{desk.mark}' ]")
        await desk.kill()
        (desk.folder / "hangs").unlink()
    await desk.undone()
    assert desk.history() == ["true mark=yes", "false mark=yes"]


async def test_a_service_that_hangs_is_not_waited_for_for_ever(desk: SteadyPhone) -> None:
    script = desk.phone.agent / "steady.sh"
    script.write_text(script.read_text().replace("\nCMD_S=10\n", "\nCMD_S=1\n"))
    (desk.folder / "hangs").touch()
    assert await desk.steady("on", *await desk.supervisor()) == (0, "refused")
    assert desk.mark.exists()
    (desk.folder / "hangs").unlink()
    assert await desk.steady("off", "r1") == (0, "")
    assert [line.split()[0] for line in desk.history()][-1] == "false"


async def test_two_that_undo_at_once_do_it_once(desk: SteadyPhone) -> None:
    await desk.steady("on", *await desk.supervisor())
    os.kill(desk.watchers()[0], signal.SIGKILL)
    await desk.kill()
    assert await asyncio.gather(*(desk.steady("restore") for _ in range(4))) == [(0, "")] * 4
    assert desk.history() == ["true mark=yes", "false mark=yes"]


@pytest.mark.parametrize("shell", ["mksh", "dash", "bash"])
async def test_without_room_for_the_mark_nothing_is_changed_and_with_the_mark_all_is_undone(
    tmp_path: Path, shell: str
) -> None:
    async with small_disk(tmp_path / "p", "1m"), steady_phone(tmp_path / "p", shell) as desk:
        words = await desk.supervisor()
        filler = desk.phone.root / "filler"
        fill = f"cat /dev/zero >'{filler}' 2>/dev/null"
        await desk.phone.script(fill)
        assert await desk.steady("on", *words) == (0, "refused")
        assert (desk.history(), desk.mark.exists()) == ([], False)
        filler.unlink()
        (desk.folder / "history").touch()
        assert await desk.steady("on", *words) == (0, "on")
        await desk.phone.script(fill)
        await desk.kill()
        await desk.undone()


async def test_a_steady_run_has_the_mode_in_its_launches_and_not_at_its_end(desk: SteadyPhone) -> None:
    look = sh(desk.phone, f"cat '{desk.folder}/history'; test -e '{desk.mark}'")
    run = desk.phone.prepare(spec_of(desk.phone, *look, steady=True))
    assert parse_fields((await desk.phone.start("r1")).stdout)["steady"] == "on"
    await desk.phone.finished("r1")
    assert desk.history() == ["true mark=yes", "false mark=yes"]
    assert not desk.mark.exists()
    assert (run / "1/stdout").read_text() == "true mark=yes\n"
    assert desk.phone.end().launches[0].status == 0
    for pid in desk.watchers():
        await desk.phone.dead(pid)


async def test_a_steady_run_that_was_stopped_or_killed_leaves_nothing(desk: SteadyPhone) -> None:
    run = desk.phone.prepare(spec_of(desk.phone, *sh(desk.phone, "sleep 300"), steady=True))
    started = parse_fields((await desk.phone.start("r1")).stdout)
    await desk.phone.wait_for(run / "1/pid")
    os.killpg(int(started["pid"]), signal.SIGKILL)
    await desk.undone()
    assert b"state=lost" in (await desk.phone.ctl("stop", "r1")).stdout
    run = desk.phone.prepare(
        spec_of(desk.phone, *sh(desk.phone, "sleep 300"), run_id="r2", work="w2", steady=True)
    )
    assert parse_fields((await desk.phone.start("r2")).stdout)["steady"] == "on"
    await desk.phone.ctl("stop", "r2")
    await desk.phone.finished("r2")
    assert not desk.mark.exists()
    assert [line.split()[0] for line in desk.history()] == ["true", "false"] * 2


async def test_a_run_begins_without_what_a_gone_one_has_left(desk: SteadyPhone) -> None:
    await desk.steady("on", *await desk.supervisor("r0"))
    os.kill(desk.watchers()[0], signal.SIGKILL)
    await desk.kill()
    run = desk.phone.prepare(spec_of(desk.phone, *sh(desk.phone, f"cat '{desk.folder}/history'")))
    assert parse_fields((await desk.phone.start("r1")).stdout)["steady"] == ""
    await desk.phone.finished("r1")
    assert (run / "1/stdout").read_text() == "true mark=yes\nfalse mark=yes\n"


async def test_a_run_under_a_mode_that_could_not_be_undone_says_so(desk: SteadyPhone) -> None:
    await desk.steady("on", *await desk.supervisor("r0"))
    os.kill(desk.watchers()[0], signal.SIGKILL)
    await desk.kill()
    desk.answer("cmd: Can't find service: power\n", 20)
    desk.phone.prepare(spec_of(desk.phone))
    assert parse_fields((await desk.phone.start("r1")).stdout)["steady"] == "left"
    await desk.phone.finished("r1")
    desk.answer_again()
    # Any question to the agent undoes it.
    await desk.phone.ctl("list")
    assert not desk.mark.exists()
