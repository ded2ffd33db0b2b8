"""`devicehub models check`: what it says, what it mends, and that the catalogue follows."""

from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING, Any

import pytest

from devicehub.demo_model import demo_model_dir
from tests.cli.hub_fixture import hub, run

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["hub"]

pytestmark = pytest.mark.usefixtures("hub")


@pytest.fixture
def model(tmp_path: Path) -> Path:
    folder = tmp_path / "tiny"
    shutil.copytree(demo_model_dir(), folder)
    return folder


def spoil(model: Path, **values: Any) -> None:
    config = json.loads((model / "config.json").read_text())
    (model / "config.json").write_text(json.dumps({**config, **values}, indent=4))


def check(capsys: pytest.CaptureFixture[str], *words: str | Path) -> tuple[int, Any]:
    capsys.readouterr()
    status = run("models", "check", *words, "--json")
    return status, json.loads(capsys.readouterr().out)


def test_a_folder_is_judged_without_being_taken_in(model: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("models", "check", model) == 0
    assert capsys.readouterr().out == f"{model}: nothing is wrong with its settings\n"
    spoil(model, top_k=0, thread_nun=2)
    assert run("models", "check", model) == 1
    told = capsys.readouterr().out
    assert told.splitlines()[:3] == [
        f"{model}: 1 error, 1 warning",
        "error: top_k_zero",
        "  config.json: top_k: is 0, with which the engine crashes",
    ]
    assert "(did you mean thread_num?)" in told
    assert run("models", "list", "--json") == 0
    assert json.loads(capsys.readouterr().out) == []


def test_findings_have_severity_place_reason_and_way_out(
    model: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    spoil(model, backend_type="gpu")
    status, told = check(capsys, model)
    assert (status, told["ok"], told["place"], told["mended"]) == (0, True, str(model), [])
    [finding] = told["findings"]
    assert (finding["severity"], finding["slug"]) == ("warning", "backend_unknown")
    assert finding["place"] == f"{model}/config.json: backend_type"
    assert finding["fix"].startswith("use one of cpu, opencl")


def test_a_mended_model_stays_right_in_the_catalogue(model: Path, capsys: pytest.CaptureFixture[str]) -> None:
    spoil(model, top_k=0, thread_num="4")
    assert run("models", "add", model) == 0
    status, told = check(capsys, "tiny", "--fix")
    assert (status, told["findings"], told["problems"]) == (0, [], [])
    assert told["mended"] == [
        "config.json: top_k: removed, was 0",
        'config.json: thread_num: "4" written as 4',
    ]
    status, again = check(capsys, "tiny", "--fix")
    assert (status, again["mended"], again["state"]) == (0, [], "ok")
    assert again["id"] == told["id"]
    assert again["fixture"] is not None


def test_a_folder_of_the_catalogue_is_known_by_its_path(
    model: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    spoil(model, top_k=0)
    assert run("models", "add", model, "--no-fixture") == 0
    status, told = check(capsys, model, "--fix")
    assert (status, told["name"], told["state"]) == (0, "tiny", "ok")


def test_a_model_that_changed_otherwise_is_mended_and_not_taken_in_anew(
    model: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("models", "add", model, "--no-fixture") == 0
    spoil(model, top_k=0)
    status, told = check(capsys, "tiny", "--fix")
    assert (status, told["problems"], told["state"]) == (1, ["config.json has changed"], "changed")
    assert told["mended"] == ["config.json: top_k: removed, was 0"]


def test_what_cannot_be_mended_is_still_told(model: Path, capsys: pytest.CaptureFixture[str]) -> None:
    spoil(model, quant_qkv=4, temperature=0)
    status, told = check(capsys, model, "--fix")
    assert (status, [one["slug"] for one in told["findings"]]) == (1, ["temperature_garbles"])
    assert json.loads((model / "config.json").read_text())["attention_mode"] == 10


def test_a_folder_that_is_none_is_one_sentence(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("models", "check", tmp_path / "nowhere") == 4
    assert "there is no such folder" in capsys.readouterr().err
    assert run("models", "check", "nobody") == 4
    assert "is not in the catalogue" in capsys.readouterr().err


def test_an_engine_that_is_too_old_is_told(
    model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from tests.engines.elf_maker import make_elf

    engine = tmp_path / "old"
    engine.mkdir()
    (engine / "llm_demo").write_bytes(make_elf(static=True, text=b"\x003.4.1\x00"))
    assert run("engines", "add", engine) == 0
    status, told = check(capsys, model, "--engine", "old")
    assert status == 1
    assert [one["slug"] for one in told["findings"]] == ["tokenizer_too_new"]
