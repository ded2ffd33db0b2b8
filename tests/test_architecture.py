"""What holds for the source as a whole and no linter checks."""

import ast
import json
import re
import sys
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from devicehub import procs

REPO: Final = Path(__file__).parents[1]
GENERATED: Final = {"__pycache__", "dist", "build"}

LONG_FILE: Final = 400
LONGEST_FILE: Final = 500

INIT_WITH_CONTENT: Final = {"devicehub/__init__.py", "devicehub/demo_model/__init__.py"}
"""The version, and where the demo model is. Every other package is only a place for its modules."""

SLOW_TO_IMPORT: Final = {
    *("MNN", "adbutils", "asyncio", "elftools", "msgspec", "numpy", "sqlite3", "ssl", "textual", "tomllib"),
    *("devicehub.adb", "devicehub.android", "devicehub.hub", "devicehub.runs", "devicehub.workloads"),
}

# A developer's own folder has no place in the source; the same words inside a longer path are something else.
HOME_PATH: Final = re.compile(rb"(?<![\w$})>.*-])/(?:root|home/[a-z]+|Users/[A-Za-z]+)/")


def files() -> Iterator[Path]:
    """Every file of the source tree, what tools generate left out."""
    folders = [REPO]
    while folders:
        for path in sorted(folders.pop().iterdir()):
            hidden = path.name.startswith(".") and path.name != ".ci"
            if hidden or path.name in GENERATED or path.suffix == ".egg-info":
                continue
            if path.is_dir():
                folders.append(path)
            elif path.is_file():
                yield path


def name(path: Path) -> str:
    return path.relative_to(REPO).as_posix()


@pytest.mark.filterwarnings("default:long files")
def test_no_file_has_more_than_500_lines() -> None:
    code = [path for path in files() if path.suffix in {".py", ".sh"}]
    lines = {name(path): path.read_text(encoding="utf-8").count("\n") for path in code}
    growing = {file: count for file, count in lines.items() if LONG_FILE < count <= LONGEST_FILE}
    if growing:
        warnings.warn(f"long files, split them soon: {growing}", stacklevel=1)
    assert {file: count for file, count in lines.items() if count > LONGEST_FILE} == {}


def test_no_file_names_a_developers_home() -> None:
    naming = {name(path): found.group() for path in files() if (found := HOME_PATH.search(path.read_bytes()))}
    assert naming == {}


@pytest.mark.parametrize("path", [b"root/x", b"home/ann/src", b"Users/Ann/src"])
@pytest.mark.parametrize("before", [b"", b"cd ", b'"', b"=", b"file:"])
def test_a_developers_home_would_be_found(before: bytes, path: bytes) -> None:
    assert HOME_PATH.search(before + b"/" + path)


def test_packages_hold_a_docstring_only() -> None:
    wrong = []
    for path in files():
        if path.name != "__init__.py" or name(path) in INIT_WITH_CONTENT:
            continue
        tree = ast.parse(path.read_bytes())
        body = tree.body[1:] if ast.get_docstring(tree) is not None else tree.body
        is_documented = len(body) < len(tree.body) or name(path).startswith("tests/")
        if body or not is_documented:
            wrong.append(name(path))
    assert wrong == []


async def test_the_command_line_starts_without_what_only_commands_need() -> None:
    listing = "import json, sys; import devicehub.cli.main; print(json.dumps(sorted(sys.modules)))"
    done = await procs.run([sys.executable, "-c", listing], timeout_s=60, cwd=REPO)
    assert done.status == 0, done.stderr.decode()
    loaded = set(json.loads(done.stdout))
    assert "devicehub.cli.main" in loaded
    assert loaded & SLOW_TO_IMPORT == set()
