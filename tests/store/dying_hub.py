"""Queues a run and begins it, killed by SIGKILL at each statement in turn: `DATABASE`.

Prints how often it was killed, and the ids of the runs that a client was told of, joined by commas.
"""

import os
import signal
import sys
from pathlib import Path

from devicehub.store.model import QueuedRow
from devicehub.store.store import Store
from tests.store.samples import run_row


def work(path: Path, run_id: str, *, die_at: int, tell: int) -> None:
    """Queue a run, tell its id, begin the oldest that waits; killed before the statement numbered so."""
    done = 0

    def count(_statement: str) -> None:
        nonlocal done
        done += 1
        if done == die_at:
            os.kill(os.getpid(), signal.SIGKILL)

    store = Store.open(path)
    store._database._connection.set_trace_callback(count)
    store.enqueue([QueuedRow(run_id=run_id, entry=run_id, client="cli", submitted=50.0, ask=b"{}")])
    os.write(tell, f"{run_id}\n".encode())
    oldest = store.queued()[0]
    # Those before are dead, and so is whoever had this pid.
    if store.claim_queued(oldest.entry, os.getpid(), float(die_at), lambda _pid, _started: False):
        store.add_run(run_row(oldest.run_id, owner_pid=os.getpid(), owner_started=float(die_at)))


def main(path: Path) -> None:
    """Kill one child a statement, until one lives to the end."""
    told, tell = os.pipe()
    for die_at in range(1, 1000):
        child = os.fork()
        if child == 0:
            work(path, f"r{die_at}", die_at=die_at, tell=tell)
            os._exit(0)  # without closing: what is committed has to be enough
        _, status = os.waitpid(child, 0)
        if status == 0:
            os.close(tell)
            with os.fdopen(told) as pipe:
                ids = ",".join(pipe.read().split())
            sys.stdout.write(f"{die_at} {ids}\n")
            return
        assert os.WTERMSIG(status) == signal.SIGKILL, status


if __name__ == "__main__":
    main(Path(sys.argv[1]))
