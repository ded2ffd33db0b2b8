from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from devicehub.workloads.verdict import LaunchReader, Reading

if TYPE_CHECKING:
    from devicehub.workloads.record import Record

HEADER = (
    "| model | modelSize | backend | threads | precision | test | t/s |\n"
    "| --- | --: | --- | --: | --- | --- | --: |\n"
)


def parse(text: str, status: int | None = None) -> Reading:
    reader = LaunchReader(saved=True)
    reader.feed_stdout(text.encode())
    return reader.finish(status)


def only(text: str) -> Record:
    reading = parse(text)
    assert (reading.verdict, reading.cause) == ("succeeded", None), reading
    [record] = reading.records
    return record


def row(test: str, speed: str, size: str = "300.00 MiB", model: str = "Tiny") -> str:
    return f"| {model} | {size} | CPU | 4 | Low | {test} | {speed} |\n"


def test_prefill_row_has_no_decode_figures() -> None:
    record = only(HEADER + row("pp64", "123.45 ± 1.50"))
    assert (record.prompt_tokens, record.prefill_tok_s, record.prefill_tok_s_std) == (64, 123.45, 1.5)
    assert (record.decode_tokens, record.decode_tok_s) == (None, None)
    assert (record.model, record.backend, record.threads, record.precision) == ("Tiny", "CPU", 4, "low")


def test_decode_row_has_no_prefill_figures() -> None:
    record = only(HEADER + row("tg16", "12.00 ± 0.10"))
    assert (record.decode_tokens, record.decode_tok_s) == (16, 12.0)
    assert (record.prompt_tokens, record.prefill_tok_s) == (None, None)


def test_combined_row_of_two_speeds() -> None:
    text = HEADER.replace("t/s", "speed(tok/s)") + row("pp64+tg16", "120.00 ± 5.00<br>11.00 ± 0.50")
    record = only(text)
    assert (record.prompt_tokens, record.decode_tokens) == (64, 16)
    assert (record.prefill_tok_s, record.decode_tok_s, record.total_tok_s) == (120.0, 11.0, None)


def test_combined_row_of_older_versions_has_one_speed_for_both() -> None:
    record = only(HEADER + row("pp64+tg16", "60.00 ± 5.00"))
    assert (record.prefill_tok_s, record.decode_tok_s, record.total_tok_s) == (None, None, 60.0)


def test_llm_demo_layout_of_kv_true() -> None:
    text = HEADER.replace("test", "llm_demo").replace("t/s", "speed(tok/s)")
    record = only(text + row("prompt=64<br>decode=16", "120.00 ± 5.00<br>11.00 ± 0.50"))
    assert (record.prompt_tokens, record.decode_tokens) == (64, 16)
    assert (record.prefill_tok_s, record.decode_tok_s) == (120.0, 11.0)


def test_optional_columns_and_loading_time() -> None:
    record = only(
        "| model | modelSize | backend | threads | memory | dynamicOption | quantKv | mmap "
        "| test | t/s | loadingTime(s) |\n"
        "| Tiny | 1.50 GiB | OPENCL | 68 | Low | 8 | 1 | true | tg8 | 9.50 ± 0.00 | 1.25 ± 0.01 |\n"
    )
    assert (record.backend, record.threads, record.decode_tok_s) == ("OPENCL", 68, 9.5)
    assert (record.load_ms, record.precision) == (1250.0, None)
    assert record.model_size_bytes == int(1.5 * 2**30)


@pytest.mark.parametrize("sign", ["±", "Â±", "┬▒", "+-", "+/-", "\ufffd", "?"])
def test_deviation_sign_that_a_code_page_broke(sign: str) -> None:
    assert only(HEADER + row("pp64", f"123.45 {sign} 1.50")).prefill_tok_s == 123.45


def test_deviation_of_zero_is_no_proof_of_anything() -> None:
    assert only(HEADER + row("pp64", "123.45 ± 0.00")).prefill_tok_s == 123.45


@pytest.mark.parametrize(
    "line",
    [
        row("pp16", "6400000.00 ± 1.00"),
        row("tg8", "400000.00 ± 1.00", size="0.30 MiB"),
        row("pp16", "100.00 ± 1.00", size="17179869184.00 GiB"),
        row("tg128", "1684.20 ± 12.00", size="994.65 MiB"),
        row("pp16", "nan ± nan"),
        row("pp16", "inf ± nan"),
        row("tg8", "0.00 ± 0.00"),
    ],
)
def test_figures_that_no_run_can_have(line: str) -> None:
    reading = parse(HEADER + row("pp64", "123.45 ± 1.50") + line)
    assert (reading.verdict, reading.cause) == ("failed", "bogus_bench")
    assert reading.evidence
    assert len(reading.records) == 2


def test_experts_that_sleep_are_not_read_at_every_token() -> None:
    assert (
        only(HEADER + row("tg16", "30.00 ± 0.10", size="16.00 GiB", model="Qwen3-30B-A3B")).decode_tok_s == 30
    )


def test_row_cut_short_is_incomplete() -> None:
    reading = parse(HEADER + row("pp64", "123.45 ± 1.50") + row("tg16", "12.00 ± 0.10")[:-9])
    assert (reading.verdict, reading.cause) == ("incomplete", "incomplete_output")
    assert len(reading.records) == 1


def test_header_alone_is_incomplete() -> None:
    assert parse(HEADER).cause == "incomplete_output"


def test_fallback_while_the_backend_column_still_says_opencl() -> None:
    text = (
        "Can't Find type=3 backend, use 0 instead\n"
        + HEADER
        + row("pp64", "1.00 ± 0.00").replace("CPU", "OPENCL")
    )
    assert parse(text).cause == "backend_fallback"


def test_folder_in_place_of_a_config() -> None:
    text = "terminate called after throwing an instance of 'x'\n  what():  Is a directory\nAborted\n"
    assert parse(text, 134).cause == "abort"


def test_weights_missing_and_whole_model_missing() -> None:
    weights = "File not exist: m/llm.mnn.weight\n" + HEADER + row("pp16", "100.00 ± 1.00")
    assert parse(weights).cause == "weight_missing"
    assert parse("Unable to open config file: m/config.json\n" + weights).cause == "model_missing"


def document(**changes: object) -> dict[str, object]:
    return {
        "model": "Tiny",
        "modelSize": 0.25,
        "backend": "CPU",
        "threads": 2,
        "precision": 2,
        "results": [
            {"type": "prefill", "prompt_len": 64, "tps": 100.5, "std": 1.5},
            {"type": "decode", "generate_len": 16, "tps": 10.5, "std": 0.5},
            {
                "type": "prefill_and_decode",
                "prompt_len": 32,
                "generate_len": 8,
                "prefill_tps": 90.0,
                "decode_tps": 9.0,
                "loading_time": 0.5,
            },
        ],
    } | changes


@pytest.mark.parametrize("indent", [None, 2])
def test_json_file_as_written_and_laid_out(indent: int | None) -> None:
    reading = parse(json.dumps(document(), indent=indent))
    assert reading.verdict == "succeeded"
    prefill, decode, both = reading.records
    assert (prefill.prefill_tok_s, prefill.decode_tok_s, prefill.test) == (100.5, None, "pp64")
    assert (decode.prefill_tok_s, decode.decode_tok_s, decode.threads) == (None, 10.5, 2)
    assert (both.prefill_tok_s, both.decode_tok_s, both.load_ms) == (90.0, 9.0, 500.0)


def test_json_header_says_nothing_about_rows_of_several_configurations() -> None:
    results = [{"type": "decode", "generate_len": 16, "tps": speed} for speed in (10.0, 20.0)]
    for record in parse(json.dumps(document(results=results))).records:
        assert (record.threads, record.precision, record.backend, record.model) == (None, None, None, "Tiny")


def test_json_figure_that_the_writer_left_out() -> None:
    text = '{"model":"x","modelSize":0.2,"results":[{"type":"decode","generate_len":4,"tps":,"std":}]}'
    reading = parse(text)
    assert reading.cause == "bogus_bench"
    assert reading.records[0].decode_tok_s is None


@pytest.mark.parametrize("end", [30, 120, 200])
def test_json_cut_short_is_incomplete(end: int) -> None:
    assert parse(json.dumps(document())[:end]).verdict == "incomplete"


def test_json_of_other_things_is_incomplete() -> None:
    for text in ('{"results": 5}', "{}", '{"a": [1]}', '{"results": []}'):
        assert parse(text).verdict == "incomplete"
