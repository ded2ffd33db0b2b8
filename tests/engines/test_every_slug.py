"""No finding about engines without a bad example: its slug stands in a test."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

_ROOT: Final = Path(__file__).parents[2]
_SOURCES: Final = ("devicehub/engines", "devicehub/dispatch")
_TESTS: Final = ("tests/engines", "tests/dispatch", "tests/cli", "tests/sim", "tests/runner", "tests/e2e")
_MAKERS: Final = {"_error": 0, "_told": 1}
"""What makes findings, and which argument is the slug."""


def slugs(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            given = [keyword.value for keyword in node.keywords if keyword.arg == "slug"]
            if node.func.id in _MAKERS:
                given.append(node.args[_MAKERS[node.func.id]])
        elif isinstance(node, ast.Assign) and "slug" in ast.unparse(node.targets[0]):
            given = [part for part in ast.walk(node.value) if isinstance(part, ast.Constant)]
        else:
            continue
        yield from (
            one.value for one in given if isinstance(one, ast.Constant) and isinstance(one.value, str)
        )


def test_every_slug_has_a_bad_example() -> None:
    sources = [path for folder in _SOURCES for path in (_ROOT / folder).glob("*.py")]
    wanted = {
        slug
        for path in sources
        if path.parent.name == "engines" or path.name.startswith("engine_")
        for slug in slugs(ast.parse(path.read_text()))
        if slug.replace("_", "").isalnum() and "_" in slug
    }
    tests = [path for folder in _TESTS for path in (_ROOT / folder).rglob("test_*.py")]
    text = "\n".join(path.read_text() for path in tests if path != Path(__file__))
    assert len(wanted) > 40
    assert {slug for slug in wanted if f'"{slug}"' not in text and f": {slug}" not in text} == set()
