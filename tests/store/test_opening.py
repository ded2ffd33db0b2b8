"""The database file: begun, brought forward, refused, set aside; and the disk's troubles."""

import os
import shlex
import shutil
import sqlite3
import sys
from pathlib import Path

import pytest

from devicehub import procs
from devicehub.errors import StoreDamaged, StoreError
from devicehub.store import database, opening
from devicehub.store.store import Store
from tests.store.samples import record, run_row

REPO = Path(__file__).parents[2]


def fill(path: Path, runs: int = 40) -> None:
    with Store.open(path) as store:
        for number in range(runs):
            store.add_run(run_row(f"r{number}"))
            store.finish(f"r{number}", record(run_id=f"r{number}"), wall_s=200.0)


def spoil(path: Path, at: int, size: int = 4096) -> bytes:
    """Overwrite a part of the file; the file as it is then."""
    with path.open("r+b") as file:
        file.seek(at)
        file.write(b"\xa5" * size)
    return path.read_bytes()


def test_new_database_is_its_owners_alone(tmp_path: Path) -> None:
    path = tmp_path / "not" / "there yet" / "devicehub.db"
    with Store.open(path) as store:
        store.add_run(run_row())
        modes = {file.name: file.stat().st_mode & 0o777 for file in path.parent.iterdir()}
    assert modes.pop("devicehub.db.lock") & 0o022 == 0
    assert modes == dict.fromkeys(("devicehub.db", "devicehub.db-wal", "devicehub.db-shm"), 0o600)


def test_path_may_hold_what_an_address_may_not(tmp_path: Path) -> None:
    path = tmp_path / "100% ?mode=memory #ä" / "devicehub.db"
    fill(path, 1)
    path.write_bytes(b"no database at all" * 100)
    with Store.open(path) as store:
        assert store.runs() == []


def test_empty_file_is_a_new_database(tmp_path: Path) -> None:
    # A process killed between making the file and its first write leaves this.
    path = tmp_path / "devicehub.db"
    path.touch()
    fill(path, 1)
    assert [file.name for file in tmp_path.iterdir() if "damaged" in file.name] == []


def test_newer_schema_is_refused_and_not_touched(tmp_path: Path) -> None:
    path = tmp_path / "devicehub.db"
    fill(path, 1)
    connection = sqlite3.connect(path)
    connection.execute(f"PRAGMA user_version = {opening.newest_version() + 1}")
    connection.close()
    before = path.read_bytes()
    with pytest.raises(StoreError) as caught:
        Store.open(path)
    known = opening.newest_version()
    assert str(caught.value) == (
        f"{path}: a newer DeviceHub has written it (schema {known + 1}, this one knows {known}); "
        "upgrade DeviceHub, or set DEVICEHUB_HOME to another folder"
    )
    assert path.read_bytes() == before


def test_process_that_is_older_than_the_schema_writes_nothing_more(tmp_path: Path) -> None:
    path = tmp_path / "devicehub.db"
    with Store.open(path) as store:
        store.add_run(run_row())
        newer = sqlite3.connect(path)
        newer.execute(f"PRAGMA user_version = {opening.newest_version() + 1}")
        newer.close()
        with pytest.raises(StoreError, match="a newer DeviceHub"):
            store.touch("r1", 150.0)
        assert store.run("r1").last_contact is None


def test_schema_is_brought_forward_and_runs_stay(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "devicehub.db"
    fill(path, 2)
    step = tmp_path / "9999_note.sql"
    step.write_text("ALTER TABLE runs ADD COLUMN note TEXT;\nUPDATE runs SET note = 'old';\n")
    scripts = [*opening.migrations(), step]
    monkeypatch.setattr(opening, "migrations", lambda: scripts)
    with Store.open(path) as store:
        assert len(store.runs()) == 2
        store.add_run(run_row("later"))
    connection = sqlite3.connect(path)
    assert connection.execute("PRAGMA user_version").fetchone() == (len(scripts),)
    assert connection.execute("SELECT note FROM runs ORDER BY id").fetchall() == [(None,), ("old",), ("old",)]
    connection.close()


def test_step_that_fails_leaves_the_schema_as_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "devicehub.db"
    fill(path, 2)
    step = tmp_path / "9999_wrong.sql"
    step.write_text("ALTER TABLE runs ADD COLUMN note TEXT;\nINSERT INTO no_table VALUES (1);\n")
    with monkeypatch.context() as patched:
        scripts = [*opening.migrations(), step]
        patched.setattr(opening, "migrations", lambda: scripts)
        with pytest.raises(StoreError, match=r"SQLite cannot do .* \(no such table: no_table\); "):
            Store.open(path)
    with Store.open(path) as store:
        assert len(store.runs()) == 2


def test_sqlite_that_is_too_old_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sqlite3, "sqlite_version_info", (3, 34, 1))
    with pytest.raises(StoreError, match=r"too old; use a Python with SQLite 3\.37 or newer"):
        Store.open(tmp_path / "devicehub.db")
    assert list(tmp_path.iterdir()) == []


def test_database_that_lacks_a_table_is_one_sentence(tmp_path: Path) -> None:
    path = tmp_path / "devicehub.db"
    fill(path, 1)
    connection = sqlite3.connect(path)
    connection.execute("DROP TABLE devices")
    connection.close()
    with (
        Store.open(path) as store,
        pytest.raises(StoreError, match=r"no such table: devices\); set DEVICEHUB"),
    ):
        store.devices()


def test_another_programs_database_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "devicehub.db"
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE runs (id)")
    connection.commit()
    connection.close()
    before = path.read_bytes()
    with pytest.raises(StoreError, match="is another program's database; move it away"):
        Store.open(path)
    assert path.read_bytes() == before


@pytest.mark.parametrize("what", ["header", "page", "cut", "text"])
def test_damaged_database_is_set_aside_whole(tmp_path: Path, what: str) -> None:
    path = tmp_path / "devicehub.db"
    fill(path)
    if what == "header":
        damaged = spoil(path, 0, 60)
    elif what == "page":
        damaged = spoil(path, 3 * 4096)
    elif what == "cut":
        os.truncate(path, path.stat().st_size // 2)
        damaged = path.read_bytes()
    else:
        path.write_bytes(damaged := b"this is no database\n" * 300)
    told: list[Path] = []
    with Store.open(path, on_set_aside=told.append) as store:
        assert store.runs() == []
        store.add_run(run_row("new"))
    assert told == [tmp_path / "devicehub.db.damaged-1"]
    assert told[0].read_bytes() == damaged
    with Store.open(path, on_set_aside=told.append) as store:
        assert [row.id for row in store.runs()] == ["new"]
    assert len(told) == 1


def test_nothing_that_was_set_aside_is_overwritten(tmp_path: Path) -> None:
    path = tmp_path / "devicehub.db"
    for number in range(3):
        path.write_text(f"damaged in its own way, number {number} " * 50)
        Store.open(path).close()
    aside = sorted(tmp_path.glob("*.damaged-*"))
    assert [file.name for file in aside] == [f"devicehub.db.damaged-{number}" for number in (1, 2, 3)]
    assert [file.read_text().count(f"number {number} ") for number, file in enumerate(aside)] == [50] * 3


def test_log_of_a_damaged_database_goes_with_it(tmp_path: Path) -> None:
    path = tmp_path / "devicehub.db"
    path.write_bytes(b"no database" * 1000)
    (tmp_path / "devicehub.db-wal").write_bytes(b"what was not yet in it")
    Store.open(path).close()
    assert (tmp_path / "devicehub.db.damaged-1-wal").read_bytes() == b"what was not yet in it"


def test_damage_met_on_the_way_is_set_aside_at_the_next_opening(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(opening, "EXAMINED_ALWAYS", 0)  # as with a file too large for that
    path = tmp_path / "devicehub.db"
    fill(path)
    connection = sqlite3.connect(path)
    (page,) = connection.execute("SELECT rootpage FROM sqlite_master WHERE name = 'runs'").fetchone()
    connection.close()
    spoil(path, (page - 1) * 4096)
    with Store.open(path) as store, pytest.raises(StoreDamaged, match="repeat the command"):
        store.runs()
    told: list[Path] = []
    with Store.open(path, on_set_aside=told.append) as store:
        assert store.runs() == []
    assert len(told) == 1
    assert not database.mark_of(path).exists()


def test_mark_on_a_whole_database_is_taken_off(tmp_path: Path) -> None:
    path = tmp_path / "devicehub.db"
    fill(path, 2)
    database.mark_of(path).touch()
    with Store.open(path) as store:
        assert len(store.runs()) == 2
    assert not database.mark_of(path).exists()


def test_folder_in_the_databases_place_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "devicehub.db").mkdir()
    with pytest.raises(StoreError, match="cannot be written: Is a directory; "):
        Store.open(tmp_path / "devicehub.db")


def test_file_in_the_homes_place_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "home").touch()
    with pytest.raises(StoreError, match=r"home/devicehub\.db: cannot be written: .*; "):
        Store.open(tmp_path / "home" / "devicehub.db")


def test_database_that_another_process_holds_is_one_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(opening, "BUSY_TIMEOUT_S", 0.01)
    path = tmp_path / "devicehub.db"
    fill(path, 1)
    holder = sqlite3.connect(path, isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    with Store.open(path) as store:
        assert len(store.runs()) == 1  # who reads waits for nobody
        with pytest.raises(StoreError, match="another process has held it"):
            store.touch("r0", 150.0)
        holder.execute("ROLLBACK")
        store.touch("r0", 150.0)
    holder.close()


async def in_room(folder: Path, *steps: str, size: str) -> str:
    """What the steps print, with `folder` a file system of its own that goes with them."""
    script = f"mount -t tmpfs -o size={size} room {shlex.quote(str(folder))}"
    for step in steps:
        script += " && " + step.format(
            folder=shlex.quote(str(folder)), use=f"{sys.executable} -m tests.store.cramped"
        )
    done = await procs.run(["unshare", "-rm", "sh", "-c", script], timeout_s=120, cwd=REPO)
    assert done.status == 0, done.stderr.decode()
    return done.stdout.decode()


async def need_mounts() -> None:
    if shutil.which("unshare") is not None:
        done = await procs.run(["unshare", "-rm", "mount", "-t", "tmpfs", "t", "/mnt"], timeout_s=60)
        if done.status == 0:
            return
    pytest.skip("this kernel gives no user namespace to mount in")


async def test_full_disk_is_one_sentence_and_loses_nothing(tmp_path: Path) -> None:
    await need_mounts()
    said = await in_room(tmp_path, "{use} {folder} fill", "{use} {folder} check", size="800k")
    sentence, finished, found = said.splitlines()
    assert sentence.startswith(f"{tmp_path}/devicehub.db: the disk is full (")
    assert sentence.endswith("; free some space, or set DEVICEHUB_HOME to a folder that can be written")
    assert int(finished) > 2
    assert found == finished


async def test_home_on_a_full_disk_is_one_sentence(tmp_path: Path) -> None:
    await need_mounts()
    said = await in_room(tmp_path, "cat /dev/zero > {folder}/fill 2>&-; {use} {folder} check", size="64k")
    assert said.count("\n") == 1
    assert "devicehub.db: the disk is full" in said


@pytest.mark.parametrize("steps", [[], ["{use} {folder} fill > /dev/null"]], ids=["new", "used"])
async def test_read_only_home_is_one_sentence(tmp_path: Path, steps: list[str]) -> None:
    await need_mounts()
    steps = [*steps, "mount -o remount,ro {folder}", "{use} {folder} check"]
    said = await in_room(tmp_path, *steps, size="600k")
    assert said.startswith(f"{tmp_path}/devicehub.db: cannot be written: Read-only file system; ")
    assert said.count("\n") == 1
