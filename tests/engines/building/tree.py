"""A small tree of sources with MNN's targets and options."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

import pytest

# Where pip puts the wheels' programs; devicehub looks there too.
_PATH = os.pathsep.join([os.environ.get("PATH", ""), str(Path(sys.executable).parent)])
needs_cmake = pytest.mark.skipif(
    shutil.which("cmake", path=_PATH) is None or shutil.which("c++") is None,
    reason="no cmake or no compiler here",
)
needs_ninja = pytest.mark.skipif(shutil.which("ninja", path=_PATH) is None, reason="no ninja here")

CMAKE = """
cmake_minimum_required(VERSION 3.6)
project(MNN C CXX ASM)
option(MNN_BUILD_SHARED_LIBS "Build shared or static lib" ON)
option(MNN_BUILD_LLM "Build llm" OFF)
option(MNN_SEP_BUILD "Build separately" ON)
add_compile_options(-fno-exceptions)
if(CMAKE_SYSTEM_PROCESSOR MATCHES "aarch64")
    set_source_files_properties(half.cpp PROPERTIES COMPILE_OPTIONS "-march=armv8.2-a+fp16")
endif()
if(MNN_BUILD_SHARED_LIBS)
    add_library(MNN SHARED half.cpp)
else()
    add_library(MNN STATIC half.cpp)
endif()
if(MNN_BUILD_LLM)
    foreach(name llm_demo llm_bench)
        add_executable(${name} ${name}.cpp)
        target_link_libraries(${name} MNN)
    endforeach()
endif()
"""
DEFINE = """
#define MNN_VERSION_MAJOR 9
#define MNN_VERSION_MINOR 8
#define MNN_VERSION_PATCH 7
"""
PROGRAM = """
#include <cstdio>
int answer();
int main(int count, char** words) {
    if (count < 2) { printf("Usage: %s config.json\\n", words[0]); return 0; }
    printf("config path is %s, %d\\n", words[1], answer());
    return 0;
}
"""


def make_tree(folder: Path) -> Path:
    """Write the tree into a new folder."""
    (folder / "include/MNN").mkdir(parents=True)
    (folder / "include/MNN/MNNDefine.h").write_text(DEFINE)
    (folder / "CMakeLists.txt").write_text(CMAKE)
    (folder / "half.cpp").write_text("int answer() { return 42; }\n")
    for name in ("llm_demo", "llm_bench"):
        (folder / f"{name}.cpp").write_text(PROGRAM)
    return folder
