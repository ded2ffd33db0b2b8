"""Opens the database: begins it, brings its schema up to date, sets a damaged one aside."""

from __future__ import annotations

import contextlib
import fcntl
import math
import os
import re
import sqlite3
from pathlib import Path
from typing import TYPE_CHECKING, Final
from urllib.parse import quote

from devicehub.errors import StoreDamaged, StoreError
from devicehub.store.database import (
    BUSY_TIMEOUT_S,
    OTHER_HOME,
    Database,
    check_version,
    mark_of,
    schema_version,
    speaking,
)
from devicehub.units import MIB

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

APPLICATION_ID: Final = 0x44764875
OLDEST_SQLITE: Final = (3, 37)
"""Strict tables."""
EXAMINED_ALWAYS: Final = 16 * MIB
"""A smaller file is examined whole whenever it is opened; a larger one once damage was met."""
_SIDE_FILES: Final = ("-wal", "-shm", "")
"""The log before the database: SQLite would delete it beside an empty new one."""


def open_database(path: Path, *, on_set_aside: Callable[[Path], None] = lambda _aside: None) -> Database:
    """Open the file, which is begun where there is none.

    Args:
        path: of the file; its folder is made where it is missing.
        on_set_aside: told where a damaged database lies now.

    Raises:
        StoreError: it cannot be opened or written, is a newer program's, or another program's.
    """
    if sqlite3.sqlite_version_info < OLDEST_SQLITE:
        problem = f"this Python brings SQLite {sqlite3.sqlite_version}, which is too old"
        raise StoreError(path, problem, remedy="use a Python with SQLite 3.37 or newer")
    _make_file(path)
    with contextlib.suppress(StoreError):
        return _open(path)
    # Again, while no other process begins the file or sets it aside: one may just have moved it away.
    with _touching(path), _lock(path):
        _make_file(path)
        aside = _set_aside_if_damaged(path)
        _make_file(path)
    if aside is not None:
        on_set_aside(aside)
    return _open(path)


def _open(path: Path) -> Database:
    """Open a file that is there.

    Raises:
        StoreDamaged: it is no whole database.
        StoreError: anything else.
    """
    _examine(path)
    connection = _connect(path)
    try:
        with speaking(path), _touching(path):
            check_version(path, schema_version(connection), newest_version())
            if schema_version(connection) < newest_version():
                with _lock(path):
                    _migrate(connection)
        return Database(path, connection, version=newest_version())
    except BaseException:
        connection.close()
        raise


def newest_version() -> int:
    """The version of the schema that this program knows."""
    return len(migrations())


def _examine(path: Path) -> None:
    """Find damage and strangers before anything is written.

    Raises:
        StoreDamaged: it is no whole database.
        StoreError: it is another program's, or cannot be read.
    """
    marked = mark_of(path).exists()
    with speaking(path), _reading(path) as connection:
        tables = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
        application = connection.execute("PRAGMA application_id").fetchone()[0]
        if tables and application != APPLICATION_ID:
            remedy = "move it away, or set DEVICEHUB_HOME to another folder"
            raise StoreError(path, "is another program's database", remedy=remedy)
        size = math.prod(
            connection.execute(f"PRAGMA {name}").fetchone()[0] for name in ("page_count", "page_size")
        )
        if marked or size <= EXAMINED_ALWAYS:
            found = str(connection.execute("PRAGMA quick_check(1)").fetchone()[0])
            if found != "ok":
                raise StoreDamaged(path, found)
    if marked:
        mark_of(path).unlink(missing_ok=True)


@contextlib.contextmanager
def _reading(path: Path) -> Iterator[sqlite3.Connection]:
    """A connection that leaves the log beside the database as it is; any other one's end moves it in."""
    uri = _uri(path, "ro")
    with contextlib.closing(sqlite3.connect(uri, uri=True, timeout=BUSY_TIMEOUT_S)) as connection:
        yield connection


def _uri(path: Path, mode: str) -> str:
    """How SQLite is told to make no file of its own."""
    return f"file:{quote(str(path.absolute()))}?mode={mode}"


def _connect(path: Path) -> sqlite3.Connection:
    with speaking(path):
        uri = _uri(path, "rw")
        connection = sqlite3.connect(uri, uri=True, timeout=BUSY_TIMEOUT_S, isolation_level=None)
    connection.row_factory = sqlite3.Row
    connection.execute("PRAGMA foreign_keys = ON")
    return connection


def _migrate(connection: sqlite3.Connection) -> None:
    """Bring the schema forward, each step whole or not at all; another process may have done so already."""
    connection.execute("PRAGMA journal_mode = WAL")
    for number, file in enumerate(migrations(), start=1):
        if number <= schema_version(connection):
            continue
        script = file.read_text(encoding="utf-8")
        try:
            connection.executescript(f"BEGIN IMMEDIATE;\n{script}\nPRAGMA user_version = {number};\nCOMMIT;")
        except sqlite3.DatabaseError:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            raise


def migrations() -> list[Path]:
    """The scripts in order; the first is number 1."""
    return sorted(Path(__file__).with_name("migrations").glob("[0-9][0-9][0-9][0-9]_*.sql"))


def _make_file(path: Path) -> None:
    """An empty file that only its owner may read, where there is none; SQLite gives its own the same mode."""
    with _touching(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))


@contextlib.contextmanager
def _touching(path: Path) -> Iterator[None]:
    """Turn what the file system refuses into a sentence."""
    try:
        yield
    except OSError as error:
        remedy = f"make room or rights there, {OTHER_HOME}"
        raise StoreError(path, f"cannot be written: {error.strerror}", remedy=remedy) from error


@contextlib.contextmanager
def _lock(path: Path) -> Iterator[None]:
    """Keep other processes from beginning, migrating or setting aside the same database."""
    with path.with_name(path.name + ".lock").open("a") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _set_aside_if_damaged(path: Path) -> Path | None:
    """Rename a damaged database with its side files; None where another process has done so already."""
    mark_of(path).touch()
    try:
        _examine(path)
    except StoreDamaged:
        pass
    except StoreError:
        mark_of(path).unlink(missing_ok=True)
        raise
    else:
        return None
    aside = _free_name(path)
    for ending in _SIDE_FILES:
        source = path.with_name(path.name + ending)
        if source.exists():
            source.rename(aside.with_name(aside.name + ending))
    mark_of(path).unlink(missing_ok=True)
    return aside


def _free_name(path: Path) -> Path:
    """A name that nothing has yet: `devicehub.db.damaged-1`, the next number where that is taken."""
    taken = {
        int(found[1])
        for other in path.parent.iterdir()
        if (found := re.fullmatch(re.escape(path.name) + r"\.damaged-(\d+)(?:-wal|-shm)?", other.name))
    }
    return path.with_name(f"{path.name}.damaged-{max(taken, default=0) + 1}")
