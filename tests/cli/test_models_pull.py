"""`devicehub models pull` and `gc`, at a hub that reaches a stand-in of Hugging Face alone."""

from __future__ import annotations

import json
import threading
from typing import TYPE_CHECKING

import pytest

from tests.cli.hub_fixture import hub, run
from tests.models.make_folder import make_model
from tests.models.stand_in_hub import StandInHub, stand_in_hub

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.cli.hub_fixture import HubHere

__all__ = ["hub"]


@pytest.fixture(autouse=True)
def far(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[StandInHub]:
    """Before the hub, which hands its environment on."""
    with stand_in_hub() as far:
        monkeypatch.setenv("HF_ENDPOINT", far.url)
        monkeypatch.setenv("HF_HOME", str(tmp_path / "hf"))
        monkeypatch.setenv("NO_PROXY", "127.0.0.1")
        monkeypatch.delenv("HF_TOKEN", raising=False)
        folder = make_model(tmp_path / "upload")
        far.repos["org/tiny-MNN"] = {path.name: path.read_bytes() for path in folder.iterdir()}
        far.repos["org/tiny"] = {"config.json": b"{}", "model.safetensors": b"w" * 2000}
        yield far


def test_pulled_model_can_be_named_at_once(
    far: StandInHub, hub: HubHere, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("models", "pull", "hf:org/tiny-MNN", "--no-fixture") == 0
    said = capsys.readouterr()
    assert said.out == "tiny-MNN\n"
    assert "of which" in said.err
    assert run("models", "list", "--json") == 0
    (model,) = json.loads(capsys.readouterr().out)
    assert (model["name"], model["state"]) == ("tiny-MNN", "ok")


def test_checkpoint_prints_its_folder_and_may_go_later(
    far: StandInHub, hub: HubHere, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("models", "pull", "hf:org/tiny") == 0
    said = capsys.readouterr()
    folder = hub.home.pulled / "hf" / "org" / "tiny"
    assert said.out == f"{folder}\n"
    assert "devicehub export" in said.err
    assert run("models", "gc", "--dry-run", "--json") == 0
    (litter,) = json.loads(capsys.readouterr().out)
    assert (litter["kind"], litter["path"], litter["source"]) == ("checkpoint", str(folder), "hf:org/tiny")
    assert folder.exists()
    assert run("models", "gc", "--yes") == 0
    assert not folder.exists()
    assert run("models", "gc") == 0
    assert "nothing may go" in capsys.readouterr().err


@pytest.mark.parametrize("answer", ["n", "y"])
def test_gc_asks_before_it_deletes(
    hub: HubHere, answer: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = make_model(hub.home.exported / "tiny")
    monkeypatch.setattr("click.termui.visible_prompt_func", lambda _question: answer)
    assert run("models", "gc") == (0 if answer == "y" else 1)
    said = capsys.readouterr()
    assert str(folder) in said.out
    assert ("deleted 1" if answer == "y" else "nothing was deleted") in said.err
    assert folder.exists() == (answer == "n")


def test_model_that_is_not_there_and_a_hub_that_is_away(
    far: StandInHub, hub: HubHere, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("models", "pull", "org/tiny") == 4
    assert "write hf:ORG/NAME" in capsys.readouterr().err
    assert run("models", "pull", "hf:org/none") == 4
    assert "the hub shows no such model" in capsys.readouterr().err


def test_model_that_comes_to_lie_in_a_watched_folder_is_in_the_list(
    hub: HubHere, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    drop = tmp_path / "drop"
    drop.mkdir()
    assert run("models", "watch", drop) == 0
    assert capsys.readouterr().out == f"{drop}\n"
    make_model(drop / "dropped")
    while not hub.do(hub.daemon.models_now):  # the test's own limit ends it
        threading.Event().wait(0.05)
    assert run("models", "list", "--json") == 0
    assert [model["name"] for model in json.loads(capsys.readouterr().out)] == ["dropped"]
    assert run("models", "watch", drop, "--stop") == 0
    assert run("models", "watch") == 0
    assert "no folder is watched" in capsys.readouterr().err
