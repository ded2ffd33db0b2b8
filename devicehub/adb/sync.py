"""Files on a phone: stat, list, push, pull over adb's sync service.

SEND unlinks its target before the first byte and the partial file on a cut, so that a push that failed leaves
nothing; who must not lose the old file pushes to another name and renames. Modes and times of a push are what
the phone makes of them: old adbd keeps the mode of an existing file, and gives the owner's bits to all.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import secrets
import stat as modes
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from devicehub.adb import wire_sync
from devicehub.adb.sender import Sender, first_status
from devicehub.adb.wire import Fail, Okay, encode_text
from devicehub.adb.wire_sync import SyncData, SyncDone, SyncEntry, SyncReplies, SyncSend, SyncStat
from devicehub.clock import SystemClock
from devicehub.errors import (
    AdbProtocolError,
    AdbRefused,
    AdbTimeout,
    DeviceGone,
    HubError,
    InputError,
    NoSpace,
)

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterator
    from pathlib import Path
    from typing import BinaryIO

    from devicehub.adb.client import Transport
    from devicehub.adb.stream import Stream
    from devicehub.adb.wire_sync import SyncReply
    from devicehub.clock import Clock

_NOT_THERE: Final = frozenset({2, 20})
"""ENOENT and ENOTDIR as Linux, and so the wire, numbers them."""


@dataclass(frozen=True, slots=True)
class RemoteStat:
    """What a phone says about a file."""

    mode: int
    """Type and permission bits, as in the module `stat`."""
    size: int
    """Bytes; only the low 32 bits where `size_wraps`."""
    mtime: int
    """Seconds since the epoch."""
    size_wraps: bool = False
    """The phone speaks version 1, which cannot say sizes from 4 GiB."""

    def has_size(self, size: int) -> bool:
        """Whether the file may have this size, as far as the phone can say."""
        return self.size == (size % 2**32 if self.size_wraps else size)

    @property
    def is_file(self) -> bool:
        """A regular file."""
        return modes.S_ISREG(self.mode)

    @property
    def is_folder(self) -> bool:
        """A folder."""
        return modes.S_ISDIR(self.mode)

    @property
    def is_link(self) -> bool:
        """A symbolic link itself."""
        return modes.S_ISLNK(self.mode)


@dataclass(frozen=True, slots=True)
class RemoteEntry:
    """One name in a folder of the phone."""

    name: str
    stat: RemoteStat
    """Of the name itself: a link is not followed."""


@contextlib.asynccontextmanager
async def open_sync(
    transport: Transport, *, clock: Clock | None = None, reply_timeout_s: float = 60.0
) -> AsyncIterator[Sync]:
    """A sync connection to a phone, for one request after another.

    Args:
        transport: the phone.
        clock: gives files without an mtime of their own the present time.
        reply_timeout_s: how long the phone may be silent where it is its turn: a slow flash under load takes
            seconds to take in the last of a file.
    """
    sync = Sync(transport, clock or SystemClock(), reply_timeout_s)
    try:
        yield sync
    finally:
        sync.close()


class Sync:
    """Requests to the sync service of one phone; opens the connection anew after a failure broke it off."""

    def __init__(self, transport: Transport, clock: Clock, reply_timeout_s: float) -> None:
        self.transport = transport
        self._clock = clock
        self._reply_timeout_s = reply_timeout_s
        self._stream: Stream | None = None

    async def stat(self, path: str) -> RemoteStat | None:
        """What `path` is; None where there is no such file.

        A link is followed, except on phones without stat_v2, which also call everything missing that may not
        be looked at.

        Raises:
            AdbRefused: the phone may not look there.
        """
        v2 = "stat_v2" in await self.transport.features()
        request = wire_sync.encode_sync_path(wire_sync.STA2 if v2 else wire_sync.STAT, _checked(path))
        async with self._request(f"stat {path}", request, SyncReplies()) as replies:
            async for reply in replies:
                if not isinstance(reply, SyncStat):
                    raise self._unexpected(reply, f"stat {path}")
                return self._found(reply, path, v2=v2)
        raise AssertionError("replies end with an error")

    async def list(self, path: str) -> list[RemoteEntry]:
        """The names in a folder, sorted; none, too, where there is no such folder or it may not be read."""
        v2 = "ls_v2" in await self.transport.features()
        listing = wire_sync.LIS2 if v2 else wire_sync.LIST
        request = wire_sync.encode_sync_path(listing, _checked(path))
        entries: list[RemoteEntry] = []
        async with self._request(f"list {path}", request, SyncReplies(listing)) as replies:
            async for reply in replies:
                if isinstance(reply, SyncDone):
                    break
                if not isinstance(reply, SyncEntry):
                    raise self._unexpected(reply, f"list {path}")
                if reply.name not in (".", ".."):
                    entries.append(RemoteEntry(reply.name, _remote(reply.stat, v2=v2)))
        return sorted(entries, key=lambda entry: entry.name)

    async def push(
        self,
        local: Path | bytes,
        remote: str,
        *,
        mode: int = 0o644,
        mtime: int | None = None,
        progress: Callable[[int], None] | None = None,
    ) -> int:
        """Write a file on the phone, with the folders above it; the bytes sent.

        Args:
            local: a file, or its content.
            remote: the file's whole path on the phone.
            mode: permission bits.
            mtime: seconds since the epoch; without it the local file's, for content the present.
            progress: told the bytes that went out since it was told last.

        Raises:
            InputError: the local file cannot be read.
            NoSpace: the phone is full.
            AdbRefused: the phone refused, in its words.
            DeviceGone: the phone vanished; it holds nothing of the file.
        """
        size, own_mtime = self._measure(local)
        v2 = "sendrecv_v2" in await self.transport.features()
        request = SyncSend(_checked(remote), modes.S_IFREG | (mode & 0o777))
        replies = SyncReplies()
        service = f"push {remote}"
        async with self._whole(service):
            stream = await self._connected()
            await stream.write(wire_sync.encode_sync_send(request, v2=v2))
            sender = Sender(stream.socket, replies, progress)
            sent = await sender.send(local, own_mtime if mtime is None else mtime)
            status = sent.reply
            if status is None and not sent.gone:
                status = await self._status(stream, replies)
            if status is None:
                raise DeviceGone(serial=self.transport.label, during=service, sent=sent.size, size=size)
            if isinstance(status, Fail):
                raise self._refusal(status.message, service, path=remote, needed=size)
        return sent.size

    async def pull(self, remote: str, local: Path, *, progress: Callable[[int], None] | None = None) -> int:
        """Copy a file of the phone to this host, under its name only when it is whole; the bytes received.

        Raises:
            AdbRefused: the phone refused, in its words: no such file, for one.
            DeviceGone: the phone vanished.
            InputError: the local file cannot be written.
        """
        v2 = "sendrecv_v2" in await self.transport.features()
        request = wire_sync.encode_sync_recv(_checked(remote), v2=v2)
        received = 0
        service = f"pull {remote}"
        with _appearing_whole(local) as file:
            async with self._request(service, request, SyncReplies()) as replies:
                async for reply in replies:
                    if isinstance(reply, SyncDone):
                        break
                    if not isinstance(reply, SyncData):
                        raise self._unexpected(reply, service)
                    file.write(reply.payload)
                    received += len(reply.payload)
                    if progress is not None:
                        progress(len(reply.payload))
        return received

    def close(self) -> None:
        """Close the connection; a later request opens another."""
        if self._stream is not None:
            self._stream.close()
            self._stream = None

    async def _connected(self) -> Stream:
        if self._stream is None:
            self._stream = await self.transport.open("sync:")
        return self._stream

    @contextlib.asynccontextmanager
    async def _whole(self, service: str) -> AsyncIterator[None]:
        """Close the connection unless the request ran to its end: what is still under way fits no other."""
        try:
            yield
        except AdbProtocolError as error:
            self.close()
            raise AdbProtocolError(
                error.problem, received=error.received, serial=self.transport.label, service=service
            ) from error
        except BaseException:
            self.close()
            raise

    @contextlib.asynccontextmanager
    async def _request(
        self, service: str, request: bytes, decoder: SyncReplies
    ) -> AsyncIterator[AsyncIterator[SyncReply]]:
        async with self._whole(service):
            stream = await self._connected()
            await stream.write(request)
            async with contextlib.aclosing(self._replies(stream, decoder, service)) as replies:
                yield replies

    async def _replies(
        self, stream: Stream, decoder: SyncReplies, service: str
    ) -> AsyncGenerator[SyncReply, None]:
        while data := await self._read(stream, service):
            for reply in decoder.receive(data):
                if isinstance(reply, Fail):
                    raise self._refusal(reply.message, service)
                yield reply
        raise DeviceGone(serial=self.transport.label, during=service)

    async def _status(self, stream: Stream, replies: SyncReplies) -> Okay | Fail | None:
        """What the phone says at the end of a push; None where it vanished instead."""
        while data := await self._read(stream, "push"):
            status = first_status(replies.receive(data))
            if status is not None:
                return status
        return None

    async def _read(self, stream: Stream, service: str) -> bytes:
        try:
            async with asyncio.timeout(self._reply_timeout_s):
                return await stream.read()
        except TimeoutError as error:
            raise AdbTimeout(
                waited_s=self._reply_timeout_s, serial=self.transport.label, service=service
            ) from error

    def _measure(self, local: Path | bytes) -> tuple[int, int]:
        """Size and mtime of what is to be sent."""
        if isinstance(local, bytes):
            return len(local), int(self._clock.wall_s())
        try:
            found = local.stat()
        except OSError as error:
            raise InputError(local, f"cannot be read: {error.strerror}") from error
        if not modes.S_ISREG(found.st_mode):
            raise InputError(local, "is not a regular file", remedy="name a file")
        return found.st_size, int(found.st_mtime)

    def _found(self, reply: SyncStat, path: str, *, v2: bool) -> RemoteStat | None:
        if reply.error in _NOT_THERE or (not v2 and reply.mode == 0):
            return None
        if reply.error:
            reason = os.strerror(reply.error)
            raise AdbRefused(reason, serial=self.transport.label, service=f"stat {path}")
        return _remote(reply, v2=v2)

    def _refusal(self, message: str, service: str, *, path: str = "", needed: int = 0) -> HubError:
        label = self.transport.label
        if path and ("No space left" in message or "quota exceeded" in message):
            return NoSpace(serial=label, path=path, needed=needed)
        return AdbRefused(" ".join(message.split()) or "refused", serial=label, service=service)

    def _unexpected(self, reply: SyncReply, service: str) -> AdbProtocolError:
        return AdbProtocolError(f"an answer to another question: {type(reply).__name__}", service=service)


def _remote(reply: SyncStat, *, v2: bool) -> RemoteStat:
    return RemoteStat(reply.mode, reply.size, reply.mtime, size_wraps=not v2)


def _checked(path: str) -> str:
    size = len(encode_text(path))
    if not 0 < size <= wire_sync.SYNC_PATH_MAX or "\0" in path:
        raise InputError(
            f"path {path[:60]!r}",
            f"has {size} bytes" if size != 0 else "is empty",
            remedy=f"a path on a phone has 1 to {wire_sync.SYNC_PATH_MAX} bytes and no NUL",
        )
    return path


@contextlib.contextmanager
def _appearing_whole(path: Path) -> Iterator[BinaryIO]:
    """A file that gets its name when the block ends well, and is gone otherwise."""
    part = path.with_name(f".{secrets.token_hex(8)}.part")
    try:
        with part.open("xb") as file:
            yield file
        part.replace(path)
    except OSError as error:
        raise InputError(path, f"cannot be written: {error.strerror}") from error
    finally:
        part.unlink(missing_ok=True)
