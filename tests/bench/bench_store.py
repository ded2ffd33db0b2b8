"""A million stored runs: history's first page under any filter, a comparison, the fleet's last figures."""

from __future__ import annotations

import itertools
import sqlite3
import tempfile
import time
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import msgspec

from devicehub.measure.compare import compare_records
from devicehub.runs.model import RunRecord
from devicehub.store import opening
from devicehub.store.store import Store
from tests.bench.results import Result
from tests.store.samples import launch, record

if TYPE_CHECKING:
    from collections.abc import Callable

RUNS: Final = 1_000_000
PAGE_MS: Final = 100
COMPARE_MS: Final = 200
COMPARED: Final = (f"r{RUNS // 2:07}", f"r{RUNS // 2 + 1:07}")
_BEFORE_THE_LISTS: Final = 4
"""The schema that a large file is brought forward from."""
_HALF_S: Final = 1.5e9 + RUNS / 2 * 30

_FILTERS: Final[dict[str, list[Any]]] = {
    "state": [None, "succeeded", {"failed", "cancelled"}, "lost"],
    "serial": [None, "S1", "none"],
    "model": [None, "model-1", "none"],
    "engine": [None, "engine-0", "none"],
    "workload": [None, "bench", "none"],
    "since": [None, _HALF_S],
    "before": [None, f"r{RUNS // 3:07}"],
}

_FILL: Final = """
WITH RECURSIVE numbers(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM numbers WHERE i < :runs - 1)
INSERT INTO runs (
    id, state, attempt, phone_run_id, serial, serialno, boot_id, product, model, engine, profile, workload,
    virtual, created, started, updated, request, verdict, trusted, prefill_tok_s, decode_tok_s, ended
)
SELECT
    printf('r%07d', i),
    CASE WHEN i % 10 < 7 THEN 'succeeded' WHEN i % 10 < 9 THEN 'failed' ELSE 'cancelled' END,
    1, printf('r%07d', i), 'S' || (i * 7919 % 200), 'S' || (i * 7919 % 200), 'b', 'A phone',
    'model-' || (i / 7 % 20), 'engine-' || (i / 250000), 'default',
    CASE WHEN i % 3 THEN 'demo' ELSE 'bench' END, 0, 1.5e9 + i * 30, 1.5e9 + i * 30, 1.5e9 + i * 30 + 20,
    zeroblob(1000), 'succeeded', 1, 100.0, 10.0, 1.5e9 + i * 30 + 20
FROM numbers
"""


async def bench() -> list[Result]:
    """Print how long the migration and the slowest of each kind of question take."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "devicehub.db"
        _fill(path)
        begun = time.perf_counter()
        store = Store.open(path)
        migrated_s = time.perf_counter() - begun
        with store:
            return _report(store, path, migrated_s)


def _report(store: Store, path: Path, migrated_s: float) -> list[Result]:
    chosen = itertools.product(*_FILTERS.values())
    combinations = [dict(zip(_FILTERS, values, strict=True)) for values in chosen]
    pages_ms = [_milliseconds(partial(store.runs, **asked)) for asked in combinations]
    print(f"store with {RUNS:,} runs, {path.stat().st_size / 1e9:.1f} GB")
    print(f"  brought forward from schema {_BEFORE_THE_LISTS}{'':<7} {migrated_s:9.1f} s")
    results = [
        Result("1 M runs", "first page, no filter", _milliseconds(store.runs), "ms", most=PAGE_MS),
        Result("1 M runs", f"slowest of {len(combinations)} filters", max(pages_ms), "ms", most=PAGE_MS),
        Result("1 M runs", "comparison", _milliseconds(lambda: _compare(store)), "ms", most=COMPARE_MS),
    ]
    for one in results:
        print(f"  {one.what:<34} {one.value:9.1f} ms   ({one.target})")
    for name, question in {
        "count of runs": store.count_runs,
        "runs by verdict": store.runs_by_verdict,
        "last figures of 200 phones": store.last_figures,
        "runs without an end": store.open_runs,
        "100 events since one": lambda: store.events_since(RUNS // 2, limit=100),
    }.items():
        print(f"  {name:<34} {_milliseconds(question):9.1f} ms")
    return results


def _milliseconds(question: Callable[[], object]) -> float:
    """The best of three: others share this machine."""
    taken = []
    for _ in range(3):
        begun = time.perf_counter()
        question()
        taken.append(time.perf_counter() - begun)
    return min(taken) * 1000


def _compare(store: Store) -> None:
    a, b = (_record(store, run_id) for run_id in COMPARED)
    assert compare_records(a, b).figures


def _record(store: Store, run_id: str) -> RunRecord:
    row = store.run(run_id)
    assert row.record is not None
    return msgspec.json.decode(row.record, type=RunRecord)


def _fill(path: Path) -> None:
    """Write the runs with an older schema's tables, without its triggers: they would look at each run."""
    scripts = opening.migrations()[:_BEFORE_THE_LISTS]
    path.touch()
    connection = sqlite3.connect(path, isolation_level=None)
    for number, script in enumerate(scripts, start=1):
        connection.executescript(f"{script.read_text(encoding='utf-8')}\nPRAGMA user_version = {number};")
    triggers = connection.execute("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'").fetchall()
    connection.execute("PRAGMA synchronous = OFF")
    connection.execute("BEGIN")
    for name, _ in triggers:
        connection.execute(f"DROP TRIGGER {name}")
    connection.execute(_FILL, {"runs": RUNS})
    whole = msgspec.json.encode(record(launches=[launch(number=number) for number in range(1, 11)]))
    connection.execute("INSERT INTO ends SELECT id, 1, state, ended, zeroblob(100) FROM runs")
    connection.execute(
        "UPDATE ends SET record = ? WHERE run_id IN (?, ?)",
        (whole, *COMPARED),
    )
    connection.execute(
        "INSERT INTO events (run_id, attempt, wall_s, kind, state, detail)"
        " SELECT id, 1, ended, 'end', state, '' FROM runs"
    )
    connection.execute(
        "INSERT INTO devices (serialno, first_seen, last_seen) SELECT DISTINCT serialno, 1, 1 FROM runs"
    )
    for _, sql in triggers:
        connection.execute(sql)
    connection.execute("COMMIT")
    connection.close()
