from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st

from devicehub.android.logcat import Entry
from devicehub.workloads.crash import CrashReader
from devicehub.workloads.verdict import LaunchReader, Reading
from tests.workloads.launches import HEAD, PROMPT, judged, logcat

PID, OTHER, DUMPER = 8826, 4711, 9001
FATAL = "Fatal signal 11 (SIGSEGV), code 1, fault addr 0x0 in tid {pid} (llm_demo), pid {pid} (llm_demo)"
DUMP = """*** *** *** *** *** *** *** *** *** *** *** *** *** *** *** ***
Build fingerprint: 'acme/one/one:14/AB1A.240101.001/1:user/release-keys'
pid: {pid}, tid: {pid}, name: llm_demo  >>> ./llm_demo <<<
signal 11 (SIGSEGV), code 1 (SEGV_MAPERR), fault addr 0x0000000000000000
backtrace:
      #00 pc 000000000001a2b0  /data/local/tmp/devicehub/engines/e/libMNN.so"""
APP = "com.alibaba.mnnllm.android"


def dump(pid: int, dumper: int = DUMPER) -> bytes:
    return logcat(DUMP.format(pid=pid), pid=dumper, tag="DEBUG", level="F")


def fatal(pid: int) -> bytes:
    return logcat(FATAL.format(pid=pid), pid=pid, tag="libc", level="F")


def read(log: bytes, *, workload: str = "demo", status: int | None = 139, pid: int | None = PID) -> Reading:
    reader = LaunchReader(workload, logs_to_logcat=True)
    if workload == "demo":
        reader.feed_stdout(f"config path is m/config.json\n{PROMPT}".encode())
    reader.feed_log(log)
    return reader.finish(status, pid=pid)


def test_dump_of_this_process_is_attached_whole() -> None:
    reading = read(fatal(PID) + dump(PID))
    assert judged(reading) == ("failed", "segfault")
    assert reading.crash[0].startswith("libc: Fatal signal 11")
    assert reading.crash[-1].endswith("libMNN.so")
    assert len(reading.crash) == 7


def test_dump_of_another_launch_of_the_same_program_is_not() -> None:
    reading = read(logcat(HEAD, pid=PID) + fatal(OTHER) + dump(OTHER), status=0)
    assert judged(reading) == ("incomplete", "incomplete_output")
    assert reading.crash == []


def test_two_dumps_at_once_are_kept_apart() -> None:
    lines = zip(dump(PID).splitlines(True), dump(OTHER, DUMPER + 1).splitlines(True), strict=True)
    assert read(b"".join(line for pair in lines for line in pair)).crash == read(dump(PID)).crash


def test_dump_of_the_app_by_its_name() -> None:
    own = DUMP.replace(">>> ./llm_demo <<<", f">>> {APP} <<<").format(pid=OTHER)
    reading = read(logcat(own, pid=DUMPER, tag="DEBUG"), workload="app", status=None, pid=None)
    assert len(reading.crash) == 6


def test_app_that_lmkd_killed() -> None:
    log = logcat(
        f"Kill '{APP}' ({PID}), uid 10123, oom_score_adj 0 to free 9kB", pid=300, tag="lowmemorykiller"
    )
    log += logcat(
        "Kill 'com.acme.launcher' (77), uid 10001, oom_score_adj 600", pid=300, tag="lowmemorykiller"
    )
    reading = read(log, workload="app", status=None)
    assert judged(reading) == ("failed", "killed_low_memory")
    assert reading.crash == [f"lowmemorykiller: Kill '{APP}' ({PID}), uid 10123, oom_score_adj 0 to free 9kB"]


def test_app_that_hung() -> None:
    anr = f"ANR in {APP} ({APP}/.chat.ChatActivity)\nPID: {PID}\nReason: no answer\nnothing of it"
    reading = read(logcat(anr, pid=1500, tag="ActivityManager", level="E"), workload="app", status=None)
    assert [line.split(":")[1].strip()[:6] for line in reading.crash] == ["ANR in", "PID", "Reason"]


def test_exception_of_the_app() -> None:
    said = f"FATAL EXCEPTION: main\nProcess: {APP}, PID: {PID}\njava.lang.OutOfMemoryError: no"
    reading = read(logcat(said, tag="AndroidRuntime", level="E"), workload="app", status=None)
    assert judged(reading) == ("failed", "out_of_memory")
    assert len(reading.crash) == 3


def test_kernel_that_took_the_workload() -> None:
    line = "Out of memory: Killed process {} (llm_demo) total-vm:9000kB, anon-rss:8000kB"
    assert judged(read(logcat(line.format(PID), pid=0, tag="kernel"), status=137)) == (
        "failed",
        "out_of_memory",
    )
    assert judged(read(logcat(line.format(OTHER), pid=0, tag="kernel"), status=137)) == ("failed", "killed")


def test_lmkd_that_takes_other_apps_is_no_failure_of_the_launch() -> None:
    line = logcat("Kill 'com.acme.mail' (77), uid 10001, oom_score_adj 900", pid=300, tag="lmkd")
    reading = read(line, status=0)
    assert reading.cause == "incomplete_output"
    assert reading.crash == []


@given(
    st.lists(
        st.builds(
            Entry,
            st.text(max_size=30)
            | st.sampled_from(
                ["*** *** ***", "FATAL EXCEPTION", "pid: 1, >>> x <<<", "PID: 2", "ANR in a.b"]
            ),
            st.sampled_from(["DEBUG", "libc", "ActivityManager", "AndroidRuntime", None]),
            pid=st.none() | st.integers(1, 3),
        )
    )
)
def test_any_entries(entries: list[Entry]) -> None:
    reader = CrashReader()
    for entry in entries:
        reader.take(entry)
    assert len(reader.lines_of(1, re.compile("x|a"))) <= len(entries)
