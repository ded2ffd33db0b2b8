"""Which service a client asked for."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

from devicehub.sim.adbd.forward_service import open_forward
from devicehub.sim.adbd.install_service import open_install
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
    return open_forward(stream, service, adbd.system.sockets)


async def _run_android_command(stream: Stream, service: bytes, adbd: Adbd) -> None:
    """abb_exec: a command of Android's own, its words apart by zero bytes; its output, and no status."""
    words = service.rstrip(b"\0").partition(b":")[2].decode("utf-8", "surrogateescape").split("\0")
    reply = await adbd.system.run(["cmd", *words], pid=0)
    with contextlib.suppress(StreamClosed):
        await stream.write(reply.stdout + reply.stderr)
    stream.close()
