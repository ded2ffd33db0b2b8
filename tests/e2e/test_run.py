"""`devices`, `identify` and `run` on two virtual phones of an adb server that was there before."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
import pytest_asyncio

from devicehub.demo_model import demo_model_dir
from tests.e2e.command import Answer, devicehub
from tests.e2e.fleet import stocked_fleet
from tests.sim.engine.perplexity import perplexity_of

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def env(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[dict[str, str]]:
    async with stocked_fleet(tmp_path_factory.mktemp("fleet")) as environment:
        yield environment


async def serials(env: dict[str, str]) -> list[str]:
    answer = await devicehub("devices", "--json", env=env)
    assert answer.status == 0, answer.stderr
    return [row["serial"] for row in answer.json]


async def run(env: dict[str, str], *more: str | Path) -> Answer:
    return await devicehub(
        "run", "tiny", "--engine", "plain", "--profile", "greedy-repeatable", *more, env=env
    )


async def test_devices_are_identified(env: dict[str, str]) -> None:
    answer = await devicehub("devices", "--json", env=env)
    rows = answer.json
    assert [row["state"] for row in rows] == ["ready", "ready"]
    assert {row["vendor"] for row in rows} == {"qualcomm", "mediatek"}
    assert all(row["virtual"] and row["battery"] is not None and row["temp_c"] is not None for row in rows)


async def test_identify_over_adb(env: dict[str, str]) -> None:
    serial = (await serials(env))[0]
    answer = await devicehub("identify", serial, "--json", env=env)
    assert answer.status == 0, answer.stderr
    assert answer.json["soc"]["model"] == "SM8650"


async def test_several_phones_and_none_named(env: dict[str, str]) -> None:
    answer = await run(env, "--prompt", "Hi")
    assert answer.status == 2
    answer.assert_one_sentence("several phones are ready", *await serials(env))


async def test_the_phone_that_android_serial_names(env: dict[str, str]) -> None:
    serial = (await serials(env))[1]
    answer = await run({**env, "ANDROID_SERIAL": serial}, "--prompt", "Hi", "--json")
    assert answer.status == 0, answer.stderr
    assert answer.json["device"]["serial"] == serial


async def test_an_engine_of_the_plain_build_counts_on_stdout(env: dict[str, str]) -> None:
    answer = await run(env, "--on", "vendor=qualcomm", "--prompt", "What is MNN?", "--json")
    assert answer.status == 0, answer.stderr
    record = answer.json
    assert record["verdict"] == "succeeded"
    assert record["launches"][0]["records"][0]["source"] == "stdout"
    assert record["launches"][0]["text"]


async def test_the_second_run_of_a_configuration_pushes_nothing(env: dict[str, str]) -> None:
    argv = ("--on", "vendor=mediatek", "--prompt", "What is MNN?", "--json")
    first, second = (await run(env, *argv)).json, (await run(env, *argv)).json
    assert second["timings"]["pushed_bytes"] == 0
    assert second["timings"]["push_mb_s"] is None
    assert first["launches"][0]["text"] == second["launches"][0]["text"]


async def test_all_phones_at_a_time_one_record_a_line(env: dict[str, str]) -> None:
    answer = await run(env, "--on", "all", "--prompt", "Who are you?", "--json")
    assert answer.status == 0, answer.stderr
    records = [json.loads(line) for line in answer.stdout.splitlines()]
    assert [record["verdict"] for record in records] == ["succeeded", "succeeded"]
    assert len({record["device"]["serial"] for record in records}) == 2


async def test_settings_win_over_the_profile(env: dict[str, str]) -> None:
    answer = await run(
        env, "--on", "vendor=qualcomm", "--prompt", "What is MNN?", "--set", "max_new_tokens=5", "--json"
    )
    record = answer.json
    assert record["config"]["max_new_tokens"] == 5
    assert record["launches"][0]["records"][0]["decode_tokens"] == 5


async def test_a_prompt_file_with_several_prompts(env: dict[str, str], tmp_path: Path) -> None:
    file = tmp_path / "my prompts.txt"
    file.write_text("What is MNN?\nWho are you?\n")
    answer = await run(env, "--on", "vendor=qualcomm", "--prompt-file", file, "--json")
    record = answer.json
    assert record["prompts"] == 2
    assert len(record["launches"][0]["text"].strip().splitlines()) == 2


SUITE = """\
name = "raw"
[[prompt]]
id = "size"
text = "I am a very small language model with"
json = true
matches = '^1\\.4$'
[[prompt]]
id = "words"
text = \"\"\"
Hello!
\"\"\"
contains = ["Demo"]
equals = "I AM DEMO"
ignore_case = true
[[prompt]]
id = "nothing"
text = "Hello!"
contains = ["Paris"]
equals = "Hello!"
matches = '^(H+)+$'
json_has = ["greeting"]
"""


async def test_each_prompt_of_a_suite_has_a_launch_and_its_answer_is_judged(
    env: dict[str, str], tmp_path: Path
) -> None:
    file = tmp_path / "suite.toml"
    file.write_text(SUITE)
    # Without its template the demo model goes on with what it is given: its size, in three tokens a number.
    raw = ("--set", "use_template=false", "--set", "max_new_tokens=3")
    answer = await run(env, "--on", "vendor=qualcomm", "--suite", file, *raw, "--json")
    assert answer.status == 1, answer.stderr
    record = answer.json
    assert (record["verdict"], record["cause"], record["trusted"]) == ("failed", "suite_failed", True)
    assert [launch["verdict"] for launch in record["launches"]] == ["succeeded"] * 3
    assert record["summary"]["launches"] == 3
    suite = record["suite"]
    assert (suite["name"], suite["passed"], suite["of"]) == ("raw", 2, 3)
    assert [(each["id"], each["passed"]) for each in suite["answers"]] == [
        ("size", True),
        ("words", True),
        ("nothing", False),
    ]
    assert suite["answers"][2]["why"] == (
        'the answer lacks "Paris"; the answer is "I am demo", not "Hello!"; nothing in the answer matches '
        '"^(H+)+$"; the answer is no JSON: expecting value in line 1, column 1'
    )
    shown = await devicehub("runs", "show", record["id"], env=env)
    assert "2 of 3 passed (raw)" in shown.stdout
    assert 'the answer lacks "Paris"' in shown.stdout


# What the demo model says of everything that it was not taught: "I am only a small demo model and ..."
QUESTIONS = """\
id,question,A,B,C,D,answer
7,"Which is it, then?",a small demo model,none,all,both,A
8,"Say ""yes"".",yes,a small demo model,no,maybe,C
9,What now?,yes,no,perhaps,maybe,D
"""


async def test_questions_are_judged_by_subject_and_the_perplexity_is_the_wheels(
    env: dict[str, str], tmp_path: Path
) -> None:
    for name in ("law_val.csv", "art_test.csv"):
        (tmp_path / name).write_text(
            QUESTIONS if name.startswith("law") else QUESTIONS.replace("C\n9", "B\n9")
        )
    text = tmp_path / "text.txt"
    text.write_text("What is DeviceHub?\nDeviceHub runs language models on phones.\n")
    files = [word for name in ("law_val.csv", "art_test.csv") for word in ("--eval-file", tmp_path / name)]
    asked = ("--workload", "eval", *files, "--perplexity", text)
    answer = await run(env, "--on", "vendor=mediatek", *asked, "--json")
    assert answer.status == 0, answer.stderr
    record = answer.json
    assert [launch["records"] for launch in record["launches"]] == [[], [], []]
    found = record["evaluation"]
    assert found["subjects"] == {
        "law": {"right": 1, "of": 3, "unanswered": ["9"]},
        "art": {"right": 2, "of": 3, "unanswered": ["9"]},
    }
    assert (found["right"], found["of"], found["accuracy"]) == (3, 6, 0.5)
    assert 0.18 < found["low"] < 0.19
    config = tmp_path / "config.json"
    config.write_text(json.dumps({**record["config"], "base_dir": f"{demo_model_dir()}/"}))
    own = await perplexity_of(config, text.read_text(), [(0, 768, 0)])
    assert found["perplexity"] == pytest.approx(own, rel=1e-3)
    shown = await devicehub("runs", "show", record["id"], env=env)
    assert "50.0%, 3 of 6 (18.8% to 81.2%)" in shown.stdout
    assert f"{found['perplexity']:.2f}" in shown.stdout


async def test_a_suite_is_wrong_before_anything_is_asked(env: dict[str, str], tmp_path: Path) -> None:
    file = tmp_path / "suite.toml"
    file.write_text(SUITE.replace("json =", "jason =").replace("(H+)+", "(H+"))
    answer = await run(env, "--on", "vendor=qualcomm", "--suite", file)
    assert answer.status == 4
    assert answer.stdout == ""
    assert f"{file}:5 [prompt[0].jason]: unknown key (did you mean json?)" in answer.stderr


async def test_a_setting_that_crashes_the_engine_is_refused(env: dict[str, str]) -> None:
    answer = await run(env, "--on", "vendor=qualcomm", "--prompt", "Hi", "--set", "top_k=0")
    assert answer.status == 4
    answer.assert_one_sentence("top_k")


async def test_a_draft_model_is_refused_with_the_way_out(env: dict[str, str]) -> None:
    words = ("--set", "speculative_type=draftmodel", "--set", "draft_model=small/llm.mnn")
    answer = await run(env, "--on", "vendor=qualcomm", "--prompt", "Hi", *words)
    assert answer.status == 4
    answer.assert_one_sentence("no speculative mode of MNN uses a draft model", "lookahead")


async def test_lookahead_writes_the_same_text_and_a_missing_head_is_told(env: dict[str, str]) -> None:
    asked = ("--on", "vendor=qualcomm", "--prompt", "What is a token?")
    greedy = ("--set", "sampler_type=greedy", "--set", "thread_num=1")
    plain = await run(env, *asked, "--json")
    ahead = await run(env, *asked, "--profile", "speculative-lookahead", *greedy, "--json")
    assert ahead.json["config"]["speculative_type"] == "lookahead"
    assert ahead.json["launches"][0]["text"] == plain.json["launches"][0]["text"]
    eagle = await run(env, *asked, "--profile", "speculative-eagle")
    assert eagle.status == 4
    eagle.assert_one_sentence("the model has no eagle.mnn", "--recipe eagle")


@pytest.mark.parametrize(
    ("argv", "status", "words"),
    [
        (("run", "nothing", "--on", "all", "--prompt", "Hi"), 4, ["nothing", "models add"]),
        (("run", "tiny", "--on", "nobody", "--prompt", "Hi"), 2, ["nobody", "phones:"]),
        (("run", "tiny", "--on", "all", "--engine", "none", "--prompt", "Hi"), 4, ["none", "engines add"]),
        (
            ("run", "tiny", "--on", "all", "--profile", "defualt", "--prompt", "Hi"),
            4,
            ["did you mean default"],
        ),
        (("run", "tiny", "--on", "all", "--prompt-file", "nowhere.txt"), 4, ["nowhere.txt", "no such file"]),
        (("identify", "nobody"), 3, ["nobody"]),
    ],
)
async def test_one_sentence_for_each_mistake(
    env: dict[str, str], argv: tuple[str, ...], status: int, words: list[str]
) -> None:
    answer = await devicehub(*argv, env=env)
    assert answer.status == status, answer.stderr
    answer.assert_one_sentence(*words)
