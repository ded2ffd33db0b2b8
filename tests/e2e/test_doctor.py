"""`devicehub doctor` as a user calls it: two virtual phones, what goes wrong with them, and no phone."""

from __future__ import annotations

import contextlib
import os
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import pytest

from devicehub.adb.client import AdbClient
from devicehub.adb.server import private_server
from devicehub.demo_model import demo_model_dir
from devicehub.errors import DeviceUnauthorized
from devicehub.sim.bundles import engine_bundle
from devicehub.sim.phone import VirtualPhone, builtin_specs, virtual_phone
from tests.e2e.command import devicehub, stop_hub

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

_DISK_MIB = 1200
"""Of which Android keeps 1024 for itself."""


@dataclass
class Ward:
    """Two phones on an adb server of their own, and the environment of a user who sees only them."""

    env: dict[str, str]
    phones: list[VirtualPhone]
    client: AdbClient

    async def rows(self, *argv: str, status: int) -> dict[tuple[str, str], dict[str, Any]]:
        """What `doctor --json` tells, by subject and name."""
        answer = await devicehub("doctor", "--json", *argv, env=self.env)
        assert answer.status == status, answer.stdout + answer.stderr
        return {(row["subject"], row["name"]): row for row in answer.json["rows"]}


@contextlib.asynccontextmanager
async def ward(
    folder: Path, *, phones: int = 2, stocked: bool = True, disk_mib: int | None = None
) -> AsyncIterator[Ward]:
    async with contextlib.AsyncExitStack() as stack:
        server = await stack.enter_async_context(private_server(home=folder / "adb"))
        env = {
            **os.environ,
            "HOME": str(folder / "adb"),
            "ANDROID_ADB_SERVER_PORT": str(server.address.port),
            "DEVICEHUB_HOME": str(folder / "hub"),
        }
        made = [
            await stack.enter_async_context(
                virtual_phone(replace(spec, data_mib=disk_mib), keys=[server.key_path])
            )
            for spec in builtin_specs(phones)
        ]
        client = AdbClient(server.address)
        for phone in made:
            await client.connect(phone.address)
        stack.push_async_callback(stop_hub, env)
        if stocked:
            for argv in (
                ("models", "add", str(demo_model_dir()), "--name", "tiny"),
                ("engines", "add", str(engine_bundle("virtual")), "--name", "plain"),
            ):
                answer = await devicehub(*argv, env=env)
                assert answer.status == 0, answer.stderr
        yield Ward(env, made, client)


async def test_two_good_phones_read_well_at_80_columns_and_a_run_tells_that_it_works(tmp_path: Path) -> None:
    async with ward(tmp_path) as there:
        answer = await devicehub("doctor", env={**there.env, "COLUMNS": "80"})
        assert answer.status == 0, answer.stdout
        lines = answer.stdout.splitlines()
        assert max(map(len, lines)) <= 80
        assert lines[0] == "host"
        for phone in there.phones:
            assert any(line.startswith(f"{phone.address}  DeviceHub Virtual") for line in lines)
        assert not any(line.startswith("problem") for line in lines)

        rows = await there.rows("--engine", "plain", "--model", "tiny", status=0)
        for phone in there.phones:
            probe = rows[phone.address, "probe"]
            assert probe["state"] == "ok"
            assert "a run of tiny with plain" in probe["says"]
            # What was pushed for the run is there now.
        again = await there.rows("--no-probe", "--engine", "plain", "--model", "tiny", status=0)
        assert again[there.phones[0].address, "storage"]["says"].endswith("; 0 B to be pushed")
        assert (there.phones[0].address, "probe") not in again


async def test_what_goes_wrong_with_a_phone_is_told_of_that_phone_alone(tmp_path: Path) -> None:
    async with ward(tmp_path) as there:
        bad, good = there.phones
        faults = bad.faults
        faults.set_battery(level=9, temp_c=31.0)
        faults.set_temperature(88.0, zone="cpu", status=3)
        faults.set_screen(on=False, locked=True)
        rows = await there.rows(status=0)  # warnings are no obstacle
        assert "at 9 %" in rows[bad.address, "battery"]["says"]
        assert "3, severe" in rows[bad.address, "heat"]["says"]
        assert {rows[bad.address, name]["state"] for name in ("battery", "heat")} == {"warning"}
        assert {rows[good.address, name]["state"] for name in ("battery", "heat")} == {"ok"}

        faults.set_temperature(98.0, zone="cpu", status=5)
        rows = await there.rows(status=1)
        assert rows[bad.address, "heat"]["state"] == "problem"
        assert (await there.rows("--on", good.address, status=0)).keys() & {(bad.address, "heat")} == set()


async def test_a_full_phone_and_one_that_does_not_allow_it_are_problems(tmp_path: Path) -> None:
    async with (
        ward(tmp_path, disk_mib=_DISK_MIB) as there,
        virtual_phone(replace(builtin_specs(1)[0], serialno="VIRT0009"), keys=[]) as closed,
    ):
        full = there.phones[0]
        if full.mode != "confined":
            pytest.skip("no confinement on this host: the disk of a portable phone is the host's")
        await there.rows("--on", full.address, status=0)
        await full.faults.set_free(900 * 1024)
        rows = await there.rows("--on", full.address, status=1)
        assert rows[full.address, "storage"]["state"] == "problem"
        assert "are to be pushed" in rows[full.address, "storage"]["says"]

        with pytest.raises(DeviceUnauthorized):
            await there.client.connect(closed.address)
        rows = await there.rows("--on", closed.address, status=1)
        assert rows[closed.address, "state"]["says"] == "unauthorized"
        assert "Allow USB debugging" in rows[closed.address, "state"]["remedy"]


async def test_a_profile_that_cannot_work_is_refused_before_anything_is_started(tmp_path: Path) -> None:
    async with ward(tmp_path, phones=1) as there:
        profiles = tmp_path / "hub" / "profiles" / "runs"
        profiles.mkdir(parents=True)
        (profiles / "bad.toml").write_text(
            'summary = "crashes"\n[config]\nsampler_type = "topK"\ntop_k = 0\n'
        )
        rows = await there.rows("--engine", "plain", "--model", "tiny", "--profile", "bad", status=1)
        address = there.phones[0].address
        assert rows[address, "config"]["state"] == "problem"
        assert "top_k" in rows[address, "config"]["says"]
        assert rows[address, "config"]["remedy"]
        assert (address, "probe") not in rows
        (await devicehub("doctor", "--model", "nothing", env=there.env)).assert_one_sentence("nothing")


async def test_a_backend_that_falls_back_is_found_by_the_run_and_not_by_files(tmp_path: Path) -> None:
    async with ward(tmp_path, phones=1) as there:
        profiles = tmp_path / "hub" / "profiles" / "runs"
        profiles.mkdir(parents=True)
        (profiles / "gpu.toml").write_text(
            'summary = "OpenCL"\n[config]\nbackend_type = "opencl"\nthread_num = 68\n'
        )
        address = there.phones[0].address
        asked = ("--engine", "plain", "--model", "tiny", "--profile", "gpu")
        assert (address, "probe") not in await there.rows(*asked, "--no-probe", status=0)
        rows = await there.rows(*asked, status=1)
        assert rows[address, "probe"]["state"] == "problem"
        assert rows[address, "OpenCL"]["says"] == "probed: the engine cannot use backend opencl"
        assert "ask for backend_type cpu" in rows[address, "OpenCL"]["remedy"]


async def test_a_catalogue_with_a_choice_says_what_to_name(tmp_path: Path) -> None:
    async with ward(tmp_path, phones=1) as there:
        for argv in (
            ("models", "add", str(demo_model_dir()), "--name", "other"),
            ("engines", "add", str(engine_bundle("virtual-logcat")), "--name", "logging"),
        ):
            assert (await devicehub(*argv, env=there.env)).status == 0
        rows = await there.rows(status=0)
        assert rows["host", "model"]["remedy"] == "name one with --model"
        assert rows[there.phones[0].address, "engine"]["remedy"] == "name one with --engine"


async def test_an_empty_catalogue_is_a_problem_with_the_way_out(tmp_path: Path) -> None:
    async with ward(tmp_path, phones=1, stocked=False) as there:
        rows = await there.rows(status=1)
        assert "models pull" in rows["host", "model"]["remedy"]
        assert "engines add" in rows[there.phones[0].address, "engine"]["remedy"]


async def test_no_phone_at_all_ends_with_3_and_the_hosts_rows(tmp_path: Path) -> None:
    async with ward(tmp_path, phones=0) as there:
        answer = await devicehub("doctor", env=there.env)
        assert answer.status == 3
        assert answer.stdout.startswith("host\nok")
        assert "no phone is connected" in answer.stderr


async def test_a_hub_that_cannot_start_leaves_the_hosts_rows(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    env = {
        **os.environ,
        "DEVICEHUB_HOME": str(tmp_path / "file" / "home"),
        "ADB_SERVER_SOCKET": "tcp:127.0.0.1:1",
    }
    answer = await devicehub("doctor", "--json", env=env)
    assert answer.status == 3
    rows = {row["name"]: row for row in answer.json["rows"]}
    assert rows["disk"]["state"] == "problem"
    assert rows["hub"]["state"] == "problem"
    assert "does not start" in rows["hub"]["says"]
