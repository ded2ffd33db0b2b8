from __future__ import annotations

import multiprocessing
import os
import signal
from typing import TYPE_CHECKING

import pytest

from devicehub.errors import InputError
from devicehub.export.workplace import find_rests, publish, sync, workplace

if TYPE_CHECKING:
    from multiprocessing.connection import Connection
    from pathlib import Path


def test_a_model_appears_by_rename_and_the_rest_is_gone(tmp_path: Path) -> None:
    out = tmp_path / "new" / "model"
    with workplace(out) as work:
        made = work / "exported"
        (made / "sub").mkdir(parents=True)
        (made / "sub" / "llm.mnn").write_bytes(b"graph")
        (work / "rest").write_bytes(b"...")
        sync(made)
        assert not out.exists()
        publish(made, out)
    assert [str(entry.relative_to(tmp_path)) for entry in tmp_path.rglob("*") if entry.is_file()] == [
        "new/model/sub/llm.mnn"
    ]


def test_an_error_inside_leaves_nothing(tmp_path: Path) -> None:
    def fail() -> None:
        with workplace(tmp_path / "model") as work:
            (work / "half").mkdir()
            raise KeyError

    with pytest.raises(KeyError):
        fail()
    assert list(tmp_path.iterdir()) == []


def test_what_is_there_is_not_replaced(tmp_path: Path) -> None:
    (tmp_path / "model").mkdir()
    with pytest.raises(InputError, match="is there already"), workplace(tmp_path / "model"):
        pass


def test_what_appears_meanwhile_is_not_replaced(tmp_path: Path) -> None:
    out = tmp_path / "model"
    with workplace(out) as work:
        (work / "exported").mkdir()
        out.mkdir()
        (out / "llm.mnn").write_bytes(b"of another")
        with pytest.raises(InputError, match="cannot be put there"):
            publish(work / "exported", out)
    assert (out / "llm.mnn").read_bytes() == b"of another"


def test_a_second_export_of_the_same_model_is_refused_at_once(tmp_path: Path) -> None:
    with workplace(tmp_path / "model"):
        with pytest.raises(InputError, match="another export is making it"), workplace(tmp_path / "model"):
            pass
        with workplace(tmp_path / "other"):
            pass


def test_the_work_place_of_a_killed_export_is_swept_and_that_of_a_living_one_stays(tmp_path: Path) -> None:
    # A process of its own: within one, a lock is shared with whoever opens the file again.
    ours, theirs = multiprocessing.get_context("spawn").Pipe()
    other = multiprocessing.get_context("spawn").Process(target=_hold, args=(tmp_path / "model", theirs))
    other.start()
    try:
        assert ours.recv() == "held"
        # Beginning an export sweeps the folder.
        with workplace(tmp_path / "further"):
            assert len(list(tmp_path.iterdir())) == 2
        assert len(list(tmp_path.iterdir())) == 1
    finally:
        assert other.pid is not None
        os.kill(other.pid, signal.SIGKILL)
        other.join()
    with workplace(tmp_path / "model") as work:
        assert list(tmp_path.iterdir()) == [work]


def _hold(out: Path, told: Connection) -> None:
    with workplace(out):
        told.send("held")
        told.recv()


def test_rests_are_found_and_work_under_way_is_not(tmp_path: Path) -> None:
    rest = tmp_path / ".killed.export-abc"
    rest.mkdir()
    (rest / "owner").write_bytes(b"")
    with workplace(tmp_path / "other"):
        # Beginning an export has removed the first rest.
        assert find_rests(tmp_path) == []
        rest.mkdir()
        (tmp_path / ".compiled.npu").mkdir()
        assert find_rests(tmp_path) == [rest, tmp_path / ".compiled.npu"]
    assert find_rests(tmp_path / "none") == []
