"""What may be asked of workload eval, and what an engine without ppl_eval is asked of it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from devicehub.dispatch.eval_ask import check_eval, eval_asked, eval_file, eval_texts
from devicehub.engines.catalog import Engine
from devicehub.engines.features import EngineFeatures
from devicehub.errors import AskError, InputError
from devicehub.manifest import Manifest
from devicehub.runs.ask import RunAsk
from devicehub.runs.steps import Step
from devicehub.workloads.prompts import CEVAL_HEADER
from tests.dispatch.samples import header

FILE = f"{CEVAL_HEADER}\r\n0,Q,a,b,c,d,A\r\n\r\n"


def ask(**values: Any) -> RunAsk:
    fields: dict[str, Any] = {"workload": "eval", "eval_files": {"law_val.csv": FILE}}
    return RunAsk(model="m", **{**fields, **values})


def engine(*programs: str) -> Engine:
    return Engine(
        id="e-1",
        name="e",
        root=Path(),
        manifest=Manifest(()),
        executables=programs,
        features=EngineFeatures(),
        origin="a test",
    )


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"workload": "demo"}, "--eval-file and --perplexity are for --workload eval"),
        ({"workload": "bench", "eval_files": {}, "perplexity_text": "x"}, "are for --workload eval"),
        ({"eval_files": {}}, "needs --eval-file"),
        ({"prompt": "Hi"}, "leave the prompt out"),
        ({"launches": 3}, "leave --launches out"),
        ({"energy": True}, "leave --energy out"),
        ({"eval_files": {f"{number}.csv": FILE for number in range(101)}}, "101 files"),
    ],
)
def test_what_does_not_go_together_is_refused(values: dict[str, Any], words: str) -> None:
    with pytest.raises(AskError, match=words):
        check_eval(ask(**values))


@pytest.mark.parametrize("text", [" \n", "a\0b"])
def test_text_without_a_perplexity_is_refused(text: str) -> None:
    with pytest.raises(InputError, match="--perplexity"):
        check_eval(ask(perplexity_text=text))


def test_file_of_prompts_is_refused() -> None:
    with pytest.raises(InputError, match=r"law_val\.csv line 1"):
        check_eval(ask(eval_files={"law_val.csv": "What is DeviceHub?\n"}))


def test_each_file_has_a_launch_and_the_text_the_last() -> None:
    asked = eval_asked(ask(perplexity_text="some text"), engine("llm_demo", "ppl_eval"))
    assert asked is not None
    assert (asked.launches, asked.text_bytes) == (2, 9)
    assert eval_texts(asked) == {"eval_0.csv": f"{CEVAL_HEADER}\n0,Q,a,b,c,d,A\n".encode()}
    run = header(workload="eval", asked_eval=asked)
    assert eval_file(run, Step(kind="measured", prompt=0)) == (asked.files[0], "eval_0.csv")
    assert eval_file(run, Step(kind="measured", prompt=1)) is None
    assert eval_file(run, Step(kind="fixture", prompt=0)) is None


def test_engine_without_ppl_eval_is_asked_the_questions_alone() -> None:
    both = eval_asked(ask(perplexity_text="some text"), engine("llm_demo"))
    assert both is not None
    assert both.text_sha256 is None
    alone = eval_asked(ask(eval_files={}, perplexity_text="some text"), engine("llm_demo"))
    assert alone is not None
    assert alone.text_sha256 is not None
