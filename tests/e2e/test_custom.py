"""`run --workload custom` on two virtual phones, as a user calls it."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import pytest_asyncio

from tests.e2e.command import Answer, devicehub
from tests.e2e.fleet import stocked_fleet

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def env(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[dict[str, str]]:
    async with stocked_fleet(tmp_path_factory.mktemp("fleet")) as environment:
        yield environment


def add_profile(env: dict[str, str], name: str, text: str) -> None:
    folder = Path(env["DEVICEHUB_HOME"]) / "profiles" / "runs"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{name}.toml").write_text(f'summary = "Test."\nworkload = "custom"\n{text}', encoding="utf-8")


async def run(env: dict[str, str], phone: int, engine: str, profile: str, *more: str) -> Answer:
    serial = (await devicehub("devices", "--json", env=env)).json[phone]["serial"]
    argv = ("run", "tiny", "--on", serial, "--engine", engine, "--workload", "custom", "--profile", profile)
    return await devicehub(*argv, *more, "--json", env=env)


async def test_the_packaged_example_reads_both_builds(env: dict[str, str]) -> None:
    asked = ("custom-llm-demo", "--prompt", "What is DeviceHub?")
    async with asyncio.TaskGroup() as tasks:
        plain = tasks.create_task(run(env, 0, "plain", *asked, "--launches", "2"))
        logging = tasks.create_task(run(env, 1, "logging", *asked))
    for answer, source, launches in ((plain.result(), "stdout", 2), (logging.result(), "logcat", 1)):
        assert answer.status == 0, answer.stderr
        record = answer.json
        assert (record["workload"], record["verdict"], record["profile"]) == (
            "custom", "succeeded", "custom-llm-demo",
        )  # fmt: skip
        assert record["trusted"], record["trust_reasons"]
        assert len(record["launches"]) == launches
        for launch in record["launches"]:
            [row] = launch["records"]
            assert (row["tool"], row["source"]) == ("llm_demo", source)
            assert 0 < row["decode_tokens"] <= 32
            assert row["prompt_tokens"] > 0
            assert row["decode_tok_s"] > 0
            assert "prompt file is " in launch["text"]
        assert record["summary"]["launches"] == launches


SHELL = r"""[custom]
command = ["/system/bin/sh", "-c", '''
sleep 2
echo "answer to $(cat {prompts})"
echo "threads=3" >&2
echo "tg64,20.5" > {launch}/out.csv
echo "tg128,19" >> {launch}/out.csv
exec log -t MyTool "loaded {model} in 80.5 ms"
''']
results = ["out.csv"]
log_tags = ["MyTool"]
[[custom.counters]]
streams = ["stderr"]
regex = '^threads=(?P<threads>\d+)$'
[[custom.counters]]
streams = ["result"]
regex = '^(?P<test>\w+),(?P<decode_tok_s>[\d.]+)$'
take = "all"
[[custom.counters]]
streams = ["log"]
regex = '^MyTool: loaded /data/local/tmp/mnn_models/tiny\S* in (?P<load_ms>[\d.]+) ms$'
[[custom.success]]
regex = '^answer to Why\?$'
"""


async def test_a_run_that_its_command_left_is_read_by_another_one(env: dict[str, str]) -> None:
    add_profile(env, "shell", SHELL)
    started = await run(env, 0, "plain", "shell", "--prompt", "Why?", "--detach")
    assert started.status == 0, started.stderr
    run_id = started.json["id"]
    # The table has travelled with the run: what becomes of the file does not matter any more.
    add_profile(env, "shell", "[custom]\nbroken")
    document = await ended(env, run_id)
    assert (document["state"], document["cause"]) == ("succeeded", None)
    [launch] = document["launches"]
    assert launch["text"] == "answer to Why?\n"
    rows = [
        (row["test"], row["decode_tok_s"], row["threads"], row["load_ms"], row["tool"])
        for row in launch["records"]
    ]
    assert rows == [("tg64", 20.5, 3, 80.5, "sh"), ("tg128", 19.0, 3, 80.5, "sh")]


async def ended(env: dict[str, str], run_id: str) -> dict[str, Any]:
    """The run's document when it has ended; asking for it takes up what is left."""
    for _ in range(100):
        answer = await devicehub("runs", "show", run_id, "--json", env=env)
        assert answer.status == 0, answer.stderr
        document: dict[str, Any] = answer.json
        if document["ended"] is not None:
            return document
    raise AssertionError("the run never ended")


@pytest.mark.parametrize(
    ("script", "table", "cause", "evidence"),
    [
        ("echo half", "", "pattern_missing", "no line of stdout matches ^done$"),
        ("echo done; exit 3", "", "exit_status", "exit status 3"),
        ("echo done; exit 3", "status = 3\n", None, "done"),
        ("echo done; echo out of luck >&2", "", "no_luck", "out of luck"),
    ],
)
async def test_the_profile_decides(
    env: dict[str, str], script: str, table: str, cause: str | None, evidence: str
) -> None:
    add_profile(
        env,
        "judged",
        f'[custom]\ncommand = ["/system/bin/sh", "-c", "{script}"]\n{table}'
        "[[custom.success]]\nregex = '^done$'\n"
        "[[custom.failures]]\nregex = 'out of luck'\ncause = 'no_luck'\nremedy = 'try a coin'\n",
    )
    answer = await run(env, 1, "plain", "judged")
    assert answer.status == (0 if cause is None else 1), answer.stderr
    assert answer.json["cause"] == cause
    [launch] = answer.json["launches"]
    assert evidence in launch["evidence"]
    assert cause != "no_luck" or launch["remedy"] == "try a coin"


@pytest.mark.parametrize(
    ("argv", "status", "words"),
    [
        (("--workload", "custom", "--prompt", "Hi"), 2, ("--workload custom needs --profile",)),
        (("--workload", "custom", "--profile", "default"), 2, ("profile default names no command",)),
        (("--profile", "custom-llm-demo", "--prompt", "Hi"), 2, ("names a command of its own", "--workload")),
        (("--workload", "bench", "--profile", "custom-llm-demo"), 2, ("names a command of its own",)),
        (("--workload", "custom", "--profile", "custom-llm-demo"), 2, ("takes a prompt", "--prompt-file")),
        (("--workload", "custom", "--profile", "mute", "--prompt", "Hi"), 2, ("takes no prompt",)),
        (("--workload", "custom", "--profile", "mute"), 4, ("engine plain", "has no other_tool")),
        (("--workload", "custom", "--profile", "wrong"), 4, ("wrong.toml", "custom.comand", "unknown key")),
    ],
)
async def test_what_does_not_go_together_is_one_sentence(
    env: dict[str, str], argv: tuple[str, ...], status: int, words: tuple[str, ...]
) -> None:
    add_profile(env, "mute", '[custom]\ncommand = ["other_tool"]\n')
    add_profile(env, "wrong", '[custom]\ncomand = ["llm_demo"]\n')
    serial = (await devicehub("devices", "--json", env=env)).json[0]["serial"]
    answer = await devicehub("run", "tiny", "--on", serial, "--engine", "plain", *argv, env=env)
    assert answer.status == status, answer.stderr
    assert all(word in answer.stderr.strip().splitlines()[-1] for word in words), answer.stderr
    assert "Traceback" not in answer.stderr
    assert answer.stdout == ""
