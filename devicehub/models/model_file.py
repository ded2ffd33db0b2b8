"""One file of a model: whether the engine could read it, and what it says."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from devicehub.findings import Finding, Severity
from devicehub.manifest import unreadable
from devicehub.models.strict_json import FlawKind, Reading, read_json

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_LFS: Final = b"version https://git-lfs"
_SILENT: Final = "MNN ignores such a file without a word"
_MOST_TOLD: Final = 20
_SLUGS: Final = {
    FlawKind.COMMENT: "json_comment",
    FlawKind.COMMA: "json_comma",
    FlawKind.BOM: "json_bom",
    FlawKind.NUMBER: "json_number",
    FlawKind.SYNTAX: "json_syntax",
    FlawKind.ENCODING: "json_encoding",
    FlawKind.SHAPE: "json_shape",
}
_FIXES: Final = {
    FlawKind.COMMENT: "remove it",
    FlawKind.COMMA: "remove it",
    FlawKind.BOM: "save it as plain UTF-8",
    FlawKind.ENCODING: "save it as plain UTF-8",
    FlawKind.SHAPE: "export the model again",
}


def measure(file: Path) -> int | Finding:
    """The size of a file in bytes, or why it is of no use: it is empty, a pointer, or cannot be read."""
    try:
        size = file.stat().st_size
        with file.open("rb") as stream:
            head = stream.read(len(_LFS))
    except OSError as error:
        return _unreadable(file, error)
    if head == _LFS:
        return _pointer(file)
    if size == 0:
        return _broken("file_empty", file, "is empty", "download or export the model again")
    return size


def read_text(file: Path) -> Reading | Finding:
    """What a JSON file says and what is wrong with it, or why it cannot be read."""
    try:
        data = file.read_bytes()
    except OSError as error:
        return _unreadable(file, error)
    return _pointer(file) if data.startswith(_LFS) else read_json(data)


def flaws_of(file: Path, reading: Reading) -> Iterator[Finding]:
    """What is wrong with a file that should be one JSON object, each with its line."""
    for flaw in reading.flaws[:_MOST_TOLD]:
        place = f"{file}:{flaw.line}" if flaw.line and flaw.kind is not FlawKind.BOM else str(file)
        if flaw.kind is FlawKind.TWICE:
            yield Finding(
                severity=Severity.WARNING,
                slug="json_key_twice",
                place=place,
                why=f'holds "{flaw.what}" for the second time, and MNN takes the first',
                fix="remove one of them",
            )
            continue
        why = f"{flaw.what}; {_SILENT}"
        yield _broken(_SLUGS[flaw.kind], place, why, _FIXES.get(flaw.kind, "correct this line"))
    if (more := len(reading.flaws) - _MOST_TOLD) > 0:
        yield _broken("json_more", file, f"{more} more such places; {_SILENT}", "write it anew")


def _pointer(file: Path) -> Finding:
    why = "is a git-lfs pointer, not the file itself"
    return _broken("lfs_pointer", file, why, "run `git lfs pull` or download it again")


def _unreadable(file: Path, error: OSError) -> Finding:
    said = unreadable(file, error)
    return _broken("file_unreadable", file, said.problem, said.remedy)


def _broken(slug: str, place: Path | str, why: str, fix: str | None) -> Finding:
    return Finding(severity=Severity.ERROR, slug=slug, place=str(place), why=why, fix=fix)
