"""`devicehub demo`, the whole way: private adb server, virtual phone, push, agent, real inference."""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from devicehub import procs
from devicehub.clock import SystemClock
from devicehub.demo_model import demo_model_dir
from tests.e2e.command import DEVICEHUB, devicehub

if TYPE_CHECKING:
    from collections.abc import Mapping

WHEEL_ANSWER = """
import json, os, sys
out = os.dup(1)
os.dup2(2, 1)
import MNN.llm
model = MNN.llm.create(sys.argv[1] + "/config.json")
model.set_config({"sampler_type": "greedy", "thread_num": 1, "tmp_path": sys.argv[3]})
model.load()
text = model.response(sys.argv[2], False)
os.write(out, json.dumps(text).encode())
os._exit(0)
"""


async def ask_the_wheel(model: Path, prompt: str, scratch: Path) -> str:
    done = await procs.run(
        [sys.executable, "-c", WHEEL_ANSWER, model, prompt, scratch], timeout_s=120, cwd=scratch
    )
    text = json.loads(done.stdout)
    assert isinstance(text, str)
    return text


def check_succeeded(record: Mapping[str, Any]) -> None:
    assert record["state"] == record["verdict"] == "succeeded"
    assert record["virtual"] is True
    assert record["cause"] is None
    (launch,) = record["launches"]
    (counters,) = launch["records"]
    assert counters["prompt_tokens"] > 0
    assert counters["decode_tokens"] > 0
    assert counters["prefill_tok_s"] > 0
    assert counters["decode_tok_s"] > 0
    assert counters["load_ms"] > 0
    assert record["timings"]["pushed_bytes"] > 1_000_000
    assert record["timings"]["push_mb_s"] > 0


async def test_json_is_one_run_record_and_the_text_is_the_models_own(tmp_path: Path) -> None:
    prompt = "What is DeviceHub?"
    answer = await devicehub("demo", "--json", "--prompt", prompt)
    assert answer.status == 0, answer.stderr
    record = answer.json
    check_succeeded(record)
    expected = await ask_the_wheel(demo_model_dir(), prompt, tmp_path)
    assert record["launches"][0]["text"].strip() == expected.strip()
    assert record["launches"][0]["records"][0]["source"] == "logcat"


async def test_two_phones_one_prints_its_counters_and_one_logs_them() -> None:
    answer = await devicehub("demo", "--phones", "2", "--json")
    assert answer.status == 0, answer.stderr
    records = [json.loads(line) for line in answer.stdout.splitlines()]
    for record in records:
        check_succeeded(record)
    assert [record["launches"][0]["records"][0]["source"] for record in records] == ["logcat", "stdout"]
    assert [record["device"]["soc"]["vendor"] for record in records] == ["qualcomm", "mediatek"]
    assert len({record["launches"][0]["text"] for record in records}) == 1


async def test_another_model_with_an_odd_name_answers_for_itself(tmp_path: Path) -> None:
    model = tmp_path / "it's a model (2) ü"
    shutil.copytree(demo_model_dir(), model)
    config = json.loads((model / "config.json").read_text())
    (model / "config.json").write_text(json.dumps({**config, "max_new_tokens": 9}))
    answer = await devicehub("demo", "--model", model, "--prompt", "Who are you?", "--json")
    assert answer.status == 0, answer.stderr
    record = answer.json
    check_succeeded(record)
    assert record["model"]["name"] == model.name
    assert record["launches"][0]["records"][0]["decode_tokens"] == 9
    expected = await ask_the_wheel(model, "Who are you?", tmp_path)
    assert record["launches"][0]["text"].strip() == expected.strip()


async def test_a_model_that_the_engine_cannot_load_fails_with_its_cause(tmp_path: Path) -> None:
    model = tmp_path / "damaged"
    shutil.copytree(demo_model_dir(), model)
    graph = model / "llm.mnn"
    graph.write_bytes(bytes(len(graph.read_bytes())))
    answer = await devicehub("demo", "--model", model, "--json")
    assert answer.status == 1, answer.stderr
    record = answer.json
    assert (record["state"], record["verdict"], record["cause"]) == ("failed", "failed", "model_corrupt")
    assert record["trusted"] is False
    assert record["launches"][0]["evidence"]
    assert record["launches"][0]["remedy"]


async def test_a_truncated_model_is_refused_before_a_byte_is_pushed(tmp_path: Path) -> None:
    model = tmp_path / "cut"
    shutil.copytree(demo_model_dir(), model)
    weight = model / "llm.mnn.weight"
    weight.write_bytes(weight.read_bytes()[:4096])
    answer = await devicehub("demo", "--model", model)
    assert answer.status == 4
    answer.assert_one_sentence("llm.mnn.weight", "truncated")


async def test_the_table_for_people() -> None:
    answer = await devicehub("demo")
    assert answer.status == 0, answer.stderr
    for row in ("load ms", "prompt tokens", "decode tokens", "prefill tok/s", "decode tok/s", "push MB/s"):
        assert re.search(rf"^{re.escape(row)}\s+\S*\d", answer.stdout, re.MULTILINE), row
    assert "virtual" in answer.stdout
    assert "\x1b" not in answer.stdout


@pytest.mark.parametrize("prompt", ["", "# a comment", "two\nlines", "id,question,A,B,C,D,answer"])
async def test_a_prompt_that_the_engine_would_not_read_is_refused_at_once(prompt: str) -> None:
    answer = await devicehub("demo", "--prompt", prompt)
    assert answer.status == 4
    answer.assert_one_sentence("--prompt", ";")


async def test_no_model_in_the_folder(tmp_path: Path) -> None:
    answer = await devicehub("demo", "--model", tmp_path / "nowhere")
    assert answer.status == 4
    answer.assert_one_sentence("nowhere")


def leftovers(folder: Path) -> list[str]:
    return sorted(place.name for place in folder.iterdir())


@pytest.mark.parametrize("after", ["adb server", "identified", "pushing", "starting", "running"])
async def test_ctrl_c_at_any_moment_leaves_nothing_behind(after: str, tmp_path: Path) -> None:
    env = {**os.environ, "TMPDIR": str(tmp_path)}
    async with procs.child([DEVICEHUB, "demo", "--prompt", "Tell me about MNN."], env=env) as process:
        assert process.stderr is not None
        seen = []
        async for line in process.stderr:
            seen.append(line.decode())
            if after in seen[-1]:
                break
        os.kill(process.pid, signal.SIGINT)
        _, said = await process.communicate()
        assert process.returncode == 130, "".join(seen) + said.decode()
        assert "Traceback" not in said.decode()
        assert said.decode().endswith("devicehub: interrupted\n")
    assert leftovers(tmp_path) == []


async def test_nothing_is_left_behind_after_a_good_end(tmp_path: Path) -> None:
    answer = await devicehub("demo", "--json", env={"TMPDIR": str(tmp_path), "HOME": str(tmp_path)})
    assert answer.status == 0, answer.stderr
    assert leftovers(tmp_path) == []


async def test_a_demo_that_is_killed_takes_its_adb_server_and_phone_along(tmp_path: Path) -> None:
    async with procs.child([DEVICEHUB, "demo"], env={**os.environ, "TMPDIR": str(tmp_path)}) as process:
        assert process.stderr is not None
        async for line in process.stderr:
            if b"starting" in line:
                break
        os.kill(process.pid, signal.SIGKILL)
        await process.wait()
    clock = SystemClock()
    begun = clock.monotonic_s()
    while running := processes_of(tmp_path):
        assert clock.monotonic_s() - begun < 60, running
        await clock.sleep(0.1)


def processes_of(folder: Path) -> list[str]:
    """Command lines of the processes that were told of the folder, in arguments or environment."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            told = (process / "cmdline").read_bytes() + (process / "environ").read_bytes()
            if bytes(folder) in told:
                found.append((process / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace"))
    return found
