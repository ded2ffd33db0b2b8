"""`devicehub engines check` and what refuses an engine before a push, as processes, on a virtual phone."""

from __future__ import annotations

import json
import os
import sys
from typing import TYPE_CHECKING, Any

import pytest

from devicehub import procs
from devicehub.engines.catalog import EngineCatalog
from devicehub.models.catalog import ModelCatalog
from devicehub.settings import Home
from devicehub.sim.bundles import engine_bundle
from tests.deploy.conftest import OnePhone, phone
from tests.e2e.command import stop_hub
from tests.engines.conftest import zig
from tests.engines.zig import Zig, needs_zig, skel
from tests.models.make_folder import make_model

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from devicehub.procs import Completed

__all__ = ["phone", "zig"]

SDK = "v2.37.0.250724175447_124859"
ENGINES = "ls /data/local/tmp/devicehub/engines 2>/dev/null"
UNLINKED = 'CANNOT LINK EXECUTABLE "llm_demo": library "libMNN.so" not found: needed by main executable'


async def why_no_arm64(phone: OnePhone) -> str:
    """Why the phone executes no programs for arm64, and so is given none; empty where it does."""
    return (await phone.run("getprop ro.devicehub.no_arm64")).strip()


class Commands:
    """Runs `devicehub` against one phone."""

    def __init__(self, home: Path, one: OnePhone) -> None:
        address = one.client.address
        self.home = Home(home)
        self.env = {
            **os.environ,
            "DEVICEHUB_HOME": str(home),
            "COLUMNS": "80",
            "ANDROID_ADB_SERVER_ADDRESS": address.host,
            "ANDROID_ADB_SERVER_PORT": str(address.port),
        }

    async def __call__(self, *argv: str | Path) -> Completed:
        start = [sys.executable, "-c", "from devicehub.cli.main import main; main()"]
        return await procs.run([*start, *argv], timeout_s=120, env=self.env)

    async def json(self, *argv: str | Path) -> Any:
        done = await self(*argv, "--json")
        assert done.stdout, done.stderr
        return json.loads(done.stdout)


@pytest.fixture
async def devicehub(tmp_path: Path, phone: OnePhone) -> AsyncIterator[Commands]:
    commands = Commands(tmp_path / "home", phone)
    yield commands
    await stop_hub(commands.env)


def qnn_engine(zig: Zig, folder: Path, *architectures: int) -> Path:
    """An engine with QNN of one SDK, and stub and skel for each architecture."""
    folder.mkdir()
    (folder / "libMNN.so").write_bytes(zig.library("libMNN.so", texts=["\\0003.6.1", "libQnnHtp.so"]))
    (folder / "llm_demo").write_bytes(zig.program())
    (folder / "MNNConvert").write_bytes(zig.program())
    for arch in architectures:
        stub = f"libQnnHtpV{arch:x}Stub.so"
        (folder / stub).write_bytes(zig.library(stub, texts=[SDK]))
        (folder / f"libQnnHtpV{arch:x}Skel.so").write_bytes(skel(arch, text=SDK.encode()))
    for name in ("libQnnHtp.so", "libQnnSystem.so"):
        (folder / name).write_bytes(zig.library(name, texts=[SDK]))
    return folder


@needs_zig
async def test_wrong_skel_is_refused_before_any_byte_is_pushed(
    devicehub: Commands, phone: OnePhone, zig: Zig, tmp_path: Path
) -> None:
    EngineCatalog(devicehub.home).add(qnn_engine(zig, tmp_path / "wrong", 0x79))
    ModelCatalog(devicehub.home).add(make_model(tmp_path / "tiny"))
    asked: list[list[str]] = [
        ["run", "tiny", "--engine", "wrong", "--prompt", "hi"],
    ]
    if not await why_no_arm64(phone):
        asked += [["push", "engine", "wrong"], ["push", "engine", "wrong", "--dry-run"]]
    for argv in asked:
        done = await devicehub(*argv)
        assert done.status != 0
        sentence = done.stderr.decode().strip().splitlines()[-1]
        assert "has HTP v75" in sentence
        assert "libQnnHtpV75Skel.so from lib/hexagon-v75/unsigned" in sentence
        assert await phone.run(ENGINES) == ""
        assert await phone.run("ls /data/local/tmp/mnn_models 2>/dev/null") == ""
    check = await devicehub("engines", "check", "wrong", "--on", phone.address)
    assert check.status == 1
    assert b"error: htp_skel_wrong" in check.stdout
    assert max(len(line) for line in check.stdout.decode().splitlines()) <= 80


@needs_zig
async def test_only_what_the_phone_needs_is_pushed(
    devicehub: Commands, phone: OnePhone, zig: Zig, tmp_path: Path
) -> None:
    if why := await why_no_arm64(phone):
        pytest.skip(why)
    engine = EngineCatalog(devicehub.home).add(qnn_engine(zig, tmp_path / "both", 0x75, 0x79))
    left = {"MNNConvert", "libQnnHtpV79Stub.so", "libQnnHtpV79Skel.so"}
    check = await devicehub.json("engines", "check", "both", "--on", phone.address)
    assert check["ok"] is True
    assert {finding["slug"] for finding in check["findings"]} == {"no_bench"}
    assert check["findings"][0]["place"] == engine.id
    [on_phone] = check["phones"]
    assert on_phone["left_out"].keys() == left
    dry = (await devicehub("push", "engine", "both", "--dry-run")).stdout.decode()
    assert "leave   libQnnHtpV79Skel.so  for HTP v79, the phone has v75" in dry
    [pushed] = await devicehub.json("push", "engine", "both")
    assert pushed["left_out"].keys() == left
    there = set((await phone.run(f"{ENGINES.split(' 2>')[0]}/{engine.id}")).split())
    assert there == {entry.path for entry in engine.manifest.files} - left == set(on_phone["pushed"])
    [again] = await devicehub.json("push", "engine", "both")
    assert again["outcome"]["files_sent"] == 0


@needs_zig
async def test_engine_that_suits_is_chosen_among_those_that_load(
    devicehub: Commands, phone: OnePhone, zig: Zig, tmp_path: Path
) -> None:
    engines = EngineCatalog(devicehub.home)
    engines.add(qnn_engine(zig, tmp_path / "wrong", 0x79))
    ModelCatalog(devicehub.home).add(make_model(tmp_path / "tiny"))
    alone = await devicehub("run", "tiny", "--prompt", "hi", "--on", phone.address)
    assert b"libQnnHtpV75Skel.so" in alone.stderr
    engines.add(engine_bundle("virtual"), "virtual")
    engines.add(engine_bundle("virtual-logcat"), "logging")
    several = await devicehub("run", "tiny", "--prompt", "hi", "--on", phone.address)
    assert b"takes several engines: logging, virtual;" in several.stderr


@needs_zig
async def test_path_is_checked_without_being_added(
    devicehub: Commands, phone: OnePhone, zig: Zig, tmp_path: Path
) -> None:
    folder = qnn_engine(zig, tmp_path / "engine", 0x75)
    done = await devicehub("engines", "check", folder)
    assert done.status == 0, done.stderr
    shown = done.stdout.decode()
    assert "arm64-v8a, bionic, Android API 21 and newer, NDK r27c" in shown
    assert "cpu, qnn" in shown
    assert await devicehub.json("engines", "list") == []
    (folder / "libMNN.so").rename(folder / "lib\x1b[31mMNN.so")
    broken = await devicehub("engines", "check", folder, "--on", phone.address)
    assert broken.status == 1
    assert b"error: missing_library" in broken.stdout
    assert b"nothing speaks against it" not in broken.stdout
    assert b"\x1b" not in broken.stdout


async def test_probe_tells_which_backend_opens_and_where_the_lines_go(
    devicehub: Commands, phone: OnePhone
) -> None:
    engines = EngineCatalog(devicehub.home)
    engines.add(engine_bundle("virtual"), "plain")
    engines.add(engine_bundle("virtual-logcat"), "logging")
    argv = ["--on", phone.address, "--probe", "--backend", "cpu", "--backend", "opencl"]
    for name, place in (("plain", "stdout"), ("logging", "logcat")):
        check = await devicehub.json("engines", "check", name, *argv)
        cpu, opencl = check["phones"][0]["probes"]
        assert (cpu["links"], cpu["opened"], cpu["prints_to"]) == (True, True, place)
        assert cpu["supports"].keys() >= {"i8sdot", "fp16", "i8mm"}
        assert opencl["opened"] is False
        assert [finding["slug"] for finding in check["phones"][0]["findings"]] == ["backend_unopened"]
        assert check["ok"] is False
    assert await phone.run("ls -d /data/local/tmp/devicehub/probe-* 2>/dev/null") == ""


async def test_probe_names_the_library_that_the_loader_misses(
    devicehub: Commands, phone: OnePhone, tmp_path: Path
) -> None:
    folder = tmp_path / "unlinked"
    folder.mkdir()
    (folder / "llm_demo").write_text(f"#!/system/bin/sh\necho '{UNLINKED}' >&2\nexit 1\n")
    (folder / "engine.toml").write_text('abi = "virtual"\n')
    EngineCatalog(devicehub.home).add(folder)
    check = await devicehub.json("engines", "check", "unlinked", "--on", phone.address, "--probe")
    [finding] = check["phones"][0]["findings"]
    assert finding["slug"] == "link_error"
    assert "libMNN.so" in finding["fix"]


async def test_probe_without_a_phone_is_a_usage_error(devicehub: Commands) -> None:
    done = await devicehub("engines", "check", "any", "--probe")
    assert done.status == 2
    assert b"--probe needs --on" in done.stderr
