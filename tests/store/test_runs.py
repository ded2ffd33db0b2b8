"""Runs: written down, found, carried by one process, moved through their states, ended once."""

import contextlib
import json
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from devicehub.errors import IllegalTransition, InputError, StoreError
from devicehub.runs.model import Attempt, Fidelity, Protocol
from devicehub.store import opening
from devicehub.store.model import Excerpt
from devicehub.store.store import DAY_S, Store
from tests.store.samples import launch, record, run_row


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store.open(tmp_path / "devicehub.db") as opened:
        yield opened


def nobody(_pid: int, _started: float) -> bool:
    return False


def everybody(_pid: int, _started: float) -> bool:
    return True


def test_run_comes_back_as_it_was_written(store: Store) -> None:
    row = run_row(
        product=None, owner_pid=5, owner_started=1.5, last_contact=100.0, request=b'{"a": "\xc3\xa4"}'
    )
    store.add_run(row)
    assert store.run("r1") == row
    assert store.runs() == [row]
    assert store.open_runs() == [row]


def test_two_runs_of_one_id_are_refused(store: Store) -> None:
    store.add_run(run_row())
    with pytest.raises(StoreError, match="r1: cannot be written down"):
        store.add_run(run_row())


def test_half_a_character_becomes_a_question_mark(store: Store) -> None:
    store.add_run(run_row(product="\ud83d phone"))
    assert store.run("r1").product == "? phone"


def test_run_is_found_by_the_beginning_of_its_id(store: Store) -> None:
    for run_id in ("20260101-a1", "20260101-a1b", "20260102-%_"):
        store.add_run(run_row(run_id))
    assert store.run("20260102").id == "20260102-%_"
    assert store.run("20260101-a1").id == "20260101-a1"
    with pytest.raises(InputError, match="several runs begin so: 20260101-a1b, 20260101-a1;"):
        store.run("20260101")
    for unknown in ("2027", "%", "_", "*", ""):
        with pytest.raises(InputError, match="there is no such run"):
            store.run(unknown)


def test_list_is_filtered_and_paged_newest_first(store: Store) -> None:
    for number in range(6):
        store.add_run(
            run_row(
                f"r{number}",
                created=100.0 + number // 2,
                serial="S1" if number % 2 else "S2",
                model="m" if number < 4 else "other",
            )
        )
    store.finish("r3", record(run_id="r3"), wall_s=200.0)
    assert [row.id for row in store.runs()] == ["r5", "r4", "r3", "r2", "r1", "r0"]
    assert [row.id for row in store.runs(limit=2)] == ["r5", "r4"]
    assert [row.id for row in store.runs(limit=2, before="r4")] == ["r3", "r2"]
    assert [row.id for row in store.runs(limit=-1, before="r1")] == ["r0"]
    assert [row.id for row in store.runs(serial="S2")] == ["r4", "r2", "r0"]
    assert len(store.runs(serial="SN1")) == 6
    assert [row.id for row in store.runs(state="succeeded")] == ["r3"]
    assert len(store.runs(state={"queued", "succeeded"})) == 6
    assert [row.id for row in store.runs(model="other", since=101.5)] == ["r5", "r4"]
    assert store.runs(engine="none") == store.runs(workload="bench") == []
    assert store.count_runs() == 6


def test_run_is_carried_by_one_process_at_a_time(store: Store) -> None:
    store.add_run(run_row(owner_pid=5, owner_started=1.5))
    assert not store.claim("r1", 6, 2.5, everybody)
    assert not store.claim("r1", 5, 1.5, everybody)
    assert store.claim("r1", 6, 2.5, nobody)
    assert (store.run("r1").owner_pid, store.run("r1").owner_started) == (6, 2.5)
    store.release("r1")
    assert store.run("r1").owner_pid is None
    assert store.claim("r1", 7, 3.5, everybody)
    assert not store.claim("r2", 7, 3.5, nobody)


def test_run_that_could_not_be_released_is_later(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(opening, "BUSY_TIMEOUT_S", 0.01)
    path = tmp_path / "devicehub.db"
    with Store.open(path) as store, contextlib.closing(sqlite3.connect(path, isolation_level=None)) as other:
        store.add_run(run_row(owner_pid=5, owner_started=1.5))
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(StoreError):
            store.release("r1")
        with pytest.raises(StoreError):
            store.release_rest()
        other.execute("ROLLBACK")
        store.release_rest()
        assert store.run("r1").owner_pid is None
        assert store.claim("r1", 5, 1.5, everybody)


def test_only_the_owner_releases_a_run(tmp_path: Path, store: Store) -> None:
    store.add_run(run_row(owner_pid=5, owner_started=1.5))
    with Store.open(tmp_path / "devicehub.db") as other:
        other.release("r1")
        assert other.claim("r1", 6, 2.5, nobody)
    store.release("r1")
    assert store.run("r1").owner_pid == 6


def test_ended_run_is_claimed_by_nobody_but_a_lost_one_is(store: Store) -> None:
    store.add_run(run_row("r1", owner_pid=5, owner_started=1.5))
    store.add_run(run_row("r2"))
    store.finish("r1", record(run_id="r1"), wall_s=200.0)
    store.finish("r2", record("lost", run_id="r2"), wall_s=200.0)
    assert store.run("r1").owner_pid is None
    assert not store.claim("r1", 6, 2.5, nobody)
    assert store.claim("r2", 6, 2.5, nobody)


def test_step_writes_state_fields_and_event_together(store: Store) -> None:
    store.add_run(run_row())
    store.advance("r1", "checking", "check", wall_s=101.0)
    store.advance("r1", "checking", "check", wall_s=102.0, detail="attempt 2", attempt=2, phone_run_id="r1.2")
    row = store.run("r1")
    assert (row.state, row.attempt, row.phone_run_id, row.updated) == ("checking", 2, "r1.2", 102.0)
    assert (row.serial, row.boot_id) == ("S1", "b1")
    assert [(event.kind, event.state, event.attempt, event.detail) for event in store.events("r1")] == [
        ("add", "queued", 1, "demo m on S1"),
        ("check", "checking", 1, ""),
        ("check", "checking", 2, "attempt 2"),
    ]


@pytest.mark.parametrize("end", ["succeeded", "failed", "cancelled", "lost"])
def test_no_step_leads_out_of_an_end_or_into_one(store: Store, end: str) -> None:
    store.add_run(run_row())
    with pytest.raises(IllegalTransition):
        store.advance("r1", end, "fail", wall_s=101.0)
    assert store.run("r1").state == "queued"
    assert store.finish("r1", record(end), wall_s=200.0)
    with pytest.raises(IllegalTransition):
        store.advance("r1", "running", "started", wall_s=201.0)
    assert store.run("r1").state == end
    with pytest.raises(StoreError, match="run nothing is not in it any more; "):
        store.advance("nothing", "running", "started", wall_s=201.0)


def test_end_is_written_whole(store: Store) -> None:
    store.add_run(run_row())
    excerpts = [Excerpt(launch=1, source="crash", lines=["signal 11", "ä\udcff"])]
    assert store.finish("r1", record(), wall_s=200.0, excerpts=excerpts)
    row = store.run("r1")
    assert (row.state, row.verdict, row.cause, row.trusted, row.ended) == (
        "succeeded", "succeeded", None, True, 130.0,
    )  # fmt: skip
    assert (row.prefill_tok_s, row.decode_tok_s) == (120.5, 9.25)
    assert row.record is not None
    assert b'"decode_tok_s":9.25' in row.record
    assert [(item.number, item.verdict, item.duration_s) for item in store.launches("r1")] == [
        (1, "succeeded", 3.5)
    ]
    (measured,) = store.records("r1")
    assert b'"backend":"cpu"' in measured.record
    assert [(part.launch, part.source, part.lines) for part in store.excerpts("r1")] == [
        (1, "crash", ["signal 11", "ä\udcff"])
    ]
    assert store.events("r1")[-1].kind == "end"


def test_list_has_beside_the_figures_what_they_are_of(store: Store) -> None:
    store.add_run(run_row())
    store.add_run(run_row("r2"))
    protocol = Protocol(id="quick", summary="s", workload="demo", launches=2)
    assert store.finish("r1", record(fidelity=0.75, protocol=protocol), wall_s=200.0)
    unknown = Fidelity(share=None, reason="the model has no fixture")
    assert store.finish("r2", record("failed", "r2", answered=unknown), wall_s=200.0)
    second, first = store.runs()
    assert (first.fidelity, first.fidelity_reason, first.protocol, first.launches) == (0.75, None, "quick", 1)
    assert (second.fidelity, second.fidelity_reason) == (None, "the model has no fixture")
    assert (second.protocol, second.launches) == (None, None)


@pytest.mark.parametrize("second", ["succeeded", "failed", "cancelled", "lost"])
def test_end_stays(store: Store, second: str) -> None:
    store.add_run(run_row())
    assert store.finish("r1", record(), wall_s=200.0)
    before = store.run("r1")
    assert not store.finish("r1", record(second, cause="late"), wall_s=300.0)
    assert store.run("r1") == before
    assert len(store.ends("r1")) == len(store.launches("r1")) == 1


def test_lost_is_replaced_once_and_not_by_lost(store: Store) -> None:
    store.add_run(run_row())
    assert store.finish("r1", record("lost", cause="phone_lost"), wall_s=200.0)
    assert store.launches("r1") == []
    assert not store.finish("r1", record("lost", cause="phone_lost"), wall_s=250.0)
    assert store.finish("r1", record("failed", cause="segfault"), wall_s=300.0)
    assert not store.finish("r1", record("succeeded"), wall_s=400.0)
    assert (store.run("r1").state, store.run("r1").cause) == ("failed", "segfault")
    assert [end.state for end in store.ends("r1")] == ["lost", "failed"]
    assert [item.verdict for item in store.launches("r1")] == ["failed"]
    assert [event.kind for event in store.events("r1")] == ["add", "end", "replace_lost"]


def test_end_of_a_run_whose_database_was_set_aside_is_kept(store: Store) -> None:
    attempts = [
        Attempt(number=1, phone_run_id="r1", cause="rebooted"),
        Attempt(number=2, phone_run_id="r1.2"),
    ]
    assert store.finish("r1", record(attempts=attempts), wall_s=200.0)
    row = store.run("r1")
    assert (row.state, row.attempt, row.phone_run_id, row.model) == ("succeeded", 2, "r1.2", "m")
    assert not store.finish("r1", record("failed"), wall_s=300.0)


def test_two_launches_of_one_number_do_not_keep_a_run_from_its_end(store: Store) -> None:
    store.add_run(run_row())
    assert store.finish("r1", record(launches=[launch(), launch()]), wall_s=200.0)
    assert len(store.launches("r1")) == len(store.records("r1")) == 2


def test_what_sqlite_does_not_take_keeps_no_run_from_its_end(store: Store) -> None:
    store.add_run(run_row())
    odd = msgspec.structs.replace(launch(), exit_status=2**64, text="half \ud83d", duration_s=float("nan"))
    assert store.finish("r1", record(launches=[odd]), wall_s=200.0)
    (kept,) = store.launches("r1")
    assert (kept.exit_status, kept.text, kept.duration_s) == (None, "half ?", None)
    encoded = store.run("r1").record
    assert encoded is not None
    assert json.loads(encoded)["launches"][0]["text"] == "half ?"


def test_end_that_is_none_is_refused_aloud(store: Store) -> None:
    store.add_run(run_row())
    with pytest.raises(StoreError, match="the end of run r1 cannot be written: CHECK constraint failed"):
        store.finish("r1", record("running"), wall_s=200.0)
    assert store.run("r1").state == "queued"


def test_runs_to_adopt_are_those_without_end_and_lost_ones_whose_phone_is_there(store: Store) -> None:
    for number, run_id in enumerate(("open", "lost here", "lost elsewhere", "done", "found again")):
        serialno = "SN2" if run_id == "lost elsewhere" else "SN1"
        store.add_run(run_row(run_id, created=100.0 + number, serialno=serialno))
        if run_id != "open":
            first = "succeeded" if run_id == "done" else "lost"
            store.finish(run_id, record(first, run_id), wall_s=200.0)
    store.finish("found again", record("failed", "found again"), wall_s=300.0)
    assert [row.id for row in store.runs_to_adopt({"SN1": "any mapping"})] == ["open", "lost here"]
    assert [row.id for row in store.runs_to_adopt([])] == ["open"]


def test_wish_to_stop_is_noted_once_and_not_after_the_end(store: Store) -> None:
    store.add_run(run_row())
    assert not store.stop_requested("r1")
    assert store.request_stop("r1", 150.0)
    assert store.request_stop("r1", 160.0)
    assert store.stop_requested("r1")
    assert store.run("r1").stop_requested == 150.0
    store.finish("r1", record("cancelled"), wall_s=200.0)
    assert not store.request_stop("r1", 250.0)
    assert not store.stop_requested("nothing")


def test_last_contact_never_goes_back(store: Store) -> None:
    store.add_run(run_row())
    for wall_s in (150.0, 140.0):
        store.touch("r1", wall_s)
    assert store.run("r1").last_contact == 150.0


def test_old_ends_are_forgotten_and_open_runs_are_kept(store: Store) -> None:
    for number in range(120):
        store.add_run(run_row(f"old{number}"))
        store.finish(f"old{number}", record(run_id=f"old{number}"), wall_s=200.0)
        store.add_samples(f"old{number}", 1, 0, b"1\n")
    store.add_run(run_row("open"))
    store.add_run(run_row("new"))
    store.finish("new", record(run_id="new", ended=100 * DAY_S), wall_s=200.0)
    assert store.collect_garbage(101 * DAY_S, None) == 0
    assert store.collect_garbage(101 * DAY_S, 30) == 120
    assert sorted(row.id for row in store.runs()) == ["new", "open"]
    assert not any(part("old1") for part in (store.events, store.launches, store.records, store.ends))
    assert store.samples("old1", 1) == b""
    assert store.collect_garbage(101 * DAY_S, 0) == 1


RULES = (
    ("an event is never changed", "UPDATE events SET detail = 'x'"),
    ("an event goes with its run only", "DELETE FROM events"),
    ("an end is never changed", "UPDATE ends SET state = 'failed'"),
    ("an end goes with its run only", "DELETE FROM ends"),
    ("only the end lost is ever replaced", "INSERT INTO ends VALUES ('done', 2, 'failed', 1.0, x'')"),
    ("UNIQUE constraint failed: ends", "INSERT INTO ends VALUES ('done', 1, 'failed', 1.0, x'')"),
    ("CHECK constraint failed: number = 1", "INSERT INTO ends VALUES ('lost', 2, 'lost', 1.0, x'')"),
    ("CHECK constraint failed: number = 1", "INSERT INTO ends VALUES ('lost', 3, 'failed', 1.0, x'')"),
    ("the state of a run follows its ends", "UPDATE runs SET state = 'failed' WHERE id = 'done'"),
    ("the state of a run follows", "UPDATE runs SET state = 'running', ended = NULL WHERE id = 'done'"),
    ("the state of a run follows", "UPDATE runs SET state = 'lost', ended = 1 WHERE id = 'open'"),
    ("a run without an end is never forgotten", "DELETE FROM runs WHERE id = 'open'"),
    ("a run begins without an end", "INSERT OR REPLACE INTO runs SELECT * FROM runs WHERE id = 'done'"),
    ("FOREIGN KEY constraint failed", "INSERT INTO events VALUES (99, 'none', 1, 1.0, 'x', 'queued', '')"),
)


@pytest.mark.parametrize(("rule", "statement"), RULES)
def test_database_itself_holds_the_rule(tmp_path: Path, store: Store, rule: str, statement: str) -> None:
    for run_id, end in (("open", None), ("done", "succeeded"), ("lost", "lost")):
        store.add_run(run_row(run_id))
        if end:
            store.finish(run_id, record(end, run_id), wall_s=200.0)
    connection = sqlite3.connect(tmp_path / "devicehub.db")
    connection.execute("PRAGMA foreign_keys = ON")
    with pytest.raises(sqlite3.IntegrityError, match=rule), connection:
        connection.execute(statement)
    connection.close()
