"""The way to this computer: what a run needs of a phone's adbd, over local processes and files."""

from __future__ import annotations

import asyncio
import socket
import threading
from typing import TYPE_CHECKING, Final

from devicehub.adb.client import Transport
from devicehub.device.model import LOCAL
from devicehub.errors import AdbRefused
from devicehub.host.files import serve_files
from devicehub.host.shell import start_shell

if TYPE_CHECKING:
    from devicehub.adb.client import AdbClient
    from devicehub.adb.stream import Stream
    from devicehub.host.place import HostPlace

FEATURES: Final = frozenset({"shell_v2", "stat_v2", "ls_v2", "sendrecv_v2", "cmd"})
_SHELL: Final = "shell,v2,raw:"


class HostTransport(Transport):
    """This computer, as the code that talks to phones sees it.

    Args:
        client: lists it.
        place: where its files lie.
    """

    def __init__(self, client: AdbClient, place: HostPlace) -> None:
        super().__init__(client, serial=LOCAL)
        self.data = str(place.root)
        self._place = place

    async def features(self) -> frozenset[str]:
        """What is offered here."""
        return FEATURES

    async def open(self, service: str) -> Stream:
        """Open a service.

        Raises:
            AdbRefused: it is none that this computer offers, or cannot be started.
        """
        named = service.partition(":")[0]
        try:
            await asyncio.to_thread(self._place.prepare)
            if service.startswith(_SHELL):
                return await start_shell(service.removeprefix(_SHELL), self._place.environment())
            if service == "sync:":
                return _open_files()
        except OSError as error:
            raise AdbRefused(str(error), serial=LOCAL, service=named) from error
        raise AdbRefused("this computer does not offer this service", serial=LOCAL, service=named)

    async def reconnect(self) -> str:
        """Nothing: this computer is always there."""
        return ""


def _open_files() -> Stream:
    from devicehub.adb.stream import Stream

    ours, theirs = socket.socketpair()
    ours.setblocking(False)
    # It ends with the connection, which ends with the stream.
    threading.Thread(target=serve_files, args=(theirs,), daemon=True, name="local files").start()
    return Stream(ours, label=LOCAL, service="sync")
