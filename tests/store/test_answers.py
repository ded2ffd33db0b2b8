"""Answers to fixtures and the cost of sampling: what is remembered, and of what exactly."""

import dataclasses
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from devicehub.models.fixture import Fixture, FixturePrompt
from devicehub.runs.model import Answer, Fidelity
from devicehub.store import opening
from devicehub.store.answers import AnswerKey
from devicehub.store.store import Store
from tests.store.samples import run_row

FIXTURE = Fixture(
    model_id="m", engine="MNN 3.6.1", prompts=(FixturePrompt(prompt="p", pieces=("Yes", "."), ended=True),)
)
KEY = AnswerKey.of(FIXTURE, serialno="SN1", build="b/1", engine_id="e-1", model_id="m-1", config_sha256="c0")


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store.open(tmp_path / "devicehub.db") as opened:
        yield opened


def fidelity(share: float | None, text: str = "Yes.") -> Fidelity:
    answer = Answer(prompt="p", expected="Yes.", text=text, matched=2, of=3)
    return Fidelity(share=share, answers=[answer], run_id="r1")


def test_newest_answer_of_a_combination_is_known(store: Store) -> None:
    assert store.known_answer(KEY) is None
    store.remember_answer(KEY, fidelity(0.5), 100.0)
    store.remember_answer(KEY, fidelity(1.0), 200.0)
    assert store.known_answer(KEY) == fidelity(1.0)


@pytest.mark.parametrize("part", [field.name for field in dataclasses.fields(AnswerKey)])
def test_whatever_of_it_changes_the_phone_has_not_answered(store: Store, part: str) -> None:
    store.remember_answer(KEY, fidelity(1.0), 100.0)
    assert store.known_answer(dataclasses.replace(KEY, **{part: "other"})) is None


def test_answer_that_is_forgotten_is_asked_for_anew(store: Store) -> None:
    other = dataclasses.replace(KEY, build="b/2")
    store.remember_answer(KEY, fidelity(1.0), 100.0)
    store.remember_answer(other, fidelity(1.0), 100.0)
    store.forget_answer(KEY)
    store.forget_answer(KEY)
    assert store.known_answer(KEY) is None
    assert store.known_answer(other) == fidelity(1.0)


def test_answer_that_tells_nothing_replaces_none(store: Store) -> None:
    store.remember_answer(KEY, fidelity(0.75), 100.0)
    store.remember_answer(KEY, fidelity(None), 200.0)
    assert store.known_answer(KEY) == fidelity(0.75)


def test_half_a_character_in_an_answer_is_kept_as_a_question_mark(store: Store) -> None:
    store.remember_answer(KEY, fidelity(0.75, "a\ud83d"), 100.0)
    known = store.known_answer(KEY)
    assert known is not None
    assert known.answers[0].text == "a?"


def test_answer_that_another_version_wrote_is_asked_for_anew(store: Store, tmp_path: Path) -> None:
    store.remember_answer(KEY, fidelity(1.0), 100.0)
    with sqlite3.connect(tmp_path / "devicehub.db") as connection:
        connection.execute('UPDATE answers SET fidelity = CAST(\'{"share": "high"}\' AS BLOB)')
    connection.close()
    assert store.known_answer(KEY) is None


def test_newest_cost_of_a_phone_counts(store: Store) -> None:
    assert store.sampling_cost("SN1") is None
    store.remember_cost("SN1", 0.02, "r1", 100.0)
    store.remember_cost("SN1", -0.001, "r2", 200.0)
    store.remember_cost("SN2", 0.3, "r3", 300.0)
    assert store.sampling_cost("SN1") == -0.001


def test_database_of_before_keeps_its_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    scripts = opening.migrations()
    with monkeypatch.context() as before:
        before.setattr(opening, "migrations", lambda: scripts[:2])
        with Store.open(tmp_path / "devicehub.db") as old:
            old.add_run(run_row("r1"))
    with Store.open(tmp_path / "devicehub.db") as new:
        assert new.run("r1").id == "r1"
        new.remember_answer(KEY, fidelity(1.0), 100.0)
        assert new.known_answer(KEY) == fidelity(1.0)
