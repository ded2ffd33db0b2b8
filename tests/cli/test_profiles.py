import json
from pathlib import Path
from typing import Any

import pytest

from devicehub.cli.main import main


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("DEVICEHUB_HOME", str(tmp_path))
    (tmp_path / "profiles" / "runs").mkdir(parents=True)
    return tmp_path / "profiles"


def run(*argv: str | Path) -> int:
    with pytest.raises(SystemExit) as caught:
        main(["profiles", *map(str, argv)])
    code = caught.value.code
    return code if isinstance(code, int) else 0


def printed(capsys: pytest.CaptureFixture[str]) -> Any:
    return json.loads(capsys.readouterr().out)


def test_list_shows_whose_a_profile_is(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (home / "runs" / "mine.toml").write_text('summary = "Mine."\n', encoding="utf-8")
    (home / "runs" / "bad.toml").write_text("sumary = 1\n", encoding="utf-8")
    assert run("list", "runs", "--json") == 0
    found = {entry["id"]: (entry["origin"], entry["summary"]) for entry in printed(capsys)}
    assert found["mine"] == ("own", "Mine.")
    assert found["default"][0] == "packaged"
    assert "wrong" in found["bad"][1]


def test_list_of_all_kinds(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("list") == 0
    out = capsys.readouterr().out
    assert "greedy-repeatable" in out
    assert "sm8650" in out
    assert max(map(len, out.splitlines())) <= 80


@pytest.mark.parametrize(
    ("names", "summary"),
    [
        (["Dimensity 700", "Dimensity 6020"], "Dimensity 700 / 6020"),
        (["Snapdragon S4 Pro", "Snapdragon 600"], "Snapdragon S4 Pro / 600"),
        (["Kirin 9000", "Dimensity 9000"], "Kirin 9000 / Dimensity 9000"),
        (["Snapdragon 8", "Snapdragon"], "Snapdragon 8 / Snapdragon"),
    ],
)
def test_list_says_the_family_of_a_chip_once(
    names: list[str], summary: str, home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (home / "socs").mkdir()
    text = f'vendor = "qualcomm"\nmodel = "Acme 1"\nnames = {json.dumps(names)}\nunverified = ["names"]\n'
    (home / "socs" / "acme-1.toml").write_text(text, encoding="utf-8")
    assert run("list", "socs", "--json") == 0
    found = {entry["id"]: entry["summary"] for entry in printed(capsys)}
    assert found["acme-1"] == summary


def test_unknown_kind_is_a_usage_error() -> None:
    assert run("list", "soc") == 2


@pytest.mark.parametrize("name", ["sm8650", "socs/sm8650", "SM8650"])
def test_show_prints_the_file(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("show", name) == 0
    assert 'names = ["Snapdragon 8 Gen 3"]' in capsys.readouterr().out


def test_show_json(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("show", "greedy-repeatable", "--json") == 0
    assert printed(capsys)["profile"]["config"] == {"sampler_type": "greedy", "thread_num": 1}


def test_show_suggests_a_name(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("show", "greedy-repeatble") == 4
    assert "greedy-repeatable" in capsys.readouterr().err


def test_show_asks_for_the_kind_where_two_have_the_name(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (home / "runs" / "sm8650.toml").write_text('summary = "Mine."\n', encoding="utf-8")
    assert run("show", "sm8650") == 4
    assert "runs/sm8650" in capsys.readouterr().err
    assert run("show", "runs/sm8650") == 0


def test_check_of_everything(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("check") == 0
    (home / "run").mkdir()
    (home / "lost.toml").write_text("", encoding="utf-8")
    (home / "runs" / "bad.toml").write_text("sumary = 1\n", encoding="utf-8")
    capsys.readouterr()
    assert run("check", "--json") == 1
    found = printed(capsys)
    assert {Path(problem["file"]).name for problem in found} == {"run", "lost.toml", "bad.toml"}
    assert {problem["key"] for problem in found} == {None, "sumary", "summary"}


def test_check_of_one_file(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = home / "runs" / "bad.toml"
    path.write_text('summary = "x"\nconfig = [\n', encoding="utf-8")
    assert run("check", path) == 1
    assert str(path) in capsys.readouterr().out
    assert run("check", home / "runs" / "gone.toml") == 4


def test_check_of_a_file_that_is_no_profile(tmp_path: Path) -> None:
    path = tmp_path / "x.toml"
    path.write_text("", encoding="utf-8")
    assert run("check", path) == 4


def test_a_custom_workload_is_shown_whole_and_checked_to_its_patterns(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("show", "custom-llm-demo", "--json") == 0
    profile = printed(capsys)["profile"]
    assert (profile["workload"], profile["custom"]["command"][0]) == ("custom", "llm_demo")
    text = 'summary = "x"\nworkload = "custom"\n[custom]\ncommand = ["x"]\n[[custom.success]]\nregex = "("\n'
    (home / "runs" / "mine.toml").write_text(text, encoding="utf-8")
    assert run("check", home / "runs" / "mine.toml", "--json") == 1
    [problem] = printed(capsys)
    assert (problem["key"], problem["file"]) == ("custom.success[0].regex", str(home / "runs" / "mine.toml"))
    assert "is no regular expression" in problem["problem"]


def test_schema_of_a_kind(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("schema", "recipes") == 0
    assert "quant_bit" in printed(capsys)["$defs"]["RecipeFile"]["properties"]["flags"]["properties"]
    assert run("schema", "phones") == 2
    assert "socs" in capsys.readouterr().err


def test_recipe_is_shown_and_checked(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("show", "extreme-speed") == 0
    assert "quant_block = 256" in capsys.readouterr().out
    (home / "recipes").mkdir()
    wrong = home / "recipes" / "mine.toml"
    wrong.write_text(
        'summary = "x"\npurpose = "x"\nflags = {quant_bits = 4}\nengines = {least = "3.5.0"}\n',
        encoding="utf-8",
    )
    assert run("check", wrong) == 1
    assert "flags.quant_bits" in capsys.readouterr().out
