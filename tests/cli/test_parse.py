from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner

from devicehub.cli.main import main
from devicehub.cli.parse import command
from tests.workloads.launches import HEAD, block, launch, logcat

if TYPE_CHECKING:
    from pathlib import Path


def test_good_log_prints_one_document_and_exits_0(tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.write_bytes(launch("Hi"))
    result = CliRunner().invoke(command, [str(log), "--json"])
    assert result.exit_code == 0
    document = json.loads(result.stdout)
    assert document["verdict"] == "succeeded"
    assert document["cause"] is None
    assert document["records"][0]["decode_tokens"] == 20
    assert document["records"][0]["backend"] is None


def test_standard_input_and_a_person_reading() -> None:
    result = CliRunner().invoke(command, ["-"], input=launch("Hi", head=HEAD + "LLM init error\n"))
    assert result.exit_code == 1
    assert "load_failed" in result.stdout
    assert "remedy: " in result.stdout
    assert "| LLM init error" in result.stdout


PPL = b"llmPath=s c.json in main, 39 \ntextPath=s . in main, 40 \nPerplexity: 12.500000\n"


def test_perplexity_is_read(tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.write_bytes(b"$ ./ppl_eval c.json .\r\n" + PPL.replace(b"\n", b"\r\n"))
    result = CliRunner().invoke(command, [str(log)])
    assert (result.exit_code, result.stdout) == (0, "perplexity: 12.50\nverdict: succeeded\n")
    log.write_bytes(PPL[:-3])
    assert "incomplete_output" in CliRunner().invoke(command, [str(log)]).stdout


def test_perplexity_that_a_model_speaks_of_is_none() -> None:
    result = CliRunner().invoke(command, ["-", "--json"], input=launch(PPL.decode()))
    assert json.loads(result.stdout)["perplexity"] is None


def test_person_is_told_what_the_log_lost_before_the_figures() -> None:
    loss = "uid=2000(shell) llm_demo expire 12 lines"
    log = logcat(HEAD.split("\n", 1)[1]) + logcat(loss, tag="chatty") + logcat(block())
    result = CliRunner().invoke(command, ["-"], input=log)
    assert result.exit_code == 0
    assert "not to be trusted: lines of the engine may be missing" in result.stdout
    assert f"| chatty: {loss}" in result.stdout


def test_incomplete_log_exits_1(tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.write_bytes(launch("Hi", end=""))
    assert CliRunner().invoke(command, [str(log)]).exit_code == 1


@pytest.mark.parametrize("kind", ["missing", "empty", "folder", "unreadable"])
def test_file_that_cannot_be_read_exits_4_with_one_sentence(
    kind: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    place = tmp_path / "log"
    if kind == "empty":
        place.touch()
    elif kind == "folder":
        place.mkdir()
    elif kind == "unreadable":
        place.touch(mode=0o000)
        if os.access(place, os.R_OK):
            pytest.skip("root may read every file")
    with pytest.raises(SystemExit) as ended:
        main(["parse", str(place)])
    assert ended.value.code == 4
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.count("\n") == 1
    assert str(place) in said.err
