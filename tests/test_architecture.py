"""What holds for the source as a whole and no linter checks."""

import ast
import json
import re
import sys
import warnings
from collections.abc import Iterator
from fnmatch import fnmatch
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

PURE_MODULES: Final = (
    "devicehub.adb.wire*",
    "devicehub.android.*",
    "devicehub.deploy.plan",
    "devicehub.device.identify",
    "devicehub.device.lifecycle",
    "devicehub.device.model",
    "devicehub.errors",
    "devicehub.manifest",
    "devicehub.profiles.match",
    "devicehub.profiles.schema",
    "devicehub.runner.contract",
    "devicehub.runs.*",
    "devicehub.units",
    "devicehub.workloads.*",
)
IMPURE: Final = {"asyncio", "random", "socket", "sqlite3", "subprocess", "textual", "time", "websockets"}

SLOW_TO_IMPORT: Final = {
    *("MNN", "adbutils", "asyncio", "elftools", "msgspec", "numpy", "sqlite3", "ssl", "textual", "tomllib"),
    *("devicehub.adb", "devicehub.android", "devicehub.hub", "devicehub.runs", "devicehub.workloads"),
}

# Paths of a machine on which this was written; a phone's own .../work/ is another thing.
MACHINE_PATH: Final = re.compile(rb"(?<![\w$})>.*-])/(?:work/(?:main|shared|\.)|root/|tmp/w/)")


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


def modules() -> dict[str, Path]:
    """Dotted name -> file, packages' own files left out."""
    found = (path for path in files() if name(path).startswith("devicehub/") and path.suffix == ".py")
    return {
        name(path).removesuffix(".py").replace("/", "."): path for path in found if path.stem != "__init__"
    }


@pytest.mark.filterwarnings("default:long files")
def test_no_file_has_more_than_500_lines() -> None:
    code = [path for path in files() if path.suffix in {".py", ".sh"}]
    lines = {name(path): path.read_text(encoding="utf-8").count("\n") for path in code}
    growing = {file: count for file, count in lines.items() if LONG_FILE < count <= LONGEST_FILE}
    if growing:
        warnings.warn(f"long files, split them soon: {growing}", stacklevel=1)
    assert {file: count for file, count in lines.items() if count > LONGEST_FILE} == {}


def test_no_file_names_a_path_of_the_machine_it_was_written_on() -> None:
    naming = {
        name(path): found.group() for path in files() if (found := MACHINE_PATH.search(path.read_bytes()))
    }
    assert naming == {}


@pytest.mark.parametrize("path", [b"root/x", b"tmp/w/a", b"work/main", b"work/shared/data"])
@pytest.mark.parametrize("before", [b"", b"cd ", b'"', b"=", b"file:"])
def test_a_machine_path_would_be_found(before: bytes, path: bytes) -> None:
    assert MACHINE_PATH.search(before + b"/" + path)


@pytest.mark.parametrize("text", [b"/data/local/tmp/devicehub/work/main", b"$root/work/.x", b"{root}/root/a"])
def test_a_path_on_the_phone_is_no_machine_path(text: bytes) -> None:
    assert not MACHINE_PATH.search(text)


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


def imports(path: Path) -> set[str]:
    """What a module imports when it runs, first names only; imports for type checkers do not count."""
    found: set[str] = set()
    nodes: list[ast.AST] = [ast.parse(path.read_bytes())]
    while nodes:
        node = nodes.pop()
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            nodes += node.orelse
            continue
        if isinstance(node, ast.Import):
            found |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module.partition(".")[0])
        nodes += ast.iter_child_nodes(node)
    return found


@pytest.mark.parametrize("pattern", PURE_MODULES)
def test_pure_modules_do_no_io_and_read_no_clock(pattern: str) -> None:
    pure = {module: path for module, path in modules().items() if fnmatch(module, pattern)}
    assert pure, "no such module: correct PURE_MODULES"
    assert {module: bad for module, path in pure.items() if (bad := imports(path) & IMPURE)} == {}


async def test_the_command_line_starts_without_what_only_commands_need() -> None:
    listing = "import json, sys; import devicehub.cli.main; print(json.dumps(sorted(sys.modules)))"
    done = await procs.run([sys.executable, "-c", listing], timeout_s=60, cwd=REPO)
    assert done.status == 0, done.stderr.decode()
    loaded = set(json.loads(done.stdout))
    assert "devicehub.cli.main" in loaded
    assert loaded & SLOW_TO_IMPORT == set()
