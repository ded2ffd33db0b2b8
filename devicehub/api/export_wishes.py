"""Reads what a client wants exported: source, recipes, options, and where each model is to lie."""

from __future__ import annotations

import contextlib
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from devicehub.errors import AskError, InputError
from devicehub.export.companions import read_lines
from devicehub.export.flags import parse_overrides
from devicehub.export.npu.target import find_target
from devicehub.export.preflight import PRUNED
from devicehub.export.source import read_source
from devicehub.export.suits import choose_recipes, overrides_for
from devicehub.files import host_path
from devicehub.models.catalog import check_name
from devicehub.models.hubs import parse_source
from devicehub.models.pulled import PulledFolders
from devicehub.profiles.load import did_you_mean, find_profiles, load_file, load_socs
from devicehub.profiles.recipes import RecipeFile

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from devicehub.api.contract import Export
    from devicehub.export.flags import Options
    from devicehub.export.source import Source
    from devicehub.settings import Home

_DEFAULT: Final = "default"
_OF_A_HUB: Final = re.compile(r"(hf|modelscope):|https?://")


@dataclass(frozen=True)
class Item:
    """One model that is to be made.

    Attributes:
        overrides: options of llmexport that win over the recipe's.
        name: in the catalogue.
        out: the folder that it becomes.
    """

    recipe_id: str
    recipe: RecipeFile
    overrides: Options
    name: str
    out: Path


@dataclass(frozen=True)
class NpuGoal:
    """What graphs for Qualcomm's NPU are made with, and for which SoC; None is what was not given."""

    qnn_sdk: Path | None
    mnn: Path | None
    soc: str | None


@dataclass(frozen=True)
class Wish:
    """What is to be exported, read and found.

    Attributes:
        items: at least one.
        others: of all recipes those that do not suit the source, with the reason.
        fit_block: take the largest block that fits where the one asked for does not.
        text: on which the perplexity is measured.
        npu: for the recipes that need it.
    """

    source: Source
    items: tuple[Item, ...]
    others: Mapping[str, str]
    fit_block: bool
    text: Path | None
    npu: NpuGoal


def read_wish(params: Export, home: Home, soc: str | None = None) -> Wish:
    """Read what is wanted; nothing is written.

    Args:
        params: as the client gave them.
        home: where catalogue, recipes and pulled folders lie.
        soc: the SoC that graphs for an NPU are for.

    Raises:
        AskError: things that do not go together.
        ConfigError: a recipe is wrong.
        InputError: the source, a recipe, an option, a name or a text cannot be used.
    """
    if params.recipes and params.all_recipes:
        raise AskError("all recipes and single ones do not go together")
    source = read_source(find_checkpoint(params.source, home), gguf=_folder(params.gguf))
    overrides = parse_overrides(params.overrides)
    if params.calibration is not None:
        overrides["calib_data"] = str(host_path(params.calibration).absolute())
    text = host_path(params.text) if params.text is not None else None
    if text is not None:
        read_lines(text)
    recipes, others = _recipes(params, source, overrides, home)
    return Wish(
        source=source,
        items=_items(params, recipes, overrides, home, source=source, soc=soc),
        others=others,
        fit_block=params.fit_block,
        text=text,
        npu=NpuGoal(_folder(params.qnn_sdk), _folder(params.mnn), soc),
    )


def _folder(text: str | None) -> Path | None:
    return host_path(text).absolute() if text is not None else None


def find_checkpoint(text: str, home: Home) -> Path:
    """The folder of a source: one of this host, or what was pulled under that name.

    Raises:
        InputError: it was not pulled.
    """
    if not _OF_A_HUB.match(text):
        return host_path(text).absolute()
    pulled = PulledFolders(home).find(parse_source(text))
    if pulled is None:
        raise InputError(text, "is not on this host", remedy=f"run `devicehub models pull {text}` first")
    return pulled.path


def _recipes(
    params: Export, source: Source, overrides: Options, home: Home
) -> tuple[dict[str, RecipeFile], Mapping[str, str]]:
    """The recipes that are meant, by id; and why not, of those that were meant by `all`."""
    found = find_profiles("recipes", home)
    wanted = list(found) if params.all_recipes else list(dict.fromkeys(params.recipes or [_DEFAULT]))
    unknown = next((name for name in wanted if name not in found), None)
    if unknown is not None:
        problem = f"there is no such recipe{did_you_mean(unknown, found)}"
        raise InputError(
            f"recipe {unknown or repr(unknown)}", problem, remedy="see `devicehub profiles list recipes`"
        )
    recipes = {name: load_file(found[name].path, RecipeFile) for name in wanted}
    if not params.all_recipes:
        return recipes, {}
    pruned = source.zeros.share >= PRUNED
    suiting = choose_recipes(source, recipes, overrides, pruned=pruned, fit_block=params.fit_block)
    if not suiting.chosen:
        raise InputError(source.folder, "no recipe suits it", remedy="name one with --recipe to be told why")
    return {name: recipes[name] for name in suiting.chosen}, suiting.others


def _items(
    params: Export,
    recipes: Mapping[str, RecipeFile],
    overrides: Options,
    home: Home,
    *,
    source: Source,
    soc: str | None,
) -> tuple[Item, ...]:
    several = len(recipes) > 1
    base = params.name or source.folder.name
    items = []
    for name, recipe in recipes.items():
        kind = f"{name}{_generation(recipe, soc, home)}"
        own = check_name(f"{base}-{kind}" if several or params.name is None else base)
        if params.out is None:
            out = home.exported / own
        else:
            out = host_path(params.out).absolute()
            out = out / own if several else out
        items.append(Item(name, recipe, overrides_for(recipe, overrides, recipes.values()), own, out))
    return tuple(items)


def _generation(recipe: RecipeFile, soc: str | None, home: Home) -> str:
    """What tells models for unlike NPUs apart; empty for others, and for a SoC that the plan will refuse."""
    if "qnn_sdk" in recipe.needs and soc is not None:
        with contextlib.suppress(InputError):
            return f"-{find_target(soc, load_socs(home)).htp}"
    return ""
