from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from devicehub.engines.building.lacks import incomplete_sdk, lacks, needed
from devicehub.engines.building.tools import Tool, Tools
from devicehub.findings import Severity
from devicehub.profiles.load import engine_file
from devicehub.settings import Home
from devicehub.units import GIB

HOME = Home(Path("/nowhere"))
X = Path("/x")
ALL: dict[str, Any] = {
    "cmake": Tool(X, (3, 25)),
    "maker": Tool(X),
    "compiler": Tool(X),
    "zig": Tool(X),
    "ndk": Tool(X, (27, 2)),
    "android_sdk": Tool(X),
    "java": Tool(X, (17, 0)),
    "qnn_sdk": Tool(X),
}


def slugs(profile: str, *, named: dict[str, Path] | None = None, **tools: Tool | None) -> list[str]:
    there = Tools(system="Linux", named=named or {}, **{**ALL, **tools})
    return [finding.slug for finding in lacks(engine_file(profile, HOME), there)]


@pytest.mark.parametrize("profile", ["desktop", "android-static", "android-cpu", "android-qnn", "chat-app"])
def test_nothing_is_missing_where_all_is_there(profile: str) -> None:
    assert slugs(profile) == []


@pytest.mark.parametrize(
    ("profile", "tool"),
    [
        ("desktop", "cmake"),
        ("desktop", "maker"),
        ("desktop", "compiler"),
        ("android-static", "zig"),
        ("android-opencl", "ndk"),
        ("android-qnn", "qnn_sdk"),
        ("chat-app", "android_sdk"),
        ("chat-app", "java"),
    ],
)
def test_each_tool_is_missed_with_the_line_that_installs_it(profile: str, tool: str) -> None:
    there = Tools(system="Linux", named={}, **{**ALL, tool: None})
    [finding] = lacks(engine_file(profile, HOME), there)
    assert (finding.severity, finding.slug) == (Severity.ERROR, f"no_{tool}")
    assert finding.fix
    assert tool in needed(engine_file(profile, HOME))


def test_a_phone_needs_no_compiler_of_this_host() -> None:
    assert slugs("android-static", compiler=None, ndk=None, java=None) == []
    assert slugs("desktop", zig=None, ndk=None) == []


def test_old_tools_are_told() -> None:
    assert slugs("desktop", cmake=Tool(X, (3, 10, 2))) == ["old_cmake"]
    assert slugs("chat-app", java=Tool(X, (11, 0, 2))) == ["old_java"]
    there = Tools(system="Linux", named={}, **{**ALL, "ndk": Tool(X, (23, 1))})
    [finding] = lacks(engine_file("android-cpu", HOME), there)
    assert (finding.severity, finding.slug) == (Severity.WARNING, "old_ndk")
    assert finding.why == "is 23.1, and it takes 25 or newer"


def test_a_tool_that_does_not_tell_its_version_is_taken() -> None:
    assert slugs("desktop", cmake=Tool(X)) == []


def test_what_the_user_named_is_named_back() -> None:
    there = Tools(system="Darwin", named={"ndk": Path("/my/ndk")}, **{**ALL, "ndk": None})
    [finding] = lacks(engine_file("android-cpu", HOME), there)
    assert finding.why == "is not in /my/ndk, which --ndk names"


def test_lines_are_those_of_the_system() -> None:
    for system, line in (("Linux", "sudo apt install cmake"), ("Darwin", "brew install cmake")):
        there = Tools(system=system, named={}, **{**ALL, "cmake": None})
        assert lacks(engine_file("desktop", HOME), there)[0].fix == line


def test_a_disk_with_little_room_is_a_warning() -> None:
    there = Tools(system="Linux", named={}, **ALL)
    [finding] = lacks(engine_file("desktop", HOME), there, free_bytes=GIB)
    assert (finding.severity, finding.slug) == (Severity.WARNING, "little_room")
    assert lacks(engine_file("desktop", HOME), there, free_bytes=9 * GIB) == []


def test_an_sdk_of_headers_alone_makes_no_engine() -> None:
    assert incomplete_sdk(X, []) == []
    [finding] = incomplete_sdk(X, ["lib/a.so", "lib/*b.so"])
    assert (finding.severity, finding.slug, finding.place) == (Severity.ERROR, "qnn_sdk_incomplete", "/x")
    assert finding.why == "holds no lib/a.so, no lib/*b.so"
