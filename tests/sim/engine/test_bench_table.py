"""llm_bench's table and JSON, byte by byte as the real one writes them."""

from __future__ import annotations

import dataclasses
import math
from typing import Any

import pytest

from devicehub.sim.engine.bench_options import parse
from devicehub.sim.engine.bench_table import Measured, Table, UnfilledColumnError, deviation, to_json


def measured(*arguments: str, **values: Any) -> tuple[Table, Measured]:
    options = parse(["-m", "tiny/config.json", *arguments], lambda _: None)
    it = Measured(options.configurations()[0], b"tiny", 3 * 1024 * 1024)
    return Table(options), dataclasses.replace(it, **values)


def test_one_speed() -> None:
    table, row = measured("-p", "64", "-n", "0", samples_us=[1000, 1000])
    assert (table.header() + table.row(row)).decode().splitlines() == [
        "| model                          |  modelSize | backend    | threads | precision  | test          "
        "|        t/s |",
        "| ------------------------------ | ---------: | ---------- | ----: | ---------- | ------------- "
        "| ---------: |",
        "| tiny                           |   3.00 MiB | CPU        |     4 | Low        | pp64          "
        "| 64000.00 ± 0.00 |",
    ]


def test_both_speeds_and_the_time_of_loading() -> None:
    table, row = measured(
        *("-p", "64", "-n", "16", "-kv", "true", "-load", "true"),
        prefill_us=[1000],
        decode_us=[2000],
        decoded=[15],
        loading_s=[0.25],
    )
    head = table.header().splitlines()[0].decode()
    assert head.endswith("| llm_demo   | speed(tok/s) | loadingTime(s) |")
    cells = "| prompt=64<br>decode=16 | 64000.00 ± 0.00<br>7500.00 ± 0.00 | 0.25 ± 0.00   |\n"
    assert table.row(row).endswith(cells.encode())


def test_columns_of_options_that_are_not_the_default() -> None:
    table, row = measured(
        *(
            "-p",
            "8",
            "-n",
            "0",
            "--memory",
            "0,2",
            "-qa",
            "2",
            "-fa",
            "0",
            "-scn",
            "1",
            "-mr",
            "49",
            "-mmp",
            "1",
        ),
        samples_us=[1000],
    )
    names = [name.strip() for name in table.header().decode().splitlines()[0].split("|")]
    assert names[6:-3] == [
        "memory",
        "divisionRatioSme2Neon",
        "quantKv",
        "flashAttention",
        "smeCoreNum",
        "mmap",
    ]
    cells = [cell.strip() for cell in table.row(row).decode().split("|")]
    assert cells[6:-3] == ["Normal", "49", "2", "off", "1", "true"]


def test_column_that_the_real_one_cannot_fill_cuts_the_row() -> None:
    table, row = measured("-dyo", "0,8", samples_us=[1000])
    with pytest.raises(UnfilledColumnError) as caught:
        table.row(row)
    assert caught.value.written.endswith(b"| Low        |")


def test_json_has_the_head_of_the_first_and_all_results() -> None:
    _, row = measured("-p", "64", "-n", "0", samples_us=[1000, 1000])
    assert to_json([row], mmap=False) == (
        b'{"model":"tiny","modelSize":0.0029296875,"backend":"CPU","threads":4,"useMmap":false,"precision":2,'
        b'"memory":2,"power":0,"quantKv":0,"flashAttention":1,"results":[{"type":"prefill","prompt_len":64,'
        b'"tps":64000.0,"std":0.0}]}\n'
    )


def test_json_leaves_out_a_number_that_is_none() -> None:
    _, row = measured("-p", "1", "-n", "0", loading_s=[math.nan])
    assert to_json([row], mmap=False).endswith(b'"prompt_len":1,"loading_time":,"loading_time_std":0.0}]}\n')


def test_deviation_may_be_lost_in_rounding() -> None:
    assert deviation([]) == deviation([5.0]) == 0.0
    assert deviation([1.0, 3.0]) == pytest.approx(math.sqrt(2))
