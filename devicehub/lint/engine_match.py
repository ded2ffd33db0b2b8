"""Whether an engine is new enough for a model. Pure."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from devicehub.lint.subject import error, note, warning

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from devicehub.findings import Finding

_VERSION: Final = re.compile(r"(\d+)\.(\d+)(?:\.(\d+))?")
_MTOK: Final = ".mtok"
_MTOK_SINCE: Final = "3.5.0"
_OPTIONS_SINCE: Final = {
    "disable_fuse_ln_proj": "3.6.1",
    "disable_transformer_c4": "3.6.1",
    "scale_bit": "3.6.0",
    "omni_epochs": "3.4.0",
}
"""Options of llmexport, which export_args.json lists whether given or not, and the first release that had
them; the newest first."""
_AFTER_RELEASE: Final = "disable_fuse_ln_proj"
"""It came after 3.6.1, in sources that call themselves 3.6.1 as well."""
_LAYOUT: Final = "disable_transformer_c4"
"""Given, it writes the layout that older engines read too."""
_SYMPTOM: Final = 'it may fail to load or say "!!!!!!"'


def judge_tokenizer(name: object, engine: str | None, place: str) -> Iterator[Finding]:
    """Whether an engine of this version reads the model's kind of tokenizer file."""
    if not isinstance(name, str) or not name.endswith(_MTOK) or engine is None:
        return
    if _is_older(engine, _MTOK_SINCE):
        why = f"names {name}, which MNN reads since {_MTOK_SINCE}, and the engine is {engine}"
        fix = "take a newer engine, or export the model with the exporter of that release"
        yield error("tokenizer_too_new", place, why, fix)


def judge_exporter(
    args: Mapping[str, Any], exported_with: str | None, engine: str | None, place: str
) -> Iterator[Finding]:
    """Whether a model was written by an exporter newer than the engine.

    Args:
        args: what export_args.json says; empty where there is none.
        exported_with: the version of MNN that wrote it, where that was kept.
        engine: the engine's version.
        place: of what tells it.
    """
    if engine is None:
        return
    fix = "take an engine of the exporter's release, or export with --disable_transformer_c4"
    if exported_with is not None and _is_older(engine, exported_with):
        why = f"was written with MNN {exported_with}, and the engine is {engine}: {_SYMPTOM}"
        yield warning("exporter_newer", place, why, fix)
        return
    for option, since in _OPTIONS_SINCE.items():
        if option not in args or (option == _LAYOUT and args[option] is True):
            continue
        if _is_older(engine, since):
            why = (
                f"was written by an exporter of MNN {since} or newer, and the engine is {engine}: {_SYMPTOM}"
            )
            yield warning("exporter_newer", place, why, fix)
        elif option == _AFTER_RELEASE and engine.startswith(since):
            why = f"was written by an exporter newer than MNN {since} as released: with that {_SYMPTOM}"
            yield note("exporter_unreleased", place, why, "take an engine of the same sources")
        return


def _is_older(version: str, than: str) -> bool:
    """Whether both can be read as versions and the first is the smaller."""
    first, second = _VERSION.match(version), _VERSION.match(than)
    if first is None or second is None:
        return False
    return [int(part or 0) for part in first.groups()] < [int(part or 0) for part in second.groups()]
