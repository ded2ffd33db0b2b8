"""`devicehub engines` and `devicehub models`."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from devicehub.demo_model import demo_model_dir
from tests.cli.hub_fixture import hub, run
from tests.engines.elf_maker import make_elf
from tests.models.make_folder import make_model

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["hub"]

pytestmark = pytest.mark.usefixtures("hub")


def read_json(capsys: pytest.CaptureFixture[str]) -> Any:
    return json.loads(capsys.readouterr().out)


def test_engine_is_added_listed_and_removed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "mine"
    folder.mkdir()
    (folder / "llm_demo").write_bytes(make_elf(static=True, text=b"\x003.6.1\x00"))
    assert run("engines", "add", folder) == 0
    engine_id = capsys.readouterr().out.strip()
    assert engine_id.startswith("mine-")
    assert run("engines", "list", "--json") == 0
    (engine,) = read_json(capsys)
    assert (engine["id"], engine["abi"], engine["version"]) == (engine_id, "arm64-v8a", "3.6.1")
    assert run("engines", "list") == 0
    assert engine_id in capsys.readouterr().out
    assert run("engines", "remove", "mine") == 0
    assert run("engines", "list", "--json") == 0
    assert read_json(capsys) == []


def test_model_is_added_listed_and_removed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = make_model(tmp_path / "tiny")
    assert run("models", "add", folder, "--name", "small one") == 0
    assert capsys.readouterr().out == "small one\n"
    (folder / "tokenizer.mtok").unlink()
    assert run("models", "list", "--json") == 0
    (model,) = read_json(capsys)
    assert (model["name"], model["state"], model["root"]) == ("small one", "changed", str(folder))
    assert run("models", "remove", "small") == 0
    assert run("models", "list", "--json") == 0
    assert read_json(capsys) == []


def test_model_that_the_wheel_cannot_load_is_added_and_the_reason_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = make_model(tmp_path / "tiny")
    assert run("models", "add", folder) == 0
    captured = capsys.readouterr()
    assert captured.out == "tiny\n"
    assert "tiny: no fixture: the MNN wheel " in captured.err
    assert captured.err.endswith("; what phones answer will not be checked\n")
    assert run("models", "list") == 0
    captured = capsys.readouterr()
    assert captured.out.splitlines()[1].split()[:2] == ["tiny", "ok"]
    assert captured.out.splitlines()[1].split()[4] == "no"
    assert captured.err.startswith("tiny: no fixture: the MNN wheel ")
    assert run("models", "check", "tiny", "--fixture") == 1
    assert "no fixture" in capsys.readouterr().out


def test_model_is_added_without_asking_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("models", "add", make_model(tmp_path / "tiny"), "--no-fixture", "--json") == 0
    captured = capsys.readouterr()
    model = json.loads(captured.out)
    assert (model["fixture"], model["fixture_reason"]) == (
        None,
        "none was made; `devicehub models check tiny --fixture` makes it",
    )
    assert "no fixture" not in captured.err


def test_demo_model_has_its_fixture_and_answers_it_anew(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("models", "add", demo_model_dir(), "--name", "tiny") == 0
    assert "asking" not in capsys.readouterr().err
    assert run("models", "check", "tiny", "--fixture", "--json") == 0
    captured = capsys.readouterr()
    checked = json.loads(captured.out)
    assert (checked["problems"], checked["fixture"]["prompts"], checked["fixture"]["source"]) == (
        [],
        3,
        "unchecked",
    )
    assert "tiny: it answers as before (MNN " in captured.err
    assert run("models", "list") == 0
    captured = capsys.readouterr()
    assert "yes" in captured.out.splitlines()[1].split()
    assert captured.err == ""


def test_check_names_what_changed_and_asks_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = make_model(tmp_path / "tiny")
    assert run("models", "add", folder, "--no-fixture") == 0
    assert run("models", "check", "tiny") == 0
    capsys.readouterr()
    (folder / "llm.mnn").write_bytes(b"other")
    assert run("models", "check", "tiny", "--fixture") == 1
    captured = capsys.readouterr()
    assert captured.out == "tiny: 1 of 5 files changed\n"
    assert "tiny: llm.mnn has changed since it was added; run `devicehub models add " in captured.err
    assert "asking" not in captured.err


@pytest.mark.parametrize("group", ["engines", "models"])
def test_bad_folder_is_one_sentence_and_exit_4(
    group: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for folder in (tmp_path / "nowhere", tmp_path):
        assert run(group, "add", folder) == 4
        captured = capsys.readouterr()
        assert captured.out == ""
        assert captured.err.count("\n") == 1
        assert "; " in captured.err
    assert run(group, "remove", "nothing") == 4
