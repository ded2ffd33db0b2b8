"""What a model's folder tells of where it comes from."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import TYPE_CHECKING, Any, Final

from devicehub.models.provenance import read_provenance
from devicehub.models.pulled import read_record

if TYPE_CHECKING:
    from collections.abc import Mapping

EXPORT_ARGS: Final = "export_args.json"
"""llmexport writes its arguments there."""
_MOST_BYTES: Final = 1 << 20


@dataclass(frozen=True)
class Origin:
    """Where a model comes from, as far as that is known.

    Attributes:
        source: the name of the checkpoint that it was exported from; models with the same one are variants.
        pulled: the hub's repository that it was pulled from.
        quant: how its weights were quantised, for a person: `4 bit, block 64`; and for which
            generation of Qualcomm's NPU it is compiled: `8 bit, per channel, HTP v75`.
        recipe: by which it was exported here.
        cosine: of its logits with the checkpoint's, the mean over all positions; None where not compared.
        htp: the generation of Qualcomm's NPU that it is compiled for.
    """

    source: str | None = None
    pulled: str | None = None
    quant: str | None = None
    recipe: str | None = None
    cosine: float | None = None
    htp: str | None = None


def read_origin(root: Path) -> Origin:
    """What is known of a model's folder; nothing that lies there makes it raise."""
    record = read_record(root)
    made = read_provenance(root)
    args = _read_object(root / EXPORT_ARGS)
    return Origin(
        # Exports made here name a link in the exporter's own folder there.
        source=made.source.name if made is not None else _name(args.get("path")),
        pulled=record.source if record is not None else None,
        quant=_join(_quant(args), f"HTP {made.htp}" if made is not None and made.htp is not None else None),
        recipe=made.recipe if made is not None else None,
        cosine=made.acceptance.cosine_mean if made is not None else None,
        htp=made.htp if made is not None else None,
    )


def _read_object(file: Path) -> Mapping[str, Any]:
    try:
        with file.open("rb") as stream:
            value = json.loads(stream.read(_MOST_BYTES))
    except (OSError, ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}


def _name(path: object) -> str | None:
    # "/data/Qwen3-0.6B/", "Qwen/Qwen3-0.6B", "D:\\models\\Qwen3-0.6B"
    if not isinstance(path, str):
        return None
    pure = PureWindowsPath(path) if "\\" in path else PurePosixPath(path)
    return pure.name[:200] or None


def _join(*facts: str | None) -> str | None:
    return ", ".join(fact for fact in facts if fact is not None) or None


def _quant(args: Mapping[str, Any]) -> str | None:
    bit, block = args.get("quant_bit"), args.get("quant_block")
    if not isinstance(bit, int) or isinstance(bit, bool):
        return None
    if not isinstance(block, int) or isinstance(block, bool):
        return f"{bit} bit"
    return f"{bit} bit, block {block}" if block > 0 else f"{bit} bit, per channel"
