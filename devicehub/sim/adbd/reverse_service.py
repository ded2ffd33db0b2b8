"""adbd's `reverse:` services: ports of the phone that lead to the host of the adb server.

Source: AOSP packages/modules/adb, adb.cpp handle_forward_request and adb_listeners.cpp.
"""

from __future__ import annotations

import asyncio
import contextlib
import re
import socket
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from devicehub.sim.adbd.stream import StreamClosed
from devicehub.sim.process.sockets import address_in, forwarded_name

if TYPE_CHECKING:
    from collections.abc import Coroutine
    from pathlib import Path

    from devicehub.sim.adbd.connection import Connection
    from devicehub.sim.adbd.stream import Stream

_BLOCK: Final = 256 * 1024
_FORWARD: Final = re.compile(r"forward:(norebind:)?(tcp:[0-9]{1,5}|localabstract:[^;]+);(.+)")
_KILL: Final = "killforward:"
_PORT_MAX: Final = 65535


def open_reverse(stream: Stream, service: bytes, sockets: Path) -> Coroutine[Any, Any, None] | None:
    """Set up, list or end what the phone forwards to the host; None for another service."""
    name = service.decode("utf-8", "replace")
    if not name.startswith("reverse:"):
        return None
    return _serve(stream, name.removeprefix("reverse:"), stream.connection.reverse, sockets)


class ReverseError(Exception):
    """What adbd answers to a request that it refuses."""


@dataclass
class _Listener:
    target: str
    server: asyncio.Server
    file: Path | None


class Reverse:
    """What one connection has the phone forward; it ends with the connection."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._listeners: dict[str, _Listener] = {}

    def close(self) -> None:
        """End all."""
        for place in list(self._listeners):
            self.remove(place)

    def remove(self, place: str) -> None:
        """End one.

        Raises:
            ReverseError: there is none.
        """
        listener = self._listeners.pop(place, None)
        if listener is None:
            raise ReverseError(f"listener '{place}' not found")
        listener.server.close()
        if listener.file is not None:
            listener.file.unlink(missing_ok=True)

    def list(self) -> str:
        """One line for each."""
        return "".join(f"UsbFfs {place} {found.target}\n" for place, found in self._listeners.items())

    async def add(self, place: str, target: str, sockets: Path, *, rebind: bool) -> int | None:
        """Listen on the phone and lead each client to the host; the port where any was asked for.

        Raises:
            ReverseError: it is taken.
        """
        if place in self._listeners:
            if not rebind:
                raise ReverseError("cannot rebind existing socket")
            self._listeners[place].target = target
            return None
        try:
            listening = _listen(place, sockets)
        except (OSError, OverflowError) as error:
            raise ReverseError(f"cannot bind listener: {error}") from error
        number: int | None = None
        if place == "tcp:0":
            number = int(listening.getsockname()[1])
            place = f"tcp:{number}"

        async def carry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await _carry(self._connection.open(self._listeners[place].target), reader, writer)

        server = await asyncio.start_server(carry, sock=listening)
        file = sockets / forwarded_name(place) if place.startswith("localabstract:") else None
        self._listeners[place] = _Listener(target, server, file)
        return number


def _listen(place: str, sockets: Path) -> socket.socket:
    kind, _, name = place.partition(":")
    if kind == "tcp":
        if int(name) > _PORT_MAX:
            raise OverflowError("port must be 0-65535")
        return socket.create_server(("127.0.0.1", int(name)))
    listening = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        with address_in(sockets, forwarded_name(place)) as address:
            listening.bind(address)
    except OSError:
        listening.close()
        raise
    return listening


async def _serve(stream: Stream, request: str, reverse: Reverse, sockets: Path) -> None:
    try:
        reply = await _answer(request, reverse, sockets)
    except ReverseError as error:
        reply = b"FAIL" + _counted(str(error))
    with contextlib.suppress(StreamClosed):
        await stream.write(reply)
    stream.close()


async def _answer(request: str, reverse: Reverse, sockets: Path) -> bytes:
    if request == "list-forward":
        return _counted(reverse.list())
    if request == "killforward-all":
        reverse.close()
        return b"OKAY"
    if request.startswith(_KILL):
        reverse.remove(request.removeprefix(_KILL))
        return b"OKAY"
    wanted = _FORWARD.fullmatch(request)
    if wanted is None:
        raise ReverseError(f"bad forward: {request}")
    port = await reverse.add(wanted[2], wanted[3], sockets, rebind=wanted[1] is None)
    return b"OKAY" + (_counted(str(port)) if port is not None else b"")


def _counted(text: str) -> bytes:
    data = text.encode()
    return f"{len(data):04x}".encode() + data


async def _carry(stream: Stream, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    async def send_on() -> None:
        while (data := await stream.read()) is not None:
            writer.write(data)
            await writer.drain()
        raise StreamClosed

    try:
        async with asyncio.TaskGroup() as tasks:
            sending = tasks.create_task(send_on())
            while data := await reader.read(_BLOCK):
                await stream.write(data)
            sending.cancel()
    except* (StreamClosed, ConnectionError):
        pass
    finally:
        writer.close()
        stream.close()
