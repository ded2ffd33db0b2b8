"""`devicehub engines` and `devicehub models`."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from devicehub.cli.main import main
from tests.engines.elf_maker import make_elf
from tests.models.make_folder import make_model

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(autouse=True)
def _home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DEVICEHUB_HOME", str(tmp_path / "home"))


def run(*argv: str | Path) -> int:
    with pytest.raises(SystemExit) as caught:
        main([*map(str, argv)])
    assert isinstance(caught.value.code, int)
    return int(caught.value.code)


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
