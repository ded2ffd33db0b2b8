"""Speculative decoding: which ways MNN has; of any other it says nothing and decodes without. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from devicehub.lint.reading import shown
from devicehub.lint.subject import error
from devicehub.models.file_keys import SPECULATION

if TYPE_CHECKING:
    from collections.abc import Iterator

    from devicehub.findings import Finding
    from devicehub.lint.subject import Settings

_KEY: Final = "speculative_type"
_EXPORTS: Final = {
    "eagle": "export the model with its head: --recipe eagle --set eagle_path=DIR",
    "mtp": "only exports of models of types mimo and poi_qwen2_mtp hold one",
}
_INSTEAD: Final = "take lookahead, which needs no second model, or eagle with a head exported with the model"


def judge_speculation(settings: Settings) -> Iterator[Finding]:
    """A way that would come to nothing, while the figures looked like those of another."""
    mode = settings.merged.get(_KEY)
    if mode is None or mode == "":
        return
    place, files = settings.place(_KEY), settings.known.files
    if mode == "draftmodel":
        why = "is draftmodel, and no speculative mode of MNN uses a draft model: it would decode without"
        yield error("speculation_draft_model", place, why, _INSTEAD)
    elif not isinstance(mode, str) or mode not in SPECULATION:
        why = f"is {shown(mode)}, which MNN does not know: it would decode without, and not say so"
        fix = f"give one of {', '.join(SPECULATION)}, or leave it out"
        yield error("speculation_unknown", place, why, fix)
    elif (key := SPECULATION[mode]) is not None and files is not None:
        name = settings.read(key)
        if name not in files:
            fix = _EXPORTS.get(mode, f"put {name} into the model's folder")
            why = f"is {mode}, and the model has no {name}"
            yield error("speculation_file", place, why, f"{fix}; or {_INSTEAD}")
