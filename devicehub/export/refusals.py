"""Which options of llmexport 0.0.5 end in an error or in a model that says garbage, and what to give instead.

Each was tried (DEVELOP.md, "An export"); llmexport itself reports success for most of them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from devicehub.errors import InputError
from devicehub.export.known_models import WITH_MTP
from devicehub.export.layout import Part
from devicehub.profiles.exporter import BITS, OPTIONS

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from devicehub.export.source import Source
    from devicehub.profiles.exporter import Value

CALIBRATED: Final = ("awq", "smooth", "omni")
"""Methods that take a text to calibrate with."""
_WITHOUT_SCALES: Final = ("visual_quant_bit",)
_FP32: Final = 32


def refuse_options(options: Mapping[str, Value], *, place: str) -> None:
    """Refuse options that come out wrong whatever the source is.

    Args:
        options: those of the recipe, with what the user set over them.
        place: what an error names, as `recipe default`.

    Raises:
        InputError: says which, why, and the way out.
    """
    for problem, remedy in option_problems(options):
        raise InputError(place, problem, remedy=remedy)


def refuse_source(options: Mapping[str, Value], source: Source) -> None:
    """Refuse options that do not suit this source.

    Raises:
        InputError: says which, why, and the way out.
    """
    if options.get("awq") is True and source.layout.experts:
        problem = "its layers hold mixtures of experts, for which llmexport's AWQ has no scales"
        raise InputError(source.folder, problem, remedy="take --recipe default, which uses HQQ")


def option_warnings(options: Mapping[str, Value], source: Source) -> Iterator[str]:
    """What a user should know of options that are not refused."""
    methods = [name for name in CALIBRATED if options.get(name) is True]
    if len(methods) > 1:
        yield f"{' and '.join(methods)} were not tried together"
    if options.get("calib_data") and not methods:
        yield "calib_data is not used: none of awq, smooth, omni is asked for"
    if options.get("omni") is True and options.get("act_bit") == 8:
        yield "omni with act_bit 8 was not tried; smooth with it writes models that garble or crash"
    if options.get("hqq") is True and options.get("awq") is True:
        yield "hqq is used in place of AWQ's own rounding where both are asked for"
    if source.speculative_layers and source.model_type not in WITH_MTP:
        yield (
            f"its head that predicts several tokens is left out: llmexport exports one of model types "
            f"{' and '.join(WITH_MTP)} alone, this is {source.model_type or 'of no known type'}"
        )
    if not source.has_visual and any(options.get(name) for name in _visual_options()):
        yield "options of images are not used: the source does not look at any"
    if source.layout.elements[Part.OTHER] and not (source.has_visual or source.has_audio):
        yield "it holds tensors of parts that llmexport may leave out"


def _visual_options() -> list[str]:
    return [name for name in OPTIONS if name.startswith("visual_")]


def option_problems(options: Mapping[str, Value]) -> Iterator[tuple[str, str]]:
    """Why options come out wrong whatever the source is: (why, what instead)."""
    for name in ("quant_bit", "lm_quant_bit", "embed_bit", "visual_quant_bit"):
        bits = options.get(name)
        right = (*BITS, _FP32) if name in _WITHOUT_SCALES else BITS
        if bits is not None and bits not in right:
            yield _bits_problem(name, bits)
    if options.get("smooth") is True and options.get("act_bit", 16) != 16:
        problem = (
            f"smooth with act_bit {options['act_bit']} writes models that garble, or that crash the engine"
        )
        yield problem, "take act_bit 16"
    if options.get("smooth") is True and options.get("omni") is True:
        yield "smooth and omni exclude each other: both move the same scales", "take one of them"
    if options.get("lora_split") is True:
        problem = (
            "lora_split drops the adapters of most layers, and no tool of MNN's loads the lora.mnn it makes"
        )
        yield problem, "merge the adapter: --recipe lora"
    if options.get("awq") is True and options.get("quant_block", 64) == 0:
        yield (
            "awq with quant_block 0 ends in an error: it works on groups",
            "give a block that divides every width, as 128",
        )
    if options.get("skip_weight") is True:
        yield "skip_weight leaves all weights out: the model could only say garbage", "leave it out"


def _bits_problem(name: str, bits: Value) -> tuple[str, str]:
    if name != "embed_bit" and bits == 3:
        return f"{name} 3 ends in an error in llmexport 0.0.5", "take 4, or 8"
    if name != "embed_bit" and bits == 2:
        problem = f"{name} 2 writes models that say garbage with llmexport 0.0.5"
        return problem, "take 4 with a larger block, as --recipe memory-block128"
    choices = ", ".join(str(one) for one in BITS)
    return f"{name} is {bits}; llmexport 0.0.5 writes {choices} bits", "take one of them"
