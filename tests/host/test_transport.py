"""This computer through the interface of a phone: shells, files, and what is told of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from devicehub.adb.address import ServerAddress
from devicehub.adb.shell import open_shell, run, run_script
from devicehub.adb.sync import open_sync
from devicehub.adb.wire import Stdout
from devicehub.device.model import LOCAL
from devicehub.device.probe import read_properties, read_state
from devicehub.errors import AdbRefused, AdbTimeout
from devicehub.host.client import HostClient
from devicehub.host.place import HostPlace

if TYPE_CHECKING:
    from pathlib import Path

    from devicehub.adb.client import Transport


@pytest.fixture
def host(tmp_path: Path) -> Transport:
    # Nobody listens there: the way to this computer needs no server.
    client = HostClient(ServerAddress("127.0.0.1", 1), HostPlace(tmp_path / "a home's" / "local"))
    return client.transport(serial=LOCAL)


async def test_outputs_stay_apart_and_the_status_is_told(host: Transport) -> None:
    done = await run_script(host, "echo out; echo err >&2; exit 7", timeout_s=30)
    assert (done.stdout, done.stderr, done.status) == (b"out\n", b"err\n", 7)
    assert (await run_script(host, "kill -9 $$", timeout_s=30)).status == 128 + 9


async def test_stdin_and_a_large_output_arrive_whole(host: Transport) -> None:
    data = bytes(range(256)) * 4096
    assert (await run(host, ["cat"], stdin=data, timeout_s=30)).stdout == data


async def test_a_command_that_is_left_gets_a_hang_up(host: Transport, tmp_path: Path) -> None:
    mark = tmp_path / "mark"
    script = f"exec 2>/dev/null; trap 'echo gone >{mark}; exit' HUP; echo begun; while :; do sleep 0.05; done"
    async with open_shell(host, script) as shell:
        async for event in shell:
            assert event == Stdout(b"begun\n")
            break
    assert mark.read_text() == "gone\n"


async def test_what_a_command_detaches_stays(host: Transport, tmp_path: Path) -> None:
    fifo = tmp_path / "fifo"
    script = (
        f"mkfifo {fifo}; setsid sh -c 'read -r said <{fifo}; echo $said >{fifo}' </dev/null >/dev/null 2>&1 &"
    )
    assert (await run_script(host, script + "\necho left", timeout_s=30)).stdout == b"left\n"
    answer = await run_script(host, f"echo hello >{fifo}; cat {fifo}", timeout_s=30)
    assert answer.stdout == b"hello\n"


async def test_a_command_past_its_time_ends(host: Transport, tmp_path: Path) -> None:
    with pytest.raises(AdbTimeout):
        await run_script(host, f"echo $$ >{tmp_path / 'pid'}; exec sleep 600", timeout_s=1)
    pid = int((tmp_path / "pid").read_text())
    assert (await run_script(host, f"kill -s 0 {pid}", timeout_s=30)).status != 0


async def test_files_are_pushed_whole_with_mode_and_time(host: Transport, tmp_path: Path) -> None:
    target = tmp_path / "deep" / "er" / "file"
    content = b"x" * 300_000
    async with open_sync(host) as sync:
        await sync.push(content, str(target), mode=0o600, mtime=1_700_000_000)
        await sync.push(b"second", str(target.with_name("other")), mode=0o755)
    assert target.read_bytes() == content
    assert (target.stat().st_mode & 0o777, int(target.stat().st_mtime)) == (0o600, 1_700_000_000)
    assert sorted(path.name for path in target.parent.iterdir()) == ["file", "other"]


async def test_a_file_that_cannot_be_written_is_refused_with_the_reason(
    host: Transport, tmp_path: Path
) -> None:
    (tmp_path / "file").touch()
    async with open_sync(host) as sync:
        with pytest.raises(AdbRefused, match="couldn't create file"):
            await sync.push(b"x" * 100_000, str(tmp_path / "file" / "below"))
        await sync.push(b"then", str(tmp_path / "next"))
    assert (tmp_path / "next").read_bytes() == b"then"


async def test_services_of_phones_alone_are_refused(host: Transport) -> None:
    for service in ("exec:screencap -p", "shell,v2,pty:", "tcp:80", "reboot:"):
        with pytest.raises(AdbRefused, match="does not offer"):
            await host.open(service)


async def test_it_says_who_it_is_as_a_phone_does(host: Transport) -> None:
    said = await read_properties(host)
    assert said.boot_id
    assert said.props["ro.product.cpu.abilist"].startswith("linux-")
    assert said.props["ro.product.model"]
    one = await run(host, ["getprop", "ro.product.cpu.abilist"], timeout_s=30)
    assert one.stdout.decode().strip() == said.props["ro.product.cpu.abilist"]
    assert (await run(host, ["getprop", "none.such"], timeout_s=30)).stdout == b"\n"
    state = await read_state(host)
    assert state.memory.available_kib
    assert state.free_bytes
    assert state.build == said.props["ro.build.fingerprint"]
