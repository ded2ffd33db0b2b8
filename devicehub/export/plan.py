"""Plans an export: recipe, source and wishes become llmexport's options, or a sentence why not."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from devicehub.export.companions import read_companions
from devicehub.export.estimate import estimate
from devicehub.export.flags import absolute_paths, llmexport_options
from devicehub.export.matching import gptq_options, refuse_companions
from devicehub.export.needs import check_needs
from devicehub.export.preflight import check_machine, check_pruned, fit_blocks, fit_zeros, source_warnings
from devicehub.export.refusals import option_warnings, refuse_options, refuse_source
from devicehub.export.suits import recipe_options

if TYPE_CHECKING:
    from collections.abc import Mapping

    from devicehub.export.companions import Companions
    from devicehub.export.estimate import Estimate
    from devicehub.export.flags import Options
    from devicehub.export.machine import Machine
    from devicehub.export.source import Source
    from devicehub.profiles.exporter import Value
    from devicehub.profiles.recipes import RecipeFile


@dataclass(frozen=True)
class Plan:
    """An export that can be made.

    Attributes:
        recipe_id: the recipe's name.
        options: llmexport's, without source, destination and `export`; paths are absolute.
        argv: the same as words of its command line, with `--export mnn`.
        companions: what was given beside the source.
        notes: what the user is told of the recipe and of what was decided for him.
        warnings: what may not be as he expects.
        estimate: of size, memory and room.
    """

    source: Source
    recipe_id: str
    options: Mapping[str, Value]
    argv: tuple[str, ...]
    companions: Companions
    notes: tuple[str, ...]
    warnings: tuple[str, ...]
    estimate: Estimate


def plan_export(
    source: Source,
    recipe_id: str,
    recipe: RecipeFile,
    overrides: Options,
    *,
    machine: Machine,
    fit_block: bool,
) -> Plan:
    """Plan one export; nothing is written.

    Args:
        source: the checkpoint.
        recipe_id: the recipe's name.
        recipe: what it says.
        overrides: options that win over the recipe's; relative paths count from the working directory.
        machine: what this host has.
        fit_block: where a block does not fit take the largest that does, and leave hqq out where a block
            of zeros forbids it, instead of refusing.

    Raises:
        InputError: it cannot be made, or would come out wrong; with the reason and the way out.
    """
    place = f"recipe {recipe_id}"
    options, notes = _merge(source, recipe, overrides)
    refuse_options(options, place=place)
    check_needs(recipe, source, options, place=place)
    refuse_source(options, source)
    companions = read_companions(options)
    refuse_companions(companions, source, options)
    if companions.gptq is not None:
        options, said = gptq_options(options, companions.gptq)
        notes += said
    if "sparse" in recipe.needs:
        check_pruned(source)
    options, said = fit_blocks(source, options, take=fit_block)
    notes += said
    options, said = fit_zeros(source, options, take=fit_block)
    notes += said
    expected = estimate(source, options)
    check_machine(expected, machine, source)
    warnings = list(option_warnings(options, source))
    warnings += source_warnings(source, options, machine, needed_ram_bytes=expected.ram_bytes)
    return Plan(
        source=source,
        recipe_id=recipe_id,
        options=options,
        argv=tuple(llmexport_options(options)),
        companions=companions,
        notes=tuple(notes),
        warnings=tuple(warnings),
        estimate=expected,
    )


def _merge(source: Source, recipe: RecipeFile, overrides: Options) -> tuple[Options, list[str]]:
    """The recipe's options, over them the user's; and what to tell him of the recipe."""
    notes = [recipe.note] if recipe.note else []
    if source.tied and recipe.tied is not None and recipe.tied.note:
        notes.append(recipe.tied.note)
    return absolute_paths(recipe_options(recipe, source) | overrides), notes
