"""Programs for arm64 on virtual phones, pushed and started by a real adb."""

from __future__ import annotations

import os
import platform
import re
import signal
from pathlib import Path
from typing import TYPE_CHECKING, Final

import pytest

from devicehub.adb.client import AdbClient
from devicehub.adb.server import private_server
from devicehub.sim.phone import NO_ARM64_PROPERTY, PhoneSpec
from devicehub.workloads.failures import FAILURES
from tests.engines.elf_maker import ANDROID_64, make_elf
from tests.sim.adb_programs import BUNDLED, adb_with_server
from tests.sim.conftest import phone_or_skip
from tests.sim.desk import Desk, desk_with
from tests.sim.programs import build, give, need_arm64

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.sim.adb_programs import Adb

TMP: Final = "/data/local/tmp"
PROGRAM: Final = f"{TMP}/arm64"
FORMATS: Final = Path("/proc/sys/fs/binfmt_misc")
CONFINED: Final = PhoneSpec(mode="confined")


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build(tmp_path_factory.mktemp("program"))


@pytest.fixture
async def adb(tmp_path: Path) -> AsyncIterator[Adb]:
    async with adb_with_server(BUNDLED, tmp_path / "home") as found:
        yield found


@pytest.fixture
async def desk(program: Path, tmp_path: Path) -> AsyncIterator[Desk]:
    """A confined phone that has the program."""
    async with desk_with(CONFINED, tmp_path) as found:
        need_arm64(found.phone)
        give(found.phone, program, PROGRAM)
        yield found


def _formats() -> list[str]:
    return sorted(file.name for file in FORMATS.iterdir()) if FORMATS.is_dir() else []


async def test_a_pushed_program_prints_and_ends_as_on_a_phone(adb: Adb, program: Path) -> None:
    async with phone_or_skip(CONFINED, adb.keys) as phone:
        need_arm64(phone)
        await adb.run("connect", phone.address)
        assert (await adb.run("push", program, PROGRAM)).status == 0
        command = f"cd {TMP} && LD_LIBRARY_PATH=/x/y ./arm64 tell 'two words' ''"
        done = await adb.run("shell", command)
        assert (done.status, done.stderr) == (7, b"this is an error\n"), done
        lines = done.stdout.decode().splitlines()
        assert lines[:4] == ["word=./arm64", "word=tell", "word=two words", "word="]
        assert lines[4:8] == ["machine=aarch64", f"exe={PROGRAM}", f"cwd={TMP}", "library_path=/x/y"]
        text = os.urandom(300_000)
        assert (await adb.run("shell", f"{PROGRAM} echo", stdin=text)).stdout == text
        many = (await adb.run("shell", f"{PROGRAM} flood 200000")).stdout
        assert many == b"".join(b"line %d of many\n" % number for number in range(200_000))
        crashed = await adb.run("shell", f"{PROGRAM} crash")
        assert crashed.status == 128 + signal.SIGSEGV


async def test_it_sees_the_phones_files_and_none_of_the_hosts(desk: Desk, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("the host's own")
    assert await desk.sh(f"{PROGRAM} read {tmp_path}/secret; echo $?") == "1"
    assert await desk.sh(f"{PROGRAM} read /sys/class/thermal/thermal_zone0/type")
    boot_id = "/proc/sys/kernel/random/boot_id"
    assert await desk.sh(f"{PROGRAM} read {boot_id}") == await desk.sh(f"cat {boot_id}")


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
async def test_signals_end_it_and_its_own_name_and_number_hold(desk: Desk, number: signal.Signals) -> None:
    script = f"{PROGRAM} wait >{TMP}/said & pid=$!; until [ -s {TMP}/said ]; do sleep 0.05; done"
    asked = f"cat {TMP}/said; echo $pid; cat /proc/$pid/comm; kill -{number} $pid; wait $pid; echo $?"
    said, pid, comm, status = (await desk.sh(f"{script}; {asked}")).splitlines()
    assert said == f"waiting as {pid}"
    assert (comm, status) == ("arm64", str(128 + number))


async def test_the_phone_knows_it_as_its_own_process(desk: Desk) -> None:
    await desk.sh(f"setsid {PROGRAM} wait </dev/null >/dev/null 2>&1 &")
    await desk.faults.when_process("arm64 wait")
    assert desk.faults._processes.any_runs()
    assert desk.faults.kill("arm64 wait") == 1
    await desk.faults.when_gone("arm64 wait")


async def test_a_reboot_ends_it_and_the_next_boot_executes_it_again(desk: Desk) -> None:
    await desk.sh(f"setsid {PROGRAM} wait </dev/null >/dev/null 2>&1 &")
    await desk.faults.when_process("arm64 wait")
    await desk.faults.reboot()
    assert desk.faults.processes("arm64 wait") == []
    await desk.connected()
    assert "machine=aarch64" in await desk.sh(f"{PROGRAM} tell 2>/dev/null")


async def test_two_phones_execute_it_and_the_host_is_told_of_nothing(program: Path, tmp_path: Path) -> None:
    before = _formats()
    async with private_server(home=tmp_path / "adb") as server:
        client = AdbClient(server.address)
        specs = [PhoneSpec(mode="confined", serialno=name) for name in ("VIRT0001", "VIRT0002")]
        async with (
            phone_or_skip(specs[0], [server.key_path]) as one,
            phone_or_skip(specs[1], [server.key_path]) as other,
        ):
            desks = [Desk(client, one), Desk(client, other)]
            for desk in desks:
                need_arm64(desk.phone)
                give(desk.phone, program, PROGRAM)
                await desk.connected()
                await desk.sh(f"setsid {PROGRAM} wait </dev/null >/dev/null 2>&1 &")
                await desk.faults.when_process("arm64 wait")
            assert _formats() == before
            assert not list(one.root.parent.glob("binfmt"))
            assert desks[0].faults.kill("arm64 wait") == 1
            await desks[0].faults.when_gone("arm64 wait")
            assert desks[1].faults.processes("arm64 wait")
    assert _formats() == before


async def test_a_program_for_bionics_loader_fails_with_the_loaders_name(desk: Desk) -> None:
    place = desk.phone.root / "data/local/tmp/dynamic"
    place.write_bytes(make_elf(interpreter=ANDROID_64, needed=("libc.so",), pie=True))
    place.chmod(0o755)
    said = await desk.sh(f"{TMP}/dynamic 2>&1; echo $?")
    assert "Traceback" not in said
    *lines, status = said.splitlines()
    assert int(status) != 0
    (failure,) = [row for row in FAILURES if row.slug == "loader_missing"]
    assert any(pattern.regex.search(line) for pattern in failure.patterns for line in lines), lines


async def test_a_phone_that_cannot_execute_it_says_so_as_phones_do(program: Path, tmp_path: Path) -> None:
    async with desk_with(PhoneSpec(mode="portable"), tmp_path) as desk:
        give(desk.phone, program, PROGRAM)
        told = await desk.sh(f"getprop {NO_ARM64_PROPERTY}")
        said = await desk.sh(f"cd {TMP}; ./arm64 tell 2>&1; echo $?")
        assert told == (desk.phone.no_arm64 or "")
        if desk.phone.no_arm64 is None:
            assert "machine=aarch64" in said
        else:
            assert platform.machine() != "aarch64"
            assert "machine=" not in said
            assert re.search(r"not executable: 64-bit ELF|Exec format error|not found", said), said
