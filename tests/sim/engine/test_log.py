"""Which of MNN's rows a logcat build logs as errors."""

from __future__ import annotations

import contextlib
import os
import signal
import threading
from typing import TYPE_CHECKING

import pytest

from devicehub.sim.engine.log import RowForwarder, priority_of
from devicehub.sim.engine.stdio import Stdio

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(
    "row",
    [
        b"[Error]: LLM in error state. Status: 4",
        b"LLM init error",
        b"Can't open file:tmp_0/mnn_cachefile.bin",
        b"Load Cache file error.",
        b"Memory not Enough, can't extract IDST Convolution: /lm/lm_head/Linear ",
        b"Error: Generation failed due to internal error",
        b"MTP: failed to load mtp model m/mtp.mnn",
    ],
)
def test_complaints_are_errors(row: bytes) -> None:
    assert priority_of(row) == "E"


@pytest.mark.parametrize(
    "row",
    [
        b"",
        b"Prepare for tuning opt Begin",
        b"prompt tokens num = 41",
        # These complain, but MNN prints them as information.
        b"Can't Find type=3 backend, use 0 instead",
        b"ReadQuanData_c return weightLength is 0, maybe the weight data is invalid",
        b"code=2 in onForward, 769 ",
        b"Invalidate buffer to create MNN Module",
    ],
)
def test_reports_are_information(row: bytes) -> None:
    assert priority_of(row) == "I"


def test_an_engine_that_dies_has_all_its_rows_in_the_log(tmp_path: Path) -> None:
    """Even where a slow helper writes them, and the group that the engine was in is ended at once."""
    log = tmp_path / "log"
    engine = os.fork()
    if not engine:
        os.setpgid(0, 0)

        def write_slowly(*, priority: str, tag: str, pid: int, message: bytes) -> None:
            threading.Event().wait(0.01)
            with log.open("ab") as file:
                file.write(message + b"\n")

        forwarder = RowForwarder(write_slowly)
        stdio = Stdio()
        stdio.divert_engine(forwarder.fd, forwarder.finish)
        for number in range(20):
            stdio.engine(f"row {number}\n")
        stdio.die(signal.SIGKILL)
    _, status = os.waitpid(engine, 0)
    with contextlib.suppress(ProcessLookupError):
        os.killpg(engine, signal.SIGKILL)
    assert os.WTERMSIG(status) == signal.SIGKILL
    assert log.read_text().splitlines() == [f"row {number}" for number in range(20)]


def test_rows_of_an_engine_that_is_killed_still_arrive(tmp_path: Path) -> None:
    reading, writing = os.pipe()
    engine = os.fork()
    if not engine:
        os.setpgid(0, 0)
        os.close(reading)

        def write(*, priority: str, tag: str, pid: int, message: bytes) -> None:
            os.write(writing, message + b"\n")

        forwarder = RowForwarder(write)
        os.write(forwarder.fd, b"the last row\n")
        os.killpg(0, signal.SIGKILL)
    os.close(writing)
    os.waitpid(engine, 0)
    with os.fdopen(reading, "rb") as rows:
        assert rows.read() == b"the last row\n"
