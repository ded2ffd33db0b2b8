from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from devicehub.engines.building.tools import TOOLCHAIN_FILE, find_tools, parse_version

if TYPE_CHECKING:
    from pathlib import Path


def program(folder: Path, name: str, says: str, *, status: int = 0) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / name
    file.write_text(f"#!/bin/sh\necho '{says}' >&2\nexit {status}\n")
    file.chmod(0o755)
    return file


def make_ndk(folder: Path, revision: str | None = "27.2.12479018") -> Path:
    toolchain = folder / TOOLCHAIN_FILE
    toolchain.parent.mkdir(parents=True)
    toolchain.touch()
    if revision is not None:
        (folder / "source.properties").write_text(f"Pkg.Desc = Android NDK\nPkg.Revision = {revision}\n")
    return folder


@pytest.mark.parametrize(
    ("text", "version"),
    [
        ("cmake version 3.25.1\n\nCMake suite", (3, 25, 1)),
        ('openjdk version "17.0.15" 2025-04-15', (17, 0, 15)),
        ("2.38.0.250901", (2, 38, 0, 250901)),
        ("r27c", (27,)),
        ("none", ()),
        ("9" * 100, ()),
    ],
)
def test_versions(text: str, version: tuple[int, ...]) -> None:
    assert parse_version(text) == version


async def test_programs_are_asked_for_their_versions(tmp_path: Path) -> None:
    bin_ = tmp_path / "bin"
    program(bin_, "cmake", "cmake version 9.1.2")
    program(bin_, "ninja", "")
    program(tmp_path / "jdk/bin", "java", 'openjdk version "21.0.1"')
    tools = await find_tools({"PATH": str(bin_), "JAVA_HOME": str(tmp_path / "jdk")})
    assert tools.cmake is not None
    assert (tools.cmake.path, tools.cmake.version) == (bin_ / "cmake", (9, 1, 2))
    assert tools.java is not None
    assert tools.java.version == (21, 0, 1)
    assert tools.maker is not None
    assert tools.maker.path == bin_ / "ninja"


async def test_a_java_that_only_tells_where_to_get_one_is_none(tmp_path: Path) -> None:
    program(tmp_path, "java", "Unable to locate a Java Runtime", status=1)
    assert (await find_tools({"PATH": str(tmp_path)})).java is None


async def test_the_ndk_is_found_where_it_is_said_to_be(tmp_path: Path) -> None:
    ndk = make_ndk(tmp_path / "ndk")
    for environ in ({"ANDROID_NDK": str(ndk)}, {"ANDROID_NDK_HOME": str(ndk)}):
        found = (await find_tools({"PATH": "", **environ})).ndk
        assert found is not None
        assert (found.path, found.version) == (ndk, (27, 2, 12479018))
    named = await find_tools({"PATH": "", "ANDROID_NDK": str(ndk)}, ndk=tmp_path / "other")
    assert (named.ndk, named.named) == (None, {"ndk": tmp_path / "other"})


async def test_the_newest_ndk_beside_the_sdk_is_taken(tmp_path: Path) -> None:
    for revision in ("9.0.1", "27.2.3", "26.1.9"):
        make_ndk(tmp_path / "Android/Sdk/ndk" / revision, revision)
    tools = await find_tools({"PATH": "", "HOME": str(tmp_path)})
    assert tools.android_sdk is not None
    assert tools.ndk is not None
    assert tools.ndk.version == (27, 2, 3)


async def test_an_ndk_that_does_not_tell_its_version_is_taken(tmp_path: Path) -> None:
    ndk = make_ndk(tmp_path / "ndk", None)
    found = (await find_tools({"PATH": ""}, ndk=ndk)).ndk
    assert found is not None
    assert found.version == ()


async def test_the_qnn_sdk_is_known_by_its_headers(tmp_path: Path) -> None:
    assert (await find_tools({"PATH": ""}, qnn_sdk=tmp_path)).qnn_sdk is None
    (tmp_path / "2.38.0/include/QNN").mkdir(parents=True)
    found = (await find_tools({"PATH": "", "QNN_SDK_ROOT": str(tmp_path / "2.38.0")})).qnn_sdk
    assert found is not None
    assert found.version == (2, 38, 0)
