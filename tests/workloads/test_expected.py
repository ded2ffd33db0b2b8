"""Every row of the shared expectations, and the same result however the file is cut."""

from __future__ import annotations

import csv
import math
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devicehub.workloads.verdict import LaunchReader, Reading
from tests.shared_data import SHARED_DATA, needs_shared_data

if TYPE_CHECKING:
    from collections.abc import Sequence

    from devicehub.workloads.record import Record

RUNS = SHARED_DATA / "mnn_runs" if SHARED_DATA else Path()
OWN = Path(__file__).parents[1] / "data" / "mnn_runs"
ROWS = list(csv.DictReader((RUNS / "expected.csv").read_text().splitlines())) if SHARED_DATA else []


def read_pieces(pieces: Sequence[bytes]) -> Reading:
    reader = LaunchReader(saved=True)
    for piece in pieces:
        reader.feed_stdout(piece)
    return reader.finish()


def holds(record: Record, figures: dict[str, str]) -> bool:
    for name, text in figures.items():
        found = getattr(record, name)
        if text and (found is None or not math.isclose(found, float(text), rel_tol=1e-3)):
            return False
    return True


@needs_shared_data
@pytest.mark.parametrize("row", ROWS, ids=lambda row: row["file"])
def test_real_run_is_judged_as_expected(row: dict[str, str]) -> None:
    reading = read_pieces([(RUNS / row["file"]).read_bytes()])
    assert reading.verdict in row["verdict"].split("|")
    if row["cause"]:
        assert reading.cause in row["cause"].split("|")
    for names in (("prompt_tokens", "prefill_tok_s"), ("decode_tokens", "decode_tok_s")):
        figures = {name: row[name] for name in names}
        if any(figures.values()):
            assert any(holds(record, figures) for record in reading.records)


@cache
def samples() -> list[tuple[str, bytes]]:
    shared = (
        [path for name in ("mnn_runs", "logcat") for path in (SHARED_DATA / name).iterdir()]
        if SHARED_DATA
        else []
    )
    return [(path.name, path.read_bytes()[:5000]) for path in sorted([*shared, *OWN.iterdir()])]


@given(st.data())
def test_any_cut_gives_the_same_reading(data: st.DataObject) -> None:
    _, content = data.draw(st.sampled_from(samples()))
    cuts = sorted(data.draw(st.sets(st.integers(0, len(content)), max_size=8)))
    pieces = [content[start:end] for start, end in zip([0, *cuts], [*cuts, len(content)], strict=True)]
    assert read_pieces(pieces) == read_pieces([content])


def test_byte_by_byte_gives_the_same_reading() -> None:
    for name, content in samples():
        content = content[:1500]
        pieces = [content[index : index + 1] for index in range(len(content))]
        assert read_pieces(pieces) == read_pieces([content]), name


@given(st.data())
def test_damage_never_raises(data: st.DataObject) -> None:
    _, content = data.draw(st.sampled_from(samples()))
    start = data.draw(st.integers(0, len(content)))
    size = data.draw(st.integers(0, 200))
    read_pieces([content[:start], data.draw(st.binary(max_size=40)), content[start + size :]])


@given(st.data())
def test_a_run_cut_short_never_succeeds_with_other_figures(data: st.DataObject) -> None:
    name, content = data.draw(st.sampled_from([sample for sample in samples() if "demo" in sample[0]]))
    end = data.draw(st.integers(0, len(content)))
    whole, cut = read_pieces([content]), read_pieces([content[:end]])
    if cut.verdict == "succeeded":
        assert cut.records == whole.records, name
