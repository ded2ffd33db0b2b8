"""A sweep on a virtual phone: the planted front, few launches, and a run profile that is used again."""

from __future__ import annotations

import contextlib
import json
from typing import TYPE_CHECKING, Any

import pytest

from devicehub.adb.client import AdbClient
from devicehub.adb.server import private_server
from devicehub.demo_model import demo_model_dir
from devicehub.models.catalog import ModelCatalog
from devicehub.profiles.load import run_profile
from devicehub.settings import Home
from devicehub.sim.bundles import engine_bundle
from tests.bench.phone import phone
from tests.e2e.command import devicehub, stop_hub

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

pytestmark = pytest.mark.slow

LAUNCHES = 3
RULES: list[dict[str, Any]] = [
    {"config": {"thread_num": 1}, "prefill": 0.3, "decode": 0.3},
    {"config": {"thread_num": 2}, "prefill": 0.6},
    {"config": {"thread_num": 4}, "decode": 0.7},
    {"config": {"attention_mode": 10}, "garble": True, "prefill": 2, "decode": 2},
]
"""Slow, best at answers, best at prompts, and wrong at twice the speed."""
SWEEP = f"""
phones = ["virtual=true"]
models = ["tiny"]
launches = {LAUNCHES}
repeats = 1
prompt_tokens = 128
decode_tokens = 32
seed = 3
[sweep]
threads = [1, 2, 4]
kv = ["plain", "kv8"]
"""


@contextlib.asynccontextmanager
async def planted_phone(folder: Path) -> AsyncIterator[dict[str, str]]:
    """A phone whose engine answers as the host does, at planted speeds."""
    async with private_server(home=folder / "adb") as server:
        env = {
            "HOME": str(folder / "adb"),
            "ANDROID_ADB_SERVER_PORT": str(server.address.port),
            "DEVICEHUB_HOME": str(folder / "hub"),
        }
        for argv in (
            ("models", "add", demo_model_dir(), "--name", "tiny"),
            ("engines", "add", engine_bundle("virtual")),
        ):
            added = await devicehub(*argv, env=env)
            assert added.status == 0, added.stderr
        models = ModelCatalog(Home(folder / "hub"))
        fixture = models.fixture(models.get("tiny"))
        assert fixture is not None
        answers = {one.prompt: "".join(one.pieces) for one in fixture.prompts}
        # Fast enough for a launch to have taken as long as its figures say.
        speed = {"prefill_tok_s": 40_000, "decode_tok_s": 4_000, "noise": 0.01, "answers": answers}
        scenario = folder / "planted.toml"
        scenario.write_text(_toml({"rules": RULES, "speed": speed}), encoding="utf-8")
        async with phone(server.key_path, scenario) as serial:
            await AdbClient(server.address).connect(serial)
            try:
                yield env
            finally:
                await stop_hub(env)


async def test_planted_front_is_found_and_its_choice_kept_as_a_profile(tmp_path: Path) -> None:
    file = tmp_path / "sweep.toml"
    file.write_text(SWEEP, encoding="utf-8")
    async with planted_phone(tmp_path) as env:
        done = await devicehub(
            "campaign", "run", file, "--save-profile", "tuned", "--prefer", "decode", "--json", env=env
        )
        assert done.status == 1, done.stderr  # the wrong settings fail, and are told
        (front,) = done.json["fronts"]
        found = {
            (point["settings"]["thread_num"], point["settings"]["attention_mode"]): point
            for point in front["points"]
        }
        assert [key for key, point in found.items() if point["on_front"]] == [(2, 8), (4, 8)]
        stopped = {key: point["stopped"] for key, point in found.items()}
        assert {key for key, why in stopped.items() if why == "wrong"} == {(1, 10), (2, 10), (4, 10)}
        assert {key for key, why in stopped.items() if why == "slower"} == {(1, 8)}
        launches = sum(point["launches"] for point in found.values())
        assert launches <= 0.6 * LAUNCHES * len(found)

        told = await devicehub(
            "campaign", "report", "sweep", "--save-profile", "prompts", "--prefer", "prefill", env=env
        )
        assert told.status == 0, told.stderr
        assert "Sweep on SM8650" in told.stdout
        assert run_profile("prompts", Home(tmp_path / "hub")).config["thread_num"] == 4

        saved = run_profile("tuned", Home(tmp_path / "hub"))
        assert saved.config == {"thread_num": 2, "attention_mode": 8}
        assert "3 launches on 1 phone" in saved.file.why["thread_num"]
        checked = await devicehub("profiles", "check", env=env)
        assert checked.status == 0, checked.stdout
        again = await devicehub("run", "tiny", "--profile", "tuned", "--workload", "bench", "--json", env=env)
        assert (again.status, again.json["config"]["thread_num"]) == (0, 2), again.stderr


def _toml(script: dict[str, Any]) -> str:
    """A scenario that begins with this script."""
    return f'[[fault]]\ndo = "set_engine_script"\nscript = {_value(script)}\n'


def _value(value: Any) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{json.dumps(key)} = {_value(one)}" for key, one in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_value, value)) + "]"
    return json.dumps(value)
