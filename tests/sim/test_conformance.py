"""What real adb programs make of a virtual phone, in both modes of its shell."""

from __future__ import annotations

import hashlib
import os
from typing import TYPE_CHECKING

import pytest

from devicehub.sim.phone import PhoneSpec, VirtualPhone
from tests.sim.conftest import phone_or_skip

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from devicehub.sim.process.shell import Mode
    from tests.sim.adb_programs import Adb

TMP = "/data/local/tmp"


@pytest.fixture
async def phone(adb: Adb, mode: Mode) -> AsyncIterator[VirtualPhone]:
    """A phone that this adb is connected to."""
    async with phone_or_skip(PhoneSpec(mode=mode), adb.keys) as found:
        connected = await adb.run("connect", found.address)
        assert connected.stdout.startswith(b"connected to"), connected
        yield found


@pytest.mark.parametrize("status", [0, 7, 127, 137])
async def test_exit_status_of_a_command(adb: Adb, phone: VirtualPhone, status: int) -> None:
    command = "kill -9 $$" if status == 137 else "no_such_command" if status == 127 else f"exit {status}"
    assert (await adb.run("shell", command)).status == status


async def test_stderr_stays_apart_from_stdout(adb: Adb, phone: VirtualPhone) -> None:
    done = await adb.run("shell", "echo out; echo err >&2")
    assert (done.stdout, done.stderr) == (b"out\n", b"err\n")


async def test_stdin_arrives_whole_and_ends(adb: Adb, phone: VirtualPhone) -> None:
    text = os.urandom(300_000)
    done = await adb.run("shell", "cat", stdin=text)
    assert done.stdout == text


async def test_exec_out_is_binary_clean(adb: Adb, phone: VirtualPhone) -> None:
    done = await adb.run("exec-out", "printf 'a\\nb\\r\\n\\000c'")
    assert done.stdout == b"a\nb\r\n\0c"


async def test_a_tree_with_odd_names_comes_back_the_same(
    adb: Adb, phone: VirtualPhone, tmp_path: Path
) -> None:
    tree = tmp_path / "tree"
    names = ["plain", "with space", 'it\'s "quoted"', "größe 日本語 🙂", "deep/er/$(x) `y` \\z", "empty"]
    for name in names:
        file = tree / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(b"" if name == "empty" else name.encode() * 5000)
    pushed = await adb.run("push", tree, f"{TMP}/tree")
    assert pushed.status == 0, pushed
    pulled = await adb.run("pull", f"{TMP}/tree", tmp_path / "back")
    assert pulled.status == 0, pulled
    for name in names:
        assert (tmp_path / "back" / name).read_bytes() == (tree / name).read_bytes()


async def test_a_pushed_file_has_the_same_hash_on_the_phone(
    adb: Adb, phone: VirtualPhone, tmp_path: Path
) -> None:
    await _push_and_pull(adb, tmp_path, size=3_000_001)


@pytest.mark.slow
async def test_push_and_pull_of_200_mb(adb: Adb, phone: VirtualPhone, tmp_path: Path) -> None:
    await _push_and_pull(adb, tmp_path, size=200_000_000)


async def _push_and_pull(adb: Adb, folder: Path, *, size: int) -> None:
    data = os.urandom(size)
    (folder / "big").write_bytes(data)
    expected = hashlib.sha256(data).hexdigest()
    assert (await adb.run("push", folder / "big", f"{TMP}/big")).status == 0
    told = await adb.run("shell", f"sha256sum {TMP}/big")
    assert told.stdout.split()[0].decode() == expected
    assert (await adb.run("pull", f"{TMP}/big", folder / "back")).status == 0
    assert hashlib.sha256((folder / "back").read_bytes()).hexdigest() == expected


async def test_a_push_into_system_is_refused(adb: Adb, phone: VirtualPhone, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    done = await adb.run("push", tmp_path / "file", "/system/file")
    assert done.status != 0
    assert b"Read-only file system" in done.stdout + done.stderr


async def test_the_phone_says_that_it_is_virtual(adb: Adb, phone: VirtualPhone) -> None:
    done = await adb.run(
        "shell", "getprop ro.devicehub.virtual; getprop ro.serialno; getprop no.such; getprop"
    )
    lines = done.stdout.decode().splitlines()
    assert lines[:3] == ["1", "VIRT0001", ""]
    assert "[ro.soc.model]: [SM8650]" in lines


async def test_boot_id_is_the_spec_s(adb: Adb, phone: VirtualPhone) -> None:
    done = await adb.run("shell", "cat /proc/sys/kernel/random/boot_id")
    assert done.stdout.decode().strip() == phone.spec.boot_id
