"""What a recipe does not work without, and which sources it is not for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from devicehub.errors import InputError
from devicehub.export.refusals import CALIBRATED

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from devicehub.export.source import Source
    from devicehub.profiles.exporter import Value
    from devicehub.profiles.recipes import Need, RecipeFile


@dataclass(frozen=True)
class Given:
    """What an option gives a recipe.

    Attributes:
        option: its name.
        problem: the sentence where it is missing.
        remedy: how to give it.
    """

    option: str
    problem: str
    remedy: str


GIVEN: Final[dict[Need, Given]] = {
    "calibration": Given(
        "calib_data",
        "it needs a text to calibrate with",
        "give one of a sample per line, as your prompts are: --calib FILE",
    ),
    "adapter": Given("lora_path", "it needs an adapter", "give its folder: --set lora_path=DIR"),
    "gptq": Given(
        "gptq_path",
        "it needs the same model as GPTQ has quantised it",
        "give its folder: --set gptq_path=DIR",
    ),
    "eagle": Given(
        "eagle_path", "it needs an EAGLE-3 head for this model", "give its folder: --set eagle_path=DIR"
    ),
}
"""Needs that an option meets."""


def check_needs(recipe: RecipeFile, source: Source, options: Mapping[str, Value], *, place: str) -> None:
    """See that a recipe has what it needs beside the source, and is for such a source.

    Args:
        recipe: what it says.
        source: the checkpoint.
        options: the recipe's, with what the user set over them.
        place: what an error names, as `recipe lora`.

    Raises:
        InputError: it has not, or is not; with the way out.
    """
    for problem, remedy in unfit(recipe, source):
        raise InputError(source.folder, problem, remedy=remedy)
    for problem, remedy in missing(recipe, options):
        raise InputError(place, problem, remedy=remedy)


def missing(recipe: RecipeFile, options: Mapping[str, Value]) -> Iterator[tuple[str, str]]:
    """What has to be given beside the source and is not: (what, how to give it)."""
    needs = list(recipe.needs)
    if any(options.get(name) is True for name in CALIBRATED) and "calibration" not in needs:
        needs.append("calibration")
    for need in needs:
        given = GIVEN.get(need)
        if given is not None and not options.get(given.option):
            yield given.problem, given.remedy


def unfit(recipe: RecipeFile, source: Source) -> Iterator[tuple[str, str]]:
    """Why a recipe is not for this source, whatever is given beside it: (why not, what instead)."""
    if "visual" in recipe.needs and not source.has_visual:
        yield "it does not look at images", "take --recipe default"
    if "audio" in recipe.needs and not source.has_audio:
        yield "it does not listen", "take --recipe default"
    if "experts" in recipe.refuses and source.layout.experts:
        problem = "its layers hold mixtures of experts, which this recipe's method cannot calibrate"
        yield problem, "take --recipe default"
    if source.layers < recipe.least_layers:
        problem = f"it has {source.layers} layers, and this recipe needs {recipe.least_layers}"
        remedy = "take a larger model: the head reads the states of three layers, which must not coincide"
        yield problem, remedy
