"""The bytes of adb's file sync: requests, replies and frames, versions 1 and 2. Does no I/O.

Layouts are those of AOSP's file_sync_protocol.h; integers are little-endian. A message begins with four
letters; those of version 2 need the phone's features: stat_v2 for LST2 and STA2, ls_v2 for LIS2, sendrecv_v2
for SND2 and RCV2.
"""

from __future__ import annotations

import re
import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from devicehub.adb.wire import Fail, Okay, decode_text, encode_text
from devicehub.errors import AdbProtocolError

if TYPE_CHECKING:
    from collections.abc import Iterator

SYNC_DATA_MAX: Final = 64 * 1024
"""Bytes of one DATA frame; adbd answers "oversize data message" to a longer one."""
SYNC_PATH_MAX: Final = 1024
_SYNC_TEXT_MAX: Final = 64 * 1024

STAT: Final = b"STAT"
"""lstat with 32-bit fields."""
LST2: Final = b"LST2"
STA2: Final = b"STA2"
LIST: Final = b"LIST"
LIS2: Final = b"LIS2"
SEND: Final = b"SEND"
SND2: Final = b"SND2"
RECV: Final = b"RECV"
RCV2: Final = b"RCV2"
DENT: Final = b"DENT"
DNT2: Final = b"DNT2"
DATA: Final = b"DATA"
DONE: Final = b"DONE"
OKAY: Final = b"OKAY"
FAIL: Final = b"FAIL"
QUIT: Final = b"QUIT"

SYNC_HEADER: Final = struct.Struct("<4sI")
_SEND_V2: Final = struct.Struct("<4sII")
_STAT_V1: Final = struct.Struct("<4sIII")
_STAT_V2: Final = struct.Struct("<4sIQQIIIIQqqq")
_LENGTH: Final = struct.Struct("<I")
_U32: Final = 0xFFFF_FFFF


@dataclass(frozen=True, slots=True)
class SyncStat:
    """What a phone says about one path. Version 1 knows mode, size and mtime only."""

    mode: int
    """Type and permission bits; 0 where version 1 found nothing."""
    size: int
    """Bytes; modulo 2**32 in version 1."""
    mtime: int
    """Seconds since the epoch."""
    error: int = 0
    """errno in Linux numbering; version 2 only."""
    dev: int = 0
    ino: int = 0
    nlink: int = 0
    uid: int = 0
    gid: int = 0
    atime: int = 0
    ctime: int = 0


@dataclass(frozen=True, slots=True)
class SyncEntry:
    """One name in a folder."""

    name: str
    stat: SyncStat


@dataclass(frozen=True, slots=True)
class SyncData:
    """One DATA frame."""

    payload: bytes


@dataclass(frozen=True, slots=True)
class SyncDone:
    """The last frame of a file, with the mtime that a sender sets, or the end of a listing."""

    mtime: int = 0


@dataclass(frozen=True, slots=True)
class SyncPath:
    """A request that has only a path: STAT, LST2, STA2, LIST, LIS2, RECV."""

    id: bytes
    path: str


@dataclass(frozen=True, slots=True)
class SyncSend:
    """A file is to follow: SEND or SND2."""

    path: str
    mode: int
    flags: int = 0
    """SND2 only: how the data is compressed, 0 for not at all."""


@dataclass(frozen=True, slots=True)
class SyncRecv:
    """A file is wanted: RCV2."""

    path: str
    flags: int = 0


@dataclass(frozen=True, slots=True)
class SyncQuit:
    """The host is done with this connection."""


SyncRequest = SyncPath | SyncSend | SyncRecv | SyncData | SyncDone | SyncQuit
SyncReply = SyncStat | SyncEntry | SyncData | SyncDone | Okay | Fail


def encode_sync_path(sync_id: bytes, path: str) -> bytes:
    """A request that has only a path."""
    data = encode_text(path)
    return SYNC_HEADER.pack(sync_id, len(data)) + data


def encode_sync_send(request: SyncSend, *, v2: bool) -> bytes:
    """The start of a file; version 1 carries no flags."""
    if v2:
        return encode_sync_path(SND2, request.path) + _SEND_V2.pack(SND2, request.mode, request.flags)
    return encode_sync_path(SEND, f"{request.path},{request.mode}")


def encode_sync_recv(path: str, *, v2: bool) -> bytes:
    """The wish for a file, uncompressed."""
    return encode_sync_path(RCV2, path) + SYNC_HEADER.pack(RCV2, 0) if v2 else encode_sync_path(RECV, path)


def encode_sync_data(payload: bytes) -> bytes:
    """One DATA frame; at most `SYNC_DATA_MAX` bytes are the caller's duty."""
    return SYNC_HEADER.pack(DATA, len(payload)) + payload


def encode_sync_done(mtime: int = 0) -> bytes:
    """The end of a file; the field has 32 bits, later and earlier times become the nearest it can say."""
    return SYNC_HEADER.pack(DONE, min(max(mtime, 0), _U32))


def encode_sync_okay() -> bytes:
    """The phone holds the file."""
    return SYNC_HEADER.pack(OKAY, 0)


def encode_sync_fail(message: str) -> bytes:
    """The phone refused, with its words."""
    data = encode_text(message)
    return SYNC_HEADER.pack(FAIL, len(data)) + data


def encode_sync_stat(sync_id: bytes, stat: SyncStat) -> bytes:
    """The answer to STAT (32-bit fields, larger values wrap), STA2 or LST2."""
    if sync_id in (STAT, DENT):
        return _STAT_V1.pack(sync_id, stat.mode, stat.size & _U32, stat.mtime & _U32)
    return _STAT_V2.pack(
        sync_id,
        stat.error,
        stat.dev,
        stat.ino,
        stat.mode,
        stat.nlink,
        stat.uid,
        stat.gid,
        stat.size,
        stat.atime,
        stat.mtime,
        stat.ctime,
    )


def encode_sync_entry(entry: SyncEntry, *, v2: bool) -> bytes:
    """One line of a listing."""
    name = encode_text(entry.name)
    return encode_sync_stat(DNT2 if v2 else DENT, entry.stat) + _LENGTH.pack(len(name)) + name


def encode_sync_list_done(*, v2: bool) -> bytes:
    """The end of a listing: DONE in the shape of an entry, all zero."""
    return DONE + bytes(_list_done_size(v2=v2))


def _list_done_size(*, v2: bool) -> int:
    return (_STAT_V2 if v2 else _STAT_V1).size - 4 + _LENGTH.size


def _decode_stat(data: bytes | bytearray) -> SyncStat:
    if data[:4] in (STAT, DENT):
        _, mode, size, mtime = _STAT_V1.unpack_from(data)
        return SyncStat(mode, size, mtime)
    _, error, dev, ino, mode, nlink, uid, gid, size, atime, mtime, ctime = _STAT_V2.unpack_from(data)
    return SyncStat(mode, size, mtime, error, dev, ino, nlink, uid, gid, atime, ctime)


class SyncRequests:
    """What a host sends on a sync stream: bytes in, requests out. For the phone's side."""

    def __init__(self, *, data_max: int = SYNC_DATA_MAX) -> None:
        self._buffer = bytearray()
        self._data_max = data_max

    def receive(self, data: bytes) -> Iterator[SyncRequest]:
        """Take bytes; the requests that are whole now."""
        self._buffer += data
        return self._requests()

    def _requests(self) -> Iterator[SyncRequest]:
        while (request := self._next()) is not None:
            yield request

    def _next(self) -> SyncRequest | None:
        buffer = self._buffer
        if len(buffer) < SYNC_HEADER.size:
            return None
        sync_id, size = SYNC_HEADER.unpack_from(buffer)
        if sync_id in (DONE, QUIT):
            del buffer[: SYNC_HEADER.size]
            return SyncDone(size) if sync_id == DONE else SyncQuit()
        limit = self._data_max if sync_id == DATA else SYNC_PATH_MAX if sync_id in _PATH_IDS else -1
        if size > limit:
            problem = (
                "oversize data message" if sync_id == DATA else "no sync request, or its path is too long"
            )
            raise AdbProtocolError(problem, received=bytes(buffer[:64]))
        body = SYNC_HEADER.size + size
        end = body + _TAIL_SIZES.get(sync_id, 0)
        if len(buffer) < end:
            return None
        payload, tail = bytes(buffer[SYNC_HEADER.size : body]), bytes(buffer[body:end])
        del buffer[:end]
        return SyncData(payload) if sync_id == DATA else _decode_path_request(sync_id, payload, tail)


_PATH_IDS: Final = frozenset({STAT, LST2, STA2, LIST, LIS2, SEND, SND2, RECV, RCV2})
_TAIL_SIZES: Final = {SND2: _SEND_V2.size, RCV2: SYNC_HEADER.size}


def _decode_path_request(sync_id: bytes, payload: bytes, tail: bytes) -> SyncRequest:
    if tail and tail[:4] != sync_id:
        raise AdbProtocolError(
            f"the second half of {sync_id.decode()} is another request", received=payload + tail
        )
    if sync_id == SND2:
        _, mode, flags = _SEND_V2.unpack(tail)
        return SyncSend(decode_text(payload), mode, flags)
    if sync_id == RCV2:
        return SyncRecv(decode_text(payload), SYNC_HEADER.unpack(tail)[1])
    if sync_id == SEND:
        path, comma, mode_digits = payload.rpartition(b",")
        if not comma or not re.fullmatch(rb"[0-9]{1,9}", mode_digits):
            raise AdbProtocolError("SEND without `,mode` after the path", received=payload)
        return SyncSend(decode_text(path), int(mode_digits))
    return SyncPath(sync_id, decode_text(payload))


class SyncReplies:
    """What a phone answers on a sync stream: bytes in, replies out. For the host's side.

    Args:
        listing: LIST or LIS2 while that request is being answered, where DONE has the shape of an entry.
    """

    def __init__(self, listing: bytes | None = None) -> None:
        self._buffer = bytearray()
        self._done_size = 4 + (4 if listing is None else _list_done_size(v2=listing == LIS2))

    def receive(self, data: bytes) -> Iterator[SyncReply]:
        """Take bytes; the replies that are whole now."""
        self._buffer += data
        return self._replies()

    def _replies(self) -> Iterator[SyncReply]:
        while (size := self._next_size()) is not None and len(self._buffer) >= size:
            data = bytes(self._buffer[:size])
            del self._buffer[:size]
            yield _decode_reply(data)

    def _next_size(self) -> int | None:
        """Bytes of the reply at the front; None as long as they do not tell."""
        buffer = self._buffer
        if len(buffer) < 4:
            return None
        sync_id = bytes(buffer[:4])
        if sync_id == DONE:
            return self._done_size
        fixed = _REPLY_SIZES.get(sync_id)
        if fixed is None:
            raise AdbProtocolError("no sync reply", received=bytes(buffer[:64]))
        if sync_id not in _REPLY_LIMITS:
            return fixed
        if len(buffer) < fixed:
            return None
        size = int(_LENGTH.unpack_from(buffer, fixed - _LENGTH.size)[0])
        if size > _REPLY_LIMITS[sync_id]:
            raise AdbProtocolError(f"{sync_id.decode()} of {size} bytes", received=bytes(buffer[:64]))
        return fixed + size


_REPLY_SIZES: Final = {
    STAT: _STAT_V1.size,
    STA2: _STAT_V2.size,
    LST2: _STAT_V2.size,
    DENT: _STAT_V1.size + 4,
    DNT2: _STAT_V2.size + 4,
    DATA: SYNC_HEADER.size,
    OKAY: SYNC_HEADER.size,
    FAIL: SYNC_HEADER.size,
}
_REPLY_LIMITS: Final = {
    DENT: SYNC_PATH_MAX,
    DNT2: SYNC_PATH_MAX,
    DATA: SYNC_DATA_MAX,
    FAIL: _SYNC_TEXT_MAX,
}


def _decode_reply(data: bytes) -> SyncReply:
    sync_id = data[:4]
    body = data[SYNC_HEADER.size :]
    if sync_id == DATA:
        return SyncData(body)
    if sync_id == FAIL:
        return Fail(decode_text(body))
    if sync_id == OKAY:
        return Okay()
    if sync_id == DONE:
        return SyncDone(SYNC_HEADER.unpack_from(data)[1])
    if sync_id in (DENT, DNT2):
        return SyncEntry(decode_text(data[_REPLY_SIZES[sync_id] :]), _decode_stat(data))
    return _decode_stat(data)
