"""`devicehub prune` on a command line."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from devicehub.api import prune_methods
from devicehub.errors import InputError
from devicehub.export.source import read_source
from tests.cli.hub_fixture import hub, run
from tests.export.checkpoints import make_checkpoint

if TYPE_CHECKING:
    from pathlib import Path

    from tests.cli.hub_fixture import HubHere

__all__ = ["hub"]


@pytest.fixture
def source(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    # Its tokenizer is none: no perplexity can be measured.
    monkeypatch.setattr(prune_methods, "_has_torch", lambda: False)
    return make_checkpoint(tmp_path / "Tiny-1M")


def test_the_table_tells_each_layer_and_the_way_on(
    hub: HubHere, source: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("prune", str(source), "--out", str(tmp_path / "pruned")) == 0
    said = capsys.readouterr()
    header, first, *_, last = said.out.splitlines()
    assert header.split() == ["layer", "zeros", "fours", "with", "two"]
    assert first.split()[1:] == ["50", "%", "100", "%"]
    assert last.startswith("all layers")
    assert "magnitude: prune by magnitude (2 of 2)" in said.err
    assert f"devicehub export {tmp_path / 'pruned'} --recipe sparse-w4" in said.err
    assert read_source(tmp_path / "pruned").zeros.share > 0.4


def test_json_is_the_report(
    hub: HubHere, source: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ("--pattern", "unstructured", "--sparsity", "0.25", "--json")
    assert run("prune", str(source), "--out", str(tmp_path / "pruned"), *words) == 0
    report = json.loads(capsys.readouterr().out)
    assert (report["method"], report["sparsity"], report["folder"]) == (
        "magnitude",
        0.25,
        str(tmp_path / "pruned"),
    )
    assert {round(layer["zeros"], 2) for layer in report["layers"]} == {0.25}


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("--method", "luck"), "choose magnitude, wanda or sparsegpt"),
        (("--pattern", "3:4"), "choose 2:4, 4:8 or unstructured"),
        (("--calib", "/nowhere"), "/nowhere"),
    ],
)
def test_what_is_none_is_refused(
    hub: HubHere,
    source: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    words: tuple[str, ...],
    sentence: str,
) -> None:
    assert run("prune", str(source), "--out", str(tmp_path / "pruned"), *words) == 4
    assert sentence in capsys.readouterr().err
    assert not (tmp_path / "pruned").exists()


def test_methods_that_take_a_text_need_the_extra(
    hub: HubHere,
    source: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def missing() -> None:
        raise InputError("devicehub export", "needs the extra", remedy="install it")

    monkeypatch.setattr(prune_methods, "check_extra", missing)
    assert run("prune", str(source), "--out", str(tmp_path / "pruned"), "--method", "wanda") == 4
    assert "needs the extra; install it" in capsys.readouterr().err
