"""What pruning has made of a checkpoint, and the file beside it that says so."""

from __future__ import annotations

from typing import Final

import msgspec

REPORT: Final = ".devicehub-prune.json"
"""In the folder of the pruned checkpoint."""


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
