"""`devicehub export` on a command line, at a hub whose exporter is a stand-in."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from devicehub.api import export_methods, exporting
from devicehub.errors import InputError
from tests.api.test_export_methods import Maker
from tests.cli.hub_fixture import hub, run
from tests.export.checkpoints import make_checkpoint

if TYPE_CHECKING:
    from pathlib import Path

    from tests.cli.hub_fixture import HubHere

__all__ = ["hub"]


@pytest.fixture
def source(tmp_path: Path) -> Path:
    return make_checkpoint(tmp_path / "Tiny-1M")


@pytest.fixture
def maker(monkeypatch: pytest.MonkeyPatch) -> Maker:
    made = Maker()
    monkeypatch.setattr(exporting, "make_model", made)
    monkeypatch.setattr(export_methods, "check_extra", lambda: None)
    return made


def test_variants_make_a_table_and_their_stages_a_line_each(
    hub: HubHere, maker: Maker, source: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    argv = ("export", str(source), "--recipe", "default", "--recipe", "precision-8bit", "--no-fixture")
    assert run(*argv) == 0
    said = capsys.readouterr()
    header, *rows = said.out.splitlines()
    assert header.split() == ["recipe", "name", "size", "cosine", "tok/s", "here", "best"]
    assert [row.split()[:2] for row in rows] == [
        ["default", "Tiny-1M-default"],
        ["precision-8bit", "Tiny-1M-precision-8bit"],
    ]
    assert "default: load the checkpoint (1 of 2)" in said.err
    assert "precision-8bit: quantise the weights (2 of 2)" in said.err
    assert f"log: {hub.home.logs}" in said.err


def test_json_is_an_event_a_line_and_the_last_is_the_result(
    hub: HubHere, maker: Maker, source: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("export", str(source), "--no-fixture", "--json") == 0
    events: list[dict[str, Any]] = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [event["stage"]["stage"] for event in events if event["event"] == "progress" and event["stage"]]
    assert events[-1]["event"] == "result"
    assert events[-1]["variants"][0]["recipe"] == "default"


def test_one_recipe_of_several_that_fails_is_told_by_the_status(
    hub: HubHere, maker: Maker, source: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    maker.fails = {"precision-8bit"}
    argv = ("export", str(source), "--recipe", "default", "--recipe", "precision-8bit", "--no-fixture")
    assert run(*argv) == 1
    assert "precision-8bit: " in capsys.readouterr().err


def test_the_failure_of_one_is_told_with_stage_and_tail(
    hub: HubHere, maker: Maker, source: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    maker.fails = {"default"}
    assert run("export", str(source)) == 1
    said = capsys.readouterr().err
    assert "the export failed in stage quantize: odd" in said
    assert "  a line" in said


def test_dry_run_tells_what_each_would_come_to(
    hub: HubHere, maker: Maker, source: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("export", str(source), "--dry-run", "--recipe", "default", "--recipe", "vision") == 0
    said = capsys.readouterr()
    assert said.out.splitlines()[1].startswith("default")
    assert "hqq" in said.out
    assert "vision is refused: " in said.err
    assert maker.orders == []
    assert run("export", str(source), "--dry-run", "--recipe", "vision") == 4


def test_relative_paths_count_from_where_the_command_is_given(
    hub: HubHere, maker: Maker, source: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(source.parent)
    (source.parent / "q.json").write_text("{}")
    assert run("export", source.name, "--set", "quant_config=q.json", "--no-fixture") == 0
    (order,) = maker.orders
    assert order.plan.options["quant_config"] == str(source.parent / "q.json")


@pytest.mark.parametrize(
    ("flag", "sentence"),
    [
        ("--export_mnn", "DeviceHub always exports to MNN"),
        ("--mnn_model_name", "name the model's folder with --out"),
        ("--dhm_model", "no meaning of it is known"),
        ("--quant_bit", "--set quant_bit=VALUE"),
        ("--recipee", "--recipe"),
    ],
)
def test_flags_of_the_guide_and_of_llmexport_are_explained(
    source: Path, capsys: pytest.CaptureFixture[str], flag: str, sentence: str
) -> None:
    assert run("export", str(source), flag, "4") == 2
    assert sentence in capsys.readouterr().err


def test_both_kinds_of_recipes_do_not_go_together(source: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("export", str(source), "--recipe", "default", "--all-recipes") == 2
    assert "do not go together" in capsys.readouterr().err


def test_what_is_no_checkpoint_is_told(
    hub: HubHere, maker: Maker, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("export", str(tmp_path / "gone")) == 4
    assert "gone" in capsys.readouterr().err


def test_without_the_extra_the_status_is_that_of_a_bad_input(
    hub: HubHere, source: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def missing() -> None:
        raise InputError("devicehub export", "needs the extra", remedy="install it")

    monkeypatch.setattr(export_methods, "check_extra", missing)
    assert run("export", str(source)) == 4
    assert "needs the extra; install it" in capsys.readouterr().err
