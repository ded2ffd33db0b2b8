"""One phone's life: identity, confinement, several phones, and that nothing stays behind."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from devicehub import procs
from devicehub.errors import SimError
from devicehub.sim.phone import PhoneSpec, builtin_specs, virtual_phone
from tests.sim.adbd.raw_client import connect_raw, make_key, public_half
from tests.sim.conftest import phone_or_skip

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from devicehub.sim.process.shell import Mode

TMP = "/data/local/tmp"


@pytest.fixture(scope="module")
def key(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A key that the phones accept."""
    return make_key(tmp_path_factory.mktemp("key"))


async def _say(address: str, key: Path, command: str) -> str:
    """What a command on a phone prints, both outputs together."""
    async with connect_raw(address) as client:
        await client.log_in(key)
        remote = await client.open_stream(b"shell:" + command.encode() + b" 2>&1")
        return (await client.read_all(remote)).decode()


async def test_the_host_is_invisible_in_a_confined_phone(key: Path, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("the host's own")
    async with phone_or_skip(PhoneSpec(mode="confined"), [public_half(key)]) as phone:
        told = await _say(
            phone.address, key, f"cat {tmp_path}/secret /etc/shadow ~/.ssh/id_rsa; id -u; ps -e"
        )
        assert "the host's own" not in told
        assert told.count("No such file") == 3
        assert "\n2000\n" in told
        assert "init" in told
        assert len(told.splitlines()) < 12


async def test_a_confined_phone_cannot_write_to_the_host(key: Path) -> None:
    async with phone_or_skip(PhoneSpec(mode="confined"), [public_half(key)]) as phone:
        places = f"/usr/x /system/x /data/x /x {sys.prefix}/x /proc/stat /sys/x"
        told = await _say(phone.address, key, f"for f in {places}; do echo 1 > $f || echo denied; done")
        assert told.count("denied") == 7, told
        assert (
            await _say(phone.address, key, "mount -t tmpfs x /data/local/tmp || umount /system || echo no")
            != ""
        )


async def test_real_paths_hold_in_a_confined_phone(key: Path) -> None:
    async with phone_or_skip(PhoneSpec(mode="confined"), [public_half(key)]) as phone:
        told = await _say(
            phone.address, key, f"cd {TMP}; pwd; echo 'echo $0' > s.sh; sh {TMP}/s.sh; cat /sdcard"
        )
        assert told.splitlines()[:2] == [TMP, f"{TMP}/s.sh"]
        zones = await _say(phone.address, key, "cat /sys/class/thermal/thermal_zone*/type")
        assert "skin-therm" in zones.splitlines()


async def test_identity_shows_in_both_modes(key: Path, mode: Mode) -> None:
    spec = PhoneSpec(profile="dimensity", serialno="0123456789ABCDEF", boot_id="b", mode=mode)
    async with phone_or_skip(spec, [public_half(key)]) as phone:
        command = "getprop ro.serialno; cat /proc/sys/kernel/random/boot_id; getprop ro.soc.model"
        assert (await _say(phone.address, key, command)).split() == ["0123456789ABCDEF", "b", "MT6989"]


async def test_two_phones_may_share_a_serial_and_one_phone_two_ports(key: Path) -> None:
    keys = [public_half(key)]
    spec = PhoneSpec(mode="portable", more_ports=(0,))
    async with virtual_phone(spec, keys=keys) as one, virtual_phone(spec, keys=keys) as other:
        assert len({*one.addresses, *other.addresses}) == 4
        command = "cat /proc/sys/kernel/random/boot_id"
        ids = [await _say(address, key, command) for address in (*one.addresses, *other.addresses)]
        assert ids[0] == ids[1]
        assert ids[2] == ids[3] != ids[0]


async def test_emulator_ports_and_taken_ports_are_refused(key: Path) -> None:
    with pytest.raises(SimError, match="5555 to 5585"):
        async with virtual_phone(PhoneSpec(port=5557)):
            pass
    async with virtual_phone(PhoneSpec(mode="portable"), keys=[]) as phone:
        port = int(phone.address.rpartition(":")[2])
        with pytest.raises(SimError, match=f"port {port} cannot be used"):
            async with virtual_phone(PhoneSpec(mode="portable", port=port), keys=[]):
                pass


async def test_an_error_inside_the_block_comes_out_as_it_is() -> None:
    with pytest.raises(KeyError):
        async with virtual_phone(PhoneSpec(mode="portable"), keys=[]):
            raise KeyError("mine")


def test_builtin_phones_have_serials_and_ports_of_their_own() -> None:
    specs = builtin_specs(4, first_port=6100)
    assert [spec.port for spec in specs] == [6100, 6101, 6102, 6103]
    assert len({spec.serialno for spec in specs}) == 4
    assert {spec.profile for spec in specs} == {"snapdragon", "dimensity"}


async def test_background_processes_survive_their_stream_and_end_with_the_phone(
    key: Path, mode: Mode
) -> None:
    async with phone_or_skip(PhoneSpec(mode=mode), [public_half(key)]) as phone:
        command = f"setsid sleep 1234 </dev/null >/dev/null 2>&1 & cd {TMP} && echo $! > pid"
        await _say(phone.address, key, command)
        assert "alive" in await _say(phone.address, key, f"kill -0 $(cat {TMP}/pid) && echo alive")
        assert _processes_with(str(phone.root.parent))
        folder = phone.root.parent
    assert not _exists(folder)
    assert _processes_with(str(folder)) == []
    assert _processes_with("sleep\x001234") == []


async def _end_by_kill(process: asyncio.subprocess.Process) -> None:
    process.kill()


async def _end_by_interrupt(process: asyncio.subprocess.Process) -> None:
    process.send_signal(signal.SIGINT)


async def _end_by_term(process: asyncio.subprocess.Process) -> None:
    process.send_signal(signal.SIGTERM)


@pytest.mark.parametrize("end", [_end_by_kill, _end_by_interrupt, _end_by_term])
async def test_nothing_stays_behind_however_the_simulator_ends(
    end: Callable[[asyncio.subprocess.Process], Awaitable[None]], mode: Mode, key: Path, tmp_path: Path
) -> None:
    environment = dict(os.environ) | {"TMPDIR": str(tmp_path)}
    argv = [sys.executable, "-c", _SIMULATOR, json.dumps({"mode": mode, "key": str(public_half(key))})]
    async with procs.child(argv, env=environment) as process:
        assert process.stdout is not None
        line = (await process.stdout.readline()).decode()
        if line.startswith("skip"):
            pytest.skip(line)
        address = line.strip()
        await _say(address, key, "setsid sleep 4321 </dev/null >/dev/null 2>&1 &")
        assert _phone_folders(tmp_path)
        await end(process)
        await process.wait()
        async with asyncio.timeout(60):
            # The keeper outlives a killed simulator by a moment.
            while _processes_with("sleep\x004321") or _phone_folders(tmp_path):
                await asyncio.to_thread(os.sched_yield)


_SIMULATOR = """
import asyncio, json, signal, sys
from pathlib import Path
from devicehub.errors import SimError
from devicehub.sim.phone import PhoneSpec, virtual_phone

async def main(wish):
    stopped = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stopped.set)
    try:
        async with virtual_phone(PhoneSpec(mode=wish["mode"]), keys=[Path(wish["key"])]) as phone:
            print(phone.address, flush=True)
            await stopped.wait()
    except SimError as error:
        print("skip:", error, flush=True)

asyncio.run(main(json.loads(sys.argv[1])))
"""


def _exists(path: Path) -> bool:
    return path.exists()


def _phone_folders(folder: Path) -> list[Path]:
    return list(folder.glob("devicehub-phone-*"))


def _processes_with(text: str) -> list[str]:
    """Command lines that hold a text."""
    found: list[Any] = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            line = (folder / "cmdline").read_bytes().decode(errors="replace")
        except OSError:
            continue
        if text in line:
            found.append(line)
    return found
