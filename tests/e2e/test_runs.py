"""`devicehub runs` on two virtual phones: runs whose commands end well, are killed, or go away on purpose."""

from __future__ import annotations

import asyncio
import contextlib
import csv
import json
from typing import TYPE_CHECKING, Any

import pytest
import pytest_asyncio

from devicehub import procs
from tests.e2e.command import DEVICEHUB, devicehub
from tests.e2e.fleet import stocked_fleet

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.slow]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def env(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[dict[str, str]]:
    async with stocked_fleet(tmp_path_factory.mktemp("fleet")) as environment:
        yield environment


async def listed(env: dict[str, str], *more: str) -> list[dict[str, Any]]:
    answer = await devicehub("runs", "list", "--all", "--json", *more, env=env)
    assert answer.status == 0, answer.stderr
    rows: list[dict[str, Any]] = answer.json
    return rows


async def serials(env: dict[str, str]) -> list[str]:
    answer = await devicehub("devices", "--json", env=env)
    return sorted(row["serial"] for row in answer.json)


def argv_of(engine: str, serial: str, *more: str) -> list[str | Path]:
    start = ["run", "tiny", "--engine", engine, "--on", serial, "--profile", "greedy-repeatable"]
    return [*start, "--prompt", "What is MNN?", *more]


@contextlib.asynccontextmanager
async def running(
    env: dict[str, str], serial: str, *more: str
) -> AsyncIterator[tuple[asyncio.subprocess.Process, str]]:
    """A `devicehub run` whose launches are under way, and the run's id."""
    known = {row["id"] for row in await listed(env)}
    async with procs.child([DEVICEHUB, *argv_of("logging", serial, *more)], env=env) as process:
        for _ in range(100):
            new = [row["id"] for row in await listed(env, "--state", "running") if row["id"] not in known]
            if new:
                yield process, new[0]
                return
            assert process.returncode is None
        raise AssertionError("the run never began")


async def ended(env: dict[str, str], run_id: str) -> dict[str, Any]:
    """The run's document when it has ended; asking for it takes up what is left."""
    for _ in range(100):
        answer = await devicehub("runs", "show", run_id, "--json", env=env)
        assert answer.status == 0, answer.stderr
        document: dict[str, Any] = answer.json
        if document["ended"] is not None:
            return document
    raise AssertionError("the run never ended")


async def test_two_phones_side_by_side_one_logging_and_one_plain(env: dict[str, str]) -> None:
    first, second = await serials(env)
    answers = await asyncio.gather(
        devicehub(*argv_of("logging", first), env=env), devicehub(*argv_of("plain", second), env=env)
    )
    assert [answer.status for answer in answers] == [0, 0], [answer.stderr for answer in answers]
    rows = {row["serial"]: row for row in await listed(env)}
    assert {serial: (row["state"], row["engine"]) for serial, row in rows.items()} == {
        first: ("succeeded", "logging"),
        second: ("succeeded", "plain"),
    }
    exported = await devicehub("runs", "export", env=env)
    records = [json.loads(line) for line in exported.stdout.splitlines()]
    sources = {item["device"]["serial"]: item["launches"][0]["records"][0]["source"] for item in records}
    assert sources == {first: "logcat", second: "stdout"}


async def test_run_whose_command_was_killed_is_collected_by_the_next_one(env: dict[str, str]) -> None:
    serial = (await serials(env))[0]
    async with running(env, serial, "--launches", "3") as (process, run_id):
        process.kill()
        await process.wait()
    document = await ended(env, run_id)
    assert (document["state"], document["trusted"]) == ("succeeded", True)
    assert [launch["verdict"] for launch in document["launches"]] == ["succeeded"] * 3
    assert [event["kind"] for event in document["events"]].count("end") == 1
    samples = await devicehub("runs", "export", "--samples", "--csv", run_id, env=env)
    table = list(csv.DictReader(samples.stdout.splitlines()))
    assert len(table) == document["samples"]["lines"] > 1
    # A line that two processes both stored would show as a moment that comes twice.
    moments = [row["uptime_s"] for row in table if row["lane"] == "fast"]
    assert len(set(moments)) == len(moments)
    newest, *_ = await listed(env, "--serial", serial)
    assert (newest["id"], newest["state"]) == (run_id, "succeeded")
    answer = await devicehub("devices", "--json", env=env)
    assert {row["state"] for row in answer.json} == {"ready"}


async def test_run_is_watched_from_elsewhere_and_stopped(env: dict[str, str]) -> None:
    serial = (await serials(env))[1]
    async with running(env, serial, "--launches", "100") as (process, run_id):
        async with procs.child([DEVICEHUB, "runs", "watch", run_id, "--json"], env=env) as watcher:
            answer = await devicehub("runs", "stop", run_id[:-2], env=env)
            assert (answer.status, answer.stderr) == (0, f"{run_id} cancelled\n")
            seen, _ = await watcher.communicate()
            assert watcher.returncode == 1
        await process.communicate()
        assert process.returncode == 1
    watched = json.loads(seen)
    assert (watched["id"], watched["state"], watched["cause"]) == (run_id, "cancelled", "stopped")
    document = await ended(env, run_id)
    assert [event["kind"] for event in document["events"]].count("end") == 1
    assert document["verdict"] is None


async def test_run_that_was_left_to_its_phone_is_watched_to_its_end(env: dict[str, str]) -> None:
    serial = (await serials(env))[0]
    started = await devicehub(*argv_of("plain", serial, "--detach", "--json"), env=env)
    assert started.status == 0, started.stderr
    watched = await devicehub("runs", "watch", started.json["id"], env=env)
    assert watched.status == 0, watched.stderr
    assert "decode tok/s" in watched.stdout
    shown = await devicehub("runs", "show", started.json["id"], env=env)
    assert shown.stdout.startswith(f"{started.json['id']}  succeeded\n")
