"""Keeps the adb server alive: a dead one is started, a hung one ended only where it was started from here."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

import msgspec

from devicehub import procs
from devicehub.adb.server import ServerProcess, answers, end_server, start_server
from devicehub.errors import AdbServerHung
from devicehub.fleet.kept import read_kept, write_kept

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from devicehub.adb.address import ServerAddress
    from devicehub.clock import Clock


class Started(msgspec.Struct, frozen=True):
    """Which server was started from here, as the file says it."""

    address: str
    pid: int
    began_s: float


class ServerKeeper:
    """One adb server.

    Args:
        address: where it listens.
        file: remembers which process was started from here, for the hubs after this one too.
        clock: paces the end of a hung one.
        tell: is told of a restart.
    """

    def __init__(self, address: ServerAddress, file: Path, clock: Clock, tell: Callable[[str], None]) -> None:
        self._address = address
        self._file = file
        self._clock = clock
        self._tell = tell

    async def have(self) -> None:
        """Make sure that a server answers.

        Raises:
            AdbServerHung: one hangs that somebody else started.
            AdbServerUnavailable: none answers and none can be started.
            AdbProtocolError: another program listens there.
        """
        try:
            if await answers(self._address):
                return
        except AdbServerHung as error:
            if not await self._end_own():
                raise AdbServerHung(_remedy(self._address)) from error
            self._tell(f"the adb server at {self._address} hung and is started again")
        started = await start_server(self._address)
        if started is not None:
            self._remember(started)

    def _remember(self, process: ServerProcess) -> None:
        # A home that cannot be written only means that a hung server is left to the user.
        with contextlib.suppress(OSError):
            write_kept(self._file, Started(str(self._address), process.pid, process.began_s))

    async def _end_own(self) -> bool:
        process = _started(self._file, self._address)
        return process is not None and await end_server(self._address, process, self._clock)


def started_here(file: Path, address: ServerAddress) -> bool:
    """Whether the process that was started from here is alive still; the file remembers which it was."""
    process = _started(file, address)
    began_s = None if process is None else procs.began_s(process.pid)
    return process is not None and began_s is not None and abs(began_s - process.began_s) < 1.0


def _started(file: Path, address: ServerAddress) -> ServerProcess | None:
    started = read_kept(file, Started)
    if started is None or started.address != str(address) or not address.is_local:
        return None
    return ServerProcess(started.pid, started.began_s)


def _remedy(address: ServerAddress) -> str:
    where = "" if address.is_local else f" on {address.host}"
    return (
        f"the server at {address} takes connections and does not answer, and DeviceHub has not started it; "
        f"end its process{where} (`adb -P {address.port} kill-server`, or by hand where that waits, too)"
    )
