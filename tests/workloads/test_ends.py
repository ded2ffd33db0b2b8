"""What the agent, the storage and the memory tell of a launch's end, and prompts with pictures and sounds."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devicehub.workloads.failures import BY_SLUG
from devicehub.workloads.verdict import LaunchReader
from tests.workloads.launches import HEAD, OK, PROMPT, block, judged, launch, run

CUT = (HEAD + PROMPT + "It was a dark and").encode()
SHORT = "the phone had 90.0 MB of memory left shortly before its end"


@pytest.mark.parametrize(
    "cause",
    [
        *("stopped", "limit_time", "limit_temperature", "limit_battery", "limit_space", "out_of_memory"),
        *("adbd_restarted", "rebooted", "agent_killed"),
    ],
)
def test_end_that_the_agent_tells_comes_with_its_proof(cause: str) -> None:
    reading = run(CUT, status=143, agent_cause=cause, agent_lines=["boot_id was a, is b"])
    assert judged(reading) == ("failed", cause)
    assert reading.evidence == ["boot_id was a, is b"]
    assert reading.remedy == BY_SLUG[cause].remedy
    assert run(CUT, status=143, agent_cause=cause).evidence == [f"the agent ended the launch: {cause}"]


def test_figures_of_a_launch_that_was_ended_are_kept() -> None:
    reading = run(launch("Hi"), status=0, agent_cause="limit_time")
    assert judged(reading) == ("failed", "limit_time")
    assert reading.records[0].decode_tok_s == 10.0


def test_process_that_was_killed_while_memory_was_short() -> None:
    reading = run(CUT, status=137, memory_short=SHORT)
    assert judged(reading) == ("failed", "out_of_memory")
    assert reading.evidence == [SHORT, "exit status 137"]


def test_process_that_was_killed_with_memory_to_spare() -> None:
    assert judged(run(CUT, status=137)) == ("failed", "killed")


KERNEL = "[ 9120.4] Out of memory: Killed process {} (llm_demo) total-vm:9000kB, anon-rss:8000kB"


def test_process_that_the_kernel_says_it_took() -> None:
    reading = run(CUT, status=137, pid=8826, agent_lines=[KERNEL.format(4711), KERNEL.format(8826)])
    assert judged(reading) == ("failed", "out_of_memory")
    assert reading.evidence == [f"kernel: {KERNEL.format(8826)}"]
    assert reading.crash == [f"kernel: {KERNEL.format(8826)}"]


@pytest.mark.parametrize(
    "line", ["Killed process 8826 (llm_demo), UID 2000", "Killed process 8826 (llm_demo)"]
)
def test_older_words_of_the_kernel(line: str) -> None:
    assert run(CUT, status=137, pid=8826, agent_lines=[line]).cause == "out_of_memory"
    assert run(CUT, status=137, pid=8827, agent_lines=[line]).cause == "killed"


def test_short_memory_explains_no_other_end() -> None:
    assert judged(run(CUT, status=139, memory_short=SHORT)) == ("failed", "segfault")
    assert judged(run(launch("Hi"), memory_short=SHORT)) == OK


def test_output_that_was_cut_on_a_full_disk() -> None:
    reading = run(CUT, free_kib=12)
    assert judged(reading) == ("failed", "no_space")
    assert reading.evidence == ["12 KiB of storage were free at its end"]
    assert judged(run(CUT, free_kib=5_000_000)) == ("incomplete", "incomplete_output")
    assert judged(run(launch("Hi"), free_kib=12)) == OK


# The block's prefill took 0.50 s and its decode 2.00 s, of 20 tokens.
@pytest.mark.parametrize("timeout_ms", [2500, "2500", 2490, 1])
def test_answer_that_timeout_ms_cut_without_a_word(timeout_ms: object) -> None:
    reading = run(launch("It was a dark and"), timeout_ms=timeout_ms, max_new_tokens=512)
    assert judged(reading) == ("failed", "generation_timeout")
    assert reading.evidence == [f"prefill and decode took 2.50 s, and timeout_ms is {timeout_ms}"]
    assert reading.records[0].decode_tok_s == 10.0


@pytest.mark.parametrize("timeout_ms", [None, -1, 0, "junk", 2520, 60_000])
def test_answer_that_no_timeout_cut(timeout_ms: object) -> None:
    reading = run(launch("Hi"), timeout_ms=timeout_ms, max_new_tokens=512)
    assert (judged(reading), reading.doubts) == (OK, [])


def test_answer_that_has_all_its_tokens_was_not_cut() -> None:
    assert judged(run(launch("Hi"), timeout_ms=1, max_new_tokens=20)) == OK


def test_timeout_of_several_prompts_leaves_a_doubt() -> None:
    reading = run(launch("Hi"), timeout_ms=2000, max_new_tokens=512, prompts=3)
    assert judged(reading) == OK
    assert len(reading.doubts) == 1
    assert run(launch("Hi"), timeout_ms=3000, max_new_tokens=512, prompts=3).doubts == []


def seen(pixels: str = "0.00", vision: str = "0.00", sound: str = "0.00") -> bytes:
    figures = {"pixels_mp": pixels, "vision time": vision, "audio input time": sound}
    text = block()
    for name, value in figures.items():
        text = text.replace(f"{name} = 0.00", f"{name} = {value}")
    return launch("A cat.", end=text)


@pytest.mark.parametrize("media", [{"img": 1}, {"audio": 2}, {"img": 1, "audio": 1}])
def test_picture_or_sound_that_was_taken_as_text(media: dict[str, int]) -> None:
    reading = run(seen(), media=media)
    assert judged(reading) == ("failed", "media_ignored")
    assert "prompt tokens num = 40" in reading.evidence
    assert len(reading.evidence) > 1
    assert "OMNI" in (reading.remedy or "")
    assert len(reading.records) == 1


@pytest.mark.parametrize(
    ("media", "stdout"),
    [
        ({"img": 1}, seen(pixels="0.18")),
        ({"img": 1}, seen(vision="0.02")),
        ({"audio": 1}, seen(sound="4.20")),
        ({"img": 0, "audio": 0}, seen()),
        ({}, seen()),
    ],
)
def test_picture_or_sound_that_was_read(media: dict[str, int], stdout: bytes) -> None:
    assert judged(run(stdout, media=media)) == OK


def test_one_of_two_kinds_that_was_ignored() -> None:
    reading = run(seen(pixels="0.18"), media={"img": 1, "audio": 1})
    assert judged(reading) == ("failed", "media_ignored")
    assert reading.evidence[0].startswith("audio")


def test_block_that_knows_no_pictures_has_read_none() -> None:
    old = "\n".join(line for line in block().split("\n") if "vision" not in line and "pixels" not in line)
    assert run(launch("A cat.", end=old), media={"img": 1}).cause == "media_ignored"


def test_record_holds_what_was_seen_and_heard() -> None:
    record = run(seen(pixels="0.18", sound="4.20"), media={"img": 1, "audio": 1}).records[0]
    assert (record.pixels_mp, record.audio_input_s) == (0.18, 4.2)


WORDS = st.sampled_from(
    [
        *(
            "#" * 33 + "\n",
            "#" * 34 + "\n",
            "prompt file is p\n",
            "config path is c\n",
            "| model | backend |\n",
        ),
        *("prefill speed = 1 tok/s\n", "decode tokens num = 2\n", "prompt tokens num = 3\n", "\n", "| 1 |"),
        *(
            "01-01 00:00:00.000  7  7 I MNNJNI  : x\n",
            "01-01 00:00:00.000  7  7 I chatty  : expire 3 lines\n",
        ),
        *("unexpected EOF", '{"results":[{"tps":1e999}]}', "Killed process 7 (llm_demo)", "\x00\xff\u2028"),
    ]
)
TEXT = st.lists(WORDS | st.text(max_size=20), max_size=12).map("".join)


@given(
    stdout=TEXT,
    log=TEXT,
    result=TEXT,
    lines=st.lists(TEXT, max_size=3),
    status=st.none() | st.integers(0, 255),
    workload=st.sampled_from(["demo", "bench", "app", None]),
    cause=st.none() | st.sampled_from(["stopped", "no_such_cause"]),
)
def test_any_launch_gets_a_verdict(
    stdout: str,
    log: str,
    result: str,
    lines: list[str],
    status: int | None,
    workload: str | None,
    cause: str | None,
) -> None:
    reader = LaunchReader(workload, media={"img": 1, "smell": 1}, timeout_ms="1")
    reader.feed_stdout(stdout.encode())
    reader.feed_log(log.encode())
    reader.feed_result("x.json", result.encode())
    reading = reader.finish(status, agent_cause=cause, agent_lines=lines, pid=7, log_wrapped=True)
    assert (reading.verdict == "succeeded") == (reading.cause is None)
