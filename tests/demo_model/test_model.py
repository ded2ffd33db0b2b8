"""The model in the repository: its size, its files and what it answers in the MNN wheel."""

import json
import random
import sys
from pathlib import Path

import pytest

from devicehub import procs
from devicehub.demo_model import DEFAULT_PROMPT, demo_fixture_file, demo_model_dir
from devicehub.demo_model.corpus import EXPECTED_ANSWERS, GENERAL, TOPICS, unknown_prompt, vary
from devicehub.demo_model.make_fixture import write_fixture
from devicehub.errors import InputError
from devicehub.units import MB
from tests.models.make_folder import make_model


async def ask(prompts: list[str]) -> list[str]:
    argv: list[str | Path] = [sys.executable, "-m", "devicehub.demo_model.ask", demo_model_dir()]
    done = await procs.run(argv, stdin=json.dumps(prompts).encode(), timeout_s=300)
    assert done.status == 0, done.stderr.decode()
    answers: list[str] = json.loads(done.stdout)
    return answers


async def test_every_expected_answer_word_for_word() -> None:
    answers = await ask(list(EXPECTED_ANSWERS))
    assert dict(zip(EXPECTED_ANSWERS, answers, strict=True)) == EXPECTED_ANSWERS


async def test_an_answer_does_not_depend_on_what_was_asked_before() -> None:
    first, _, third = await ask([DEFAULT_PROMPT, "Why warm up?", DEFAULT_PROMPT])
    assert first == third == EXPECTED_ANSWERS[DEFAULT_PROMPT]


@pytest.mark.parametrize(
    "text", ["Who won the race in 1987?", "print(sorted(words))", "Zwei mal drei?", "🦆"]
)
async def test_what_no_topic_covers_gets_the_general_answer(text: str) -> None:
    assert await ask([text]) == [GENERAL.answer]


async def test_most_other_wordings_are_understood() -> None:
    rng = random.Random(7)
    asked = [(vary(prompt, rng), topic.answer) for topic in TOPICS for prompt in topic.prompts]
    answers = await ask([prompt for prompt, _ in asked])
    right = sum(answer == expected for answer, (_, expected) in zip(answers, asked, strict=True))
    assert right / len(asked) > 0.95


async def test_a_folder_without_a_model_is_told_apart_from_a_silent_model(tmp_path: Path) -> None:
    argv: list[str | Path] = [sys.executable, "-m", "devicehub.demo_model.ask", tmp_path]
    done = await procs.run(argv, stdin=b'["hi"]', timeout_s=60)
    assert done.status == 1
    assert "cannot load this model" in done.stderr.decode()


def test_the_folder_holds_what_llm_demo_needs_and_is_small() -> None:
    files = {file.name: file.stat().st_size for file in demo_model_dir().iterdir()}
    config = json.loads((demo_model_dir() / "config.json").read_bytes())
    assert {"llm_config.json", config["llm_model"], config["llm_weight"], config["tokenizer_file"]} <= set(
        files
    )
    assert "llm.mnn.json" not in files
    assert sum(files.values()) < 3 * MB


def test_embeddings_lie_in_the_weight_file_so_no_other_file_is_needed() -> None:
    llm_config = json.loads((demo_model_dir() / "llm_config.json").read_bytes())
    weights_at, scales_at, scales_size, *_ = llm_config["tie_embeddings"]
    assert 0 < weights_at < scales_at
    assert scales_at + scales_size == (demo_model_dir() / "llm.mnn.weight").stat().st_size


def test_the_default_prompt_has_an_expected_answer() -> None:
    assert DEFAULT_PROMPT in EXPECTED_ANSWERS


def test_no_question_belongs_to_two_topics() -> None:
    prompts = [prompt for topic in (*TOPICS, GENERAL) for prompt in topic.prompts]
    assert len(prompts) == len(set(prompts))


@pytest.mark.parametrize("longest", [120, 900])
def test_unknown_prompts_are_repeatable_and_never_empty(longest: int) -> None:
    drawn = [unknown_prompt(random.Random(seed), longest=longest) for seed in range(200)]
    assert drawn == [unknown_prompt(random.Random(seed), longest=longest) for seed in range(200)]
    assert all(drawn)


def test_fixture_is_made_anew_byte_by_byte(tmp_path: Path) -> None:
    write_fixture(demo_model_dir(), tmp_path / "fixture.json")
    shipped = demo_fixture_file().read_bytes()
    engine = json.loads(shipped)["engine"].encode()
    made = (tmp_path / "fixture.json").read_bytes()
    # Another version of the wheel answers alike.
    assert made.replace(json.loads(made)["engine"].encode(), engine) == shipped


def test_fixture_is_what_the_model_has_learnt() -> None:
    for prompt in json.loads(demo_fixture_file().read_bytes())["prompts"]:
        (answer,) = {topic.answer for topic in TOPICS if prompt["prompt"] in topic.prompts}
        said = "".join(prompt["pieces"])
        assert answer == said if prompt["ended"] else answer.startswith(said)


def test_model_that_cannot_answer_leaves_the_fixture_as_it_is(tmp_path: Path) -> None:
    file = tmp_path / "fixture.json"
    file.write_text("before")
    with pytest.raises(InputError, match="has no fixture: the MNN wheel"):
        write_fixture(make_model(tmp_path / "m"), file)
    assert file.read_text() == "before"
