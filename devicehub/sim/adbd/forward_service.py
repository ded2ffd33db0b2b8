"""adbd's services that a forward opens: `tcp:PORT` and `localabstract:NAME` of the phone."""

from __future__ import annotations

import asyncio
import re
import socket
from typing import TYPE_CHECKING, Any, Final

from devicehub.sim.adbd.stream import StreamClosed
from devicehub.sim.process.sockets import address_in, forwarded_name

if TYPE_CHECKING:
    from collections.abc import Coroutine
    from pathlib import Path

    from devicehub.sim.adbd.stream import Stream

_BLOCK: Final = 256 * 1024
_CONNECT_S: Final = 0.5
_SERVICE: Final = re.compile(r"tcp:([0-9]{1,5})|localabstract:(.+)")


def open_forward(stream: Stream, service: bytes, sockets: Path) -> Coroutine[Any, Any, None] | None:
    """Carry a stream to who listens on the phone; None where nobody does, or the service is none of these.

    A port that no process of the phone listens on is the host's, whose loopback the phone shares.
    """
    name = service.decode("utf-8", "replace")
    found = _SERVICE.fullmatch(name)
    if found is None:
        return None
    connection = _connect(sockets, forwarded_name(name))
    if connection is None and found[1] is not None:
        connection = _connect_port(int(found[1]))
    return _carry(stream, connection) if connection is not None else None


def _connect(sockets: Path, name: str) -> socket.socket | None:
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    # A full queue of the listener's must not halt the phone: it counts as refused.
    connection.setblocking(False)
    try:
        with address_in(sockets, name) as address:
            connection.connect(address)
    except OSError:
        connection.close()
        return None
    return connection


def _connect_port(port: int) -> socket.socket | None:
    try:
        # At once, as adbd does: on loopback it is answered or refused without delay.
        connection = socket.create_connection(("127.0.0.1", port), timeout=_CONNECT_S)
    except (OSError, OverflowError):
        return None
    connection.setblocking(False)
    return connection


async def _carry(stream: Stream, connection: socket.socket) -> None:
    try:
        reader, writer = await asyncio.open_connection(sock=connection)
    except (OSError, asyncio.CancelledError):
        connection.close()
        raise
    try:
        async with asyncio.TaskGroup() as tasks:
            sending = tasks.create_task(_send_on(stream, writer))
            while data := await reader.read(_BLOCK):
                await stream.write(data)
            sending.cancel()
    except* (StreamClosed, ConnectionError):
        pass
    finally:
        writer.close()
        stream.close()


async def _send_on(stream: Stream, writer: asyncio.StreamWriter) -> None:
    while (data := await stream.read()) is not None:
        writer.write(data)
        await writer.drain()
    raise StreamClosed
