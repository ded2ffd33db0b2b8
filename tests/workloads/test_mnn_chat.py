from __future__ import annotations

from pathlib import Path

from devicehub.workloads.mnn_chat import ChatReader
from devicehub.workloads.verdict import LaunchReader, Reading
from tests.workloads.launches import logcat

DATA = Path(__file__).parents[1] / "data" / "mnn_runs"
PERF = "PERF | prefill: 31 tok in 0.25s (124.0 t/s) | decode: 80 tok in 4.00s (20.0 t/s) | history: 1 msgs"


def parse(data: bytes) -> Reading:
    reader = LaunchReader(saved=True)
    reader.feed_stdout(data)
    return reader.finish()


def app(text: str, **where: int) -> bytes:
    return logcat(text, tag="MNN_DEBUG", level="D", **where)


def test_each_reply_is_a_record_and_the_load_is_timed_by_its_stamps() -> None:
    reading = parse((DATA / "app_two_replies_studio.txt").read_bytes())
    assert (reading.verdict, reading.cause) == ("succeeded", None)
    assert [record.decode_tokens for record in reading.records] == [80, 40]
    assert [record.load_ms for record in reading.records] == [2250.0, 2250.0]
    assert reading.records[0].model == "Tiny"
    assert reading.records[0].tool == "mnn_chat"


def test_perf_line_without_its_log_prefix() -> None:
    [record] = parse(PERF.encode()).records
    assert (record.prompt_tokens, record.prefill_tok_s, record.decode_tok_s) == (31, 124.0, 20.0)
    assert record.load_ms is None


def test_load_that_failed() -> None:
    reading = parse(
        app("createLLM BeginLoad /m/x/config.json\nModel load failed, cleaning up LlmSession: 0x1")
    )
    assert (reading.verdict, reading.cause) == ("failed", "load_failed")


def test_load_without_reply_is_incomplete() -> None:
    assert parse(app("createLLM BeginLoad /m/x/config.json\ncreateLLM EndLoad 1")).verdict == "incomplete"


def test_reply_of_infinite_speed_is_no_figure() -> None:
    reading = parse(app(PERF.replace("(20.0 t/s)", "(inf t/s)")))
    assert (reading.verdict, reading.cause) == ("failed", "no_tokens")
    assert reading.records[0].decode_tok_s is None


def test_app_that_crashed_after_a_reply() -> None:
    crash = logcat(
        "Fatal signal 6 (SIGABRT), code -1 in tid 9 (x), pid 8826 (baba.mnnllm.and)", tag="libc", level="F"
    )
    assert parse(app(PERF) + crash).cause == "abort"


def test_engine_lines_of_the_app_ask_for_no_block() -> None:
    assert parse(logcat("CPU Group: [ 0 ], 1 - 2") + app(PERF)).verdict == "succeeded"


def test_a_message_that_quotes_the_figures_is_none_of_them() -> None:
    reader = ChatReader()
    quoted = "PERF | prefill: 9 tok in 1.00s (9.0 t/s) | decode: 9 tok in 1.00s (9.0 t/s)"
    assert reader.take(quoted, None)
    assert not reader.take(f"prompt: what does {quoted} mean?", None)
    assert not reader.take("prompt: createLLM BeginLoad /x/other/config.json", None)
    assert [record.model for record in reader.records] == [None]
