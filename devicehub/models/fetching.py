"""Child process: lists a repository of a hub and downloads its files, by that hub's own library.

Usage: python -m devicehub.models.fetching, with a `Request` as one line of JSON on stdin, which stays open:
its end ends the process, so that nothing goes on when the parent is killed. What happened comes on stdout, an
`Event` on each line; what the libraries print goes to stderr.
"""

from __future__ import annotations

import errno
import hashlib
import os
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal, NoReturn

import msgspec

from devicehub.models.hubs import HF, RemoteFile

if TYPE_CHECKING:
    from collections.abc import Callable

    from devicehub.models.hub_library import Library

Trouble = Literal[
    "not_found", "private", "offline", "wrong_hash", "no_space", "pointer", "no_library", "other"
]

_LFS: Final = b"version https://git-lfs"
_BLOCK: Final = 1 << 20
_TOLD_BYTES: Final = 1 << 20
"""An event for each so many bytes is often enough."""


class Request(msgspec.Struct, frozen=True, kw_only=True):
    """What the child is asked.

    Attributes:
        folder: where the files go; None only lists.
        files: what to fetch.
    """

    hub: str
    repo: str
    revision: str | None = None
    folder: str | None = None
    files: tuple[RemoteFile, ...] = ()


class Listed(msgspec.Struct, frozen=True, kw_only=True, tag="listed"):
    """The hub lists a file."""

    file: RemoteFile


class Revision(msgspec.Struct, frozen=True, kw_only=True, tag="revision"):
    """All files were told; a commit where the hub tells one, else the branch that was asked for."""

    revision: str


class Received(msgspec.Struct, frozen=True, kw_only=True, tag="received"):
    """So many bytes of a file are here now, those of an earlier try included."""

    path: str
    done: int


class Verified(msgspec.Struct, frozen=True, kw_only=True, tag="verified"):
    """A file is here and holds what the hub says."""

    path: str


class Failed(msgspec.Struct, frozen=True, kw_only=True, tag="failed"):
    """The end, before it is done; `text` is the library's words, or what else is to be known."""

    trouble: Trouble
    text: str
    path: str | None = None


Event = Listed | Revision | Received | Verified | Failed


class WrongHash(Exception):  # noqa: N818 - of this process alone
    """A file is not what the hub says."""


class Pointer(Exception):  # noqa: N818
    """A file is a git-lfs pointer."""


def main() -> None:
    """Do what is asked and leave at once: the libraries may have threads that wait for a server."""
    events_fd = os.dup(1)
    os.dup2(2, 1)
    request = msgspec.json.decode(sys.stdin.buffer.readline(), type=Request)
    threading.Thread(target=_end_with_parent, daemon=True).start()

    def tell(event: Event) -> None:
        os.write(events_fd, msgspec.json.encode(event) + b"\n")

    path: list[str] = []
    try:
        library = _open(request.hub)
    except Exception as error:  # noqa: BLE001 - a broken installation raises what it likes
        tell(Failed(trouble="no_library", text=str(error)))
        os._exit(0)
    try:
        _work(library, request, tell, path)
    except Exception as error:  # noqa: BLE001 - whatever a library raises is an answer
        trouble, text = _describe(error, library.describe)
        tell(Failed(trouble=trouble, text=text, path=path[-1] if path else None))
    os._exit(0)


def _end_with_parent() -> NoReturn:
    sys.stdin.buffer.read()
    os._exit(1)


def _open(hub: str) -> Library:
    if hub == HF:
        from devicehub.models.hub_hf import HuggingFace

        return HuggingFace()
    from devicehub.models.hub_modelscope import ModelScope

    return ModelScope()


def _work(library: Library, request: Request, tell: Callable[[Event], None], path: list[str]) -> None:
    if request.folder is None:
        revision, files = library.list(request.repo, request.revision)
        for file in files:
            tell(Listed(file=file))
        tell(Revision(revision=revision))
        return
    folder = Path(request.folder)
    for file in request.files:
        path.append(file.path)
        _fetch(library, request, file, folder, tell)
        tell(Verified(path=file.path))


def _fetch(
    library: Library, request: Request, file: RemoteFile, folder: Path, tell: Callable[[Event], None]
) -> None:
    target = folder / file.path
    told = -_TOLD_BYTES

    def received(done: int) -> None:
        nonlocal told
        if abs(done - told) >= _TOLD_BYTES or done >= file.size:
            told = done
            tell(Received(path=file.path, done=min(done, file.size)))

    target.parent.mkdir(parents=True, exist_ok=True)
    # A part from a try long ago may be of another revision: then it is fetched once more, from its beginning.
    for is_last in (False, True):
        if not (target.is_file() and target.stat().st_size == file.size):
            library.fetch(request.repo, request.revision, file, folder, received)
        try:
            _verify(target, file)
        except WrongHash:
            target.unlink(missing_ok=True)
            if is_last:
                raise
        else:
            break
    received(file.size)


def _verify(target: Path, file: RemoteFile) -> None:
    """Hold a file against its size and the hash that the hub tells.

    Raises:
        WrongHash: it holds something else.
        Pointer: the repository itself holds a pointer in place of the file.
    """
    size = target.stat().st_size
    sha256 = hashlib.sha256()
    # Git hashes a header of type and size with the content.
    blob = hashlib.sha1(b"blob %d\0" % size, usedforsecurity=False)
    with target.open("rb") as stream:
        head = stream.read(len(_LFS))
        stream.seek(0)
        while block := stream.read(_BLOCK):
            sha256.update(block)
            if file.sha256 is None:
                blob.update(block)
    expected, found = (
        (file.sha256, sha256.hexdigest()) if file.sha256 is not None else (file.git_sha1, blob.hexdigest())
    )
    if size != file.size or (expected is not None and expected.lower() != found):
        raise WrongHash(
            f"the hub says {(expected or '')[:12]} ({file.size} bytes), and {found[:12]} ({size} bytes) came"
        )
    if head == _LFS:
        raise Pointer


def _describe(
    error: Exception, describe: Callable[[BaseException], tuple[Trouble, str] | None]
) -> tuple[Trouble, str]:
    if isinstance(error, WrongHash):
        return "wrong_hash", str(error)
    if isinstance(error, Pointer):
        return "pointer", ""
    seen: BaseException | None = error
    while seen is not None:
        if isinstance(seen, OSError) and seen.errno in (errno.ENOSPC, errno.EDQUOT):
            return "no_space", os.strerror(seen.errno)
        seen = seen.__cause__ or seen.__context__
    said = describe(error)
    if said is not None:
        return said
    lines = str(error).strip().splitlines()
    return "other", f"{type(error).__name__}: {lines[0] if lines else ''}"


if __name__ == "__main__":
    main()
