"""Fixtures put to the virtual llm_demo: a right engine answers as the host did, a wrong one is found out."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

import msgspec
import pytest

from devicehub.demo_model import demo_fixture_file
from devicehub.measure.fidelity import is_wrong, judge, wrong_lines
from devicehub.models.catalog import ModelCatalog
from devicehub.models.fixture import ANSWER_TOKENS, Fixture
from devicehub.settings import Home
from devicehub.sim.engine.scenario import VARIABLE, EngineScript
from devicehub.workloads.verdict import LaunchReader
from tests.models.bad_weights import spoil, wear
from tests.sim.engine.runs import Bench, bench, needs_demo_model

if TYPE_CHECKING:
    from devicehub.runs.model import Fidelity

__all__ = ["bench"]

pytestmark = needs_demo_model

ASK: Final = "{{{{- '<|im_start|>user\\n{}<|im_end|>\\n<|im_start|>assistant\\n' -}}}}"
ADB_TEMPLATE: Final = ASK.format("What is adb?")
THINKING_TEMPLATE: Final = (
    "{%- if enable_thinking is defined and enable_thinking is false -%}"
    + ASK.format("Goodbye!")
    + "{%- else -%}"
    + ASK.format("Tell me a joke.")
    + "{%- endif -%}"
)


@pytest.fixture
def shipped() -> Fixture:
    return msgspec.json.decode(demo_fixture_file().read_bytes(), type=Fixture)


async def answer(
    bench: Bench, fixture: Fixture, *, script: EngineScript | None = None, **config: Any
) -> Fidelity:
    """One launch for each prompt, greedy, with the arithmetic that a run asks for."""
    asked = json.loads((bench.model / "config.json").read_bytes()) | config
    asked |= {"sampler_type": "greedy", "max_new_tokens": ANSWER_TOKENS, "thread_num": 1}
    work = bench.folder / "work"
    work.mkdir(exist_ok=True)
    (work / "config.json").write_text(json.dumps({**asked, "base_dir": f"{bench.model}/"}), encoding="utf-8")
    script_file = bench.folder / "script.json"
    script_file.write_bytes(b"" if script is None else msgspec.json.encode(script))
    env: dict[str, Any] = {VARIABLE: str(script_file)}
    texts = []
    for prompt in fixture.prompts:
        (bench.folder / "p.txt").write_text(f"{prompt.prompt}\n", encoding="utf-8")
        done = await bench.run("p.txt", config="work/config.json", **env)
        reader = LaunchReader("demo", max_new_tokens=ANSWER_TOKENS)
        reader.feed_stdout(done.stdout)
        reading = reader.finish(exit_status=done.status)
        texts.append((reading.text, reading.cause))
    return judge(fixture, texts)


@pytest.mark.parametrize(
    "config", [{"precision": "low", "attention_mode": 8}, {"precision": "high"}, {"attention_mode": 10}]
)
async def test_right_engine_answers_all_of_it(bench: Bench, shipped: Fixture, config: dict[str, Any]) -> None:
    fidelity = await answer(bench, shipped, **config)
    assert (fidelity.share, fidelity.reason) == (1.0, None)
    assert wrong_lines(fidelity) == []


@pytest.mark.parametrize("mode", [11, 12, 14])
async def test_attention_that_garbles_small_heads_is_wrong(bench: Bench, shipped: Fixture, mode: int) -> None:
    fidelity = await answer(bench, shipped, attention_mode=mode)
    assert is_wrong(fidelity)
    assert len(wrong_lines(fidelity)) == 9


async def test_engine_that_garbles_is_wrong(bench: Bench, shipped: Fixture) -> None:
    fidelity = await answer(bench, shipped, script=EngineScript(garble=True))
    assert is_wrong(fidelity)


async def test_engine_that_crashes_is_not_wrong(bench: Bench, shipped: Fixture) -> None:
    script = EngineScript(refuse_load=True)
    fidelity = await answer(bench, shipped, script=script)
    assert not is_wrong(fidelity)
    assert fidelity.share is None
    assert fidelity.reason is not None
    assert fidelity.reason.startswith("the launch for prompt 1 of the fixture failed: ")


async def test_weights_of_a_bad_export_are_wrong_against_the_good_ones_fixture(
    bench: Bench, shipped: Fixture
) -> None:
    spoil(bench.model)
    assert is_wrong(await answer(bench, shipped))


async def test_weights_that_are_a_little_off_have_a_share(bench: Bench, shipped: Fixture) -> None:
    wear(bench.model)
    fidelity = await answer(bench, shipped)
    assert not is_wrong(fidelity)
    assert fidelity.share is not None
    assert 0.25 < fidelity.share < 0.95


async def test_model_that_is_wrong_on_the_host_too_answers_its_own_fixture(bench: Bench) -> None:
    spoil(bench.model)
    catalog = ModelCatalog(Home(bench.folder / "home"))
    fixture = await catalog.make_fixture(catalog.add(bench.model))
    assert isinstance(fixture, Fixture)
    assert fixture.source == "unchecked"
    fidelity = await answer(bench, fixture)
    assert fidelity.share == 1.0


@pytest.mark.parametrize(
    ("prompting", "begins"),
    [
        ({"use_template": False}, " "),
        ({"jinja": {"chat_template": ADB_TEMPLATE}}, "adb is"),
        ({"jinja": {"chat_template": THINKING_TEMPLATE, "context": {"enable_thinking": False}}}, "Goodbye!"),
    ],
)
async def test_model_is_asked_as_its_own_config_says(
    bench: Bench, prompting: dict[str, Any], begins: str
) -> None:
    facts = json.loads((bench.model / "llm_config.json").read_bytes())
    del facts["jinja"]
    (bench.model / "llm_config.json").write_text(json.dumps(facts))
    bench.write(**prompting, sampler_type="mixed", temperature=5.0)
    catalog = ModelCatalog(Home(bench.folder / "home"))
    fixture = await catalog.make_fixture(catalog.add(bench.model))
    assert isinstance(fixture, Fixture)
    assert "".join(fixture.prompts[0].pieces).startswith(begins)
    assert (await answer(bench, fixture)).share == 1.0
