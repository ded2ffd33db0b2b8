"""Fixtures in the catalogue: whose they are, how long they stay, and what is left when a process dies."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from devicehub.demo_model import demo_model_dir
from devicehub.errors import InputError
from devicehub.models import make_fixture as making
from devicehub.models.catalog import Model, ModelCatalog
from devicehub.models.fixture import Fixture, FixturePrompt, NoFixture
from devicehub.models.shelf import FixtureShelf
from devicehub.settings import Home
from tests.models.make_folder import make_model

if TYPE_CHECKING:
    from pathlib import Path


def fixture_of(model: Model) -> Fixture:
    prompt = FixturePrompt(prompt="p", pieces=("\u5929", "a"), ended=True)
    return Fixture(model_id=model.manifest.id, engine="MNN 3.6.1", prompts=(prompt,))


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path / "home")


@pytest.fixture
def catalog(home: Home) -> ModelCatalog:
    return ModelCatalog(home)


@pytest.fixture
def shelf(home: Home) -> FixtureShelf:
    return FixtureShelf(home)


def test_model_without_one_says_how_to_make_it(catalog: ModelCatalog, tmp_path: Path) -> None:
    model = catalog.add(make_model(tmp_path / "m"), "small one")
    assert catalog.fixture(model) is None
    assert catalog.fixture_reason(model) == (
        "none was made; `devicehub models check 'small one' --fixture` makes it"
    )


def test_content_has_it_under_every_name(catalog: ModelCatalog, shelf: FixtureShelf, tmp_path: Path) -> None:
    folder = make_model(tmp_path / "m")
    first, second = catalog.add(folder, "one"), catalog.add(folder, "two")
    shelf.put(first.manifest.id, fixture_of(first))
    assert catalog.fixture(second) == fixture_of(first)
    assert catalog.fixture_reason(second) is None
    (folder / "tokenizer.mtok").write_bytes(b"others")
    assert catalog.fixture(catalog.add(folder, "one")) is None
    assert not list(folder.glob("*fixture*"))


def test_reason_is_kept_as_well(catalog: ModelCatalog, shelf: FixtureShelf, tmp_path: Path) -> None:
    model = catalog.add(make_model(tmp_path / "m"))
    shelf.put(model.manifest.id, NoFixture(reason="it takes too much"))
    assert catalog.fixture(model) is None
    assert catalog.fixture_reason(model) == "it takes too much"


def test_it_goes_with_the_last_model_of_that_content(
    catalog: ModelCatalog, shelf: FixtureShelf, tmp_path: Path
) -> None:
    folder = make_model(tmp_path / "m")
    model = catalog.add(folder, "one")
    catalog.add(folder, "two")
    shelf.put(model.manifest.id, fixture_of(model))
    catalog.remove("one")
    assert shelf.find(model.manifest.id) == fixture_of(model)
    catalog.remove("two")
    assert shelf.find(model.manifest.id) is None


def test_beside_a_damaged_entry_it_stays(catalog: ModelCatalog, shelf: FixtureShelf, tmp_path: Path) -> None:
    folder = make_model(tmp_path / "m")
    model = catalog.add(folder)
    shelf.put(model.manifest.id, fixture_of(model))
    (tmp_path / "home" / "models" / "other.json").write_text("{")
    (folder / "tokenizer.mtok").write_bytes(b"others")
    assert catalog.add(folder).id != model.id
    assert shelf.find(model.manifest.id) == fixture_of(model)


def test_damaged_one_is_a_reason_that_names_its_file(
    catalog: ModelCatalog, shelf: FixtureShelf, tmp_path: Path
) -> None:
    model = catalog.add(make_model(tmp_path / "m"))
    shelf.put(model.manifest.id, fixture_of(model))
    (file,) = (tmp_path / "home" / "models" / "fixtures").iterdir()
    file.write_bytes(b"{")
    assert catalog.fixture(model) is None
    reason = catalog.fixture_reason(model)
    assert reason is not None
    assert reason.startswith(f"{file}: is damaged (")
    assert reason.endswith("; run `devicehub models check MODEL --fixture`")


def test_content_that_changed_takes_its_own_with_it(
    catalog: ModelCatalog, shelf: FixtureShelf, tmp_path: Path
) -> None:
    folder = make_model(tmp_path / "m")
    model = catalog.add(folder)
    shelf.put(model.manifest.id, fixture_of(model))
    assert catalog.fixture(catalog.add(folder)) == fixture_of(model)
    (folder / "tokenizer.mtok").write_bytes(b"others")
    catalog.add(folder)
    assert shelf.find(model.manifest.id) is None


def test_one_that_was_made_here_goes_before_the_shipped_one(
    catalog: ModelCatalog, shelf: FixtureShelf
) -> None:
    model = catalog.add(demo_model_dir())
    shipped = catalog.fixture(model)
    assert shipped is not None
    shelf.put(model.manifest.id, fixture_of(model))
    assert catalog.fixture(model) == fixture_of(model) != shipped
    catalog.remove(model.name)
    assert catalog.fixture(model) == shipped


def test_scratch_of_a_dead_process_is_cleared_and_of_a_living_one_not(
    shelf: FixtureShelf, home: Home
) -> None:
    folder = home.models / "fixtures"
    with shelf.scratch() as first:
        (first / "0.static").write_bytes(b"weights")
        dead = folder / ".scratch-999999999-x"
        dead.mkdir()
        with shelf.scratch() as second:
            assert {path.name for path in folder.iterdir()} == {first.name, second.name}
        assert (first / "0.static").exists()
        assert f"-{os.getpid()}-" in first.name
    assert list(folder.iterdir()) == []


async def test_host_that_is_short_of_memory_now_keeps_what_it_made_before(
    catalog: ModelCatalog, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = catalog.add(make_model(tmp_path / "m"))
    answers: list[Fixture | NoFixture] = [NoFixture(reason="too big"), fixture_of(model)]
    answers.append(NoFixture(reason="too big now"))

    async def answer(_model: Model, _scratch: Path, **_more: object) -> Fixture | NoFixture:
        return answers.pop(0)

    monkeypatch.setattr(making, "make_fixture", answer)
    assert await catalog.make_fixture(model) == NoFixture(reason="too big")
    assert catalog.fixture_reason(model) == "too big"
    await catalog.make_fixture(model)
    assert await catalog.make_fixture(model) == NoFixture(reason="too big now")
    assert catalog.fixture(model) == fixture_of(model)


async def test_model_that_changes_while_it_answers_gets_none(
    catalog: ModelCatalog, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = make_model(tmp_path / "m")
    model = catalog.add(folder)

    async def answer(model: Model, _scratch: Path, **_more: object) -> Fixture:
        (folder / "llm.mnn").write_bytes(b"another graph")
        return fixture_of(model)

    monkeypatch.setattr(making, "make_fixture", answer)
    with pytest.raises(InputError, match="has changed since the model was added"):
        await catalog.make_fixture(model)
    assert catalog.fixture(model) is None
