"""What a client wants exported, read: sources, recipes, names, folders."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import pytest

from devicehub.api.contract import Export
from devicehub.api.export_wishes import read_wish
from devicehub.errors import AskError, ConfigError, InputError
from devicehub.models.hubs import parse_source
from devicehub.models.pulled import RECORD, PulledFolders, PullRecord
from devicehub.profiles.load import find_profiles
from devicehub.settings import Home
from tests.export.checkpoints import make_checkpoint

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path / "home")


@pytest.fixture
def source(tmp_path: Path) -> Path:
    return make_checkpoint(tmp_path / "Tiny-1M")


def test_one_recipe_names_the_model_and_its_folder_after_source_and_recipe(home: Home, source: Path) -> None:
    wish = read_wish(Export(source=str(source)), home)
    (item,) = wish.items
    assert (item.recipe_id, item.name) == ("default", "Tiny-1M-default")
    assert item.out == home.exported / "Tiny-1M-default"
    assert wish.source.folder == source


def test_name_and_folder_that_are_given_are_taken_as_they_are(
    home: Home, source: Path, tmp_path: Path
) -> None:
    params = Export(source=str(source), recipes=["precision-8bit"], name="mine", out=str(tmp_path / "here"))
    (item,) = read_wish(params, home).items
    assert (item.name, item.out) == ("mine", tmp_path / "here")


def test_several_recipes_make_a_name_and_a_folder_each(home: Home, source: Path, tmp_path: Path) -> None:
    recipes = ["default", "precision-8bit", "default"]
    params = Export(source=str(source), recipes=recipes, name="mine", out=str(tmp_path / "all"))
    items = read_wish(params, home).items
    assert [item.name for item in items] == ["mine-default", "mine-precision-8bit"]
    assert [item.out for item in items] == [tmp_path / "all" / item.name for item in items]


def test_all_recipes_are_those_that_suit_also_the_users_own(home: Home, source: Path) -> None:
    folder = home.profiles / "recipes"
    folder.mkdir(parents=True)
    (folder / "mine.toml").write_text(
        'summary = "Mine"\npurpose = "Mine."\n[flags]\nquant_bit = 8\n[engines]\nleast = "3.5.0"\n'
    )
    wish = read_wish(Export(source=str(source), all_recipes=True), home)
    chosen = [item.recipe_id for item in wish.items]
    assert sorted([*chosen, *wish.others]) == sorted(find_profiles("recipes", home))
    assert {"default", "mine"} <= set(chosen)
    assert "does not look at images" in wish.others["vision"]


@pytest.mark.parametrize(("soc", "name"), [("SM8650", "Tiny-1M-npu-qnn-v75"), (None, "Tiny-1M-npu-qnn")])
def test_models_for_unlike_npus_have_unlike_names(
    home: Home, source: Path, soc: str | None, name: str
) -> None:
    wish = read_wish(Export(source=str(source), recipes=["npu-qnn"]), home, soc)
    assert [item.name for item in wish.items] == [name]


def test_calibration_is_an_option_of_the_exporter(home: Home, source: Path, tmp_path: Path) -> None:
    params = Export(source=str(source), calibration=str(tmp_path / "c.txt"), overrides=["hqq=false"])
    (item,) = read_wish(params, home).items
    assert item.overrides == {"hqq": False, "calib_data": str(tmp_path / "c.txt")}


def test_what_was_pulled_is_a_source(home: Home, source: Path) -> None:
    folders = PulledFolders(home)
    pulled = parse_source("hf:org/tiny")
    place = folders.place(pulled)
    place.parent.mkdir(parents=True)
    source.rename(place)
    record = PullRecord(source="hf:org/tiny", revision="main", kind="checkpoint", files=(), pulled_s=0)
    (place / RECORD).write_bytes(msgspec.json.encode(record))
    assert read_wish(Export(source="hf:org/tiny"), home).source.folder == place
    with pytest.raises(InputError, match="run `devicehub models pull hf:org/other` first"):
        read_wish(Export(source="hf:org/other"), home)


def test_what_is_given_for_one_recipe_is_not_for_the_others(home: Home, source: Path, tmp_path: Path) -> None:
    adapter = f"lora_path={tmp_path}"
    params = Export(source=str(source), recipes=["default", "lora"], overrides=[adapter, "verbose"])
    default, lora = read_wish(params, home).items
    assert default.overrides == {"verbose": True}
    assert lora.overrides == {"verbose": True, "lora_path": str(tmp_path)}


@pytest.mark.parametrize(
    ("params", "error", "sentence"),
    [
        ({"recipes": ["defualt"]}, InputError, r"no such recipe \(did you mean default\?\)"),
        ({"recipes": ["default"], "all_recipes": True}, AskError, "do not go together"),
        ({"overrides": ["dhm_model=x"]}, InputError, "no meaning of it is known"),
        ({"name": "a/b"}, InputError, "holds a slash"),
        ({"text": "/nowhere/text"}, InputError, "/nowhere/text"),
        ({"out": "a\0b"}, InputError, "NUL"),
    ],
)
def test_what_cannot_be_meant_is_refused(
    home: Home, source: Path, params: dict[str, object], error: type[Exception], sentence: str
) -> None:
    with pytest.raises(error, match=sentence):
        read_wish(msgspec.convert({"source": str(source), **params}, Export), home)


def test_source_that_is_none_is_told(home: Home, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="Tiny"):
        read_wish(Export(source=str(tmp_path / "Tiny")), home)


def test_wrong_recipe_is_told_with_its_place(home: Home, source: Path) -> None:
    folder = home.profiles / "recipes"
    folder.mkdir(parents=True)
    (folder / "mine.toml").write_text(
        'summary = "Mine"\npurpose = "Mine."\nflags.quant_bits = 8\nengines.least = "3.5.0"\n'
    )
    with pytest.raises(ConfigError, match="quant_bits"):
        read_wish(Export(source=str(source), recipes=["mine"]), home)
