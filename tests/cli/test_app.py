"""`devicehub app install` as a process, on a virtual phone."""

from __future__ import annotations

import json
import os
import sys
from typing import TYPE_CHECKING

import pytest

from devicehub import procs
from devicehub.sim.app.spec import AppSpec
from devicehub.sim.phone import PhoneSpec
from tests.deploy.conftest import OnePhone, phone
from tests.e2e.command import stop_hub
from tests.sim.app.make_apk import ApkSpec, make_apk

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from devicehub.procs import Completed

__all__ = ["phone"]

EMPTY = PhoneSpec(app=AppSpec(installed=False))
PACKAGE = "com.alibaba.mnnllm.android"


class Command:
    """Runs `devicehub app install` against one phone."""

    def __init__(self, home: Path, one: OnePhone) -> None:
        address = one.client.address
        self.env = {
            **os.environ,
            "DEVICEHUB_HOME": str(home),
            "ANDROID_ADB_SERVER_ADDRESS": address.host,
            "ANDROID_ADB_SERVER_PORT": str(address.port),
        }

    async def __call__(self, *argv: str | Path) -> Completed:
        start = [sys.executable, "-c", "from devicehub.cli.main import main; main()", "app", "install"]
        return await procs.run([*start, *argv], timeout_s=120, env=self.env)


@pytest.fixture
async def install(tmp_path: Path, phone: OnePhone) -> AsyncIterator[Command]:
    command = Command(tmp_path / "home", phone)
    yield command
    await stop_hub(command.env)


@pytest.mark.parametrize("phone", [EMPTY], indirect=True)
async def test_an_apk_is_installed_and_nothing_of_it_is_left_behind(
    install: Command, phone: OnePhone, tmp_path: Path
) -> None:
    apk = make_apk(tmp_path / "mnn chat's.apk")
    done = await install(apk, "--json")
    assert done.status == 0, done.stderr
    assert json.loads(done.stdout) == [
        {
            "serial": phone.address,
            "package": PACKAGE,
            "version": "0.8.3",
            "debuggable": True,
            "installed": True,
        }
    ]
    assert await phone.run("ls /data/local/tmp/*.apk 2>/dev/null") == ""
    again = await install(apk)
    assert again.stdout.decode() == f"{phone.address}: {PACKAGE} 0.8.3, a debug build\n"


@pytest.mark.parametrize("phone", [EMPTY], indirect=True)
async def test_without_an_apk_it_says_where_to_get_one(install: Command) -> None:
    told = await install()
    assert told.status == 4
    assert b"MnnLlmChat is not installed" in told.stderr
    assert b"github.com/alibaba/MNN" in told.stderr


@pytest.mark.parametrize("phone", [PhoneSpec(app=AppSpec())], indirect=True)
async def test_without_an_apk_it_tells_what_is_there(install: Command, phone: OnePhone) -> None:
    told = await install("--on", phone.address, "--json")
    assert told.status == 0, told.stderr
    assert json.loads(told.stdout)[0]["installed"] is False


@pytest.mark.parametrize("phone", [PhoneSpec(app=AppSpec(debuggable=False))], indirect=True)
async def test_a_release_build_needs_its_key(install: Command) -> None:
    told = await install()
    assert f"{PACKAGE}.release".encode() in told.stdout
    assert b"app_key" in told.stdout


async def test_a_file_that_is_no_apk(install: Command, tmp_path: Path) -> None:
    (tmp_path / "x.apk").write_bytes(b"PK\3\4 cut")
    told = await install(tmp_path / "x.apk")
    assert told.status == 4
    assert b"is no APK" in told.stderr
    missing = await install(tmp_path / "y.apk")
    assert missing.status == 4
    assert b"is not there" in missing.stderr


@pytest.mark.parametrize("phone", [PhoneSpec(app=AppSpec(installed=False, restricted=True))], indirect=True)
async def test_a_phone_that_asks_its_owner_first(install: Command, phone: OnePhone, tmp_path: Path) -> None:
    refused = await install(make_apk(tmp_path / "a.apk"))
    assert refused.status == 1
    assert b"INSTALL_FAILED_USER_RESTRICTED" in refused.stderr
    assert b"Install via USB" in refused.stderr
    assert await phone.run("ls /data/local/tmp/*.apk 2>/dev/null") == ""


@pytest.mark.parametrize("phone", [EMPTY], indirect=True)
async def test_another_app_is_not_taken_for_it(install: Command, tmp_path: Path) -> None:
    refused = await install(make_apk(tmp_path / "a.apk", ApkSpec(package="com.example.other")))
    assert refused.status == 1
    assert b"the file is another app" in refused.stderr


@pytest.mark.parametrize("phone", [PhoneSpec(app=AppSpec())], indirect=True)
async def test_an_older_build_is_refused_with_what_to_do(install: Command, tmp_path: Path) -> None:
    refused = await install(make_apk(tmp_path / "a.apk", ApkSpec(version_code=1, signer="debug")))
    assert refused.status == 1
    assert b"INSTALL_FAILED_" in refused.stderr
    assert b"remove" in refused.stderr
