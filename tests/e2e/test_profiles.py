"""Run profiles whose values depend on the phone: shown, run, and refused where they are not for it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import pytest_asyncio

from tests.e2e.command import devicehub
from tests.e2e.fleet import stocked_fleet

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

pytestmark = pytest.mark.asyncio(loop_scope="module")

SNAPDRAGON = ("--on", "vendor=qualcomm")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def env(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[dict[str, str]]:
    async with stocked_fleet(tmp_path_factory.mktemp("fleet")) as environment:
        yield environment


@pytest.mark.parametrize("phone", ["vendor=qualcomm", "vendor=mediatek"])
async def test_config_is_shown_with_the_origin_of_each_value(env: dict[str, str], phone: str) -> None:
    words = ("profiles", "show", "extreme-speed-cpu", "--on", phone, "--model", "tiny", "--set", "chunk=9")
    told = await devicehub(*words, "--json", env=env)
    assert told.status == 0, told.stderr
    view = told.json
    assert view["config"]["thread_num"] == 4
    assert view["origins"]["thread_num"] == "phone: its big cores, 4 at most"
    assert (view["origins"]["dynamic_option"], view["origins"]["chunk"]) == ("profile", "command line")
    assert view["origins"]["llm_model"] == "model"
    assert "attention_mode" in view["why"]
    shown = await devicehub(*words, env={**env, "COLUMNS": "80"})
    assert max(map(len, shown.stdout.splitlines())) <= 80
    assert "prefer_decode" in shown.stdout


async def test_a_run_has_what_the_phone_decided(env: dict[str, str]) -> None:
    words = ("run", "tiny", "--engine", "plain", *SNAPDRAGON, "--profile", "extreme-speed-cpu")
    answer = await devicehub(*words, "--prompt", "Hi", "--set", "max_new_tokens=4", "--json", env=env)
    assert answer.status == 0, answer.stderr
    assert answer.json["profile"] == "extreme-speed-cpu"
    assert (answer.json["config"]["thread_num"], answer.json["config"]["power"]) == (4, "high")


@pytest.mark.parametrize(
    ("profile", "words"),
    [
        ("npu-qnn", ("has no config_qnn.json", "--recipe npu-qnn")),
        ("vision", ("is for models that take vision", "another profile or model")),
        ("speculative-eagle", ("eagle",)),
    ],
)
async def test_what_is_not_for_this_model_is_refused(
    env: dict[str, str], profile: str, words: tuple[str, ...]
) -> None:
    asked = ("run", "tiny", "--engine", "plain", *SNAPDRAGON, "--profile", profile, "--prompt", "Hi")
    answer = await devicehub(*asked, env=env)
    assert answer.status == 4
    answer.assert_one_sentence(*words)
    shown = await devicehub("profiles", "show", profile, *SNAPDRAGON, "--model", "tiny", env=env)
    assert shown.status == 1
    assert words[0] in shown.stderr


@pytest.mark.parametrize("profile", ["npu-hexagon", "npu-qnn"])
async def test_what_is_not_for_this_phone_is_refused(env: dict[str, str], profile: str) -> None:
    phone = ("--on", "vendor=mediatek")
    asked = ("run", "tiny", "--engine", "plain", *phone, "--profile", profile, "--prompt", "Hi")
    answer = await devicehub(*asked, env=env)
    assert answer.status == 4
    answer.assert_one_sentence("is for Qualcomm's NPU", "has a chip of mediatek")
    shown = await devicehub("profiles", "show", profile, *phone, env=env)
    assert shown.status == 1
    assert "is for Qualcomm's NPU" in shown.stderr


async def test_options_of_a_phone_need_one(env: dict[str, str]) -> None:
    answer = await devicehub("profiles", "show", "default", "--set", "chunk=1", env=env)
    assert answer.status == 2
    assert "go with --on" in answer.stderr
