"""Where the app listens: sockets in the phone's folder, to which adbd leads forwarded services."""

from __future__ import annotations

import os
import socket
from pathlib import Path
from typing import Final

from devicehub.sim.process.sockets import address_in, forwarded_name

_FOLDER: Final = "/dev/socket"
_BACKLOG: Final = 16


def listen(service: str) -> socket.socket:
    """A listening socket for `tcp:PORT` or `localabstract:NAME` of the phone."""
    folder = os.environ.get("DEVICEHUB_SIM_SOCKETS", _FOLDER)
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    name = forwarded_name(service)
    Path(folder, name).unlink(missing_ok=True)
    with address_in(folder, name) as address:
        listener.bind(address)
    listener.listen(_BACKLOG)
    listener.setblocking(False)
    return listener
