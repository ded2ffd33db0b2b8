"""Watched folders: a model in them is found once it is whole, and never before."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import pytest

from devicehub.errors import InputError
from devicehub.models.folders import WatchedFolders, is_being_written
from devicehub.settings import Home
from tests.models.make_folder import TIED, make_model

linux_only = pytest.mark.skipif(sys.platform != "linux", reason="leases are Linux's")


@pytest.fixture
def drop(tmp_path: Path) -> Path:
    folder = tmp_path / "drop"
    folder.mkdir()
    return folder


@pytest.fixture
def folders(tmp_path: Path, drop: Path) -> WatchedFolders:
    watched = WatchedFolders(Home(tmp_path / "home"))
    watched.add(drop)
    return watched


def looks(folders: WatchedFolders, *times_s: float) -> list[Path]:
    """What the last of these looks finds."""
    found: list[Path] = []
    for now_s in times_s:
        found = folders.find(now_s=now_s)
    return found


def test_model_is_found_within_two_looks_at_rest(folders: WatchedFolders, drop: Path) -> None:
    model = make_model(drop / "tiny")
    assert looks(folders, 0) == []
    assert looks(folders, 0.5, 1.3) == [model]


def test_model_is_found_once_and_again_when_it_changes(folders: WatchedFolders, drop: Path) -> None:
    model = make_model(drop / "tiny")
    assert looks(folders, 0, 2) == [model]
    folders.found(model)
    assert looks(folders, 3, 60) == []
    (model / "llm.mnn").write_bytes(b"other graph")
    assert looks(folders, 61, 63) == [model]


def test_model_that_was_found_before_a_restart_is_not_found_again(
    tmp_path: Path, folders: WatchedFolders, drop: Path
) -> None:
    model = make_model(drop / "tiny")
    folders.found(model)
    assert looks(WatchedFolders(Home(tmp_path / "home")), 0, 2, 60) == []


def test_copy_that_goes_file_by_file_is_not_found_before_its_last(
    folders: WatchedFolders, drop: Path, tmp_path: Path
) -> None:
    whole = make_model(tmp_path / "whole")
    (drop / "tiny").mkdir()
    now_s = 0.0
    for file in sorted(whole.iterdir()):
        assert looks(folders, now_s, now_s + 30) == []
        shutil.copy(file, drop / "tiny" / file.name)
        now_s += 60
    assert looks(folders, now_s, now_s + 2) == [drop / "tiny"]


@linux_only
def test_file_that_somebody_still_writes_keeps_it_back_however_long(
    folders: WatchedFolders, drop: Path
) -> None:
    model = make_model(drop / "tiny")
    with (model / "llm.mnn.weight").open("ab"):
        if is_being_written(model / "llm.mnn.weight") is None:
            pytest.skip("this file system knows no leases")
        assert looks(folders, 0, 2, 600) == []
    assert looks(folders, 601) == [model]


@linux_only
def test_lease_of_ours_stops_nobody_who_opens_it(drop: Path) -> None:
    model = make_model(drop / "tiny")
    for _ in range(50):
        assert is_being_written(model / "llm.mnn") in (False, None)
        (model / "llm.mnn").write_bytes(b"graph")


def test_model_without_its_eyes_waits_for_them(folders: WatchedFolders, drop: Path) -> None:
    model = make_model(drop / "tiny", llm_config={**TIED, "is_visual": True})
    assert looks(folders, 0, 5) == []
    assert looks(folders, 11) == [model]


def test_truncated_model_and_checkpoint_are_never_found(folders: WatchedFolders, drop: Path) -> None:
    cut = make_model(drop / "cut")
    (cut / "llm.mnn.weight").write_bytes(bytes(600))
    (drop / "checkpoint").mkdir()
    (drop / "checkpoint" / "config.json").write_text("{}")
    assert looks(folders, 0, 2, 60) == []


def test_hidden_and_deep_folders_are_passed_over(folders: WatchedFolders, drop: Path) -> None:
    make_model(drop / ".partial" / "tiny")
    make_model(drop / "a" / "b" / "c" / "d" / "deep")
    near = make_model(drop / "a" / "b" / "near")
    assert looks(folders, 0, 2) == [near]


def test_folder_that_is_no_longer_watched(folders: WatchedFolders, drop: Path) -> None:
    make_model(drop / "tiny")
    folders.remove(drop)
    assert (looks(folders, 0, 2), folders.watched()) == ([], [])
    with pytest.raises(InputError, match="is not watched; watched: none"):
        folders.remove(drop)
    with pytest.raises(InputError, match="there is no such folder"):
        folders.add(drop / "none")
    with pytest.raises(InputError, match="is no whole path"):
        folders.add(Path())


def test_damaged_file_of_the_home_is_an_empty_one(tmp_path: Path, folders: WatchedFolders) -> None:
    (tmp_path / "home" / "folders.json").write_text("{")
    assert folders.watched() == []
