"""The files that a configuration names, held against those of the model. Pure."""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any, Final

from devicehub.lint.keys import default_of
from devicehub.lint.reading import shown
from devicehub.lint.subject import error, note

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from devicehub.findings import Finding
    from devicehub.lint.subject import Settings

_NEEDED: Final = ("llm_model", "llm_weight", "tokenizer_file")


def judge_names(settings: Settings) -> Iterator[Finding]:
    """Files that are asked for and not there, and an embedding that no engine reads."""
    if settings.known.files is not None:
        for name in (*_NEEDED, *(() if is_tied(settings.merged) else ("embedding_file",))):
            yield from _file(settings, name)
    if settings.has("embedding_file") and is_tied(settings.merged):
        why = "names a file that no engine reads: this model's embeddings are part of llm.mnn.weight"
        yield note("embedding_dangling", settings.place("embedding_file"), why, "remove it")


def _file(settings: Settings, name: str) -> Iterator[Finding]:
    value, place = settings.merged.get(name, default_of(name)), settings.place(name)
    if not isinstance(value, str) or not value:
        yield error("file_key", place, f"is {shown(value)}, no file name", f'use "{default_of(name)}"')
    elif value.startswith("/") or ".." in PurePosixPath(value).parts:
        why = f"names {value!r}, but MNN looks below the model's folder only"
        yield error("file_key", place, why, "put the file into the folder and name it plainly")
    elif PurePosixPath(value).as_posix() not in (settings.known.files or ()):
        yield error("file_missing", place, f"names {value}, which the model does not have", "correct it")


def is_tied(merged: Mapping[str, Any]) -> bool:
    """Whether the model's embedding is part of its output layer, so that no file of its own is read."""
    tie = merged.get("tie_embeddings")
    first = (
        tie.get("weight_offset") if isinstance(tie, dict) else tie[0] if isinstance(tie, list) and tie else 0
    )
    return isinstance(first, int) and not isinstance(first, bool) and first > 0
