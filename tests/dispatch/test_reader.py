"""Several launches of one run, read as they happen or all at once afterwards."""

from __future__ import annotations

from dataclasses import replace

import pytest

from devicehub.dispatch.reader import RunReader
from devicehub.runner.contract import LaunchEnded, LaunchExit, Piece
from devicehub.runs.model import EngineRef, Launch
from tests.dispatch.samples import header, measured

LOGGING = EngineRef(id="e-1", name="e", abi="virtual", version=None, logcat=True)


def stdout(number: int) -> bytes:
    return f"config path is c.json\nprompt file is p.txt\nanswer {number}".encode()


def block(pid: int, decoded: int) -> bytes:
    rows = (
        "main, 276, cost time: 8.5 ms",
        "main, 284, cost time: 2.5 ms",
        "#################################",
        "prompt tokens num = 9",
        f"decode tokens num = {decoded}",
        " vision time = 0.00 s",
        " pixels_mp = 0.00 MP",
        "  audio process time = 0.00 s",
        "  audio input time = 0.00 s",
        "prefill time = 0.10 s",
        " decode time = 0.10 s",
        " sample time = 0.00 s",
        "prefill speed = 90.00 tok/s",
        f" decode speed = {decoded * 10}.00 tok/s",
        " vision speed = 0.000 MP/s",
        " audio RTF = -nan ",
        "##################################",
    )
    lines = (f"1795386689.19{n:07d}  2000 {pid:5} {pid:5} I MNNJNI  : {row}\n" for n, row in enumerate(rows))
    return "".join(lines).encode()


def end(number: int, log_size: int) -> LaunchEnded:
    out = len(stdout(number))
    return LaunchEnded(
        LaunchExit(
            number=number,
            status=0,
            cause=None,
            started_s=float(number),
            ended_s=number + 0.5,
            workload_pid=100 + number,
            byte_counts={"stdout": out, "stderr": 0, "log": log_size},
        )
    )


LOGS = [block(101, 4), block(102, 5)]
SIZES = [len(LOGS[0]), len(LOGS[0] + LOGS[1])]


def finish(reader: RunReader) -> list[Launch]:
    launches = reader.finish(None)
    assert [launch.text for launch in launches] == ["answer 1", "answer 2"]
    return launches


@pytest.mark.parametrize("seen_at_once", [True, False])
def test_each_launch_gets_the_counters_of_its_own_process(seen_at_once: bool) -> None:
    reader = RunReader(header(engine=LOGGING, steps=measured(2)))
    if seen_at_once:
        # A run that is read after its end: the log comes whole, before the first launch's end.
        reader.feed(Piece("log", 0, LOGS[0] + LOGS[1], 0))
    else:
        reader.feed(Piece("log", 0, LOGS[0], 0))
    reader.feed(Piece("stdout", 0, stdout(1), 1))
    reader.feed(end(1, SIZES[0]))
    if not seen_at_once:
        reader.feed(Piece("log", SIZES[0], LOGS[1], 0))
    reader.feed(Piece("stdout", 0, stdout(2), 2))
    reader.feed(end(2, SIZES[1]))
    launches = finish(reader)
    assert [launch.verdict for launch in launches] == ["succeeded", "succeeded"], launches
    assert [launch.records[0].decode_tokens for launch in launches] == [4, 5]


def test_the_text_streams_launch_by_launch() -> None:
    reader = RunReader(header(steps=measured(2)))
    said = reader.feed(Piece("stdout", 0, stdout(1), 1))
    reader.feed(end(1, 0))
    said += reader.feed(Piece("stdout", 0, stdout(2), 2))
    assert said == "answer 1answer 2"
    assert reader.positions.launch == 2
    assert reader.positions.stdout == len(stdout(2))


def test_a_run_that_was_lost_keeps_the_launches_that_ended() -> None:
    reader = RunReader(header(steps=measured(3)))
    reader.feed(Piece("stdout", 0, stdout(1), 1))
    reader.feed(end(1, 0))
    reader.feed(Piece("stdout", 0, stdout(2), 2))
    launches = reader.finish("adbd_restarted", ["adbd was 613, is 990"])
    assert [launch.number for launch in launches] == [1, 2]
    assert launches[1].cause == "adbd_restarted"
    assert "adbd was 613, is 990" in launches[1].evidence


def test_a_run_that_was_lost_before_it_said_a_word_has_one_launch() -> None:
    (launch,) = RunReader(header()).finish("rebooted")
    assert (launch.verdict, launch.cause) == ("failed", "rebooted")


def test_a_limit_says_what_it_was() -> None:
    reader = RunReader(header(limits={"wall_s": 600}))
    reader.feed(LaunchEnded(replace(end(1, 0).exit, cause="limit_time", status=143)))
    (launch,) = reader.finish(None)
    assert (launch.verdict, launch.cause) == ("failed", "limit_time")
    assert "the run was given the limit time=600 s" in launch.evidence
