"""Writes to the phone's log from a program on the phone, as liblog does: one datagram per entry.

A datagram holds, little endian: u8 priority (2 verbose to 7 fatal), u32 pid, u32 tid, u64 nanoseconds since
the epoch, the tag, a zero byte, the message.
"""

from __future__ import annotations

import contextlib
import os
import socket
import struct
import threading
import time
from typing import Final

from devicehub.sim.process.sockets import address_in

ENTRY: Final = struct.Struct("<BIIQ")
PRIORITIES: Final = "VDIWEF"
"""In order; verbose is 2."""
MAX_MESSAGE: Final = 4068
"""Bytes of tag and message together; liblog cuts what is longer."""
SOCKET_NAME: Final = "logdw"
_DEFAULT_FOLDER: Final = "/dev/socket"


def write(*, priority: str, tag: str, message: bytes | str, pid: int | None = None) -> None:
    """Append an entry to the phone's log; like Android's own it never fails, and waits while logd is busy.

    Args:
        priority: one of logcat's letters.
        tag: what logcat filters by.
        message: its text; lines are shown one by one.
        pid: the process that it is from, if not this one.
    """
    text = message.encode("utf-8", "surrogateescape") if isinstance(message, str) else message
    level = max(PRIORITIES.find(priority), 0) + 2
    tid = threading.get_native_id() if pid is None else pid
    head = ENTRY.pack(level, pid if pid is not None else os.getpid(), tid, time.time_ns())
    body = tag.encode() + b"\0" + text
    folder = os.environ.get("DEVICEHUB_SIM_SOCKETS", _DEFAULT_FOLDER)
    with (
        contextlib.suppress(OSError),
        socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as log,
        address_in(folder, SOCKET_NAME) as address,
    ):
        log.sendto(head + body[:MAX_MESSAGE], address)
