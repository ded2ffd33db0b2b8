"""What is found on a host is what is there."""

import os
from pathlib import Path

import pytest

from devicehub.doctor.host_judge import judge_host
from devicehub.doctor.host_look import look_at_host, missing_packages, usb_phones
from devicehub.doctor.model import Standing
from devicehub.errors import AdbServerUnavailable
from devicehub.settings import Home
from tests.adb.fake_server import FakeServer, fake_server


def make_usb(folder: Path, port: str, *, protocol: str = "01") -> Path:
    """A phone as /sys lists it; its node, which is not made."""
    device, interface = folder / "sys" / port, folder / "sys" / f"{port}:1.0"
    device.mkdir(parents=True)
    interface.mkdir()
    files = {"busnum": "1", "devnum": "4", "idVendor": "18d1", "product": "Pixel 8"}
    for name, text in files.items():
        (device / name).write_text(f"{text}\n")
    kinds = {"bInterfaceClass": "ff", "bInterfaceSubClass": "42", "bInterfaceProtocol": protocol}
    for name, text in kinds.items():
        (interface / name).write_text(f"{text}\n")
    return folder / "dev" / "001" / "004"


def test_a_phone_on_usb_is_open_or_barred(tmp_path: Path) -> None:
    node = make_usb(tmp_path, "1-4.2")
    [barred] = usb_phones(tmp_path / "sys", tmp_path / "dev")
    assert (barred.name, barred.vendor, barred.accessible) == ("Pixel 8", "18d1", False)
    node.parent.mkdir(parents=True)
    node.touch()
    [opened] = usb_phones(tmp_path / "sys", tmp_path / "dev")
    assert opened.accessible
    assert opened.node == str(node)


def test_an_interface_that_is_not_adbs_is_passed_over(tmp_path: Path) -> None:
    make_usb(tmp_path, "1-4", protocol="03")  # fastboot
    assert list(usb_phones(tmp_path / "sys", tmp_path / "dev")) == []


def test_packages_that_lack_are_told_by_their_extra() -> None:
    lines = ['no-such-thing==1.*; extra == "export"', "click>=8", 'nor-this>=2; extra == "test"', "also-not"]
    assert missing_packages(lines) == {"": ("also-not",), "export": ("no-such-thing",)}


async def test_a_host_without_a_server_starts_none(tmp_path: Path) -> None:
    environ = {"PATH": os.environ["PATH"], "ADB_SERVER_SOCKET": "tcp:127.0.0.1:1"}
    facts = await look_at_host(Home(tmp_path / "home"), wall_s=2e9, environ=environ)
    assert facts.server is not None
    assert (facts.server.address, facts.server.runs) == ("127.0.0.1:1", False)
    assert not (tmp_path / "home").exists()
    assert {"desktop", "android-static"} <= facts.builds.keys()
    assert facts.adb is not None
    assert (facts.adb.version, facts.adb.protocol) >= ("36", 41)


async def test_a_servers_version_and_starter_are_told(tmp_path: Path) -> None:
    async with fake_server(FakeServer({"host:version": b"0029", "host:host-features": b"cmd"})) as server:
        address = server.client.address
        environ = {"PATH": "", "ANDROID_ADB_SERVER_PORT": str(address.port)}
        others = await look_at_host(Home(tmp_path), wall_s=2e9, environ=environ)
        own = await look_at_host(Home(tmp_path), wall_s=2e9, address=address, environ={"PATH": ""})
    assert others.server is not None
    assert own.server is not None
    assert (others.server.runs, others.server.protocol, others.server.ours) == (True, 41, False)
    assert others.server.named_by == "ANDROID_ADB_SERVER_PORT"
    assert own.server.ours  # a hub with another server than the environment's has started it


async def test_a_socket_that_cannot_be_read_is_a_problem(tmp_path: Path) -> None:
    environ = {"PATH": "", "ADB_SERVER_SOCKET": "local:/tmp/adb"}
    facts = await look_at_host(Home(tmp_path), wall_s=2e9, environ=environ)
    [row] = [row for row in judge_host(facts) if row.name == "adb server"]
    assert row.state is Standing.PROBLEM
    assert "ADB_SERVER_SOCKET" in row.says


async def test_a_missing_adb_is_told_and_ends_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def none() -> Path:
        raise AdbServerUnavailable("no adb program")

    monkeypatch.setattr("devicehub.doctor.host_look.find_adb", none)
    environ = {"PATH": "", "ADB_SERVER_SOCKET": "tcp:127.0.0.1:1"}
    facts = await look_at_host(Home(tmp_path), wall_s=2e9, environ=environ)
    assert [row.state for row in judge_host(facts) if row.name == "adb"] == [Standing.PROBLEM]


async def test_a_home_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    environ = {"PATH": "", "ADB_SERVER_SOCKET": "tcp:127.0.0.1:1"}
    facts = await look_at_host(Home(tmp_path / "file" / "home"), wall_s=2e9, environ=environ)
    assert facts.writable is False
