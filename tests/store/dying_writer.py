"""Writes runs into a store and dies by SIGKILL at each statement in turn: `DATABASE`; prints how often."""

import os
import signal
import sys
from pathlib import Path

from devicehub.store.model import Excerpt
from devicehub.store.store import Store
from tests.store.samples import launch, record, run_row


def write(path: Path, run_id: str, *, die_at: int) -> None:
    """One run from its beginning to its end, killed before the statement numbered so."""
    done = 0

    def count(_statement: str) -> None:
        nonlocal done
        done += 1
        if done == die_at:
            os.kill(os.getpid(), signal.SIGKILL)

    store = Store.open(path)
    store._database._connection.set_trace_callback(count)
    store.add_run(run_row(run_id, owner_pid=os.getpid(), owner_started=1.0))
    store.advance(run_id, "running", "started", wall_s=101.0)
    store.add_samples(run_id, 1, 0, b"one\ntwo\n")
    store.add_samples(run_id, 1, 2, b"three\n")
    end = record(run_id=run_id, launches=[launch(number=1), launch(number=2)])
    store.finish(run_id, end, wall_s=200.0, excerpts=[Excerpt(launch=1, source="evidence", lines=["x"])])


def main(path: Path) -> None:
    """Kill one child a statement, until one lives to the end."""
    for die_at in range(1, 1000):
        child = os.fork()
        if child == 0:
            write(path, f"r{die_at}", die_at=die_at)
            os._exit(0)  # without closing: what is committed has to be enough
        _, status = os.waitpid(child, 0)
        if status == 0:
            sys.stdout.write(f"{die_at}\n")
            return
        assert os.WTERMSIG(status) == signal.SIGKILL, status


if __name__ == "__main__":
    main(Path(sys.argv[1]))
