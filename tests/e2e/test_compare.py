"""`devicehub compare` and figures by protocol as a user asks for them, on two virtual phones."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest
import pytest_asyncio

from devicehub.demo_model import demo_model_dir
from tests.e2e.command import devicehub
from tests.e2e.fleet import stocked_fleet

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

pytestmark = pytest.mark.asyncio(loop_scope="module")

SMALL = ("--prompt-tokens", "16", "--decode-tokens", "8", "--repeats", "1")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def env(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[dict[str, str]]:
    async with stocked_fleet(tmp_path_factory.mktemp("fleet")) as environment:
        yield {**environment, "COLUMNS": "80"}


async def serials(env: dict[str, str]) -> list[str]:
    return [device["serial"] for device in (await devicehub("devices", "--json", env=env)).json]


async def test_bench_is_made_by_the_standard_protocol_and_shown_with_it(env: dict[str, str]) -> None:
    serial, _ = await serials(env)
    argv = ("run", "tiny", "--on", serial, "--engine", "plain", "--workload", "bench", *SMALL)
    answer = await devicehub(*argv, "--launches", "2", "--gate", "cap=60", "--json", env=env)
    assert answer.status == 0, answer.stderr
    record = answer.json
    assert record["protocol"]["id"] == "standard"
    assert record["protocol"]["changed"] == ["prompt_tokens", "decode_tokens", "repeats", "launches", "gate"]
    assert [launch["kind"] for launch in record["launches"]] == ["warmup", "measured", "measured"]
    assert [launch["gate"] is not None for launch in record["launches"]] == [False, True, True]
    assert record["summary"]["launches"] == 2
    assert record["fidelity"] == 1.0
    shown = await devicehub("runs", "show", record["id"], env=env)
    assert shown.status == 0, shown.stderr
    assert "protocol       " in shown.stdout
    assert "100 % as on the host, source unchecked" in shown.stdout
    assert max(map(len, shown.stdout.splitlines())) <= 80


async def test_one_engine_against_itself(env: dict[str, str]) -> None:
    serial, _ = await serials(env)
    argv = ("compare", "--by", "engine", "plain", "plain", "tiny", "--on", serial, *SMALL, "--launches", "2")
    answer = await devicehub(*argv, "--json", env=env)
    assert answer.status == 0, answer.stderr
    assert "A and B are the same engine" in answer.stderr
    a, b = answer.json["runs"]
    assert answer.json["comparison"]["paired"] is True
    assert answer.json["comparison"]["pairs"] == 2
    assert (a["comparison"]["other"], b["comparison"]["other"]) == (b["id"], a["id"])
    orders = sorted(
        (launch["order"], arm)
        for arm, record in (("A", a), ("B", b))
        for launch in record["launches"]
        if launch["kind"] == "measured"
    )
    assert [arm for _, arm in orders] == ["A", "B", "B", "A"]
    again = await devicehub("runs", "compare", a["id"], b["id"], env=env)
    assert again.status == 0, again.stderr
    assert max(map(len, again.stdout.splitlines())) <= 80


async def test_two_phones_at_the_same_time(env: dict[str, str]) -> None:
    first, second = await serials(env)
    argv = ("compare", "--by", "phone", first, second, "tiny", "--engine", "plain", *SMALL, "--launches", "2")
    answer = await devicehub(*argv, env=env)
    assert answer.status in (0, 1), answer.stderr
    assert "compared by phone" in answer.stdout
    assert max(map(len, answer.stdout.splitlines())) <= 80


async def test_two_phones_with_engines_that_are_not_the_same_need_one(env: dict[str, str]) -> None:
    first, second = await serials(env)
    answer = await devicehub("compare", "--by", "phone", first, second, "tiny", env=env)
    assert answer.status == 4
    answer.assert_one_sentence("takes several engines", "--engine")


async def test_what_is_unlike_beforehand_is_refused_before_a_run(env: dict[str, str], tmp_path: Path) -> None:
    serial, _ = await serials(env)
    other = tmp_path / "other"
    shutil.copytree(demo_model_dir(), other)
    config = other / "config.json"
    config.write_text(config.read_text().replace('"thread_num": 4', '"thread_num": 2'))
    added = await devicehub("models", "add", other, "--no-fixture", env=env)
    assert added.status == 0, added.stderr
    known = (await devicehub("runs", "list", "--json", env=env)).json
    argv = ("compare", "--by", "model", "tiny", "other", "--on", serial, "--engine", "plain", *SMALL)
    answer = await devicehub(*argv, env=env)
    assert answer.status == 1
    assert "config thread_num is 4 in A and 2 in B; only the model may differ" in answer.stderr
    assert (await devicehub("runs", "list", "--json", env=env)).json == known
