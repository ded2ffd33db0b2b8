"""Writes beside an exported model how it was made."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Final

import msgspec

from devicehub import __version__
from devicehub.manifest import build_manifest, list_files, unreadable, unwritable
from devicehub.models.provenance import (
    PROVENANCE,
    AcceptanceFacts,
    Provenance,
    SourceFacts,
    SourceFile,
)
from devicehub.models.pulled import read_record

if TYPE_CHECKING:
    from pathlib import Path

    from devicehub.export.acceptance import Acceptance
    from devicehub.export.plan import Plan
    from devicehub.export.result import ChildResult
    from devicehub.manifest import Manifest

_CORE: Final = ("llm.mnn", "llm.mnn.weight")
_KEPT: Final = 8
"""Sources."""


def write_provenance(
    folder: Path,
    plan: Plan,
    result: ChildResult,
    acceptance: Acceptance,
    *,
    now_s: float,
    htp: str | None = None,
) -> Provenance:
    """Write it; the source is hashed, which takes a while for a large one. Blocking.

    Raises:
        InputError: the source cannot be read, or the folder not be written.
    """
    near, zeros = acceptance.fidelity, acceptance.zeros
    provenance = Provenance(
        devicehub=__version__,
        source=describe_source(plan.source.folder),
        recipe=plan.recipe_id,
        options=dict(plan.options),
        argv=tuple(result.options),
        versions=result.versions,
        seconds=result.seconds,
        peak_bytes=result.peak_bytes,
        exported_s=now_s,
        acceptance=AcceptanceFacts(
            cosine_mean=near.mean if near else None,
            cosine_lowest=near.lowest if near else None,
            positions=near.positions if near else 0,
            skipped=acceptance.skipped,
            warnings=acceptance.warnings,
            zeros_source=zeros.source if zeros else None,
            zeros_export=zeros.export if zeros else None,
        ),
        htp=htp,
        sizes={name: (folder / name).stat().st_size for name in _CORE if (folder / name).is_file()},
    )
    file = folder / PROVENANCE
    try:
        file.write_bytes(msgspec.json.format(msgspec.json.encode(provenance), indent=1))
    except OSError as error:
        raise unwritable(file, error) from error
    return provenance


def describe_source(folder: Path) -> SourceFacts:
    """The files of a checkpoint with their hashes.

    Raises:
        InputError: one cannot be read.
    """
    names = list_files(folder)
    facts = tuple((name, _facts(folder / name)) for name in names)
    manifest = _hash(folder, facts)
    record = read_record(folder)
    return SourceFacts(
        name=folder.name,
        folder=str(folder),
        sha256=manifest.id,
        files=tuple(SourceFile(path=one.path, size=one.size, sha256=one.sha256) for one in manifest.files),
        pulled=f"{record.source}@{record.revision}" if record is not None else None,
    )


def _facts(file: Path) -> tuple[int, int]:
    try:
        found = file.stat()
    except OSError as error:
        raise unreadable(file, error) from error
    return found.st_size, found.st_mtime_ns


@lru_cache(maxsize=_KEPT)
def _hash(folder: Path, facts: tuple[tuple[str, tuple[int, int]], ...]) -> Manifest:
    """Of files that have not changed since: several recipes of one source hash it once."""
    return build_manifest(folder, [name for name, _ in facts])
