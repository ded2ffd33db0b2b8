from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import pytest

from devicehub.errors import InputError
from devicehub.export.blocks import Quantisation
from devicehub.export.refusals import option_problems
from devicehub.profiles.exporter import OPTIONS
from devicehub.profiles.json_schema import profile_schema
from devicehub.profiles.load import check_file, find_profiles, load_profiles, recipe_file
from devicehub.profiles.recipes import RecipeFile
from devicehub.profiles.schema import KINDS
from devicehub.settings import Home

HOME = Home(Path("/nowhere"))
RECIPES = load_profiles(RecipeFile, HOME)
WHOLE = 'summary = "Mine"\npurpose = "Mine."\n[engines]\nleast = "3.5.0"\n'


def said(folder: Path, text: str) -> list[tuple[str | None, str]]:
    file = folder / "mine.toml"
    file.write_text(text, encoding="utf-8")
    return [(problem.key, problem.problem) for problem in check_file(file, RecipeFile)[1]]


def test_recipes_of_the_guide_are_there() -> None:
    assert set(RECIPES) == {
        *("default", "extreme-speed", "precision-awq", "precision-8bit", "precision-block32"),
        *("memory-block128", "memory-block256", "memory-channel", "memory-lm4", "memory-embed4"),
        *("smoothquant", "omni", "vision", "audio", "npu-qnn", "sparse-w4", "lora", "gptq", "draft", "eagle"),
    }


def test_no_packaged_recipe_is_one_that_an_export_refuses() -> None:
    for name, recipe in RECIPES.items():
        tied = recipe.tied.flags if recipe.tied is not None else {}
        for flags in (recipe.flags, {**recipe.flags, **tied}):
            assert list(option_problems(flags)) == [], name


def test_guides_own_words_about_bits_and_blocks() -> None:
    default = Quantisation.of(RECIPES["default"].flags)
    assert (default.bits, default.block, default.lm_bits, default.symmetric) == (4, 64, 8, False)
    speed = Quantisation.of(RECIPES["extreme-speed"].flags)
    assert (speed.bits, speed.lm_bits, speed.embedding_bits, speed.block, speed.symmetric) == (
        4,
        4,
        4,
        256,
        True,
    )
    assert RECIPES["sparse-w4"].flags["sym"] is True
    assert RECIPES["smoothquant"].flags["act_bit"] == 16
    assert RECIPES["eagle"].least_layers == 7


@pytest.mark.parametrize(
    ("flags", "key", "problem"),
    [
        ("quant_bits = 4", "flags.quant_bits", "llmexport has no such option (did you mean quant_bit?)"),
        ('quant_bit = "4"', "flags.quant_bit", "takes a whole number"),
        ("quant_bit = true", "flags.quant_bit", "takes a whole number"),
        ("hqq = 1", "flags.hqq", "takes true or false"),
        ("quant_block = -1", "flags.quant_block", "is at least 0"),
        ("omni_lr = nan", "flags.omni_lr", "takes a number"),
        (
            'dst_path = "x"',
            "flags.dst_path",
            "no recipe sets it: the folder is what `--out` names, or the catalogue",
        ),
    ],
)
def test_flags_are_llmexports(tmp_path: Path, flags: str, key: str, problem: str) -> None:
    assert said(tmp_path, f"{WHOLE}[flags]\n{flags}\n") == [(key, problem)]
    assert said(tmp_path, f"{WHOLE}[flags]\n[tied.flags]\n{flags}\n") == [(f"tied.{key}", problem)]


def test_all_problems_of_a_recipe_are_listed(tmp_path: Path) -> None:
    text = 'purpose = ""\nneeds = ["luck"]\n[engines]\nleast = "3.5"\nbuild = 1\n'
    keys = {key for key, _ in said(tmp_path, text)}
    assert keys == {"purpose", "needs[0]", "engines.least", "engines.build", "flags", "summary"}


def test_users_recipe_stands_in_for_the_packaged_one(tmp_path: Path) -> None:
    (tmp_path / "profiles" / "recipes").mkdir(parents=True)
    own = tmp_path / "profiles" / "recipes" / "default.toml"
    own.write_text(f"{WHOLE}[flags]\nquant_bit = 8\n", encoding="utf-8")
    assert recipe_file("default", Home(tmp_path)).flags == {"quant_bit": 8}
    with pytest.raises(InputError, match="did you mean draft"):
        recipe_file("draf", Home(tmp_path))


@pytest.mark.parametrize("kind", KINDS)
def test_schema_knows_every_key_of_the_packaged_files(kind: str) -> None:
    schema = profile_schema(kind)
    for located in find_profiles(kind, HOME).values():
        table = tomllib.loads(located.path.read_text(encoding="utf-8"))
        assert strange_keys(table, schema, schema) == [], located.path


def test_schema_names_every_option_of_llmexport() -> None:
    flags = profile_schema("recipes")["$defs"]["RecipeFile"]["properties"]["flags"]
    assert set(flags["properties"]) == set(OPTIONS)
    assert flags["properties"]["quant_block"] == {"type": "integer", "minimum": 0}
    assert strange_keys(
        {"flags": {"quant_bits": 4}}, profile_schema("recipes"), profile_schema("recipes")
    ) == ["quant_bits"]


def strange_keys(value: Any, schema: Any, root: dict[str, Any]) -> list[str]:
    """Keys that a schema of ours does not know, within tables and lists of tables."""
    if "$ref" in schema:
        return strange_keys(value, root["$defs"][schema["$ref"].rpartition("/")[2]], root)
    if "anyOf" in schema:
        return min((strange_keys(value, one, root) for one in schema["anyOf"]), key=len)
    if isinstance(value, list):
        inner = schema.get("items") or {}
        return [key for one in value for key in strange_keys(one, inner, root)]
    if not isinstance(value, dict) or "properties" not in schema:
        return []
    known = schema["properties"]
    found = [key for key in value if key not in known]
    return found + [
        key for name in value if name in known for key in strange_keys(value[name], known[name], root)
    ]
