"""Unix sockets in folders whose paths are longer than a socket's address may be (107 bytes)."""

from __future__ import annotations

import contextlib
import os
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_LONGEST_ADDRESS: Final = 100


@contextlib.contextmanager
def address_in(folder: Path | str, name: str) -> Iterator[str]:
    """The address of a socket in a folder, to bind or connect to within the block.

    A long path is led through the open folder, which only Linux offers.
    """
    path = f"{folder}/{name}"
    if len(os.fsencode(path)) <= _LONGEST_ADDRESS:
        yield path
        return
    number = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        yield f"/proc/self/fd/{number}/{name}"
    finally:
        os.close(number)


def forwarded_name(service: str) -> str:
    """The socket in a phone's folder behind `tcp:PORT` or `localabstract:NAME`.

    Ports and abstract names are the host's own, which all virtual phones share; each phone has its folder.
    """
    return "forward-" + "".join(c if c.isalnum() or c in "._-" else f"%{ord(c):x}" for c in service)
