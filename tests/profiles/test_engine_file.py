from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from devicehub.profiles.engine_file import EngineFile
from devicehub.profiles.load import check_file

if TYPE_CHECKING:
    from pathlib import Path

GOOD = """
summary = "For the desk"
toolchain = "host"
targets = ["llm_demo"]
files = ["llm_demo"]

[options]
MNN_BUILD_LLM = true
"""


def problems(tmp_path: Path, text: str) -> list[str]:
    file = tmp_path / "mine.toml"
    file.write_text(text, "utf-8")
    return [f"{problem.key}: {problem.problem}" for problem in check_file(file, EngineFile)[1]]


def test_a_good_one_has_no_problems(tmp_path: Path) -> None:
    assert problems(tmp_path, GOOD) == []


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (GOOD.replace('"host"', '"gcc"'), "toolchain: "),
        (GOOD.replace('"llm_demo"', '"llm demo"', 1), "targets"),
        (GOOD.replace('files = ["llm_demo"]', ""), "files: is missing"),
        (GOOD.replace('files = ["llm_demo"]', 'files = ["../x"]'), "files: ../x leads out of the folder"),
        (GOOD + 'X = "{home}"', "options.X: {home} is no place"),
        (GOOD + 'X = "{ndk}"', 'options.X: {ndk} needs toolchain = "ndk"'),
        (GOOD + 'X = "{qnn_sdk}"', 'options.X: {qnn_sdk} needs "qnn" in sdks'),
        (GOOD + '[env]\nX = "{ndk}"', "env.X: {ndk} needs"),
        (GOOD + '[why]\nMNN_BUILD_LMM = "so"', "why.MNN_BUILD_LMM: neither [options] nor [env] has it"),
        (GOOD.replace("[options]", 'sdk_files = ["a"]\n[options]'), 'sdk_files: needs "qnn" in sdks'),
        (
            GOOD + '[app]\nfolder = "a"\ntask = "b"\napk = "c"\nlibraries = "d"',
            'app: needs toolchain = "ndk" and "android" in sdks',
        ),
    ],
)
def test_what_is_wrong_is_named_with_its_key(tmp_path: Path, text: str, said: str) -> None:
    found = problems(tmp_path, text)
    assert len(found) == 1
    assert found[0].startswith(said)
