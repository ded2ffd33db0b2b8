from __future__ import annotations

import csv
import json
from typing import TYPE_CHECKING

import msgspec
import pytest

from devicehub.runs.model import Conditions, RunHeader
from tests.cli.hub_fixture import hub, run, store
from tests.cli.samples import rich_record
from tests.store.samples import run_row

if TYPE_CHECKING:
    from pathlib import Path

    from devicehub.store.store import Store


__all__ = ["hub", "store"]


@pytest.fixture(autouse=True)
def _one_run(store: Store) -> None:
    made = rich_record(run_id="r1")
    header = RunHeader(**{name: getattr(made, name) for name in RunHeader.__struct_fields__})
    store.add_run(run_row("r1", request=msgspec.json.encode(header)))
    store.finish("r1", made, wall_s=130.0)


def export(*argv: str | Path) -> None:
    assert run("runs", "export", *argv) == 0


def test_name_that_ends_in_csv_asks_for_a_table(tmp_path: Path) -> None:
    out = tmp_path / "runs.CSV"
    export("--out", out)
    assert out.read_text().startswith("id,state,")
    export("--json", "--out", out)
    assert json.loads(out.read_text())["id"] == "r1"
    export("--out", tmp_path / "runs.jsonl")
    assert json.loads((tmp_path / "runs.jsonl").read_text())["id"] == "r1"


def test_row_of_a_table_holds_what_its_figures_depend_on(tmp_path: Path) -> None:
    out = tmp_path / "runs.csv"
    export("--out", out)
    with out.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [(row["kind"], row["cold"], row["gate_waited_s"], row["gate_timed_out"]) for row in rows] == [
        ("warmup", "true", "", ""),
        ("measured", "false", "42.4", "false"),
        ("measured", "false", "600.0", "true"),
        ("measured", "false", "600.0", "true"),
    ]
    assert [row["launch_flags"] for row in rows] == ["", "", "gate_timed_out", "gate_timed_out"]
    first = rows[0]
    assert set(Conditions.__struct_fields__) <= set(first)
    assert (first["protocol"], first["protocol_changed"]) == ("standard", '["launches"]')
    assert (first["fidelity"], first["flags"], first["throttled"]) == ("0.35", "unsteady", "true")
    assert (first["joules_per_token"], first["sampling_cost"]) == ("0.412", "0.0123")
    assert (first["comparison"], first["arm"], first["security_patch"]) == ("c1", "A", "2026-02-05")
    assert json.loads(first["clusters"])["policy0"]["governor"] == "schedutil"


@pytest.mark.parametrize("options", [[], ["--samples"]])
def test_more_than_the_hub_sends_at_once_is_asked_for_piece_by_piece(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, options: list[str]
) -> None:
    for number in range(2, 6):
        made = rich_record(run_id=f"r{number}")
        store.add_run(run_row(made.id, created=100.0 + number))
        store.finish(made.id, made, wall_s=130.0)
    lines = [b"fast\tup=%d.00\tmem_kb=8164000\n" % number for number in range(800)]
    store.add_samples("r1", 1, 0, b"".join(lines) + b"fast\tup=9")
    export(*options, "--out", tmp_path / "whole.jsonl")
    monkeypatch.setattr("devicehub.api.peer.MOST_REPLY_BYTES", 18_000)
    export(*options, "--out", tmp_path / "pieces.jsonl")
    whole = (tmp_path / "whole.jsonl").read_text()
    assert whole.count("\n") == (800 if options else 5)
    assert len(whole) > 18_000
    assert (tmp_path / "pieces.jsonl").read_text() == whole


def test_record_that_the_hub_cannot_send_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("devicehub.api.peer.MOST_REPLY_BYTES", 5000)
    assert run("runs", "export", "--out", tmp_path / "runs.jsonl") == 1
    assert "runs.records: too much" in capsys.readouterr().err
    assert not list(tmp_path.glob("*.jsonl*"))
