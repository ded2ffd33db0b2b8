from __future__ import annotations

import hashlib
import os
from typing import TYPE_CHECKING

import pytest

from devicehub.errors import InputError
from devicehub.manifest import build_manifest, list_files, require_folder

if TYPE_CHECKING:
    from pathlib import Path


def test_order_and_id_depend_on_content_alone(tmp_path: Path) -> None:
    for name in ("b", "a", "c d"):
        (tmp_path / name).write_text(name)
    forward = build_manifest(tmp_path, ["a", "b", "c d"])
    assert forward == build_manifest(tmp_path, ["c d", "b", "a", "a"])
    assert [entry.path for entry in forward.files] == ["a", "b", "c d"]
    assert forward.files[0].sha256 == hashlib.sha256(b"a").hexdigest()
    (tmp_path / "a").write_text("A")
    assert build_manifest(tmp_path, ["a", "b", "c d"]).id != forward.id


def test_progress_counts_every_byte(tmp_path: Path) -> None:
    (tmp_path / "big").write_bytes(bytes(9_000_001))
    seen: list[int] = []
    manifest = build_manifest(tmp_path, ["big"], progress=seen.append)
    assert sum(seen) == manifest.size == 9_000_001
    assert len(seen) > 1


@pytest.mark.parametrize("path", ["../x", "a/../../x", "/etc/passwd", "", ".", "a//b", "a/"])
def test_paths_out_of_the_folder_are_refused(tmp_path: Path, path: str) -> None:
    with pytest.raises(InputError, match="leads out of the folder"):
        build_manifest(tmp_path, [path])


@pytest.mark.parametrize("name", ["line\nbreak", "x" * 256, "é" * 128, "\udcff"])
def test_names_that_a_phone_cannot_hold(tmp_path: Path, name: str) -> None:
    with pytest.raises(InputError, match="the name"):
        build_manifest(tmp_path, [name])


def test_link_to_a_file_stands_for_its_content(tmp_path: Path) -> None:
    # A Hugging Face cache is made of such links.
    (tmp_path / "blobs").mkdir()
    (tmp_path / "blobs" / "1234").write_text("weights")
    folder = tmp_path / "snapshot"
    folder.mkdir()
    (folder / "llm.mnn").symlink_to("../blobs/1234")
    assert list_files(folder) == ["llm.mnn"]
    assert build_manifest(folder, ["llm.mnn"]).files[0].size == 7


@pytest.mark.parametrize("target", ["nowhere", "."])
def test_link_to_nothing_or_to_a_folder_is_refused(tmp_path: Path, target: str) -> None:
    (tmp_path / "link").symlink_to(target)
    with pytest.raises(InputError, match="link that leads to no file"):
        list_files(tmp_path)


def test_hidden_files_are_left_out(tmp_path: Path) -> None:
    (tmp_path / ".cache").mkdir()
    (tmp_path / ".cache" / "x").write_text("")
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "a b").write_text("")
    (tmp_path / ".gitattributes").write_text("")
    assert list_files(tmp_path) == ["sub/a b"]


def test_fifo_neither_blocks_nor_passes(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(InputError, match="not a regular file"):
        build_manifest(tmp_path, ["pipe"])


def test_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"gone: cannot be read \(No such file"):
        build_manifest(tmp_path, ["gone"])


@pytest.mark.parametrize("name", ["x" * 300, "nul\0", "absent", "file", "file/below"])
def test_what_is_no_folder_is_always_a_sentence(tmp_path: Path, name: str) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match=r"cannot be read|is no path|no such folder|is not a folder; hint"):
        require_folder(tmp_path / name, remedy="hint")
