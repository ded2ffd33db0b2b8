from __future__ import annotations

from typing import Any

import pytest

from devicehub.workloads.log_loss import CAPTURE_ENDED, CAPTURE_FULL
from devicehub.workloads.verdict import LaunchReader, Reading
from tests.workloads.launches import HEAD, OK, PROMPT, block, judged, logcat

PID = 8826
LOST = ("incomplete", "log_loss")

HEAD_LOG = logcat(HEAD.split("\n", 1)[1], pid=PID)
BLOCK_LINES = block().removeprefix("\n").split("\n")
BLOCK_LOG = logcat(block(), pid=PID)
STDOUT = f"config path is m/config.json\n{PROMPT}Hello.\n".encode()


def chatty(what: str, pid: int = PID) -> bytes:
    return logcat(f"uid=2000(shell) llm_demo {what}", pid=pid, tag="chatty")


EXPIRED = chatty("expire 12 lines")


def read(log: bytes, *, stdout: bytes = STDOUT, pid: int | None = PID, **ends: Any) -> Reading:
    """A launch of a logcat build that ended well."""
    reader = LaunchReader("demo", logs_to_logcat=True)
    reader.feed_stdout(stdout)
    reader.feed_log(log)
    return reader.finish(0, pid=pid, **ends)


def block_without(*names: str, instead: bytes = b"") -> bytes:
    """The block's log; where the first of the lines should stand, something else."""
    kept = [line for line in BLOCK_LINES if not any(name in line for name in names)]
    at = next(number for number, line in enumerate(BLOCK_LINES) if names[0] in line)
    before, after = "\n".join(kept[:at]), "\n".join(kept[at:])
    return logcat(before, pid=PID) + instead + logcat(after, pid=PID)


def test_nothing_lost() -> None:
    reading = read(HEAD_LOG + BLOCK_LOG)
    assert judged(reading) == OK
    assert (reading.log_loss, reading.doubts) == ([], [])


@pytest.mark.parametrize(
    "log",
    [
        HEAD_LOG + EXPIRED,
        HEAD_LOG + logcat("\n".join(BLOCK_LINES[:4]), pid=PID) + EXPIRED,
        HEAD_LOG + EXPIRED + logcat("\n".join(BLOCK_LINES[6:]), pid=PID),
        EXPIRED,
        HEAD_LOG + logcat("5", pid=PID, tag="liblog"),
        HEAD_LOG + b"read: unexpected EOF!\n",
    ],
)
def test_counters_that_fell_into_a_loss(log: bytes) -> None:
    reading = read(log)
    assert judged(reading) == LOST
    assert reading.records == []
    assert reading.evidence == reading.log_loss
    assert reading.remedy


def test_field_that_is_gone_from_the_block_is_claimed_by_no_record() -> None:
    reading = read(HEAD_LOG + block_without("sample time", "pixels_mp", instead=EXPIRED))
    assert judged(reading) == LOST
    assert [(record.decode_tok_s, record.sample_s) for record in reading.records] == [(10.0, None)]


def test_block_with_all_its_lines_has_lost_none_of_them() -> None:
    before, after = "\n".join(BLOCK_LINES[:5]), "\n".join(BLOCK_LINES[5:])
    reading = read(HEAD_LOG + logcat(before, pid=PID) + EXPIRED + logcat(after, pid=PID))
    assert judged(reading) == OK
    assert len(reading.doubts) == 1


@pytest.mark.parametrize(
    "loss",
    [
        chatty("expire 900 lines", pid=4711),
        chatty("identical 900 lines"),
        logcat("17", pid=4711, tag="liblog"),
        logcat("0", pid=PID, tag="liblog"),
    ],
)
def test_lines_of_others_and_copies_cost_no_counter(loss: bytes) -> None:
    before, after = "\n".join(BLOCK_LINES[:5]), "\n".join(BLOCK_LINES[5:])
    reading = read(HEAD_LOG + loss + logcat(before, pid=PID) + loss + logcat(after, pid=PID))
    assert judged(reading) == OK
    assert reading.doubts == []


def test_loss_is_stated_whoever_suffered_it() -> None:
    reading = read(HEAD_LOG + chatty("expire 900 lines", pid=4711) * 2 + BLOCK_LOG)
    assert reading.log_loss == ["chatty: uid=2000(shell) llm_demo expire 900 lines"]


def test_loss_before_the_engine_spoke_and_after_its_block() -> None:
    reading = read(EXPIRED + HEAD_LOG + BLOCK_LOG + EXPIRED)
    assert judged(reading) == OK
    assert reading.doubts == []


def test_loss_between_head_and_block_may_hold_an_error() -> None:
    reading = read(HEAD_LOG + EXPIRED + BLOCK_LOG)
    assert judged(reading) == OK
    [doubt] = reading.doubts
    assert "errors among them" in doubt
    assert "expire 12 lines" in doubt


def test_engine_whose_first_words_are_gone_may_have_said_more() -> None:
    reading = read(EXPIRED + BLOCK_LOG)
    assert judged(reading) == OK
    assert reading.records[0].load_ms is None
    assert len(reading.doubts) == 1


def test_capture_that_ended_early() -> None:
    reading = read(HEAD_LOG, log_captured=False)
    assert judged(reading) == LOST
    assert reading.evidence == [CAPTURE_ENDED]
    assert "logcat's last words" in (reading.remedy or "")


def test_capture_that_ended_after_the_block() -> None:
    reading = read(HEAD_LOG + BLOCK_LOG, log_captured=False)
    assert judged(reading) == OK
    assert (reading.log_loss, reading.doubts) == ([CAPTURE_ENDED], [])


def test_capture_that_reached_its_bound() -> None:
    assert judged(read(b"", log_captured=False, log_wrapped=True)) == LOST
    assert read(HEAD_LOG, log_captured=False, log_wrapped=True).evidence == [CAPTURE_FULL]
    reading = read(HEAD_LOG + BLOCK_LOG, log_captured=False, log_wrapped=True)
    assert judged(reading) == OK
    assert (reading.log_loss, reading.doubts) == ([CAPTURE_FULL], [])


def test_loss_of_an_unknown_process_may_be_this_ones() -> None:
    assert judged(read(HEAD_LOG + EXPIRED, pid=None)) == LOST


@pytest.mark.parametrize("before", [b"", logcat("5", pid=PID, tag="liblog")])
def test_missing_counters_that_no_loss_explains(before: bytes) -> None:
    reading = read(before + HEAD_LOG)
    assert judged(reading) == ("incomplete", "incomplete_output")
    assert reading.remedy is not None
    assert "MNNJNI" in reading.remedy


def test_engine_that_prints_to_stdout_loses_nothing_with_the_log() -> None:
    reader = LaunchReader("demo", logs_to_logcat=False)
    reader.feed_stdout((HEAD + PROMPT + "Hi\n" + block()).encode())
    reader.feed_log(EXPIRED)
    reading = reader.finish(0, pid=PID, log_captured=False)
    assert judged(reading) == OK
    assert (len(reading.log_loss), reading.doubts) == (2, [])


def test_bench_of_a_logcat_build_keeps_its_table_and_doubts_it() -> None:
    table = (
        "| model | modelSize | backend | threads | precision | test | t/s |\n"
        "| --- | --- | --- | --- | --- | --- | --- |\n"
        "| m | 900.00 MiB | OPENCL | 4 | Low | pp512 | 120.00 ± 1.00 |\n"
    )
    reader = LaunchReader("bench", logs_to_logcat=True)
    reader.feed_stdout(table.encode())
    reader.feed_log(logcat("The device supports: i8sdot:1", pid=PID) + EXPIRED)
    reading = reader.finish(0, pid=PID)
    assert judged(reading) == OK
    assert len(reading.doubts) == 1


@pytest.mark.parametrize("step", [1, 7, 64])
def test_cut_anywhere(step: int) -> None:
    log = HEAD_LOG + EXPIRED + BLOCK_LOG + b"logcat: unexpected EOF!\n"
    reader = LaunchReader("demo", logs_to_logcat=True)
    reader.feed_stdout(STDOUT)
    for start in range(0, len(log), step):
        reader.feed_log(log[start : start + step])
    assert reader.finish(0, pid=PID) == read(log)
