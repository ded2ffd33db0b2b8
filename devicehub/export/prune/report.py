"""What pruning has made of a checkpoint, and the file beside it that says so."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

if TYPE_CHECKING:
    from pathlib import Path

REPORT: Final = ".devicehub-prune.json"
"""In the folder of the pruned checkpoint."""
_MOST_BYTES: Final = 16 << 20


class LayerSparsity(msgspec.Struct, frozen=True, kw_only=True):
    """One linear layer.

    Attributes:
        zeros: share of its weights that are zero.
        conforming: share of its groups of four with at most two weights that are not zero.
    """

    name: str
    zeros: float
    conforming: float


class PruneReport(msgspec.Struct, frozen=True, kw_only=True):
    """How a checkpoint was pruned.

    Attributes:
        layers: in the order of the checkpoint.
        perplexity_before: on the calibration text; None where it was not measured, and `unmeasured` says why.
        versions: of the libraries that pruned.
        seconds: that the pruning itself took.
    """

    source: str
    method: str
    pattern: str
    sparsity: float
    layers: tuple[LayerSparsity, ...]
    perplexity_before: float | None
    perplexity_after: float | None
    unmeasured: str
    versions: dict[str, str]
    seconds: float


def read_report(folder: Path) -> PruneReport | None:
    """How a checkpoint was pruned; None where nothing says so, or nothing that can be understood."""
    try:
        with (folder / REPORT).open("rb") as file:
            return msgspec.json.decode(file.read(_MOST_BYTES), type=PruneReport)
    except (OSError, msgspec.DecodeError, RecursionError):
        return None
