"""Which service a client asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from devicehub.sim.shell_service import parse_shell_service, serve_shell
from devicehub.sim.sync_service import serve_sync

if TYPE_CHECKING:
    from collections.abc import Coroutine

    from devicehub.sim.adbd import Adbd
    from devicehub.sim.stream import Stream


def open_service(stream: Stream, service: bytes, adbd: Adbd) -> Coroutine[Any, Any, None] | None:
    """The work that a service is; None when the phone does not know it."""
    shell = parse_shell_service(service)
    if shell is not None:
        return serve_shell(stream, shell, adbd.shell)
    if service == b"sync:":
        return serve_sync(stream, adbd.files, android=adbd.android)
    return None
