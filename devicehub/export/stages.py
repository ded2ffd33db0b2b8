"""The stages of an export, in the order in which they come, and what each usually takes of the time."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence


class Stage(StrEnum):
    """Where an export is."""

    LOAD = "load"
    """Libraries are imported, the checkpoint is read."""
    CALIBRATE = "calibrate"
    """AWQ, SmoothQuant or OmniQuant work on the weights; only where one of them is asked for."""
    ONNX = "onnx"
    CONVERT = "convert"
    QUANTIZE = "quantize"
    """Weights are quantised and written, the graph is rebuilt around them."""
    TOKENIZER = "tokenizer"
    CONFIG = "config"
    ACCEPT = "accept"
    """What was made is checked before it appears."""


TITLES: Final = {
    Stage.LOAD: "load the checkpoint",
    Stage.CALIBRATE: "calibrate",
    Stage.ONNX: "write the ONNX graph",
    Stage.CONVERT: "convert the graph",
    Stage.QUANTIZE: "quantise the weights",
    Stage.TOKENIZER: "write the tokenizer",
    Stage.CONFIG: "write the configuration",
    Stage.ACCEPT: "check the model",
}
"""What a person reads."""

CALIBRATING: Final = ("--awq", "--smooth", "--omni")


def stages_of(options: Sequence[str]) -> tuple[Stage, ...]:
    """The stages that an export with these options of llmexport goes through."""
    calibrates = any(option in CALIBRATING for option in options)
    return tuple(stage for stage in Stage if stage is not Stage.CALIBRATE or calibrates)


def stage_after(stage: Stage, plan: Sequence[Stage]) -> Stage:
    """The stage to which belongs what happens once llmexport has told the end of another.

    After the weights it rebuilds the graph twice without a word: that still is their stage.
    """
    if stage in (Stage.QUANTIZE, Stage.CONFIG, Stage.ACCEPT) or stage not in plan:
        return stage
    return plan[plan.index(stage) + 1]
