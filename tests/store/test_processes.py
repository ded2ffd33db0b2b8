"""Several processes on one database at once; some of them killed."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from devicehub import procs
from devicehub.store.store import Store
from tests.store import importer

if TYPE_CHECKING:
    from collections.abc import Iterator
    from multiprocessing.connection import Connection

REPO = Path(__file__).parents[2]
ENDS = ("succeeded", "failed", "cancelled", "lost")
PROCESSES = 3


class Team:
    """Some processes with one database open; each answers the orders in its pipe one by one."""

    def __init__(self, pipes: list[Connection], path: Path) -> None:
        self.path = path
        self._pipes = pipes
        self._runs = 0

    def do(self, *orders: tuple[int, Any]) -> list[Any]:
        """Give each order to its process, all at once; the answers in the same order."""
        for process, order in orders:
            self._pipes[process].send(order)
        answers = []
        for process, _order in orders:
            assert self._pipes[process].poll(120)
            answers.append(self._pipes[process].recv())
        return answers

    def new_run(self) -> str:
        self._runs += 1
        run_id = f"run{self._runs}."
        assert self.do((0, ("add", run_id))) == [None]
        return run_id


@contextlib.contextmanager
def running_team(path: Path) -> Iterator[Team]:
    spawn = multiprocessing.get_context("spawn")
    pipes, processes = [], []
    for number in range(PROCESSES):
        ours, theirs = spawn.Pipe()
        process = spawn.Process(target=importer.serve, args=(theirs, path, str(number)), daemon=True)
        process.start()
        theirs.close()
        pipes.append(ours)
        processes.append(process)
    try:
        yield Team(pipes, path)
    finally:
        for pipe in pipes:
            pipe.close()
        for process in processes:
            process.join(60)


@pytest.fixture(scope="module")
def team(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Team]:
    with running_team(tmp_path_factory.mktemp("store") / "devicehub.db") as running:
        yield running


@st.composite
def interleavings(draw: st.DrawFn) -> list[list[tuple[int, str]]]:
    """Rounds of importers; those of one round begin at the same moment, each in a process of its own."""
    importers = st.tuples(st.integers(0, PROCESSES - 1), st.sampled_from(ENDS))
    rounds = st.lists(importers, min_size=1, max_size=PROCESSES, unique_by=lambda order: order[0])
    return draw(st.lists(rounds, min_size=1, max_size=4))


@settings(max_examples=120, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rounds=interleavings())
def test_any_interleaving_of_importers_gives_one_end(team: Team, rounds: list[list[tuple[int, str]]]) -> None:
    run_id = team.new_run()
    accepted: list[tuple[int, str]] = []
    for importers in rounds:
        answers = team.do(*((process, ("finish", run_id, state)) for process, state in importers))
        assert set(answers) <= {True, False}
        won = [order for order, answer in zip(importers, answers, strict=True) if answer]
        # The order within a round is the processes' own, but `lost` is only ever accepted first.
        accepted += sorted(won, key=lambda order: order[1] != "lost")
    states = [state for _process, state in accepted]
    assert len(states) <= 2
    assert states.count("lost") <= 1
    assert len(states) == 1 or states[0] == "lost"
    tried = {state for importers in rounds for _process, state in importers}
    if tried - {"lost"}:
        assert states[-1] != "lost"
    winner, state = accepted[-1]
    with Store.open(team.path) as store:
        row = store.run(run_id)
        assert (row.state, row.cause) == (state, str(winner))
        assert [end.state for end in store.ends(run_id)] == states
        assert len(store.launches(run_id)) == (state in ("succeeded", "failed"))
        assert [excerpt.lines for excerpt in store.excerpts(run_id)] == [[str(winner)]]
        kinds = [event.kind for event in store.events(run_id)]
        assert kinds == ["add", "end", "replace_lost"][: 1 + len(states)]


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    rounds=st.lists(
        st.tuples(st.sets(st.integers(0, PROCESSES - 1), min_size=1), st.booleans()), min_size=1, max_size=5
    )
)
def test_of_those_who_take_over_a_dead_owners_run_one_wins(
    team: Team, rounds: list[tuple[set[int], bool]]
) -> None:
    run_id = team.new_run()
    owner: int | None = None
    for processes, has_died in rounds:
        dead = owner if has_died else None
        answers = team.do(*((process, ("claim", run_id, dead)) for process in processes))
        winners = [process for process, answer in zip(processes, answers, strict=True) if answer]
        if owner is None or has_died:
            # The dead one's pid may be that of a process that asks: it is dead for the others all the same.
            assert 1 <= len(winners) <= (2 if dead in processes else 1)
            with Store.open(team.path) as store:
                owner = store.run(run_id).owner_pid
            assert owner in winners
        else:
            assert winners == []


def test_batch_of_samples_that_all_processes_import_is_stored_once(team: Team) -> None:
    run_id = team.new_run()
    lines = [b"%d\n" % number for number in range(200)]
    for first in range(0, 200, 10):
        # Each begins elsewhere, as hubs do that read in pieces of their own.
        pieces = [(process, max(first - 7 * process, 0)) for process in range(PROCESSES)]
        orders = [
            (process, ("samples", run_id, begin, b"".join(lines[begin : first + 10])))
            for process, begin in pieces
        ]
        assert sum(team.do(*orders)) == 10
    with Store.open(team.path) as store:
        assert store.samples(run_id, 1) == b"".join(lines)
        assert store.samples_stored(run_id, 1) == 200


def test_no_strike_of_several_processes_is_lost(team: Team) -> None:
    counts = [
        count for _round in range(10) for count in team.do(*((n, ("strike",)) for n in range(PROCESSES)))
    ]
    assert sorted(counts) == list(range(1, 10 * PROCESSES + 1))


def test_phone_is_tidied_by_one_process_a_day(team: Team) -> None:
    for day in range(5):
        # Their clocks are read one after the other, and any of them may come first.
        asked = team.do(*((n, ("tidy", 86_401.0 * day - 0.001 * n)) for n in range(PROCESSES)))
        assert sorted(asked) == [False] * (PROCESSES - 1) + [True]


def test_processes_that_begin_one_database_at_once_all_get_it(team: Team, tmp_path: Path) -> None:
    for number in range(8):
        path = tmp_path / f"home{number}" / "devicehub.db"
        assert team.do(*((n, ("open", path)) for n in range(PROCESSES))) == [[]] * PROCESSES
        with Store.open(path) as store:
            assert store.runs() == []


def test_processes_that_meet_one_damage_set_it_aside_once(team: Team, tmp_path: Path) -> None:
    for number in range(8):
        path = tmp_path / f"home{number}" / "devicehub.db"
        path.parent.mkdir()
        path.write_bytes(b"no database" * 500)
        told = team.do(*((n, ("open", path)) for n in range(PROCESSES)))
        assert sorted(told) == [[], [], ["devicehub.db.damaged-1"]]
        assert (path.parent / "devicehub.db.damaged-1").read_bytes() == b"no database" * 500
        with Store.open(path) as store:
            assert store.runs() == []


async def test_writer_killed_at_any_statement_leaves_whole_runs(tmp_path: Path) -> None:
    path = tmp_path / "devicehub.db"
    Store.open(path).close()
    done = await procs.run(
        [sys.executable, "-m", "tests.store.dying_writer", path], timeout_s=240, env=os.environ, cwd=REPO
    )
    assert done.status == 0, done.stderr.decode()
    lived = int(done.stdout)
    assert lived > 25
    told: list[Path] = []
    with Store.open(path, on_set_aside=told.append) as store:
        assert told == []
        ends = 0
        for row in store.runs(limit=-1):
            whole = row.state == "succeeded"
            ends += whole
            assert len(store.ends(row.id)) == len(store.excerpts(row.id)) == whole
            assert len(store.launches(row.id)) == len(store.records(row.id)) == 2 * whole
            kinds = [event.kind for event in store.events(row.id)]
            assert kinds == ["add", "started", "end"][: {"queued": 1, "running": 2}.get(row.state, 3)]
            assert store.samples(row.id, 1) in (b"", b"one\ntwo\n", b"one\ntwo\nthree\n")
            if not whole:
                assert store.claim(row.id, 1, 1.0, lambda _pid, _started: False)
        # Whoever died after the last COMMIT, and the one that lived, have their end.
        assert ends >= 1
        assert store.run(f"r{lived}").state == "succeeded"
        assert len(store.runs(limit=-1)) > lived - 20
