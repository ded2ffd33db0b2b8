"""`devicehub campaign check`: every problem of a file with its line."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from devicehub.demo_model import demo_model_dir
from devicehub.models.catalog import ModelCatalog
from tests.cli.hub_fixture import HubHere, hub, run, store

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["hub", "store"]

GOOD = """\
name = "lab"
phones = ["vendor=qualcomm", "all"]
models = ["demo-model"]
profiles = ["default"]
workloads = ["bench"]
protocol = "quick"
[[limit]]
demand = "fidelity >= 99 %"
"""
"""Eight lines; a fault is planted in one of them, or behind them in a ninth."""

FAULTS = {
    "no TOML": (5, 'profiles = ["default"', "TOML"),
    "unknown key": (1, 'nmae = "lab"', "did you mean name?"),
    "wrong type": (6, "protocol = 3", "expected `str | null`"),
    "no phones": (2, "phones = []", "is empty"),
    "bad selector": (2, 'phones = ["vendr=qualcomm"]', "is no term"),
    "unknown model": (3, 'models = ["demo-modl"]', "not in the catalogue"),
    "named twice": (3, 'models = ["demo-model", "demo-model"]', "named twice"),
    "unknown profile": (4, 'profiles = ["defalt"]', "did you mean default?"),
    "unknown workload": (5, 'workloads = ["bnch"]', "is none"),
    "no prompt": (5, 'workloads = ["bench", "demo"]', "needs a prompt"),
    "unknown protocol": (6, 'protocol = "quik"', "no protocol has this name"),
    "protocol of another workload": (6, 'protocol = "answer"', "which is not asked"),
    "bad demand": (8, 'demand = "decode_tok_s > 20"', "is no demand"),
    "unknown figure": (8, 'demand = "speed >= 20"', "no figure"),
    "limit without a baseline": (8, 'demand = "decode_tok_s no worse than 5 %"', "[baseline]"),
    "limit for another model": (9, 'models = ["other"]', "not among the campaign's models"),
    "no duration": (1, 'max_duration = "soon"', "no duration"),
    "bad gate": (1, 'gate = ["warm"]', "no gate"),
    "unknown engine": (1, 'engines = ["none"]', "not in the catalogue"),
    "suite that is not there": (1, 'suites = ["absent.toml"]', "no such file"),
    "two baselines": (9, '[baseline]\nengine = "a"\nmodel = "demo-model"', "exactly one"),
    "baseline that was never saved": (10, '[baseline]\nname = "../../etc/passwd"', "no such baseline"),
    "bad sweep": (9, "[sweep]\nthreads = []", "thread"),
    "no eval": (9, "[eval]", "neither files nor a text"),
}


def planted(line: int, text: str) -> str:
    lines = GOOD.splitlines()
    if line > len(lines):
        return GOOD + text + "\n"
    lines[line - 1] = text
    return "\n".join(lines) + "\n"


@pytest.fixture
def model(hub: HubHere) -> None:
    ModelCatalog(hub.home).add(demo_model_dir(), "demo-model")


@pytest.mark.usefixtures("model")
def test_nothing_is_wrong_with_a_good_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "lab.toml"
    file.write_text(GOOD)
    assert run("campaign", "check", file) == 0
    assert "nothing is wrong" in capsys.readouterr().err


@pytest.mark.usefixtures("model")
def test_every_planted_fault_is_named_with_its_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "lab.toml"
    missed = {}
    for name, (line, text, words) in FAULTS.items():
        # An array that is not closed is missed where the next key stands.
        file.write_text(planted(line - (name == "no TOML"), text))
        status = run("campaign", "check", file, "--json")
        problems = json.loads(capsys.readouterr().out)
        found = [one for one in problems if words in one["problem"]]
        if status != 4 or not found or line not in {one["line"] for one in found}:
            missed[name] = problems
    assert missed == {}


@pytest.mark.usefixtures("model")
def test_all_problems_of_a_file_are_told_at_once(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "lab.toml"
    file.write_text('phones = ["all"]\nmodels = ["a",\n  "b"]\nprofiles = ["x"]\nmax_duration = "soon"\n')
    assert run("campaign", "check", file) == 4
    lines = capsys.readouterr().out.splitlines()
    assert [line.partition(":")[0].removeprefix(f"{file} ") for line in lines] == [
        "line 2", "line 3", "line 4", "line 5",
    ]  # fmt: skip


@pytest.mark.usefixtures("model")
def test_wrong_file_does_not_begin(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "lab.toml"
    file.write_text(planted(8, 'demand = "decode_tok_s > 20"'))
    assert run("campaign", "run", file) == 4
    assert "lab.toml:8" in capsys.readouterr().err
    assert run("campaign", "run", tmp_path / "absent.toml") == 4
    assert "there is no such file" in capsys.readouterr().err


@pytest.mark.usefixtures("hub")
def test_what_there_is_none_of_is_one_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("campaign", "list") == 0
    assert "no campaign was begun yet" in capsys.readouterr().err
    for argv in (("show", "x"), ("stop", "x"), ("resume", "x"), ("report", "x")):
        assert run("campaign", *argv) == 4
        assert "there is no such campaign" in capsys.readouterr().err
    assert run("campaign", "init") == 3
    assert "no phone is ready" in capsys.readouterr().err
    assert run("campaign", "baseline", "save", "x") == 4
    assert "no campaign was begun yet" in capsys.readouterr().err


@pytest.mark.usefixtures("model")
@pytest.mark.parametrize(
    ("options", "status", "words"),
    [
        (("--report", "x.pdf"), 2, "no report has this suffix"),
        (("--report", "absent/x.html"), 4, "there is no such folder"),
        (("--report", "folder.html"), 2, "is a directory"),
        (("--save-profile", "fast"), 4, "has no table [sweep]"),
        (("--save-profile", "Not One"), 4, "no name of a profile"),
        (("--detach", "--report", "x.html"), 2, "with --detach"),
        (("--accept", "failed"), 2, "is none of"),
    ],
)
def test_what_could_not_be_done_at_the_end_is_refused_before(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    options: tuple[str, ...],
    status: int,
    words: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "lab.toml").write_text(GOOD)
    (tmp_path / "folder.html").mkdir()
    assert run("campaign", "run", "lab.toml", *options) == status
    said = capsys.readouterr().err
    assert words in said
    assert "no phone" not in said  # it never came so far
