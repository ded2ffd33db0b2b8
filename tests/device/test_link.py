"""How fast the way to a phone is, as servers and kernels of several kinds tell it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from devicehub.adb.address import ServerAddress
from devicehub.adb.client import AdbClient
from devicehub.adb.wire import DeviceLine
from devicehub.device.link import HostLink, read_link
from tests.adb.fake_server import FakeServer, fake_server
from tests.adb.test_wire_host import STATUS, TCP, USB

if TYPE_CHECKING:
    from pathlib import Path

    from tests.deploy.conftest import OnePhone

CABLE = DeviceLine("0011664BC002435", "device", 12, devpath="usb:2-1")
NEW = {
    "host:host-features": b"devicetracker_proto_format,server_status",
    "host:server-status": STATUS,
    "host:track-devices-proto-binary": USB,
}
OLD = {"host:host-features": b"shell_v2,cmd"}


async def read(host: dict[str, bytes], line: DeviceLine, sysfs: Path) -> HostLink:
    async with fake_server(FakeServer(host={**host})) as server:
        return await read_link(server.client, line, sysfs=sysfs)


@pytest.fixture
def sysfs(tmp_path: Path) -> Path:
    """A host whose kernel has agreed on 5 Gbit/s with the phone at its port 2-1."""
    (tmp_path / "2-1").mkdir()
    (tmp_path / "2-1" / "speed").write_text("5000\n")
    return tmp_path


async def test_new_server_tells_by_itself(sysfs: Path) -> None:
    assert await read(NEW, CABLE, sysfs) == HostLink("usb", 480, None, "adb server", "36.0.0")


@pytest.mark.parametrize("devpath", ["usb:2-1", "2-1"])
async def test_kernel_tells_where_the_server_cannot(sysfs: Path, devpath: str) -> None:
    line = DeviceLine("P1", "device", 4, devpath=devpath)
    assert await read(OLD, line, sysfs) == HostLink("usb", 5000, None, "this host's kernel")


async def test_phone_that_the_server_does_not_track(sysfs: Path) -> None:
    line = DeviceLine("0011664BC002435", "device", 13, devpath="usb:2-1")
    assert (await read(NEW, line, sysfs)).told_by == "this host's kernel"


@pytest.mark.parametrize("devpath", ["usb:1-1", "usb:336592896X", "usb:../../secret", None])
async def test_port_that_the_kernel_does_not_know(sysfs: Path, devpath: str | None) -> None:
    line = DeviceLine("P1", "device", 4, devpath=devpath)
    assert await read(OLD, line, sysfs) == HostLink(kind="usb" if devpath else None)


async def test_speed_that_is_no_number(sysfs: Path) -> None:
    (sysfs / "2-1" / "speed").write_text("unknown\n")
    assert await read(OLD, CABLE, sysfs) == HostLink(kind="usb")


@pytest.mark.parametrize("serial", ["127.0.0.1:37809", "adb-X (2)._adb-tls-connect._tcp"])
async def test_network_has_no_speed(sysfs: Path, serial: str) -> None:
    host = {**NEW, "host:track-devices-proto-binary": TCP}
    assert await read(host, DeviceLine(serial, "device", 1), sysfs) == HostLink("tcp", adb_version="36.0.0")


async def test_server_that_refuses_or_is_gone_leaves_it_unknown(sysfs: Path) -> None:
    assert await read({}, CABLE, sysfs) == HostLink("usb", 5000, None, "this host's kernel")
    nobody = AdbClient(ServerAddress("127.0.0.1", 1))
    assert (await read_link(nobody, CABLE, sysfs=sysfs / "none")).mbit_s is None


async def test_ports_of_another_machine_are_not_looked_up_here(sysfs: Path) -> None:
    away = AdbClient(ServerAddress("127.0.0.2", 1))
    assert await read_link(away, CABLE, sysfs=sysfs) == HostLink(kind="usb")


async def test_virtual_phone_behind_a_real_server(phone: OnePhone) -> None:
    (line,) = await phone.transport.client.devices()
    link = await read_link(phone.transport.client, line)
    assert (link.kind, link.mbit_s) == ("tcp", None)
    assert link.adb_version is None or link.adb_version[:1].isdigit()
