from typing import Any

import pytest

from devicehub_tui.choice import Choice, make_ask, read_choice


@pytest.mark.parametrize("kept", [None, 1, [], "x", {"model": 1}, {"colour": "red"}, {"prompt": None}])
def test_nothing_that_was_kept_can_harm(kept: Any) -> None:
    assert read_choice(kept) == Choice()


def test_what_was_chosen_comes_back() -> None:
    assert read_choice({"model": "qwen", "protocol": "standard"}) == Choice(model="qwen", protocol="standard")


def test_what_is_left_empty_is_left_to_the_hub() -> None:
    ask = make_ask(Choice(model="qwen", prompt="Hi"), ["a", "b"])
    assert not isinstance(ask, str)
    assert (ask.model, ask.selectors, ask.prompt) == ("qwen", ("a", "b"), "Hi")
    assert (ask.engine, ask.profile, ask.protocol, ask.launches) == (None, None, None, None)


def test_a_bench_takes_no_prompt() -> None:
    ask = make_ask(Choice(model="qwen", workload="bench", protocol="quick", launches="4"), ["a"])
    assert not isinstance(ask, str)
    assert (ask.prompt, ask.launches) == (None, 4)


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"model": ""}, "choose a model"),
        ({"prompt": " "}, "write a prompt"),
        ({"launches": "0"}, "launches: a number from 1 to 100"),
        ({"launches": "x"}, "launches: a number from 1 to 100"),
        ({"launches": "9" * 5000}, "launches: a number from 1 to 100"),
        ({"launches": "3", "protocol": "none"}, "launches belong to a protocol; choose one"),
    ],
)
def test_what_is_missing_is_said(changes: dict[str, str], sentence: str) -> None:
    assert make_ask(Choice(**{"model": "qwen", **changes}), ["a"]) == sentence
