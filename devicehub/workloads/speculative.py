"""Which ways of speculative decoding MNN has; of any other it says nothing and decodes without. Pure.

The modes are those of transformers/llm/engine/src/speculative_decoding/generate.cpp.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from devicehub.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

KEY: Final = "speculative_type"
_OWN_FILES: Final = {
    "lookahead": None,
    "mtp": ("mtp_model", "mtp.mnn"),
    "eagle": ("eagle_model", "eagle.mnn"),
    "dflash": ("dflash_model", "dflash.mnn"),
}
"""The modes: the key of the file that one needs beside the model, and its default."""
_EXPORTS: Final = {
    "eagle": "export the model with its head: --recipe eagle --set eagle_path=DIR",
    "mtp": "only exports of models of types mimo and poi_qwen2_mtp hold one",
}
_INSTEAD: Final = "take lookahead, which needs no second model, or eagle with a head exported with the model"


def check_speculative(config: Mapping[str, Any], files: Collection[str] | None) -> None:
    """Refuse a mode that would come to nothing, while the figures looked like those of another.

    Args:
        config: of the run.
        files: names in the model's folder; None where they are not known.

    Raises:
        InputError: MNN has no such mode, or the model lacks what it needs; with the way out.
    """
    mode = config.get(KEY)
    if mode is None or mode == "":
        return
    if mode == "draftmodel":
        problem = "is draftmodel, and no speculative mode of MNN uses a draft model: it would decode without"
        raise InputError(KEY, problem, remedy=_INSTEAD)
    if not isinstance(mode, str) or mode not in _OWN_FILES:
        problem = f"is {mode!r}, which MNN does not know: it would decode without, and not say so"
        raise InputError(KEY, problem, remedy=f"give one of {', '.join(_OWN_FILES)}, or leave it out")
    needed = _OWN_FILES[mode]
    if needed is not None and files is not None:
        key, default = needed
        name = str(config.get(key, default))
        if name not in files:
            remedy = _EXPORTS.get(mode, f"put {name} into the model's folder")
            raise InputError(
                KEY, f"is {mode}, and the model has no {name}", remedy=f"{remedy}; or {_INSTEAD}"
            )
