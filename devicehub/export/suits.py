"""Which recipes suit a source, and why the others do not; which of the user's options are for which. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from devicehub.export.blocks import Quantisation, misfits
from devicehub.export.needs import GIVEN, missing, unfit
from devicehub.export.refusals import CALIBRATED, option_problems

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

    from devicehub.export.source import Source
    from devicehub.profiles.exporter import Value
    from devicehub.profiles.recipes import RecipeFile

_BY_NAME: Final = frozenset({"qnn_sdk", "mnn_checkout"})
"""Needs that nobody has by chance."""
_OF_A_KIND: Final = frozenset({"visual", "audio"})
"""Needs that make of a recipe the one for such sources, where another has the same options."""


@dataclass(frozen=True)
class Suiting:
    """The recipes, told apart.

    Attributes:
        chosen: ids of those that suit, sorted.
        others: why not, by the ids of the rest.
    """

    chosen: tuple[str, ...]
    others: Mapping[str, str]


def choose_recipes(
    source: Source,
    recipes: Mapping[str, RecipeFile],
    overrides: Mapping[str, Value],
    *,
    pruned: bool,
    fit_block: bool,
) -> Suiting:
    """Tell the recipes apart.

    Args:
        source: the checkpoint.
        recipes: by id.
        overrides: options that win over theirs.
        pruned: the source's layers hold zeros to keep.
        fit_block: blocks that do not fit will be lowered.
    """
    others: dict[str, str] = {}
    by_options: dict[frozenset[tuple[str, Value]], str] = {}
    for name in sorted(recipes, key=lambda one: (_OF_A_KIND.isdisjoint(recipes[one].needs), one)):
        recipe = recipes[name]
        options = recipe_options(recipe, source) | overrides_for(recipe, overrides, recipes.values())
        why_not = next(_reasons(source, recipe, options, pruned=pruned, fit_block=fit_block), None)
        if why_not is not None:
            others[name] = why_not
            continue
        given = frozenset((key, value) for key, value in options.items() if value is not False)
        same = by_options.setdefault(given, name)
        if same != name:
            others[name] = f"makes of this source what {same} makes"
    return Suiting(tuple(sorted(by_options.values())), others)


def recipe_options(recipe: RecipeFile, source: Source) -> dict[str, Value]:
    """The recipe's options, with those for tied sources over them where this is one."""
    tied = recipe.tied.flags if source.tied and recipe.tied is not None else {}
    return {**recipe.flags, **tied}


def overrides_for(
    recipe: RecipeFile, overrides: Mapping[str, Value], among: Collection[RecipeFile]
) -> dict[str, Value]:
    """The user's options that are for this recipe.

    What is given for a need (an adapter, a calibration text) goes to the recipes that have the need; where
    none of those that are asked for has it, to all.

    Args:
        recipe: one of them.
        overrides: what the user set.
        among: all that are asked for.
    """
    kept = dict(overrides)
    own = set(recipe.needs)
    if any(overrides.get(name) is True for name in CALIBRATED):
        own.add("calibration")
    for need, given in GIVEN.items():
        if need not in own and any(need in other.needs for other in among):
            kept.pop(given.option, None)
    return kept


def _reasons(
    source: Source, recipe: RecipeFile, options: Mapping[str, Value], *, pruned: bool, fit_block: bool
) -> Iterator[str]:
    if not _BY_NAME.isdisjoint(recipe.needs):
        yield "needs Qualcomm's SDK and an MNN checkout: ask for it by its name"
    yield from (problem for problem, _ in unfit(recipe, source))
    if "sparse" in recipe.needs and not pruned:
        yield "it is not pruned"
    yield from (problem for problem, _ in missing(recipe, options))
    yield from (problem for problem, _ in option_problems(options))
    if not fit_block:
        asked = Quantisation.of(options)
        for one in misfits(asked, widths=source.widths, hidden=source.hidden, tied=source.tied):
            yield f"{one.option} {one.block} does not divide the width {one.width} of {one.where}"
