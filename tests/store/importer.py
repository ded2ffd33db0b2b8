"""A process that uses a store as it is told through a pipe."""

from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING, Any

from devicehub.errors import HubError
from devicehub.store.model import Excerpt
from devicehub.store.store import Store
from tests.store.samples import record, run_row

if TYPE_CHECKING:
    from collections.abc import Callable
    from multiprocessing.connection import Connection
    from pathlib import Path


def serve(orders: Connection, path: Path, name: str) -> None:
    """Carry out one order after the other: (word, arguments); each is answered."""
    store = Store.open(path)

    def finish(run_id: str, state: str) -> bool:
        """Import an end that carries this process's name everywhere."""
        excerpts = [Excerpt(launch=1, source="evidence", lines=[name])]
        end = record(state, run_id, cause=name)
        return store.finish(run_id, end, wall_s=200.0, excerpts=excerpts)

    def claim(run_id: str, dead: int | None) -> bool:
        return store.claim(run_id, int(name), 1.0, lambda pid, _started: pid != dead)

    def open_other(other: Path) -> list[str]:
        """What was set aside when another database was opened."""
        told: list[str] = []
        Store.open(other, on_set_aside=lambda aside: told.append(aside.name)).close()
        return told

    words: dict[str, Callable[..., Any]] = {
        "add": lambda run_id: store.add_run(run_row(run_id)),
        "claim": claim,
        "finish": finish,
        "open": open_other,
        "strike": lambda: store.strike("SN1", name, 150.0),
        "tidy": lambda wall_s: store.tidy_due("SN1", wall_s),
        "samples": lambda run_id, first, data: store.add_samples(run_id, 1, first, data),
    }
    while True:
        try:
            word, *arguments = orders.recv()
        except EOFError:
            return
        try:
            orders.send(words[word](*arguments))
        except (HubError, OSError, sqlite3.Error) as error:
            orders.send(repr(error))
