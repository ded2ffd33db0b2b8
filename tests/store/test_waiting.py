"""Runs that wait: written down, claimed by one process, gone with the row of their run."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from devicehub import procs
from devicehub.errors import StoreError
from devicehub.store.model import QueuedRow
from devicehub.store.store import Store
from tests.store.samples import record, run_row

if TYPE_CHECKING:
    from collections.abc import Iterator

REPO = Path(__file__).parents[2]


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store.open(tmp_path / "devicehub.db") as opened:
        yield opened


def waits(run_id: str, entry: str | None = None, client: str = "cli") -> QueuedRow:
    return QueuedRow(run_id=run_id, entry=entry or run_id, client=client, submitted=50.0, ask=b"{}")


def nobody(_pid: int, _started: float) -> bool:
    return False


def everybody(_pid: int, _started: float) -> bool:
    return True


def test_runs_wait_in_the_order_of_submission(store: Store) -> None:
    assert store.enqueue([waits("b"), waits("a")]) == {"b": 1, "a": 2}
    store.enqueue([waits("c")])
    assert [(row.run_id, row.number) for row in store.queued()] == [("b", 1), ("a", 2), ("c", 3)]
    store.add_run(run_row("c"))
    assert store.enqueue([waits("d")]) == {"d": 4}  # no number is given twice


def test_run_leaves_the_queue_as_it_is_written_down_and_keeps_its_client(store: Store) -> None:
    store.enqueue([waits("r1", client="lab"), waits("r2")])
    store.add_run(run_row("r1"))
    assert [row.run_id for row in store.queued()] == ["r2"]
    assert not store.is_queued("r1")
    assert store.is_queued("r2")
    assert store.run("r1").client == "lab"
    store.finish("r2", record("cancelled", run_id="r2"), wall_s=60.0)
    assert store.queued() == []
    assert store.run("r2").client == "cli"


def test_run_that_has_begun_cannot_wait_again(store: Store) -> None:
    store.add_run(run_row("r1"))
    with pytest.raises(StoreError, match="r0, r1: cannot be queued"):
        store.enqueue([waits("r0"), waits("r1")])
    assert store.queued() == []
    store.enqueue([waits("r0")])
    with pytest.raises(StoreError, match="cannot be queued"):
        store.enqueue([waits("r0")])


def test_entry_is_begun_by_one_process(store: Store) -> None:
    store.enqueue([waits("a"), waits("b", entry="a")])
    assert not store.claim_queued("unknown", 5, 1.5, nobody)
    assert store.claim_queued("a", 5, 1.5, nobody)
    assert not store.claim_queued("a", 6, 2.5, everybody)
    assert {row.owner_pid for row in store.queued()} == {5}
    store.release_queued("a", 6, 2.5)
    assert {row.owner_pid for row in store.queued()} == {5}
    assert store.claim_queued("a", 6, 2.5, nobody)
    store.release_queued("a", 6, 2.5)
    assert {row.owner_pid for row in store.queued()} == {None}


def test_last_ask_is_that_of_the_run_written_down_last(store: Store) -> None:
    assert store.last_ask() is None
    for number, serialno in enumerate(["P", "Q", "P"]):
        row = waits(f"r{number}")
        store.enqueue([QueuedRow(**{**vars(row), "ask": b"%d" % number})])
        store.add_run(run_row(f"r{number}", serialno=serialno))
    store.add_run(run_row("not queued", serialno="Q"))
    assert (store.last_ask("P"), store.last_ask("Q"), store.last_ask()) == (b"2", b"1", b"2")


async def test_hub_killed_at_any_statement_begins_every_run_once(tmp_path: Path) -> None:
    path = tmp_path / "devicehub.db"
    Store.open(path).close()
    done = await procs.run(
        [sys.executable, "-m", "tests.store.dying_hub", path], timeout_s=240, env=os.environ, cwd=REPO
    )
    assert done.status == 0, done.stderr.decode()
    killed, submitted = done.stdout.decode().split()
    assert int(killed) > 15
    with Store.open(path) as store:
        begun = [row.id for row in store.runs(limit=-1)]
        queued = [row.run_id for row in store.queued()]
        # What a client was told of is in one of the two places.
        assert set(begun) | set(queued) >= set(submitted.split(","))
        assert not set(begun) & set(queued)
        for row in store.runs(limit=-1):
            assert [event.kind for event in store.events(row.id)] == ["add"]
            assert row.client == "cli"
        # Whatever is left can be begun by the next hub.
        for run_id in queued:
            assert store.claim_queued(run_id, 1, 1.0, nobody)
