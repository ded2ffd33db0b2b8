"""What the files under profiles/recipes/ may hold: how to export a model."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING, Annotated, Any, Literal

import msgspec

from devicehub.profiles.exporter import OPTIONS, OWN, value_problem

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

Need = Literal[
    "calibration", "adapter", "gptq", "eagle", "visual", "audio", "sparse", "qnn_sdk", "mnn_checkout"
]
"""What a recipe does not work, or makes no sense, without: something to be given, or a kind of source."""

Unfit = Literal["experts"]
"""A kind of source that llmexport's method cannot take: layers with a mixture of experts."""

Sentence = Annotated[str, msgspec.Meta(min_length=1)]
Bits = Annotated[float, msgspec.Meta(gt=0, le=32)]
Release = Annotated[str, msgspec.Meta(pattern=r"^\d{1,2}\.\d{1,2}\.\d{1,2}$")]


class EngineNeeds(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Which engines load what a recipe makes.

    Attributes:
        least: the first release of MNN that can.
        tried: releases in which its output gave the logits of the source.
        omni: it takes an engine built for images and sounds.
        qnn: it takes an engine built with MNN_QNN and MNN_WITH_PLUGIN.
    """

    least: Release
    tried: tuple[Release, ...] = ()
    omni: bool = False
    qnn: bool = False


class Measured(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What a weight costs, with its share of scales, in bits; read from an export's llm.mnn.json.

    Attributes:
        bits_per_weight: of the layers.
        lm_bits_per_weight: of the output layer, which is the embedding too where the two are tied.
        embedding_bits_per_weight: of the embedding in a file of its own.
        on: what was exported, with what.
    """

    bits_per_weight: Bits
    lm_bits_per_weight: Bits
    embedding_bits_per_weight: Bits
    on: Sentence


class TiedSource(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What changes where the source's embedding is its output layer.

    Attributes:
        flags: over those of the recipe.
        note: what the user is told.
    """

    flags: dict[str, Any] = {}
    note: str = ""


class RecipeFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """How to export a model: `recipes/default.toml`.

    Attributes:
        summary: how it quantises, in a few words.
        purpose: what it is for, in a sentence.
        note: what the user is told when it is used.
        measured: what a weight costs; absent where nobody looked.
        flags: options of llmexport, without dashes.
        needs: what it takes beside a checkpoint.
        refuses: sources that it cannot take.
        least_layers: of the source.
    """

    summary: Annotated[str, msgspec.Meta(min_length=1, max_length=40)]
    purpose: Sentence
    engines: EngineNeeds
    flags: dict[str, Any]
    measured: Measured | None = None
    needs: tuple[Need, ...] = ()
    refuses: tuple[Unfit, ...] = ()
    least_layers: Annotated[int, msgspec.Meta(ge=1)] = 1
    tied: TiedSource | None = None
    note: str = ""

    def problems(self, file_id: str) -> Iterator[tuple[str, str]]:
        """What the types cannot say: (key, problem)."""
        yield from flag_problems("flags", self.flags)
        if self.tied is not None:
            yield from flag_problems("tied.flags", self.tied.flags)


def flag_problems(place: str, flags: Mapping[str, object]) -> Iterator[tuple[str, str]]:
    """What is wrong with a table of llmexport's options: (key, problem)."""
    for name, value in flags.items():
        if name in OWN:
            yield f"{place}.{name}", f"no recipe sets it: {OWN[name]}"
        elif name not in OPTIONS:
            close = difflib.get_close_matches(name, OPTIONS, n=1)
            hint = f" (did you mean {close[0]}?)" if close else ""
            yield f"{place}.{name}", f"llmexport has no such option{hint}"
        elif problem := value_problem(name, value):
            yield f"{place}.{name}", problem
