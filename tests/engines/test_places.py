from __future__ import annotations

import json
import os
import struct
import zipfile
from typing import TYPE_CHECKING

import pytest

from devicehub.engines import places
from devicehub.engines.bundle import inspected
from devicehub.engines.catalog import EngineCatalog
from devicehub.errors import InputError
from devicehub.settings import Home
from tests.engines.elf_maker import android_program, make_elf

if TYPE_CHECKING:
    from pathlib import Path

LIBRARY = make_elf(needed=["libc.so"], text=b"\x003.6.1\x00")


def put(folder: Path, **files: bytes) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        (folder / name.replace("_so", ".so")).write_bytes(content)


def build(folder: Path, **more: bytes) -> None:
    put(folder, llm_demo=android_program(), llm_bench=android_program(), libMNN_so=LIBRARY, **more)
    (folder / "CMakeCache.txt").write_text("")


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    folder = tmp_path / "MNN"
    (folder / "include" / "MNN").mkdir(parents=True)
    (folder / "include" / "MNN" / "MNNDefine.h").write_text("#define MNN_VERSION_MAJOR 3\n")
    (folder / "CMakeLists.txt").write_text("")
    return folder


def slugs(path: Path) -> list[str]:
    with inspected(path) as inspection:
        return [finding.slug for finding in inspection.findings if finding.severity == "error"]


def zipped(path: Path, files: dict[str, bytes], *, mode: int = 0o100755) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            entry = zipfile.ZipInfo(name)
            entry.external_attr = mode << 16
            entry.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(entry, content)
    return path


def test_checkout_has_its_engine_in_the_folder_for_android(checkout: Path) -> None:
    build(checkout / "build")
    build(checkout / "project" / "android" / "build_64")
    with inspected(checkout) as inspection:
        assert inspection.bundle is not None
        assert inspection.bundle.sources["llm_demo"].parent == checkout / "project" / "android" / "build_64"
        [others] = [finding for finding in inspection.findings if finding.slug == "other_builds"]
        assert others.why.endswith(str(checkout / "build"))


def test_checkout_that_was_built_in_parts_has_its_libraries_below(checkout: Path) -> None:
    folder = checkout / "project" / "android" / "build_64"
    build(folder, libllm_so=make_elf(needed=["libMNN.so", "libMNNOpenCV.so"]))
    put(folder / "tools" / "cv", libMNNOpenCV_so=make_elf(needed=["libMNN.so"]))
    put(folder / "express", libMNN_Express_so=make_elf(needed=["libMNN.so"]))
    with inspected(checkout) as inspection:
        assert inspection.bundle is not None
        assert {"libllm.so", "libMNN_Express.so", "libMNNOpenCV.so"} <= inspection.bundle.sources.keys()


def test_checkout_without_a_build_says_how_to_make_it(checkout: Path) -> None:
    assert slugs(checkout) == ["not_built"]
    with pytest.raises(InputError, match=r"engines build --mnn \S+ --profile android-static`\)"):
        EngineCatalog(Home(checkout / "home")).add(checkout)


def test_checkout_built_without_the_language_model_says_so(checkout: Path) -> None:
    put(checkout / "project" / "android" / "build_64", libMNN_so=LIBRARY)
    assert slugs(checkout) == ["no_programs"]


def test_engine_in_a_zip_is_taken_from_its_folder(tmp_path: Path) -> None:
    files = {
        "mnn/README.md": b"x",
        "mnn/armeabi-v7a/libMNN.so": make_elf("armeabi-v7a"),
        "mnn/arm64-v8a/libMNN.so": LIBRARY,
        "mnn/arm64-v8a/llm_demo": android_program(),
    }
    engine = EngineCatalog(Home(tmp_path / "home")).add(zipped(tmp_path / "nightly 3.zip", files))
    assert engine.name == "nightly-3"
    assert [entry.path for entry in engine.manifest.files] == ["libMNN.so", "llm_demo"]
    assert (engine.root / "llm_demo").read_bytes() == android_program()


def test_zip_that_lost_the_executable_bit_is_told(tmp_path: Path) -> None:
    archive = zipped(tmp_path / "a.zip", {"llm_demo": android_program(needed=["libc.so"])}, mode=0o100644)
    with inspected(archive) as inspection:
        assert "not_executable" in [finding.slug for finding in inspection.findings]
        assert inspection.findings[0].place.startswith(str(archive))


def test_release_zip_holds_libraries_only(tmp_path: Path) -> None:
    files = {"mnn_3.6.1/arm64-v8a/libMNN.so": LIBRARY, "mnn_3.6.1/armeabi-v7a/libMNN.so": LIBRARY}
    assert slugs(zipped(tmp_path / "mnn.zip", files)) == ["no_programs"]


@pytest.mark.parametrize("name", ["../llm_demo", "/llm_demo", "a/../../llm_demo", "..\\llm_demo"])
def test_zip_whose_paths_lead_out_writes_nothing_there(tmp_path: Path, name: str) -> None:
    folder = tmp_path / "deep" / "deeper"
    folder.mkdir(parents=True)
    archive = zipped(folder / "a.zip", {name: android_program(needed=["libc.so"])})
    before = sorted(tmp_path.rglob("*"))
    assert slugs(archive) != []
    assert sorted(tmp_path.rglob("*")) == before


def test_link_in_a_zip_is_no_file(tmp_path: Path) -> None:
    archive = zipped(tmp_path / "a.zip", {"llm_demo": b"/etc/passwd"}, mode=0o120777)
    assert slugs(archive) == ["empty_folder"]


def test_zip_bomb_is_left_packed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(places, "_MOST_BYTES", 1_000_000)
    archive = zipped(tmp_path / "a.zip", {"llm_demo": b"\x7fELF" + bytes(2_000_000)})
    assert archive.stat().st_size < 10_000
    assert slugs(archive) == ["zip_too_big"]


def test_zip_that_holds_more_than_it_says_is_left_packed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(places, "_MOST_BYTES", 1_000_000)
    archive = zipped(tmp_path / "a.zip", {"llm_demo": b"\x7fELF" + bytes(2_000_000)})
    data = bytearray(archive.read_bytes())
    for size in (i for i in range(len(data) - 3) if data[i : i + 4] == struct.pack("<I", 2_000_004)):
        data[size : size + 4] = struct.pack("<I", 100)
    archive.write_bytes(data)
    try:
        assert slugs(archive)
    except InputError as error:
        assert "cannot be unpacked" in str(error)  # noqa: PT017 - either way is right; taking it is not


def test_zip_of_too_many_files_is_left_packed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(places, "_MOST_ENTRIES", 10)
    assert slugs(zipped(tmp_path / "a.zip", {f"{n}": b"" for n in range(11)})) == ["zip_too_big"]


def test_encrypted_zip_is_a_sentence(tmp_path: Path) -> None:
    archive = zipped(tmp_path / "a.zip", {"llm_demo": android_program()})
    data = bytearray(archive.read_bytes())
    data[6] |= 1  # the local header's flags, then the directory's
    data[data.index(b"PK\x01\x02") + 8] |= 1
    archive.write_bytes(data)
    with pytest.raises(InputError, match="cannot be unpacked"):
        slugs(archive)


def test_nothing_of_a_zip_is_left_in_the_folder_for_temporary_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(scratch))
    with inspected(zipped(tmp_path / "a.zip", {"llm_demo": android_program()})):
        assert list(scratch.iterdir()) != []
    assert list(scratch.iterdir()) == []


def test_pipe_in_the_programs_place_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "llm_demo")
    assert slugs(tmp_path) == ["no_program"]


def test_link_that_leads_nowhere_is_no_file(tmp_path: Path) -> None:
    (tmp_path / "llm_demo").symlink_to(tmp_path / "gone")
    assert slugs(tmp_path) == ["no_program"]


def test_engine_that_an_older_version_added_is_looked_at_again(tmp_path: Path) -> None:
    catalog = EngineCatalog(Home(tmp_path / "home"))
    build(tmp_path / "built")
    engine = catalog.add(tmp_path / "built", "old")
    entry = engine.root.parent / "engine.json"
    stored = json.loads(entry.read_text())
    assert stored.pop("features")["backends"] == ["cpu"]
    entry.write_text(json.dumps(stored))
    assert catalog.get("old").features == engine.features
    assert json.loads(entry.read_text())["features"]["backends"] == ["cpu"]
