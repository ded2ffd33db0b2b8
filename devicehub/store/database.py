"""One connection to the database: transactions, named statements, and a sentence for each way to fail."""

from __future__ import annotations

import contextlib
import sqlite3
from typing import TYPE_CHECKING, Any, Final

from devicehub.errors import StoreDamaged, StoreError
from devicehub.store.queries import load_queries

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

BUSY_TIMEOUT_S: Final = 30.0
"""Transactions take milliseconds; whoever waits longer waits for a process that stands still."""
OTHER_HOME: Final = "or set DEVICEHUB_HOME to a folder that can be written"

_MOST_BITS: Final = 63
_DAMAGED: Final = frozenset({sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB})
_IN_ITS_FOLDER: Final = f"make its folder readable and writable, {OTHER_HOME}"
_REMEDIES: Final = {
    sqlite3.SQLITE_FULL: ("the disk is full", f"free some space, {OTHER_HOME}"),
    sqlite3.SQLITE_READONLY: ("cannot be written", f"make it writable, {OTHER_HOME}"),
    sqlite3.SQLITE_CANTOPEN: ("cannot be opened", _IN_ITS_FOLDER),
    sqlite3.SQLITE_PERM: ("cannot be opened", _IN_ITS_FOLDER),
    sqlite3.SQLITE_IOERR: ("the disk answers with an error", f"see whether it is full, {OTHER_HOME}"),
    sqlite3.SQLITE_BUSY: (
        f"another process has held it for {BUSY_TIMEOUT_S:.0f} s",
        "see whether a `devicehub` process stands still, and end it",
    ),
}
_UNKNOWN: Final = ("SQLite cannot do what is asked", "set DEVICEHUB_HOME to another folder, and report this")


class Database:
    """A connection that knows the named statements.

    Args:
        path: of the file, for sentences.
        connection: in autocommit mode, its rows `sqlite3.Row`.
        version: of the schema, as this program knows it.
    """

    def __init__(self, path: Path, connection: sqlite3.Connection, *, version: int) -> None:
        self.path = path
        self._connection = connection
        self._version = version
        self._queries = load_queries()

    def close(self) -> None:
        """Let go of the file."""
        with speaking(self.path):
            self._connection.close()

    @contextlib.contextmanager
    def transaction(self, *, durable: bool = False) -> Iterator[None]:
        """All or nothing; writers of other processes wait meanwhile, so nothing slow belongs in here.

        Args:
            durable: it outlives a loss of power, too, and with it all that was committed before.

        Raises:
            StoreError: another version has changed the schema meanwhile, or the file cannot be written.
        """
        with speaking(self.path):
            self._connection.execute(f"PRAGMA synchronous = {'FULL' if durable else 'NORMAL'}")
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                check_version(self.path, schema_version(self._connection), self._version)
                yield
                self._connection.execute("COMMIT")
            except BaseException:
                # SQLite itself has rolled back where the disk was full.
                if self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")
                raise

    def rows(self, query: str, **values: object) -> list[sqlite3.Row]:
        """What a statement answers."""
        with speaking(self.path):
            return self._connection.execute(self._queries[query], _storable(values)).fetchall()

    def row(self, query: str, **values: object) -> sqlite3.Row | None:
        """The first row of the answer; None where there is none."""
        return next(iter(self.rows(query, **values)), None)

    def value(self, query: str, **values: object) -> Any:
        """The first column of the first row; None where there is no row."""
        row = self.row(query, **values)
        return None if row is None else row[0]

    def change(self, query: str, **values: object) -> int:
        """Carry out a statement; how many rows it touched."""
        with speaking(self.path):
            return self._connection.execute(self._queries[query], _storable(values)).rowcount


@contextlib.contextmanager
def speaking(path: Path) -> Iterator[None]:
    """Turn what SQLite says into a sentence with a remedy.

    Raises:
        StoreDamaged: the file is no whole database.
        StoreError: anything else.
    """
    try:
        yield
    except sqlite3.IntegrityError:
        raise  # a constraint: the caller knows what it means
    except sqlite3.DatabaseError as error:
        code = getattr(error, "sqlite_errorcode", None)
        primary = code & 0xFF if isinstance(code, int) else None
        if primary in _DAMAGED:
            with contextlib.suppress(OSError):  # a full or read-only disk: the next who meets it marks it
                mark_of(path).touch()
            raise StoreDamaged(path, str(error)) from error
        if primary is None:
            raise  # this module's own misuse of SQLite
        problem, remedy = _REMEDIES.get(primary, _UNKNOWN)
        raise StoreError(path, f"{problem} ({error})", remedy=remedy) from error


def _storable(values: dict[str, object]) -> dict[str, object]:
    """What SQLite takes: a question mark for half a character, nothing for a number beyond 64 bits."""
    return {name: _plain(value) for name, value in values.items()}


def _plain(value: object) -> object:
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode()
    return None if isinstance(value, int) and value.bit_length() > _MOST_BITS else value


def mark_of(path: Path) -> Path:
    """The file that asks the next process to examine the whole database."""
    return path.with_name(path.name + ".examine")


def schema_version(connection: sqlite3.Connection) -> int:
    """The schema's version as the file says; 0 for a new file."""
    return int(connection.execute("PRAGMA user_version").fetchone()[0])


def check_version(path: Path, found: int, known: int) -> None:
    """Refuse a database of a newer program.

    Raises:
        StoreError: it is newer.
    """
    if found > known:
        raise StoreError(
            path,
            f"a newer DeviceHub has written it (schema {found}, this one knows {known})",
            remedy="upgrade DeviceHub, or set DEVICEHUB_HOME to another folder",
        )
