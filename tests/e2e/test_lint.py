"""What is wrong with a run's configuration: refused, told and kept, or refused when strict."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import pytest_asyncio

from tests.e2e.command import Answer, devicehub
from tests.e2e.fleet import stocked_fleet

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

pytestmark = pytest.mark.asyncio(loop_scope="module")

PHONE = ("--on", "vendor=qualcomm")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def env(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[dict[str, str]]:
    async with stocked_fleet(tmp_path_factory.mktemp("fleet")) as environment:
        yield environment


async def run(env: dict[str, str], *words: str) -> Answer:
    asked = ("run", "tiny", "--engine", "plain", *PHONE, "--prompt", "Hi", "--set", "max_new_tokens=4")
    return await devicehub(*asked, *words, env=env)


async def test_what_is_ignored_is_told_and_kept_with_the_run(env: dict[str, str]) -> None:
    answer = await run(env, "--set", "thread_nun=2", "--set", "topK=3", "--json")
    assert answer.status == 0, answer.stderr
    assert "warning: --set thread_nun: is no key that MNN reads (did you mean thread_num?)" in answer.stderr
    kept = {caution["slug"]: caution["remedy"] for caution in answer.json["cautions"]}
    assert kept["key_unknown"] == "correct or remove it"
    assert kept["alias_shadowed"] == 'set "top_k": 3 instead'


async def test_strict_refuses_what_would_only_be_told(env: dict[str, str]) -> None:
    answer = await run(env, "--set", "thread_nun=2", "--strict")
    assert answer.status == 1
    assert "--set thread_nun: is no key that MNN reads" in answer.stderr


async def test_threads_that_are_no_threads_on_opencl_are_told(env: dict[str, str]) -> None:
    answer = await run(env, "--set", "thread_num=64", "--set", "backend_type=opencl", "--strict")
    assert answer.status == 1
    assert "--set thread_num: is 64: for OpenCL that is a set of bits" in answer.stderr


@pytest.mark.parametrize(
    ("setting", "why"),
    [
        ("quant_qkv=4", "3 bit keys and values"),
        ("temperature=0", "not above 0, with which the engine answers at random"),
        ('top_k="40"', 'is "40", which MNN reads as 0'),
        ("llm_model=other.mnn", "which the model does not have"),
    ],
)
async def test_what_crashes_or_garbles_is_refused(env: dict[str, str], setting: str, why: str) -> None:
    answer = await run(env, "--set", setting)
    assert answer.status == 4
    answer.assert_one_sentence(f"--set {setting.partition('=')[0]}", why)


async def test_a_model_is_held_against_the_engine_of_a_phone(env: dict[str, str]) -> None:
    answer = await devicehub("models", "check", "tiny", *PHONE, "--engine", "plain", "--json", env=env)
    assert (answer.status, answer.json["findings"]) == (0, [])
    answer = await devicehub("models", "check", "tiny", "--on", "nobody", env=env)
    assert answer.status == 2
