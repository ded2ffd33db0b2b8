from __future__ import annotations

import ast
import shutil
from pathlib import Path

import pytest

import devicehub.lint
from devicehub.demo_model import demo_model_dir
from devicehub.findings import Finding, Severity
from devicehub.lint.folder import lint_folder
from devicehub.lint.settings import lint_settings
from devicehub.lint.subject import Known
from devicehub.models import check, model_file
from tests.lint.examples import ENGINES, FOLDERS, SETTINGS

PACKAGE = Path(devicehub.lint.__file__).parent
MAKERS = {"error", "warning", "warn", "note", "_broken"}
"""What makes a finding of a slug."""


def slugs_in(source: str) -> set[str]:
    found: set[str] = set()
    for node in ast.walk(ast.parse(source)):
        values: list[ast.expr] = []
        if isinstance(node, ast.Call):
            name = getattr(node.func, "id", getattr(node.func, "attr", ""))
            values += [word.value for word in node.keywords if word.arg == "slug"]
            values += node.args[:1] if name in MAKERS else []
            if name == "get" and ast.unparse(node.func) == "_SLUGS.get":
                values += node.args[1:]
        if isinstance(node, ast.Assign | ast.AnnAssign) and node.value is not None:
            target = node.target if isinstance(node, ast.AnnAssign) else node.targets[0]
            if ast.unparse(target) == "_SLUGS" and isinstance(node.value, ast.Dict):
                values += node.value.values
        for value in values:
            found |= {
                leaf.value
                for leaf in ast.walk(value)
                if isinstance(leaf, ast.Constant) and isinstance(leaf.value, str)
            }
    return found


def test_every_slug_in_the_code_has_its_bad_example() -> None:
    files = [*PACKAGE.glob("*.py"), Path(check.__file__), Path(model_file.__file__)]
    known: set[str] = set()
    for file in files:
        known |= {slug for slug in slugs_in(file.read_text()) if slug.isidentifier()}
    assert len(known) > 50
    assert known == {*SETTINGS, *FOLDERS, *ENGINES}


def only(findings: list[Finding], slug: str) -> list[tuple[str, str]]:
    return [(str(one.severity), one.place) for one in findings if one.slug == slug]


@pytest.mark.parametrize("slug", SETTINGS)
def test_bad_setting_is_found(slug: str) -> None:
    bad = SETTINGS[slug]
    findings = lint_settings(bad.config, Known(llm_config=bad.llm_config, files=bad.files))
    assert only(findings, slug) == [(bad.severity, f"config.json: {bad.key}")]
    worse = [one.slug for one in findings if one.severity is not Severity.NOTE and one.slug != slug]
    assert worse == []


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """A real export, the demo's model."""
    folder = tmp_path / "model"
    shutil.copytree(demo_model_dir(), folder)
    return folder


@pytest.mark.parametrize("slug", FOLDERS)
def test_bad_folder_is_found(model: Path, slug: str) -> None:
    severity, place, make_bad = FOLDERS[slug]
    make_bad(model)
    findings = lint_folder(model)
    assert only(findings, slug)[0] == (severity, str(model / place) if place else str(model))


@pytest.mark.parametrize("slug", ENGINES)
def test_engine_too_old_is_found(model: Path, slug: str) -> None:
    severity, place, engine, make_bad = ENGINES[slug]
    make_bad(model)
    assert only(lint_folder(model, engine=engine), slug) == [(severity, str(model / place))]
    assert only(lint_folder(model), slug) == []
