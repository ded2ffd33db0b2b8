"""What of the demo model's maker can be tried without torch."""

import importlib.util
import random
from pathlib import Path
from types import SimpleNamespace

import pytest

from devicehub.demo_model import make_model
from devicehub.demo_model.corpus import EXPECTED_ANSWERS, GENERAL, TOPICS
from devicehub.demo_model.make_model import DemoModelError, check, make, make_batch, publish


class ByteTokenizer:
    """One id per byte, so that ids can be read back."""

    def encode(self, text: str) -> SimpleNamespace:
        return SimpleNamespace(ids=list(text.encode()))


def folder(path: Path, text: str) -> Path:
    path.mkdir(parents=True)
    (path / "config.json").write_text(text)
    return path


def test_publishing_replaces_the_old_folder_and_leaves_nothing_beside_it(tmp_path: Path) -> None:
    destination = folder(tmp_path / "out" / "model", "old")
    publish(folder(tmp_path / "made", "new"), destination)
    assert [path.name for path in destination.parent.iterdir()] == ["model"]
    assert (destination / "config.json").read_text() == "new"


def test_publishing_goes_over_what_a_killed_maker_left(tmp_path: Path) -> None:
    folder(tmp_path / "out" / ".model.new", "half")
    folder(tmp_path / "out" / ".model.old", "older")
    publish(folder(tmp_path / "made", "new"), tmp_path / "out" / "model")
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["model"]


async def test_a_model_with_one_wrong_answer_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    async def answer_all_but_one(model: Path, prompts: list[str]) -> list[str]:
        return [EXPECTED_ANSWERS[prompt] + ("!" if prompt == "What is adb?" else "") for prompt in prompts]

    monkeypatch.setattr(make_model, "ask", answer_all_but_one)
    with pytest.raises(DemoModelError, match=r"'What is adb\?'"):
        await check(Path("any"))


def test_without_the_extra_it_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(DemoModelError, match=r"devicehub\[export\]"):
        make(tmp_path / "model", tmp_path)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("long", [False, True])
def test_only_answers_are_learnt_and_each_ends_its_turn(long: bool) -> None:
    batch = make_batch(ByteTokenizer(), random.Random(3), long=long)
    answers = {topic.answer for topic in (*TOPICS, GENERAL)}
    for ids, labels in zip(batch.ids, batch.labels, strict=True):
        assert len(ids) == len(labels)
        learnt = bytes(label for label in labels if label != -100).decode()
        assert learnt.removesuffix("<|im_end|>") in answers
        assert learnt.endswith("<|im_end|>")
        assert bytes(ids).rstrip(b"\0").decode().endswith(learnt)
