"""The options of llmexport 0.0.5, which recipes and `--set` may name (its llmexport.py, build_args)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

Value = bool | int | float | str
"""Of an option; a switch that is not given is false."""

BITS: Final = (4, 8, 16)
"""Widths of weights that came out right; the help also names 2 and 3."""


@dataclass(frozen=True)
class Option:
    """One option.

    Attributes:
        kind: bool for a switch, which takes no value on llmexport's command line.
        least: the smallest value that makes sense, for numbers.
        path: its value is a file or folder of this host.
    """

    kind: type[bool] | type[int] | type[float] | type[str]
    least: float | None = None
    path: bool = False


_SWITCH: Final = Option(bool)
_BITS: Final = Option(int, least=1)
_BLOCK: Final = Option(int, least=0)
_PATH: Final = Option(str, path=True)

OPTIONS: Final[dict[str, Option]] = {
    "type": Option(str),
    "tokenizer_path": _PATH,
    "eagle_path": _PATH,
    "lora_path": _PATH,
    "gptq_path": _PATH,
    "verbose": _SWITCH,
    "test": Option(str),
    "onnx_slim": _SWITCH,
    "quant_bit": _BITS,
    "quant_block": _BLOCK,
    "visual_quant_bit": _BITS,
    "visual_quant_block": _BLOCK,
    "lm_quant_bit": _BITS,
    "lm_quant_block": _BLOCK,
    "mnnconvert": _PATH,
    "ppl": _SWITCH,
    "awq": _SWITCH,
    "hqq": _SWITCH,
    "omni": _SWITCH,
    "transformer_fuse": _SWITCH,
    "group_conv_native": _SWITCH,
    "smooth": _SWITCH,
    "sym": _SWITCH,
    "visual_sym": _SWITCH,
    "seperate_embed": _SWITCH,
    "lora_split": _SWITCH,
    "calib_data": _PATH,
    "act_bit": _BITS,
    "embed_bit": _BITS,
    "act_sym": _SWITCH,
    "quant_config": _PATH,
    "generate_for_npu": _SWITCH,
    "skip_weight": _SWITCH,
    "omni_epochs": Option(int, least=1),
    "omni_lr": Option(float, least=0),
    "omni_wd": Option(float, least=0),
}
"""By name, in the order of llmexport's help; without those that an export decides itself (`OWN`)."""

OWN: Final[dict[str, str]] = {
    "path": "the source is the first argument of `devicehub export`",
    "dst_path": "the folder is what `--out` names, or the catalogue",
    "export": "DeviceHub always exports to MNN",
}
"""Options of llmexport that an export sets itself, and what to give instead."""


def value_problem(name: str, value: object) -> str:
    """Why an option cannot have this value; empty where it can."""
    option = OPTIONS[name]
    # A switch is no number, although Python's bool is an int.
    right = isinstance(value, option.kind) and (option.kind is bool or not isinstance(value, bool))
    if option.kind is float and isinstance(value, int) and not isinstance(value, bool):
        right = True
    if not right:
        words = {bool: "true or false", int: "a whole number", float: "a number", str: "a text"}
        return f"takes {words[option.kind]}"
    if isinstance(value, int | float) and option.kind is not bool:
        if value - value != 0:  # inf or nan
            return "takes a number"
        if option.least is not None and value < option.least:
            return f"is at least {option.least:g}"
    if isinstance(value, str) and (not value or "\0" in value):
        return "takes a text that is not empty and holds no NUL"
    return ""
