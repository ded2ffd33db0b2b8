"""adbd's services that install an app: `exec:cmd package install ...` and `abb_exec:package install ...`.

adb sends the APK's bytes after the service is open, as many as `-S` says, and reads what pm prints. An old
adb pushes the file and runs `pm install`, which is a shell's business.
"""

from __future__ import annotations

import contextlib
import shlex
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from devicehub.sim.adbd.stream import StreamClosed

if TYPE_CHECKING:
    from collections.abc import Coroutine, Sequence

    from devicehub.sim.adbd.phone_files import PhoneFiles
    from devicehub.sim.adbd.stream import Stream
    from devicehub.sim.android.apps import AppService


def open_install(
    stream: Stream, service: bytes, apps: AppService | None, files: PhoneFiles
) -> Coroutine[Any, Any, None] | None:
    """The work that an install is; None when the service is none."""
    words = _read_words(service)
    if words is None or apps is None:
        return None
    size = _size(words)
    return None if size is None else _serve(stream, words, size, apps, files)


def _read_words(service: bytes) -> list[str] | None:
    """The words after `install`."""
    text = service.rstrip(b"\0").decode("utf-8", "surrogateescape")
    if text.startswith("abb_exec:package\0install\0"):
        return text.split("\0")[2:]
    if not text.startswith("exec:cmd package "):
        return None
    try:
        words = shlex.split(text.partition(":")[2])
    except ValueError:
        return None
    return words[3:] if words[2:3] == ["install"] else None


def _size(words: Sequence[str]) -> int | None:
    with contextlib.suppress(ValueError, IndexError):
        return int(words[words.index("-S") + 1])
    return None


async def _serve(
    stream: Stream, words: Sequence[str], size: int, apps: AppService, files: PhoneFiles
) -> None:
    # Beside the phone's files, not among them: nobody on the phone sees what is being installed.
    with tempfile.TemporaryDirectory(prefix="install-", dir=Path(files.resolve("/")).parent) as folder:
        apk = Path(folder, "base.apk")
        with contextlib.suppress(StreamClosed):
            answer = await _receive(stream, apk, size, files)
            if not answer:
                answer = apps.install(words, apk).stdout
            await stream.write(answer)
    stream.close()


async def _receive(stream: Stream, apk: Path, size: int, files: PhoneFiles) -> bytes:
    """Store the bytes; what pm says when they do not fit or end early."""
    files.measure_space()
    try:
        files.take_space(size)
    except OSError:
        return b"Failure [INSTALL_FAILED_INSUFFICIENT_STORAGE: Failed to override installation location]\n"
    left = size
    with apk.open("wb") as file:
        while left > 0:
            data = await stream.read()
            if data is None:
                raise StreamClosed
            file.write(data[:left])
            left -= len(data)
    return b""
