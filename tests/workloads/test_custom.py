"""Workload custom: its start, its counters and its verdict, from streams in pieces of any size."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import pytest

from devicehub.profiles.custom import Counter, Custom, FailureLine, Success
from devicehub.workloads.custom import MOST_TEXT, CustomReader, log_tags, start
from devicehub.workloads.failures import BY_SLUG
from devicehub.workloads.kinds import Place

if TYPE_CHECKING:
    from collections.abc import Callable

    from devicehub.workloads.verdict import Reading

PLACE = Place(engine_dir="/e", model_dir="/m", work_dir="/w", run_dir="/r", launch_dir="/r/1")
PID = 4711


def custom(**fields: Any) -> Custom:
    return Custom(**{"command": ("my_tool",), **fields})


def log_line(message: str, *, pid: int = PID, tag: str = "MyTool") -> bytes:
    return f"06-16 12:06:01.599  {pid}  {pid} I {tag}: {message}\n".encode()


def read(
    table: Custom,
    stdout: bytes = b"",
    *,
    stderr: bytes = b"",
    log: bytes = b"",
    result: bytes = b"",
    status: int | None = 0,
    cut: Callable[[bytes], list[bytes]] = lambda data: [data],
    pid: int | None = PID,
    **known: Any,
) -> Reading:
    reader = CustomReader(table)
    for feed, data in ((reader.feed_stdout, stdout), (reader.feed_stderr, stderr), (reader.feed_log, log)):
        for piece in cut(data):
            feed(piece)
    if result:
        reader.feed_result("out.txt", result)
    return reader.finish(status, pid=pid, **known)


def counter(regex: str, *streams: Any, take: Any = "last") -> Counter:
    return Counter(regex=regex, streams=streams or ("stdout",), take=take)


def test_start_of_an_engines_program_and_of_the_phones_own() -> None:
    words = ("{engine}|{model}|{config}|{prompts}|{work}|{run}|{launch}|{{}}", "plain")
    begun = start(PLACE, custom(command=("tool", *words), results=("out.txt",)))
    paths = "/e|/m|/w/config.json|/r/prompt.txt|/w|/r|/r/1|{}"
    assert begun.argv == ("/e/tool", paths, "plain")
    assert begun.result_files == ("out.txt",)
    assert start(PLACE, custom(command=("/system/bin/sh", "-c"))).argv == ("/system/bin/sh", "-c")
    assert log_tags(custom(log_tags=("A", "b-1"))) == ("A:V", "b-1:V")


ALL_STREAMS = custom(
    results=("out.txt",),
    log_tags=("MyTool",),
    counters=(
        counter(r"prefill (?P<prefill_tok_s>\S+)", take="last"),
        counter(r"threads=(?P<threads>\d+)", "stderr"),
        counter(r"^MyTool: load (?P<load_ms>[\d.]+)", "log"),
        counter(r"^(?P<test>\w+),(?P<decode_tok_s>[^,]+)$", "result", take="all"),
    ),
    success=(Success(regex="^fertig: é$"), Success(regex="ready", streams=("stderr", "log"))),
    failures=(FailureLine(regex="panic", cause="my_panic"),),
)


def read_all(cut: Callable[[bytes], list[bytes]] = lambda data: [data]) -> Reading:
    return read(
        ALL_STREAMS,
        "prefill 1.5\r\nprefill 12.25\r\nfertig: é".encode(),
        stderr=b"threads=4\nready",
        log=log_line("load 80.5") + log_line("load 99", pid=PID + 1),
        result=b"tg64,20.5\ntg128,19\n",
        cut=cut,
    )


def test_counters_of_all_streams_come_together() -> None:
    reading = read_all()
    assert (reading.verdict, reading.cause, reading.doubts) == ("succeeded", None, [])
    rows = [(row.test, row.decode_tok_s, row.prefill_tok_s) for row in reading.records]
    assert rows == [("tg64", 20.5, 12.25), ("tg128", 19.0, 12.25)]
    first = reading.records[0]
    assert (first.threads, first.load_ms, first.tool) == (4, 80.5, "my_tool")
    assert first.source == "result+stdout+stderr+logcat"
    assert reading.evidence == ["fertig: é", "ready"]
    assert reading.text == "prefill 1.5\r\nprefill 12.25\r\nfertig: é"


def test_the_same_however_the_streams_are_cut() -> None:
    whole = read_all()
    for at in range(150):
        assert read_all(partial(cut_at, at)) == whole
    assert read_all(lambda data: [bytes([byte]) for byte in data]) == whole


def cut_at(at: int, data: bytes) -> list[bytes]:
    return [data[:at], data[at:]]


def test_text_grows_by_whole_characters() -> None:
    reader = CustomReader(custom())
    seen = []
    for byte in "aé\n€".encode():
        reader.feed_stdout(bytes([byte]))
        seen.append(reader.text_so_far)
    assert seen == ["a", "a", "aé", "aé\n", "aé\n", "aé\n", "aé\n€"]


def test_text_is_bounded_and_what_is_beyond_is_searched_still() -> None:
    table = custom(success=(Success(regex="^the end$"),))
    reading = read(table, b"x" * 99 + b"\n" + b"y" * (MOST_TEXT + 5) + b"\nthe end\n")
    assert (reading.verdict, len(reading.text or "")) == ("succeeded", MOST_TEXT)


def test_only_the_beginning_of_a_line_is_searched() -> None:
    table = custom(success=(Success(regex="needle"),))
    assert read(table, b"x" * 1994 + b"needle\n").verdict == "succeeded"
    assert read(table, b"x" * 1995 + b"needle\n").cause == "pattern_missing"
    # A line of more than 64 KiB comes in parts: a later one is no beginning.
    assert read(table, b"x" * 65536 + b"needle\n").cause == "pattern_missing"


def test_a_slow_regex_is_bounded_by_the_lines_length() -> None:
    table = custom(counters=(counter(r"(?P<threads>\d+).*x.*y.*z"),))
    assert read(table, b"1" + b"x" * 60000 + b"\n").verdict == "succeeded"


def test_the_last_match_counts_unless_all_are_asked_for() -> None:
    lines = b"v 1\nv 2\nv 3\n"
    last = read(custom(counters=(counter(r"v (?P<decode_tok_s>\d)"),)), lines)
    every = read(custom(counters=(counter(r"v (?P<decode_tok_s>\d)", take="all"),)), lines)
    assert [row.decode_tok_s for row in last.records] == [3.0]
    assert [row.decode_tok_s for row in every.records] == [1.0, 2.0, 3.0]


def test_the_later_pattern_of_a_table_wins_whichever_line_was_first() -> None:
    table = custom(counters=(counter(r"old (?P<load_ms>\d)"), counter(r"new (?P<load_ms>\d)")))
    for lines in (b"old 1\nnew 2\n", b"new 2\nold 1\n"):
        assert [row.load_ms for row in read(table, lines).records] == [2.0]


def test_a_group_that_took_no_part_sets_nothing() -> None:
    table = custom(counters=(counter(r"^a(?: (?P<load_ms>\d+))?(?: t(?P<threads>\d+))?$"),))
    [row] = read(table, b"a t4\n").records
    assert (row.load_ms, row.threads) == (None, 4)
    assert read(table, b"a\n").records == []


@pytest.mark.parametrize(("text", "doubted"), [("nan", False), ("-inf", False), ("12,3", True), ("", True)])
def test_a_figure_that_is_no_number_is_none_and_doubted_where_no_tool_would_print_it(
    text: str, doubted: bool
) -> None:
    table = custom(counters=(counter(r"v=(?P<decode_tok_s>\S*)"),))
    reading = read(table, f"v={text}\n".encode())
    assert [row.decode_tok_s for row in reading.records] == [None]
    assert reading.doubts == ([f"decode_tok_s is read as {text!r}, which is no number"] if doubted else [])


def test_a_count_is_whole_or_doubted() -> None:
    reading = read(custom(counters=(counter(r"t=(?P<threads>\S+)"),)), b"t=4.5\n")
    assert reading.records[0].threads is None
    assert reading.doubts == ["threads is read as '4.5', which is no number"]


def test_a_success_line_that_is_missing_is_named() -> None:
    reading = read(custom(success=(Success(regex="^ok$"), Success(regex="^done$"))), b"ok\n")
    assert (reading.verdict, reading.cause) == ("failed", "pattern_missing")
    assert reading.evidence == ["no line of stdout matches ^done$"]
    assert reading.remedy is not None
    assert "[[custom.success]]" in reading.remedy


def test_a_failure_line_wins_over_success_and_keeps_the_figures() -> None:
    table = custom(
        counters=(counter(r"v=(?P<decode_tok_s>\d+)"),),
        success=(Success(regex="done"),),
        failures=(FailureLine(regex="^oops", cause="my_oops", remedy="say it again"),),
    )
    reading = read(table, b"v=5\ndone\n", stderr=b"oops: it broke\n")
    assert (reading.verdict, reading.cause, reading.remedy) == ("failed", "my_oops", "say it again")
    assert reading.evidence == ["oops: it broke"]
    assert [row.decode_tok_s for row in reading.records] == [5.0]


def test_the_first_failure_of_the_table_gives_the_cause() -> None:
    table = custom(failures=(FailureLine(regex="B", cause="b"), FailureLine(regex="A", cause="a")))
    assert read(table, b"A\nB\n").cause == "b"


def test_of_two_lines_with_one_cause_the_one_that_was_seen_gives_the_remedy() -> None:
    table = custom(
        failures=(
            FailureLine(regex="A", cause="mine", remedy="first"),
            FailureLine(regex="B", cause="mine", remedy="second"),
        )
    )
    assert read(table, b"B\n").remedy == "second"


def test_a_known_cause_brings_its_own_remedy() -> None:
    table = custom(failures=(FailureLine(regex="too big", cause="out_of_memory"),))
    assert read(table, b"too big\n").remedy == BY_SLUG["out_of_memory"].remedy


@pytest.mark.parametrize(
    ("stated", "status", "cause"),
    [
        (0, 0, None),
        (0, 3, "exit_status"),
        (3, 3, None),
        (3, 0, "exit_status"),
        ("any", 125, None),
        ("any", 126, "not_executable"),
        ("any", 139, "segfault"),
        (139, 139, None),
    ],
)
def test_the_exit_status(stated: int | str, status: int, cause: str | None) -> None:
    reading = read(custom(status=stated, success=(Success(regex="ok"),)), b"ok\n", status=status)
    assert reading.cause == cause
    assert (reading.verdict == "succeeded") == (cause is None)
    assert cause is None or f"exit status {status}" in reading.evidence


def test_an_end_that_is_not_known_is_no_success() -> None:
    reading = read(custom(status="any"), b"ok\n", status=None)
    assert (reading.verdict, reading.cause) == ("incomplete", "incomplete_output")


def test_what_the_linker_says_explains_the_status() -> None:
    said = b'CANNOT LINK EXECUTABLE "/e/my_tool": library "libMNN.so" not found: needed by main executable\n'
    reading = read(custom(), stderr=said, status=1)
    assert (reading.verdict, reading.cause) == ("failed", "link_error")
    assert reading.remedy == "push libMNN.so beside the program: it is missing"


def test_a_failure_known_to_the_hub_alone_fails_no_command_that_ended_as_stated() -> None:
    assert read(custom(), stderr=b"dlopen failed: no OpenCL, going on\n").verdict == "succeeded"


def test_a_crash_in_the_log_explains_a_signal() -> None:
    crash = log_line(
        "Fatal signal 11 (SIGSEGV), code 1 in tid 4711 (my_tool), pid 4711 (my_tool)", tag="libc"
    )
    reading = read(custom(), log=crash, status=139)
    assert reading.cause == "segfault"
    assert any("SIGSEGV" in line for line in reading.crash)


def test_a_crash_of_another_process_explains_nothing() -> None:
    said = "Fatal signal 6 (SIGABRT), code 1 in tid 9 (other), pid 9 (other)"
    reading = read(custom(), log=log_line(said, pid=9, tag="libc"), status=3)
    assert (reading.cause, reading.crash) == ("exit_status", [])


def test_the_agents_word_comes_first() -> None:
    table = custom(failures=(FailureLine(regex="x", cause="mine"),))
    reading = read(table, b"x\n", agent_cause="limit_time", status=143)
    assert (reading.cause, reading.remedy) == ("limit_time", BY_SLUG["limit_time"].remedy)


def test_killed_when_memory_had_run_out() -> None:
    assert read(custom(), status=137).cause == "killed"
    reading = read(custom(), status=137, memory_short="MemAvailable fell to 9 MiB")
    assert (reading.cause, reading.evidence[0]) == ("out_of_memory", "MemAvailable fell to 9 MiB")


def test_output_that_a_full_disk_cut() -> None:
    table = custom(success=(Success(regex="done"),))
    assert read(table, b"do", free_kib=100).cause == "no_space"
    assert read(table, b"do", free_kib=10**6).cause == "pattern_missing"


IN_LOG = custom(success=(Success(regex="^MyTool: done$", streams=("log",)),))


def test_of_the_log_the_launchs_own_process_counts() -> None:
    assert read(IN_LOG, log=log_line("done")).verdict == "succeeded"
    assert read(IN_LOG, log=log_line("done", pid=9)).cause == "pattern_missing"
    assert read(IN_LOG, log=log_line("done"), pid=None).cause == "pattern_missing"


def test_own_lines_outlive_a_crowd_of_other_processes() -> None:
    crowd = b"".join(log_line("noise", pid=pid) + log_line("go on") for pid in range(10_000, 10_200))
    assert read(IN_LOG, log=log_line("done") + crowd).verdict == "succeeded"


def test_a_log_that_has_holes_decides_nothing() -> None:
    lost = read(IN_LOG, log_captured=False)
    assert (lost.verdict, lost.cause) == ("incomplete", "log_loss")
    found = read(IN_LOG, log=log_line("done"), log_captured=False)
    assert found.verdict == "succeeded"
    assert len(found.doubts) == 1
    assert "lines that the profile looks for may be missing" in found.doubts[0]
    # Whoever does not look into the log loses nothing with it.
    assert read(custom(), log_captured=False).doubts == []


def test_a_result_that_is_fetched_again_counts_once() -> None:
    table = custom(results=("out.txt",), counters=(counter(r"(?P<load_ms>\d+)", "result", take="all"),))
    reader = CustomReader(table)
    for _ in range(2):
        reader.feed_result("out.txt", b"7\n8")
    assert [row.load_ms for row in reader.finish(0).records] == [7.0, 8.0]
    assert read(table).records == []


def test_nothing_that_a_phone_sends_raises() -> None:
    noise = bytes(range(256)) * 300
    reading = read(ALL_STREAMS, noise, stderr=noise, log=noise, result=noise)
    assert reading.verdict == "failed"
