"""What every command shares: its last word, its exit status, and a terminal that cannot show everything."""

from __future__ import annotations

import io
import json
import sys
from typing import TYPE_CHECKING

import pytest

from devicehub import errors
from devicehub.cli.exit_codes import ExitCode, exit_code_for
from devicehub.cli.main import main
from devicehub.cli.output import print_json
from devicehub.errors import AdbRefused, ApiError, DeviceGone, HubError, ShellFailed

if TYPE_CHECKING:
    from pathlib import Path


def run(*argv: str | Path) -> int:
    with pytest.raises(SystemExit) as caught:
        main([*map(str, argv)])
    assert isinstance(caught.value.code, int)
    return int(caught.value.code)


@pytest.mark.parametrize(("word", "hint"), [("runn", "run"), ("device", "devices"), ("identfy", "identify")])
def test_a_misspelt_command_is_answered_with_the_nearest(
    word: str, hint: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(word) == 2
    assert f"No such command '{word}'. Did you mean '{hint}'?" in capsys.readouterr().err


def test_a_terminal_without_utf8_gets_question_marks_and_whole_json(monkeypatch: pytest.MonkeyPatch) -> None:
    out = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(out, encoding="ascii"))
    assert run("profiles", "list", "runs") == 0
    print_json({"temperature": "36.4 °C", "file": "caf\udce9"})
    sys.stdout.write("36.4 °C\n")
    sys.stdout.flush()
    *_, document, text = out.getvalue().splitlines()
    assert json.loads(document) == {"temperature": "36.4 °C", "file": "caf\udce9"}
    assert text == b"36.4 ?C"


@pytest.mark.parametrize("command", [["run", "any", "--prompt-file"], ["identify", "--getprop"]])
def test_a_file_without_an_end_is_read_to_a_limit(
    command: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(*command, "/dev/zero") == 4
    assert "/dev/zero: is larger than 16 MiB" in capsys.readouterr().err


def test_a_home_that_cannot_be_written_is_named_with_its_variable(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("DEVICEHUB_HOME", str(tmp_path / "file"))
    assert run("devices") == 4
    [said] = capsys.readouterr().err.splitlines()
    assert "cannot be written" in said
    assert "DEVICEHUB_HOME" in said


def test_a_folder_given_to_profiles_check_is_called_a_folder(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("profiles", "check", tmp_path) == 4
    assert "is a folder" in capsys.readouterr().err


KINDS = [
    kind
    for kind in vars(errors).values()
    if isinstance(kind, type) and issubclass(kind, HubError) and kind is not ApiError
]


@pytest.mark.parametrize("kind", KINDS)
def test_error_of_the_hub_ends_a_command_as_that_error_here_would(kind: type[HubError]) -> None:
    here = exit_code_for(kind.__new__(kind))
    assert exit_code_for(ApiError("so it is", code=1, kind=kind.__name__)) is here


@pytest.mark.parametrize("kind", ["", "annotations", "shlex", "NoSuchError", "Path"])
def test_answer_of_an_unknown_kind_is_a_failure(kind: str) -> None:
    assert exit_code_for(ApiError("so it is", code=1, kind=kind)) is ExitCode.FAILED


def test_a_phone_that_says_no_was_reached() -> None:
    assert exit_code_for(AdbRefused("read-only file system", serial="A")) is ExitCode.FAILED
    assert exit_code_for(ShellFailed(["mkdir", "/x"], 1, "read-only", serial="A")) is ExitCode.FAILED
    assert exit_code_for(DeviceGone(serial="A", during="push")) is ExitCode.UNREACHABLE
