"""Lists, counts and figures that are kept beside the runs say what the runs say."""

from __future__ import annotations

import math
import sqlite3
from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from devicehub.runs.model import Spread, Summary
from devicehub.store import opening
from devicehub.store import store as store_module
from devicehub.store.store import Store
from tests.store.samples import record, run_row

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from devicehub.store.model import RunRow

_RUNS = st.lists(
    st.fixed_dictionaries(
        {
            "created": st.integers(0, 4).map(float),
            "serial": st.sampled_from(["S1", "S2"]),
            "serialno": st.sampled_from(["SN1", "S1"]),
            "model": st.sampled_from(["m", "n"]),
            "engine": st.sampled_from(["e", "f"]),
            "workload": st.sampled_from(["demo", "bench"]),
            "end": st.sampled_from([None, "running", "succeeded", "failed", "lost"]),
        }
    ),
    max_size=14,
)
_FILTER = st.fixed_dictionaries(
    {},
    optional={
        "state": st.sets(st.sampled_from(["queued", "running", "succeeded", "lost"]), min_size=1),
        "serial": st.sampled_from(["S1", "SN1", "none"]),
        "model": st.sampled_from(["m", "none"]),
        "engine": st.sampled_from(["e"]),
        "workload": st.sampled_from(["bench"]),
        "since": st.integers(0, 5).map(float),
    },
)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store.open(tmp_path / "devicehub.db") as opened:
        yield opened


def _passes(row: RunRow, asked: dict[str, Any]) -> bool:
    return (
        ("state" not in asked or row.state in asked["state"])
        and ("serial" not in asked or asked["serial"] in (row.serial, row.serialno))
        and all(asked.get(name, getattr(row, name)) == getattr(row, name) for name in ("model", "engine"))
        and asked.get("workload", row.workload) == row.workload
        and row.created >= asked.get("since", -math.inf)
    )


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(runs=_RUNS, filters=st.lists(_FILTER, min_size=1, max_size=4), limit=st.integers(1, 4))
def test_pages_are_those_of_a_plain_look_at_all_runs(
    tmp_path_factory: pytest.TempPathFactory,
    runs: list[dict[str, Any]],
    filters: list[dict[str, Any]],
    limit: int,
) -> None:
    patch = pytest.MonkeyPatch()
    # So few are looked at first that most pages come by way of the kinds.
    patch.setattr(store_module, "_LOOKED_AT", 2)
    with patch.context(), Store.open(tmp_path_factory.mktemp("store") / "devicehub.db") as store:
        for number, fields in enumerate(runs):
            end = fields["end"]
            store.add_run(run_row(f"r{number:02}", **{k: v for k, v in fields.items() if k != "end"}))
            if end == "running":
                store.advance(f"r{number:02}", "running", "started", wall_s=9.0, serial="S2")
            elif end is not None:
                store.finish(f"r{number:02}", record(end, run_id=f"r{number:02}"), wall_s=9.0)
        everything = [store.run(f"r{number:02}") for number in range(len(runs))]
        everything.sort(key=lambda row: (row.created, row.id), reverse=True)
        for asked in filters:
            expected = [row.id for row in everything if _passes(row, asked)]
            assert [row.id for row in store.runs(**asked, limit=-1)] == expected
            pages: list[str] = []
            while page := store.runs(**asked, limit=limit, before=pages[-1] if pages else None):
                assert len(page) <= limit
                pages += [row.id for row in page]
            assert pages == expected
        counted = Counter((row.state, row.verdict) for row in everything)
        assert {(state, verdict): runs for state, verdict, runs in store.runs_by_verdict()} == counted
        assert store.count_runs() == len(runs)
        open_ids = {row.id for row in everything if row.ended is None}
        assert {row.id for row in store.open_runs()} == open_ids
        lost = {row.id for row in everything if row.state == "lost" and row.serialno == "S1"}
        assert {row.id for row in store.runs_to_adopt(["S1"])} == open_ids | lost
    patch.undo()


def test_page_before_a_run_that_is_not_there_is_empty(store: Store) -> None:
    store.add_run(run_row())
    assert store.runs(before="unknown") == []


def test_forgotten_runs_are_no_longer_counted_or_listed(store: Store) -> None:
    for number in range(3):
        store.add_run(run_row(f"r{number}"))
    for number in range(2):
        store.finish(f"r{number}", record(run_id=f"r{number}"), wall_s=200.0)
    assert store.collect_garbage(1e9, keep_days=1.0) == 2
    assert store.runs_by_verdict() == [("queued", None, 1)]
    assert [row.id for row in store.runs(model="m")] == ["r2"]
    assert store.count_runs() == 1


def test_lost_run_that_is_found_again_is_counted_once(store: Store) -> None:
    store.add_run(run_row())
    store.finish("r1", record("lost"), wall_s=200.0)
    store.finish("r1", record("succeeded"), wall_s=300.0)
    assert store.runs_by_verdict() == [("succeeded", "succeeded", 1)]
    assert [row.id for row in store.runs(state="succeeded")] == ["r1"]
    assert store.runs(state="lost") == []


def test_newest_figures_of_each_phone(store: Store) -> None:
    for serialno in ("SN1", "SN2", "SN3"):
        store.device_seen(serialno, None, None, wall_s=1.0)
    for run_id, serialno, created, end in (
        ("old", "SN1", 100.0, "succeeded"),
        ("new", "SN1", 200.0, "succeeded"),
        ("without", "SN1", 300.0, "cancelled"),
        ("other", "SN2", 100.0, "succeeded"),
        ("none", "SN3", 100.0, "cancelled"),
    ):
        store.add_run(run_row(run_id, serialno=serialno, created=created))
        store.finish(run_id, record(end, run_id=run_id), wall_s=400.0)
    found = store.last_figures()
    assert {serialno: row.id for serialno, row in found.items()} == {"SN1": "new", "SN2": "other"}
    assert found["SN1"].decode_tok_s == 9.25
    store.add_run(run_row("newest", serialno="SN1", created=500.0))
    assert store.last_figures() == found
    store.finish("newest", record(run_id="newest"), wall_s=600.0)
    assert store.last_figures()["SN1"].id == "newest"


def test_spread_of_the_decode_speed_is_kept_of_several_launches(store: Store) -> None:
    speed = Spread(median=10.0, lowest=9.0, highest=11.0)
    for run_id, launches in (("r1", 3), ("r2", 1)):
        store.add_run(run_row(run_id))
        summary = Summary(launches=launches, prefill_tok_s=None, decode_tok_s=speed, load_ms=None)
        store.finish(run_id, record(run_id=run_id, summary=summary), wall_s=200.0)
    assert store.run("r1").decode_spread == pytest.approx(0.2)
    assert store.run("r2").decode_spread is None


def test_events_of_all_runs_come_in_order_after_any_of_them(store: Store) -> None:
    store.add_run(run_row("r1"))
    store.add_run(run_row("r2"))
    store.advance("r1", "running", "started", wall_s=101.0)
    seqs = [event.seq for _, event in store.events_since(0, limit=10)]
    assert [run_id for run_id, _ in store.events_since(0, limit=10)] == ["r1", "r2", "r1"]
    assert seqs == sorted(seqs)
    assert store.newest_event() == seqs[-1]
    assert [event.kind for _, event in store.events_since(seqs[0], limit=1)] == ["add"]
    assert [event.seq for _, event in store.events_between(seqs[1], seqs[2])] == seqs[1:]
    assert store.events_since(seqs[-1], limit=10) == []


def test_database_with_runs_is_brought_forward(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path, scripts = tmp_path / "devicehub.db", opening.migrations()
    monkeypatch.setattr(opening, "migrations", lambda: scripts[:4])
    Store.open(path).close()
    with sqlite3.connect(path) as old:
        for number, state in enumerate(["queued", "running", "queued"]):
            old.execute(
                "INSERT INTO runs (id, state, attempt, phone_run_id, serial, serialno, boot_id, model,"
                " engine, profile, workload, virtual, created, updated, request)"
                " VALUES (?, ?, 1, 'r', 'S1', 'SN1', 'b', 'm', 'e', 'p', 'demo', 1, ?, 1.0, x'7b7d')",
                (f"r{number}", state, float(number)),
            )
    old.close()
    monkeypatch.setattr(opening, "migrations", lambda: scripts)
    with Store.open(path) as store:
        assert [row.id for row in store.runs(state="queued")] == ["r2", "r0"]
        assert store.runs_by_verdict() == [("queued", None, 2), ("running", None, 1)]
        store.finish("r1", record(run_id="r1"), wall_s=5.0)
        assert [row.id for row in store.runs(state="succeeded", model="m")] == ["r1"]
