"""Which service a client asked for."""

from __future__ import annotations

import contextlib
import re
from typing import TYPE_CHECKING, Any

from devicehub.sim.adbd.forward_service import open_forward
from devicehub.sim.adbd.install_service import open_install
from devicehub.sim.adbd.reverse_service import open_reverse
from devicehub.sim.adbd.shell_service import parse_shell_service, serve_shell
from devicehub.sim.adbd.stream import StreamClosed
from devicehub.sim.adbd.sync_service import serve_sync

if TYPE_CHECKING:
    from collections.abc import Coroutine

    from devicehub.sim.adbd.server import Adbd
    from devicehub.sim.adbd.stream import Stream


def open_service(stream: Stream, service: bytes, adbd: Adbd) -> Coroutine[Any, Any, None] | None:
    """The work that a service is; None when the phone does not know it."""
    install = open_install(stream, service, adbd.system.apps, adbd.files)
    if install is not None:
        return install
    shell = parse_shell_service(service)
    if shell is not None:
        return serve_shell(stream, shell, adbd.shell)
    if service == b"sync:":
        return serve_sync(stream, adbd.files, android=adbd.android)
    if service.startswith(b"abb_exec:") and "abb_exec" in adbd.features:
        return _run_android_command(stream, service, adbd)
    reverse = open_reverse(stream, service, adbd.system.sockets)
    if reverse is not None:
        return reverse
    mode = _restart_mode(service)
    if mode is not None:
        return _restart(stream, mode, adbd)
    return open_forward(stream, service, adbd.system.sockets)


def _restart_mode(service: bytes) -> str | None:
    """What `tcpip:PORT` or `usb:` says before adbd restarts; None for another service."""
    # A port of 0 turns TCP off; what is no number is refused.
    port = re.fullmatch(rb"tcpip:([0-9]{1,5})", service)
    if port is not None:
        return f"restarting in TCP mode port: {int(port[1])}\n"
    return "restarting in USB mode\n" if service == b"usb:" else None


async def _restart(stream: Stream, said: str, adbd: Adbd) -> None:
    """Restart adbd; the phone stays where it listens, whatever the mode."""
    with contextlib.suppress(StreamClosed):
        await stream.write(said.encode())
    stream.close()
    await adbd.restart()


async def _run_android_command(stream: Stream, service: bytes, adbd: Adbd) -> None:
    """abb_exec: a command of Android's own, its words apart by zero bytes; its output, and no status."""
    words = service.rstrip(b"\0").partition(b":")[2].decode("utf-8", "surrogateescape").split("\0")
    reply = await adbd.system.run(["cmd", *words], pid=0)
    with contextlib.suppress(StreamClosed):
        await stream.write(reply.stdout + reply.stderr)
    stream.close()
