"""adbutils and adb-shell, two clients of other people's, on a virtual phone."""

from __future__ import annotations

import asyncio
import hashlib
import os
from typing import TYPE_CHECKING

import adbutils
from adb_shell.adb_device import AdbDeviceTcp
from adb_shell.auth.sign_pythonrsa import PythonRSASigner

from devicehub.sim.phone import PhoneSpec, virtual_phone
from tests.sim.adb_programs import BUNDLED, adb_with_server
from tests.sim.adbd.raw_client import make_key, public_half

if TYPE_CHECKING:
    from pathlib import Path

    from devicehub.sim.process.shell import Mode

TMP = "/data/local/tmp"


async def test_adbutils_runs_pushes_and_pulls(tmp_path: Path) -> None:
    async with (
        adb_with_server(BUNDLED, tmp_path / "home") as adb,
        virtual_phone(PhoneSpec(), keys=adb.keys) as phone,
    ):
        port = int(adb.environment["ANDROID_ADB_SERVER_PORT"])
        await asyncio.to_thread(_use_adbutils, port, phone.address, tmp_path)


def _use_adbutils(port: int, address: str, folder: Path) -> None:
    client = adbutils.AdbClient(host="127.0.0.1", port=port)
    assert "connected" in client.connect(address)
    device = client.device(address)
    done = device.shell2("echo hi; (exit 7)")
    assert (done.output.strip(), done.returncode) == ("hi", 7)
    assert device.getprop("ro.soc.model") == "SM8650"
    data = _write_file(folder / "out")
    device.sync.push(folder / "out", f"{TMP}/file")
    assert device.shell(f"sha256sum {TMP}/file").split()[0] == hashlib.sha256(data).hexdigest()
    device.sync.pull(f"{TMP}/file", folder / "back")
    assert (folder / "back").read_bytes() == data


async def test_adb_shell_runs_pushes_and_pulls(tmp_path: Path, mode: Mode) -> None:
    key = make_key(tmp_path)
    async with virtual_phone(PhoneSpec(mode=mode), keys=[public_half(key)]) as phone:
        await asyncio.to_thread(_use_adb_shell, phone.address, key, tmp_path)


def _use_adb_shell(address: str, key: Path, folder: Path) -> None:
    host, _, port = address.partition(":")
    device = AdbDeviceTcp(host, int(port), default_transport_timeout_s=30)
    device.connect(rsa_keys=[PythonRSASigner.FromRSAKeyPath(str(key))], auth_timeout_s=30)
    try:
        assert device.shell("echo hi") == "hi\n"
        data = _write_file(folder / "out")
        device.push(str(folder / "out"), f"{TMP}/file")
        device.pull(f"{TMP}/file", str(folder / "back"))
        assert (folder / "back").read_bytes() == data
    finally:
        device.close()


def _write_file(file: Path) -> bytes:
    data = os.urandom(1_500_001)
    file.write_bytes(data)
    return data
