from __future__ import annotations

import json

import pytest

from devicehub.workloads.verdict import LaunchReader, Reading
from tests.shared_data import SHARED_DATA, needs_shared_data
from tests.workloads.launches import HEAD, OK, PROMPT, block, judged, logcat

PID = 8826
TABLE = """| model | modelSize | backend | threads | precision | llm_demo | speed(tok/s) |
| --- | ---: | --- | ---: | --- | --- | ---: |
| m | 900.00 MiB | CPU | 4 | Low | prompt=64<br>decode=16 | 120.56 ± 1.25<br>20.01 ± 0.50 |
"""
RESULT = {
    "type": "prefill_and_decode", "prompt_len": 64, "generate_len": 16,
    "prefill_tps": 120.55, "prefill_std": 1.24, "decode_tps": 20.0099, "decode_std": 0.5,
}  # fmt: skip


def bench(*results: dict[str, object], table: str = TABLE, raw: bytes | None = None) -> Reading:
    document = {"model": "m", "modelSize": 0.9, "backend": "CPU", "threads": 4, "results": list(results)}
    reader = LaunchReader("bench", logs_to_logcat=False)
    reader.feed_stdout(table.encode())
    reader.feed_result("llm_bench.json", json.dumps(document).encode() if raw is None else raw)
    return reader.finish(0, pid=PID)


def test_table_and_file_that_agree_but_for_their_rounding() -> None:
    reading = bench(RESULT)
    assert judged(reading) == OK
    assert [(record.source, record.decode_tok_s) for record in reading.records] == [("stdout", 20.01)]


def test_load_time_of_the_file_is_the_exact_one() -> None:
    headed = TABLE.replace("speed(tok/s) |", "speed(tok/s) | loadingTime(s) |")
    table = headed.replace("± 0.50 |", "± 0.50 | 0.01 ± 0.00 |")
    timed = RESULT | {"loading_time": 0.0086, "loading_time_std": 0.0003}
    assert [record.load_ms for record in bench(timed, table=table).records] == [pytest.approx(8.6)]
    assert [record.load_ms for record in bench(RESULT, table=table).records] == [pytest.approx(10)]


@pytest.mark.parametrize("name", ["prefill_tps", "prefill_std", "decode_tps", "decode_std"])
def test_figure_that_differs(name: str) -> None:
    value = RESULT[name]
    assert isinstance(value, float)
    reading = bench(RESULT | {name: value + 0.05})
    assert judged(reading) == ("failed", "counters_disagree")
    assert "in the table and" in reading.evidence[0]


def test_row_in_one_place_alone() -> None:
    more = {"type": "prefill", "prompt_len": 512, "tps": 300.0, "std": 1.0}
    assert bench(RESULT, more).evidence == ["pp512 stands in the JSON file alone"]
    assert bench(more).cause == "counters_disagree"


def test_file_alone_gives_the_records() -> None:
    reading = bench(RESULT, table="")
    assert judged(reading) == OK
    assert [(record.source, record.prefill_tok_s) for record in reading.records] == [("json", 120.55)]


@pytest.mark.parametrize("raw", [b"", b'{"model":"m","results":[{"ty', b"\xff\x00", b"[]", b"{}"])
def test_file_that_cannot_be_read_takes_nothing_from_the_table(raw: bytes) -> None:
    assert judged(bench(raw=raw)) == OK


def test_neither_table_nor_file() -> None:
    assert bench(table="", raw=b"{}").verdict == "incomplete"


def test_result_of_another_name_says_nothing() -> None:
    reader = LaunchReader("bench")
    reader.feed_stdout(TABLE.encode())
    reader.feed_result("notes.txt", b'{"results": []}')
    assert judged(reader.finish(0)) == OK


@needs_shared_data
def test_what_the_real_tool_wrote_agrees_with_its_own_table() -> None:
    assert SHARED_DATA is not None
    rows = json.loads((SHARED_DATA / "mnn_runs" / "bench_json.json").read_bytes())["results"]
    cells = []
    for row in rows:
        prompt, decode = row.get("prompt_len"), row.get("generate_len")
        if row["type"] == "prefill_and_decode":
            test = f"pp{prompt}+tg{decode}"
            cell = "<br>".join(
                f"{row[f'{kind}_tps']:.2f} ± {row[f'{kind}_std']:.2f}" for kind in ("prefill", "decode")
            )
        else:
            test, cell = f"pp{prompt}" if prompt else f"tg{decode}", f"{row['tps']:.2f} ± {row['std']:.2f}"
        cells.append(f"| m | 0.30 MiB | CPU | 2 | Low | {test} | {cell} |\n")
    table = TABLE.splitlines(True)[0].replace("llm_demo", "test") + "".join(cells)
    reading = bench(*rows, table=table)
    assert judged(reading) == OK


def demo(stdout: str, log: bytes, *, logs_to_logcat: bool | None) -> Reading:
    reader = LaunchReader("demo", logs_to_logcat=logs_to_logcat)
    reader.feed_stdout(stdout.encode())
    reader.feed_log(log)
    return reader.finish(0, pid=PID)


def test_block_in_both_places() -> None:
    stdout = HEAD + PROMPT + "Hi\n" + block()
    assert judged(demo(stdout, logcat(block()), logs_to_logcat=False)) == OK
    reading = demo(stdout, logcat(block(speed="99.00")), logs_to_logcat=False)
    assert judged(reading) == ("failed", "counters_disagree")
    assert reading.evidence == ["decode speed is 10.00 on stdout and 99.00 in the log"]


def test_block_of_another_process_in_the_log_is_its_own_affair() -> None:
    stdout = HEAD + PROMPT + "Hi\n" + block()
    assert judged(demo(stdout, logcat(block(speed="99.00"), pid=4711), logs_to_logcat=False)) == OK


def test_block_that_a_model_forges_does_not_disagree_with_the_log() -> None:
    stdout = "config path is m/config.json\n" + PROMPT + block(speed="99.00")
    reading = demo(stdout, logcat(HEAD.split("\n", 1)[1] + block()), logs_to_logcat=True)
    assert judged(reading) == OK
    assert reading.records[0].decode_tok_s == 10.0
