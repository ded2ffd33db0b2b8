from __future__ import annotations

import pytest

from devicehub.engines.building.output import Complaint, share_of


@pytest.mark.parametrize(
    ("line", "share"),
    [
        ("[ 37%] Building CXX object CMakeFiles/MNN.dir/a.cpp.o", 0.37),
        ("[100%] Linking CXX executable llm_demo", 1.0),
        ("[3/12] Building CXX object a.o", 0.25),
        ("[3/0] odd", None),
        ("[12/3] more than all", 1.0),
        ("<======-------> 50% EXECUTING [1m 3s]", 0.5),
        ("-- Configuring done", None),
        ("[ 999%] odd", 1.0),
        ("", None),
    ],
)
def test_share(line: str, share: float | None) -> None:
    assert share_of(line) == share


def complain(*lines: str) -> str:
    complaint = Complaint()
    for line in lines:
        complaint.hear(line)
    return complaint.sentence


def test_the_compiler_knows_better_than_make() -> None:
    assert (
        complain(
            "[ 12%] Building CXX object a.o",
            "make[2]: *** [a.o] Error 1",
            "a.cpp:3:1: error: unknown type name 'x'",
            "b.cpp:9:1: error: another",
            "make: *** [all] Error 2",
        )
        == "a.cpp:3:1: error: unknown type name 'x'"
    )


def test_cmake_tells_on_the_next_line() -> None:
    said = complain(
        "CMake Error at CMakeLists.txt:3 (project):", "", "  No CMAKE_CXX_COMPILER could be found.", "x"
    )
    assert said == "CMake Error at CMakeLists.txt:3 (project): No CMAKE_CXX_COMPILER could be found."


def test_without_a_complaint_the_last_words_count() -> None:
    assert complain("one", "two", "  ") == "two"
    assert complain() == ""


def test_a_long_line_is_cut() -> None:
    assert len(complain("error: " + "x" * 10_000)) == 300
