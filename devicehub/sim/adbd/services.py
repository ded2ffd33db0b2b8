"""Which service a client asked for."""

from __future__ import annotations

import asyncio
import contextlib
import re
from typing import TYPE_CHECKING, Any, Final

from devicehub.sim.adbd.shell_service import parse_shell_service, serve_shell
from devicehub.sim.adbd.stream import StreamClosed
from devicehub.sim.adbd.sync_service import serve_sync
from devicehub.sim.android.commands import answer

if TYPE_CHECKING:
    from collections.abc import Coroutine

    from devicehub.sim.adbd.server import Adbd
    from devicehub.sim.adbd.stream import Stream


_BLOCK: Final = 256 * 1024


def open_service(stream: Stream, service: bytes, adbd: Adbd) -> Coroutine[Any, Any, None] | None:
    """The work that a service is; None when the phone does not know it."""
    shell = parse_shell_service(service)
    if shell is not None:
        return serve_shell(stream, shell, adbd.shell)
    if service == b"sync:":
        return serve_sync(stream, adbd.files, android=adbd.android)
    if service.startswith(b"abb_exec:") and "abb_exec" in adbd.features:
        return _run_android_command(stream, service, adbd)
    port = re.fullmatch(rb"tcp:([0-9]{1,5})", service)
    if port is not None:
        return _forward(stream, int(port[1]))
    return None


async def _run_android_command(stream: Stream, service: bytes, adbd: Adbd) -> None:
    """abb_exec: a command of Android's own, its words apart by zero bytes; its output, and no status."""
    words = service.rstrip(b"\0").partition(b":")[2].decode("utf-8", "surrogateescape").split("\0")
    reply = answer(adbd.system, ["cmd", *words], pid=0)
    with contextlib.suppress(StreamClosed):
        await stream.write(reply.stdout + reply.stderr)
    stream.close()


async def _forward(stream: Stream, port: int) -> None:
    """A TCP connection to a port of the phone, which shares the host's loopback."""
    try:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
    except OSError:
        stream.close()
        return
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
