"""A script of this computer's sh, told in the packets of adb's shell v2."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from typing import TYPE_CHECKING, Final

from devicehub import procs
from devicehub.adb.stream import READ_SIZE, Stream
from devicehub.adb.wire import ShellId, ShellPackets, shell_packet
from devicehub.device.model import LOCAL
from devicehub.errors import DeviceGone

if TYPE_CHECKING:
    from collections.abc import Mapping
    from types import TracebackType

_SH: Final = "/bin/sh"


async def start_shell(script: str, env: Mapping[str, str]) -> Stream:
    """Start a script; leaving the stream's block hangs up on it, as adbd does.

    Raises:
        OSError: it cannot be started.
    """
    pairs = [socket.socketpair() for _ in range(3)]
    try:
        theirs = tuple(pair[1].fileno() for pair in pairs)
        process = await procs.attached([_SH, "-c", script], files=(theirs[0], theirs[1], theirs[2]), env=env)
    except BaseException:
        for ours, _ in pairs:
            ours.close()
        raise
    finally:
        for _, theirs_too in pairs:
            theirs_too.close()
    stdin, stdout, stderr = (ours for ours, _ in pairs)
    return _ShellStream(process, stdin, {ShellId.STDOUT: stdout, ShellId.STDERR: stderr})


class _ShellStream(Stream):
    """What a phone's adbd would send and take for one shell."""

    def __init__(
        self, process: asyncio.subprocess.Process, stdin: socket.socket, outputs: dict[ShellId, socket.socket]
    ) -> None:
        super().__init__(stdin, label=LOCAL, service="shell")
        for one in (stdin, *outputs.values()):
            one.setblocking(False)
        self._process = process
        self._stdin = stdin
        self._outputs = outputs
        self._requests = ShellPackets()
        self._ended = False

    async def read(self, size: int = READ_SIZE) -> bytes:
        """The next packet; none after that of the exit status."""
        while self._outputs:
            for number, output in list(self._outputs.items()):
                try:
                    data = output.recv(min(size, READ_SIZE))
                except BlockingIOError:
                    continue
                except OSError:
                    data = b""
                if data:
                    return shell_packet(number, data)
                self._outputs.pop(number).close()
            if self._outputs:
                await self._readable()
        if self._ended:
            return b""
        status = await self._process.wait()
        self._ended = True
        return shell_packet(ShellId.EXIT, bytes([status if status >= 0 else 128 - status]))

    async def write(self, data: bytes) -> None:
        """Take packets: stdin, and its end.

        Raises:
            DeviceGone: the script reads no more.
        """
        for number, payload in self._requests.receive(data):
            if number is ShellId.STDIN:
                try:
                    await asyncio.get_running_loop().sock_sendall(self._stdin, payload)
                except OSError as error:
                    raise DeviceGone(serial=LOCAL, during="shell") from error
            elif number is ShellId.CLOSE_STDIN:
                with contextlib.suppress(OSError):
                    self._stdin.shutdown(socket.SHUT_WR)

    def close(self) -> None:
        """Close this side's ends, and hang up."""
        for one in (self._stdin, *self._outputs.values()):
            one.close()
        self._outputs.clear()
        procs.hang_up(self._process)

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()
        await procs.end_after_hang_up(self._process)

    async def _readable(self) -> None:
        loop = asyncio.get_running_loop()
        ready = asyncio.Event()
        watched = [output.fileno() for output in self._outputs.values()]
        for number in watched:
            loop.add_reader(number, ready.set)
        try:
            await ready.wait()
        finally:
            for number in watched:
                loop.remove_reader(number)
