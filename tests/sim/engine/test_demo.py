"""The virtual llm_demo as a program: what it prints, where, and how it ends."""

from __future__ import annotations

import signal
import sys
from pathlib import Path

import pytest

from devicehub import procs
from tests.sim.engine.runs import Bench, bench, needs_demo_model, phone_log

__all__ = ["bench"]

pytestmark = needs_demo_model


def text_of(stdout: bytes) -> bytes:
    """What stands between `prompt file is` and the last block."""
    return stdout.partition(b"prompt file is p.txt\n")[2].rpartition(
        b"\n#################################\n"
    )[0]


async def test_each_prompt_is_answered_on_a_line_of_its_own(bench: Bench) -> None:
    done = await bench.run("p.txt")
    assert done.status == 0
    assert done.stderr == b""
    first, second, rest = text_of(done.stdout + b"").split(b"\n")
    assert first.startswith(b"DeviceHub ")
    assert second
    assert second != first
    assert rest == b""


async def test_maximum_cuts_the_answer_without_a_line_end(bench: Bench) -> None:
    whole = text_of((await bench.run("p.txt")).stdout)
    bench.prompts = b"What is DeviceHub?\n"
    bench.write()
    done = await bench.run("p.txt", "3")
    assert b"decode tokens num = 3\n" in done.stdout
    assert text_of(done.stdout)
    assert whole.startswith(text_of(done.stdout))


async def test_no_prompt_but_comments_gives_a_block_of_nan(bench: Bench) -> None:
    bench.prompts = b"# one\n\n# two\r\n"
    bench.write()
    done = await bench.run("p.txt")
    assert done.status == 0
    assert b"prompt tokens num = 0\n" in done.stdout
    assert b"nan tok/s\n" in done.stdout


async def test_fourth_argument_turns_thinking_off(bench: Bench) -> None:
    thinking = await bench.run("p.txt", "1")
    bare = await bench.run("p.txt", "1", "x")
    assert b"Set not thinking, only valid for Qwen3\nprompt file is p.txt\n" in bare.stdout
    tokens = [done.stdout.partition(b"prompt tokens num = ")[2].split(b"\n")[0] for done in (thinking, bare)]
    assert int(tokens[1]) > int(tokens[0])


async def test_base_dir_finds_a_model_elsewhere_and_caches_stay_in_the_current_folder(bench: Bench) -> None:
    bench.write(base_dir=f"{bench.model}/", use_mmap=True, tmp_path="elsewhere")
    work = bench.folder / "work"
    work.mkdir()
    (bench.model / "config.json").rename(work / "config.json")
    done = await bench.run("p.txt", "4", config="work/config.json")
    assert text_of(done.stdout)
    assert [path.name for path in bench.folder.glob("tmp_*/*.static")]
    assert not (bench.folder / "elsewhere").exists()


async def test_two_spellings_of_a_config_share_a_cache_folder(bench: Bench) -> None:
    await bench.run("p.txt", "1")
    await bench.run("p.txt", "1", config=f"{bench.folder}/model/../model/config.json")
    assert len(list(bench.folder.glob("tmp_*"))) == 1


async def test_cache_folder_that_cannot_be_made_is_no_failure(bench: Bench) -> None:
    await bench.run("p.txt", "1")
    (folder,) = bench.folder.glob("tmp_*")
    folder.rmdir()
    folder.symlink_to("missing/target")
    done = await bench.run("p.txt", "1")
    assert done.status == 0
    assert f"Llm: cannot create cache dir '{folder.name}' (no write permission?).".encode() in done.stdout


async def test_crash_loses_what_was_not_flushed(bench: Bench) -> None:
    bench.write(sampler_type="mixed", top_k=0)
    done = await bench.run("p.txt", PYTHONUNBUFFERED="1")
    assert done.status == -signal.SIGSEGV
    assert done.stdout == b"config path is model/config.json\n"


async def test_missing_config_is_told_on_stderr(bench: Bench) -> None:
    done = await bench.run("p.txt", config="none/config.json")
    assert done.status == 0
    assert done.stderr.startswith(b"Unable to open config file: none/config.json\n")
    assert b"[Error]: tokenizer file not found: none/tokenizer.txt\nLLM init error\n" in done.stdout


@pytest.mark.parametrize(("granted", "used"), [("", 1), ("3", 3), ("9", 4), ("many", 1)])
async def test_threads_are_limited_and_noted(bench: Bench, granted: str, used: int) -> None:
    bench.write(thread_num=4)
    async with phone_log() as log:
        await bench.run("p.txt", "1", DEVICEHUB_SIM_THREADS=granted, DEVICEHUB_SIM_SOCKETS=log.folder)
    assert [row.message for row in log.rows] == [f"virtual engine: threads asked 4, used {used}"]
    assert log.rows == log.of("devicehub")


async def test_logcat_build_keeps_the_text_on_stdout_and_the_rest_in_the_log(bench: Bench) -> None:
    plain = await bench.run("p.txt")
    async with phone_log() as log:
        done = await bench.run("p.txt", options=("--logcat",), DEVICEHUB_SIM_SOCKETS=log.folder)
    assert done.stdout == b"config path is model/config.json\nprompt file is p.txt\n" + text_of(plain.stdout)
    rows = log.of("MNNJNI")
    messages = [row.message for row in rows]
    assert messages[0].startswith("The device supports: ")
    assert messages[messages.index("#" * 33) - 1] == ""
    assert messages[-1] == "#" * 34
    assert {row.priority for row in rows} == {"I"}
    assert {row.pid for row in rows} == {row.pid for row in log.of("devicehub")}


async def test_logcat_build_logs_errors_as_errors(bench: Bench) -> None:
    (bench.model / "llm.mnn").unlink()
    async with phone_log() as log:
        done = await bench.run("p.txt", options=("--logcat",), DEVICEHUB_SIM_SOCKETS=log.folder)
    assert done.stdout == b"config path is model/config.json\n"
    errors = [row.message for row in log.of("MNNJNI") if row.priority == "E"]
    assert errors == ["[Error]: LLM model file not found: model/llm.mnn", "LLM init error"]


async def test_logcat_build_that_crashes_has_logged_what_it_printed(bench: Bench) -> None:
    bench.write(sampler_type="mixed", top_k=0)
    async with phone_log() as log:
        done = await bench.run("p.txt", options=("--logcat",), DEVICEHUB_SIM_SOCKETS=log.folder)
        assert done.status == -signal.SIGSEGV
        row = await log.wait_for("The device supports: ")
    assert (row.priority, row.tag) == ("I", "MNNJNI")


async def test_ceval_table_is_answered_into_a_file(bench: Bench) -> None:
    bench.prompts = (
        b'id,question,A,B,C,D,answer\n0,"Which, then?",a,b,c,d,A\n1,What is DeviceHub?,a,b,c,d,B\n'
    )
    bench.write()
    (bench.folder / "p.txt").rename(bench.folder / "law_val.csv")
    done = await bench.run("law_val.csv")
    assert "Which, then?\n\nA. a\nB. b\nC. c\nD. d\n\n## 进度: 1 / 2\n".encode() in done.stdout
    assert done.stdout.endswith(b"store to law_res.csv\n")
    assert (bench.folder / "law_res.csv").read_bytes().startswith(b'id,answer\n0,"')


async def test_chat_ends_with_its_input(bench: Bench) -> None:
    argv = [sys.executable, "-m", "devicehub.sim.engine", "llm_demo", "model/config.json"]
    env = {"PYTHONPATH": str(Path(__file__).parents[3])}
    said = b"What is DeviceHub?\n/reset\n"
    done = await procs.run(argv, timeout_s=120, stdin=said, cwd=bench.folder, env=env)
    assert done.status == 0
    assert b"\nUser: \nA: DeviceHub " in done.stdout
    assert done.stdout.endswith(b"\nUser: \nA: reset done.\n\nUser: ")


async def test_arguments_of_a_program_that_was_not_asked_for(bench: Bench) -> None:
    argv = [sys.executable, "-m", "devicehub.sim.engine"]
    env = {"PYTHONPATH": str(Path(__file__).parents[3])}
    usage = await procs.run([*argv, "llm_demo"], timeout_s=60, cwd=bench.folder, env=env)
    assert (usage.status, usage.stdout) == (0, b"Usage: llm_demo config.json <prompt.txt>\n")
    other = await procs.run([*argv, "llm_frob"], timeout_s=60, cwd=bench.folder, env=env)
    assert (other.status, other.stdout) == (127, b"")
