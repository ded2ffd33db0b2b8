from __future__ import annotations

from typing import Any

import pytest

from devicehub.errors import InputError
from devicehub.workloads.config import final_config

FILES = ["llm.mnn", "llm.mnn.weight", "tokenizer.mtok"]


def config(model: dict[str, Any], *files: str, **overrides: Any) -> dict[str, Any]:
    return final_config(model, {}, overrides, base_dir="/m", files=[*FILES, *files])


def test_a_draft_model_is_refused_with_the_reason_and_the_way_out() -> None:
    with pytest.raises(InputError) as caught:
        config({}, speculative_type="draftmodel", draft_model="small/llm.mnn")
    assert "no speculative mode of MNN uses a draft model" in str(caught.value)
    assert "take lookahead, which needs no second model" in str(caught.value)


def test_a_model_that_asks_for_one_itself_runs_when_told_not_to() -> None:
    own = {"speculative_type": "draftmodel"}
    with pytest.raises(InputError, match="draft model"):
        config(own)
    assert config(own, speculative_type="")["speculative_type"] == ""


@pytest.mark.parametrize("mode", ["Lookahead", "ngram", 3, True])
def test_modes_that_mnn_does_not_know_are_refused(mode: object) -> None:
    with pytest.raises(InputError, match=r"would decode without.*lookahead, mtp, eagle, dflash"):
        config({}, speculative_type=mode)


def test_lookahead_needs_nothing() -> None:
    assert config({}, speculative_type="lookahead")["speculative_type"] == "lookahead"


@pytest.mark.parametrize(
    ("mode", "file"), [("eagle", "eagle.mnn"), ("mtp", "mtp.mnn"), ("dflash", "dflash.mnn")]
)
def test_what_comes_with_the_model_must_be_there(mode: str, file: str) -> None:
    with pytest.raises(InputError, match=rf"is {mode}, and the model has no {file}"):
        config({}, speculative_type=mode)
    assert config({}, file, speculative_type=mode)["speculative_type"] == mode
    named = config({}, "heads/own.mnn", speculative_type=mode, **{f"{mode}_model": "heads/own.mnn"})
    assert named["speculative_type"] == mode
