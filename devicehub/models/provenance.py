"""The file beside an exported model that says how it was made."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import msgspec

if TYPE_CHECKING:
    from pathlib import Path

PROVENANCE: Final = ".devicehub-export.json"
"""Hidden: it is no part of the model's id, and no phone is given it."""
_MOST_BYTES: Final = 4 << 20


class SourceFile(msgspec.Struct, frozen=True, kw_only=True):
    """One file of the checkpoint."""

    path: str
    size: int
    sha256: str


class SourceFacts(msgspec.Struct, frozen=True, kw_only=True):
    """The checkpoint that a model was made from.

    Attributes:
        name: of its folder.
        pulled: the repository and revision that it came from; None where it was not pulled.
        sha256: the id of its manifest: of the paths, modes and hashes of all its files.
    """

    name: str
    folder: str
    sha256: str
    files: tuple[SourceFile, ...]
    pulled: str | None = None


class AcceptanceFacts(msgspec.Struct, frozen=True, kw_only=True):
    """What was found when the model was held against its source.

    Attributes:
        cosine_mean: of its logits with the source's, over `positions`; None where they were not compared.
        skipped: why they were not; empty where they were.
    """

    cosine_mean: float | None
    cosine_lowest: float | None
    positions: int
    skipped: str
    warnings: tuple[str, ...] = ()
    zeros_source: float | None = None
    """Of a pruned source: the share of its layers' weights that are zero."""
    zeros_export: float | None = None


class Provenance(msgspec.Struct, frozen=True, kw_only=True):
    """How a model was made.

    Attributes:
        options: of llmexport, as recipe and user gave them.
        argv: what llmexport was called with.
        versions: of Python and the libraries that shape the output.
        seconds: that the exporter took.
        peak_bytes: the most memory that it had at once.
        exported_s: when, in seconds since the epoch.
        htp: the generation of Qualcomm's NPU that the model is compiled for; None for any processor.
        sizes: of graph and weights, in bytes.
    """

    devicehub: str
    source: SourceFacts
    recipe: str
    options: dict[str, Any]
    argv: tuple[str, ...]
    versions: dict[str, str]
    seconds: float
    peak_bytes: int
    exported_s: float
    acceptance: AcceptanceFacts
    htp: str | None = None
    sizes: dict[str, int] = {}

    def tells_of(self, folder: Path) -> bool:
        """Whether the folder still holds what was made; a weight that changed its value is not noticed."""
        try:
            return bool(self.sizes) and all(
                (folder / name).stat().st_size == size for name, size in self.sizes.items()
            )
        except OSError:
            return False


def read_provenance(folder: Path) -> Provenance | None:
    """How a model was made; None where nothing says so, or nothing that can be understood."""
    try:
        with (folder / PROVENANCE).open("rb") as file:
            return msgspec.json.decode(file.read(_MOST_BYTES), type=Provenance)
    except (OSError, msgspec.DecodeError, RecursionError):
        return None
