"""What `run_model` asks of the hub."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from devicehub.errors import ConfigError, InputError
from devicehub.testing.runs import make_ask

if TYPE_CHECKING:
    from pathlib import Path


def test_what_is_not_said_stays_the_hubs_default() -> None:
    ask = make_ask("PHONE", {"model": "m", "prompt": "hi", "engine": None, "overrides": {"thread_num": 2}})
    assert (ask.selectors, ask.model, ask.prompt, ask.engine) == (("PHONE",), "m", "hi", None)
    assert ask.overrides == {"thread_num": 2}
    assert ask.launches is None


def test_files_are_those_of_the_tests_own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "basics.toml").write_text(
        'name = "basics"\n[[prompt]]\ntext = "What is 2 + 2?"\ncontains = ["4"]\n'
    )
    ask = make_ask("PHONE", {"model": "m", "prompts_file": "prompts.txt", "suite": "basics.toml"})
    assert ask.prompts_file == str(tmp_path / "prompts.txt")
    assert ask.suite is not None
    assert [prompt.contains for prompt in ask.suite.prompts] == [("4",)]
    assert make_ask("PHONE", {"model": "m", "suite": ask.suite}).suite == ask.suite


@pytest.mark.parametrize(
    ("fields", "problem"),
    [
        ({"promt": "hi"}, r"run_model\(promt=...\): is no field of a run; it takes model, workload, "),
        ({"selectors": ["all"]}, "is no field of a run"),
        ({"launches": 1000}, "asks for what cannot be .*<= 100 .*launches"),
        ({"prompt": 7}, "asks for what cannot be .*Expected `str"),
        ({"suite": "nowhere.toml"}, "nowhere.toml: .*give a prompt suite"),
    ],
)
def test_what_cannot_be_asked_is_told_before_the_hub_hears_of_it(
    fields: dict[str, Any], problem: str
) -> None:
    with pytest.raises(InputError, match=problem):
        make_ask("PHONE", {"model": "m", **fields})


def test_a_suite_with_faults_is_told_with_their_lines(tmp_path: Path) -> None:
    (tmp_path / "suite.toml").write_text('name = "s"\n[[prompt]]\ntext = "2 + 2?"\n')
    with pytest.raises(ConfigError, match=r"suite.toml:\d+.*demands nothing of the answer"):
        make_ask("PHONE", {"model": "m", "suite": tmp_path / "suite.toml"})
