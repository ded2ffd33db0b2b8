from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from devicehub.export.source import Source, read_source
from devicehub.export.suits import Suiting, choose_recipes, overrides_for
from devicehub.profiles.load import load_profiles
from devicehub.profiles.recipes import RecipeFile
from devicehub.settings import Home
from tests.export.checkpoints import make_checkpoint, qwen3_shapes

if TYPE_CHECKING:
    from devicehub.profiles.exporter import Value

RECIPES = load_profiles(RecipeFile, Home(Path("/nowhere")))
PLAIN = {
    *("default", "draft", "extreme-speed", "memory-block128", "memory-block256", "memory-channel"),
    *("memory-embed4", "memory-lm4", "precision-8bit", "precision-block32"),
}


@pytest.fixture(scope="session")
def tied(tmp_path_factory: pytest.TempPathFactory) -> Source:
    return read_source(make_checkpoint(tmp_path_factory.mktemp("suits") / "tied"))


def chosen(
    source: Source, overrides: dict[str, Value] | None = None, *, pruned: bool = False, fit: bool = False
) -> Suiting:
    return choose_recipes(source, RECIPES, overrides or {}, pruned=pruned, fit_block=fit)


def test_each_recipe_suits_or_has_a_reason(tied: Source) -> None:
    found = chosen(tied)
    assert set(found.chosen) == PLAIN
    assert set(found.chosen) | set(found.others) == set(RECIPES)
    assert found.others["audio"] == "it does not listen"
    assert found.others["lora"] == "it needs an adapter"
    assert found.others["eagle"] == "it has 2 layers, and this recipe needs 7"
    assert found.others["sparse-w4"] == "it is not pruned"
    assert "by its name" in found.others["npu-qnn"]


def test_what_is_given_makes_recipes_suit(tied: Source) -> None:
    given: dict[str, Value] = {"calib_data": "/text", "lora_path": "/lora", "gptq_path": "/gptq"}
    found = chosen(tied, given, pruned=True)
    assert set(found.chosen) == PLAIN | {
        *("precision-awq", "omni", "smoothquant", "lora", "gptq", "sparse-w4")
    }


def test_what_is_given_goes_to_the_recipes_that_need_it() -> None:
    given: dict[str, Value] = {"calib_data": "/text", "lora_path": "/lora", "onnx_slim": True}
    every = RECIPES.values()
    assert overrides_for(RECIPES["default"], given, every) == {"onnx_slim": True}
    assert overrides_for(RECIPES["lora"], given, every) == {"lora_path": "/lora", "onnx_slim": True}
    calibrated: dict[str, Value] = {"calib_data": "/text", "awq": True}
    assert overrides_for(RECIPES["default"], calibrated, every) == calibrated
    # No recipe that was asked for needs an adapter: then it is for each of them.
    alone = [RECIPES["precision-8bit"]]
    assert overrides_for(RECIPES["precision-8bit"], given, alone) == given


def test_recipe_for_a_kind_of_source_stands_for_others_of_its_options(tmp_path: Path) -> None:
    shapes = qwen3_shapes() | {"model.visual.blocks.0.attn.qkv.weight": (48, 16)}
    found = chosen(read_source(make_checkpoint(tmp_path / "vl", shapes=shapes)))
    assert "vision" in found.chosen
    assert found.others["default"] == "makes of this source what vision makes"


def test_blocks_that_do_not_fit_are_a_reason_unless_they_are_lowered(tmp_path: Path) -> None:
    source = read_source(make_checkpoint(tmp_path / "narrow", hidden=896, intermediate=1152, layers=1))
    assert "memory-block256" not in chosen(source).chosen
    assert "does not divide the width" in chosen(source).others["memory-block256"]
    # Lowered, it becomes no recipe's that is there already: the output layer has a block of its own.
    assert "memory-block256" in chosen(source, fit=True).chosen


def test_options_that_are_refused_are_a_reason(tied: Source) -> None:
    found = chosen(tied, {"quant_bit": 2})
    assert found.chosen == ()
    assert "quant_bit 2 writes models that say garbage" in found.others["default"]
