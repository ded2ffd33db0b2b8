"""Real adb programs install the app: streamed, pushed, refused."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from devicehub.sim.app.spec import AppSpec
from devicehub.sim.phone import PhoneSpec
from tests.sim.app.make_apk import ApkSpec, make_apk
from tests.sim.app.phones import PACKAGE
from tests.sim.conftest import adb, mode, phone_or_skip

if TYPE_CHECKING:
    from pathlib import Path

    from devicehub import procs
    from devicehub.sim.phone import VirtualPhone
    from devicehub.sim.process.shell import Mode
    from tests.sim.adb_programs import Adb

__all__ = ["adb", "mode"]

one_adb = pytest.mark.parametrize("adb", ["adb 36"], indirect=True)
"""What the phone says does not depend on who asks."""


async def _install(adb: Adb, phone: VirtualPhone, apk: Path, *options: str) -> procs.Completed:
    await adb.run("connect", phone.address)
    return await adb.run("-s", phone.address, "install", *options, apk)


async def _shell(adb: Adb, phone: VirtualPhone, command: str) -> str:
    return (await adb.run("-s", phone.address, "shell", command)).stdout.decode()


@pytest.mark.parametrize("android", [8, 10, 14])
async def test_streamed_install_makes_the_package_known(adb: Adb, tmp_path: Path, android: int) -> None:
    apk = make_apk(tmp_path / "app.apk", ApkSpec(padding=300_000))
    async with phone_or_skip(PhoneSpec(android=android), adb.keys) as phone:
        done = await _install(adb, phone, apk)
        assert (done.status, done.stdout.splitlines()[-1]) == (0, b"Success"), done
        assert f"package:{PACKAGE}\n" in await _shell(adb, phone, "pm list packages")
        path = (await _shell(adb, phone, f"pm path {PACKAGE}")).removeprefix("package:").strip()
        assert (phone.root / path.lstrip("/")).read_bytes() == apk.read_bytes()
        told = await _shell(adb, phone, f"dumpsys package {PACKAGE}")
        assert "versionName=0.8.3\n" in told
        assert "versionCode=830 minSdk=26 " in told
        assert "flags=[ DEBUGGABLE " in told
        done = await adb.run("-s", phone.address, "uninstall", PACKAGE)
        assert done.stdout.strip() == b"Success"
        assert await _shell(adb, phone, f"pm path {PACKAGE}") == ""


async def test_install_without_streaming_goes_by_a_file(adb: Adb, mode: Mode, tmp_path: Path) -> None:
    apk = make_apk(tmp_path / "app.apk")
    async with phone_or_skip(PhoneSpec(mode=mode), adb.keys) as phone:
        done = await _install(adb, phone, apk, "--no-streaming", "-r")
        assert done.status == 0, done
        assert b"Success" in done.stdout + done.stderr
        assert "DEBUGGABLE" in await _shell(adb, phone, f"dumpsys package {PACKAGE}")
        assert await _shell(adb, phone, "ls /data/local/tmp") == ""


@one_adb
@pytest.mark.parametrize(
    ("spec", "failure"),
    [
        (ApkSpec(signer=None), "INSTALL_PARSE_FAILED_NO_CERTIFICATES"),
        (ApkSpec(abis=("mips",)), "INSTALL_FAILED_NO_MATCHING_ABIS"),
        (ApkSpec(min_sdk=99), "INSTALL_FAILED_OLDER_SDK"),
        (ApkSpec(test_only=True), "INSTALL_FAILED_TEST_ONLY"),
        (ApkSpec(signer="another"), "INSTALL_FAILED_UPDATE_INCOMPATIBLE"),
    ],
)
async def test_refusal_is_androids_own(adb: Adb, tmp_path: Path, spec: ApkSpec, failure: str) -> None:
    apk = make_apk(tmp_path / "app.apk", spec)
    async with phone_or_skip(PhoneSpec(app=AppSpec()), adb.keys) as phone:
        done = await _install(adb, phone, apk)
        assert done.status == 1
        assert failure in (done.stdout + done.stderr).decode()
        assert "signatures" in done.stderr.decode() or spec.signer != "another"
        assert f"package:{PACKAGE}\n" in await _shell(adb, phone, "pm list packages -3")


@one_adb
async def test_what_is_no_apk_is_refused(adb: Adb, tmp_path: Path) -> None:
    (tmp_path / "app.apk").write_bytes(b"<html>not found</html>")
    async with phone_or_skip(PhoneSpec(), adb.keys) as phone:
        done = await _install(adb, phone, tmp_path / "app.apk")
        assert done.status == 1
        assert b"INSTALL_PARSE_FAILED_NOT_APK" in done.stdout + done.stderr


@one_adb
async def test_older_version_does_not_replace_a_newer_one(adb: Adb, tmp_path: Path) -> None:
    async with phone_or_skip(PhoneSpec(), adb.keys) as phone:
        assert (await _install(adb, phone, make_apk(tmp_path / "new.apk"))).status == 0
        old = make_apk(tmp_path / "old.apk", ApkSpec(version_code=1, version="0.1"))
        done = await _install(adb, phone, old, "-r")
        assert b"INSTALL_FAILED_VERSION_DOWNGRADE" in done.stdout + done.stderr
        assert (await _install(adb, phone, old, "-r", "-d")).status == 0
        assert "versionName=0.1\n" in await _shell(adb, phone, f"dumpsys package {PACKAGE}")


@one_adb
async def test_phone_that_asks_a_person_cancels(adb: Adb, tmp_path: Path) -> None:
    spec = PhoneSpec(app=AppSpec(installed=False, restricted=True))
    async with phone_or_skip(spec, adb.keys) as phone:
        done = await _install(adb, phone, make_apk(tmp_path / "app.apk"))
        assert done.status == 1
        assert b"INSTALL_FAILED_USER_RESTRICTED: Install canceled by user" in done.stdout + done.stderr
        assert await _shell(adb, phone, f"pm path {PACKAGE}") == ""


@one_adb
async def test_full_phone_has_no_room_for_an_app(adb: Adb, tmp_path: Path) -> None:
    apk = make_apk(tmp_path / "app.apk", ApkSpec(padding=3 << 20))
    async with phone_or_skip(PhoneSpec(data_free_mib=2), adb.keys) as phone:
        done = await _install(adb, phone, apk)
        assert done.status == 1
        assert b"INSTALL_FAILED_INSUFFICIENT_STORAGE" in done.stdout + done.stderr
