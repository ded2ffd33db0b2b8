from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from devicehub.engines.catalog import EngineCatalog
from devicehub.engines.elf import read_elf
from devicehub.engines.host import host_abi
from devicehub.errors import InputError
from devicehub.settings import Home
from tests.engines.elf_maker import android_program, make_elf

SCRIPT = '#!/system/bin/sh\nexec mnn_engine llm_demo "$@"\n'


@pytest.fixture
def catalog(tmp_path: Path) -> EngineCatalog:
    return EngineCatalog(Home(tmp_path / "home"))


@pytest.fixture
def build(tmp_path: Path) -> Path:
    folder = tmp_path / "my build"
    folder.mkdir()
    (folder / "llm_demo").write_bytes(android_program(imports=["printf"]))
    (folder / "llm_bench").write_bytes(android_program())
    (folder / "libMNN.so").write_bytes(make_elf(needed=["liblog.so", "libc.so"], text=b"\x003.6.1\x00"))
    (folder / "README.md").write_text("notes")
    return folder


def test_add_reads_what_the_files_tell(catalog: EngineCatalog, build: Path) -> None:
    engine = catalog.add(build)
    assert engine.id == f"my-build-{engine.manifest.id[:8]}"
    assert (engine.abi, engine.version, engine.logcat) == ("arm64-v8a", "3.6.1", False)
    assert engine.executables == ("llm_bench", "llm_demo")
    assert engine.page_align == 0x4000
    assert [entry.path for entry in engine.manifest.files] == ["libMNN.so", "llm_bench", "llm_demo"]
    assert [entry.mode for entry in engine.manifest.files] == [0o644, 0o755, 0o755]
    assert (engine.root / "llm_demo").read_bytes() == (build / "llm_demo").read_bytes()


def test_same_content_from_elsewhere_is_the_same_engine(
    catalog: EngineCatalog, build: Path, tmp_path: Path
) -> None:
    first = catalog.add(build)
    elsewhere = build.rename(tmp_path / "elsewhere")
    assert catalog.add(elsewhere) == first
    assert catalog.list() == [first]


def test_another_name_for_the_same_content_is_kept(catalog: EngineCatalog, build: Path) -> None:
    first, second = catalog.add(build), catalog.add(build, "stable")
    assert second.name == "stable"
    assert first.manifest == second.manifest
    assert {engine.id for engine in catalog.list()} == {first.id, second.id}


def test_changed_content_is_another_engine(catalog: EngineCatalog, build: Path) -> None:
    first = catalog.add(build)
    (build / "libMNN.so").write_bytes(make_elf(needed=["libc.so"], text=b"other"))
    second = catalog.add(build)
    assert first.id != second.id
    with pytest.raises(InputError, match="several have this name"):
        catalog.get("my-build")
    assert catalog.get(second.id[:-1]) == second


def test_logcat_build_is_recognised(catalog: EngineCatalog, build: Path) -> None:
    (build / "llm_demo").write_bytes(android_program(imports=["__android_log_print"]))
    assert catalog.add(build).logcat is True


def test_log_calls_in_the_library_alone_are_unknown(catalog: EngineCatalog, build: Path) -> None:
    (build / "libMNN.so").write_bytes(make_elf(imports=["__android_log_print"]))
    assert catalog.add(build).logcat is None


def test_missing_needed_library_is_named(catalog: EngineCatalog, build: Path) -> None:
    (build / "libMNN.so").write_bytes(make_elf(needed=["libc++_shared.so", "libc.so"]))
    with pytest.raises(InputError, match=r"libMNN\.so: needs libc\+\+_shared\.so.*NDK has it"):
        catalog.add(build)
    assert catalog.list() == []


def test_mixed_abis_are_refused(catalog: EngineCatalog, build: Path) -> None:
    (build / "libMNN.so").write_bytes(make_elf("armeabi-v7a"))
    with pytest.raises(InputError, match=r"libMNN\.so: is built for armeabi-v7a, llm_demo for arm64-v8a"):
        catalog.add(build)


def test_library_for_the_dsp_is_no_mix(catalog: EngineCatalog, build: Path) -> None:
    (build / "libQnnHtpV75Skel.so").write_bytes(make_elf("hexagon", needed=["libc++.so.1", "libgcc.so"]))
    assert "libQnnHtpV75Skel.so" in [entry.path for entry in catalog.add(build).manifest.files]


@pytest.mark.parametrize("loader", ["/lib64/ld-linux-other.so.2", "/lib/ld-musl-other.so.1"])
def test_desktop_build_is_refused(catalog: EngineCatalog, build: Path, loader: str) -> None:
    (build / "llm_demo").write_bytes(make_elf("x86_64", interpreter=loader, needed=["libc.so.6"]))
    with pytest.raises(InputError, match=r"built for a desktop.*Android NDK"):
        catalog.add(build)


@pytest.mark.skipif(host_abi() is None, reason="no engine is for this computer")
def test_build_for_this_computer_is_taken_for_it_alone(catalog: EngineCatalog, tmp_path: Path) -> None:
    folder = tmp_path / "desktop"
    folder.mkdir()
    abi = {"linux-x86_64": "x86_64", "linux-aarch64": "arm64-v8a"}[host_abi() or ""]
    loader = read_elf(Path(sys.executable).resolve()).interpreter
    (folder / "llm_demo").write_bytes(make_elf(abi, interpreter=loader, needed=["libMNN.so", "libc.so.6"]))
    (folder / "libMNN.so").write_bytes(make_elf(abi, needed=["libc.so.6"]))
    engine = catalog.add(folder)
    assert (engine.abi, engine.executables, engine.logcat) == (host_abi(), ("llm_demo",), False)
    (folder / "libMNN.so").write_bytes(make_elf("armeabi-v7a", needed=["libc.so"]))
    with pytest.raises(InputError, match="is of another kind than llm_demo"):
        catalog.add(folder)


def test_static_program_needs_no_library(catalog: EngineCatalog, tmp_path: Path) -> None:
    folder = tmp_path / "static"
    folder.mkdir()
    (folder / "llm_demo").write_bytes(make_elf(static=True, align=0x10000, text=b"\x003.6.1\x00"))
    engine = catalog.add(folder)
    assert (engine.logcat, engine.version, engine.page_align) == (False, "3.6.1", 0x10000)


def test_of_a_cmake_build_only_the_engine_is_taken(catalog: EngineCatalog, build: Path) -> None:
    (build / "CMakeCache.txt").write_text("")
    (build / "unitTest.out").write_bytes(android_program(needed=["libtest_only.so"]))
    deeper = build / "tools" / "cv"
    deeper.mkdir(parents=True)
    (deeper / "libMNNOpenCV.so").write_bytes(make_elf(needed=["libMNN.so"]))
    (build / "llm_demo").write_bytes(android_program(needed=["libMNNOpenCV.so", "libMNN.so"]))
    names = [entry.path for entry in catalog.add(build).manifest.files]
    assert names == ["libMNN.so", "libMNNOpenCV.so", "llm_bench", "llm_demo"]


def test_script_engine_for_virtual_phones(catalog: EngineCatalog, tmp_path: Path) -> None:
    folder = tmp_path / "virtual"
    folder.mkdir()
    (folder / "llm_demo").write_text(SCRIPT)
    with pytest.raises(InputError, match="is a script, which no phone takes"):
        catalog.add(folder)
    (folder / "engine.toml").write_text('abi = "virtual"\nversion = "3.6.1"\nlogcat = true\n')
    engine = catalog.add(folder)
    assert (engine.abi, engine.version, engine.logcat) == ("virtual", "3.6.1", True)
    # The executable bit is ours to give: wheels and archives lose it.
    assert engine.manifest.files[0].mode == 0o755


@pytest.mark.parametrize(
    ("text", "said"), [("abi = 3", "abi"), ("\nabi = x", "line 2"), ("threads = 4", "threads")]
)
def test_wrong_engine_toml_names_the_key(catalog: EngineCatalog, build: Path, text: str, said: str) -> None:
    (build / "engine.toml").write_text(text)
    with pytest.raises(InputError, match=rf"engine\.toml.*{said}"):
        catalog.add(build)


def test_bad_folders_say_what_they_are(catalog: EngineCatalog, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="there is no such folder"):
        catalog.add(tmp_path / "nowhere")
    archive = tmp_path / "mnn.tar.gz"
    archive.write_bytes(b"\x1f\x8b")
    with pytest.raises(InputError, match=r"is not a folder; unpack it"):
        catalog.add(archive)
    damaged = tmp_path / "mnn.zip"
    damaged.write_bytes(b"PK\x03\x04")
    with pytest.raises(InputError, match=r"the zip is damaged"):
        catalog.add(damaged)
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="is not a folder"):
        catalog.add(tmp_path / "file")
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match="is empty"):
        catalog.add(tmp_path / "empty")


def test_release_archive_without_llm_demo_is_named(catalog: EngineCatalog, build: Path) -> None:
    (build / "llm_demo").unlink()
    with pytest.raises(InputError, match=r"holds MNN's libraries, but no llm_demo"):
        catalog.add(build)


def test_llm_demo_one_folder_deeper_is_pointed_at(catalog: EngineCatalog, build: Path) -> None:
    with pytest.raises(InputError, match=r"llm_demo lies deeper; add .*my build instead"):
        catalog.add(build.parent)


def test_git_lfs_pointer_instead_of_the_program(catalog: EngineCatalog, build: Path) -> None:
    (build / "llm_demo").write_text("version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n")
    with pytest.raises(InputError, match="git lfs pull"):
        catalog.add(build)


@pytest.mark.parametrize("name", ["", "a/b", "a:b", "-a", ".a", "a b", "é", "x" * 65])
def test_names_that_cannot_be_part_of_a_library_path(catalog: EngineCatalog, build: Path, name: str) -> None:
    with pytest.raises(InputError, match="cannot be used"):
        catalog.add(build, name)


def test_remove_forgets_the_engine(catalog: EngineCatalog, build: Path) -> None:
    engine = catalog.add(build)
    assert catalog.remove("my-build") == engine
    assert not engine.root.exists()
    with pytest.raises(InputError, match="known: none"):
        catalog.get(engine.id)


def test_leftover_of_a_killed_addition_is_no_engine(
    catalog: EngineCatalog, build: Path, tmp_path: Path
) -> None:
    leftover = tmp_path / "home" / "engines" / ".adding-4194305-x"
    leftover.mkdir(parents=True)
    assert catalog.list() == []
    catalog.add(build)
    assert not leftover.exists()


def test_damaged_entry_names_its_file(catalog: EngineCatalog, build: Path) -> None:
    engine = catalog.add(build)
    (engine.root.parent / "engine.json").write_text("{")
    with pytest.raises(InputError, match=r"engine\.json.*add the engine again"):
        catalog.list()


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read every file")
def test_unreadable_folder(catalog: EngineCatalog, build: Path) -> None:
    build.chmod(0)
    with pytest.raises(InputError, match="check its permissions"):
        catalog.add(build)
    build.chmod(0o700)
