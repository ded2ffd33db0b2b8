"""adbd's services that run commands: `shell:`, `shell,v2:` and `exec:`, with or without a terminal."""

from __future__ import annotations

import asyncio
import fcntl
import os
import re
import struct
import termios
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from devicehub.adb.wire import ShellId, ShellPackets, shell_packet
from devicehub.errors import AdbProtocolError
from devicehub.sim.adbd.stream import StreamClosed
from devicehub.sim.process.pipes import Pipe, wide_pipe

if TYPE_CHECKING:
    from collections.abc import Mapping

    from devicehub.sim.adbd.stream import Stream
    from devicehub.sim.process.processes import Process


class ShellHost(Protocol):
    """Where commands run."""

    async def start_shell(
        self, command: str, *, files: tuple[int, int, int], terminal: bool, env: Mapping[str, str]
    ) -> Process:
        """Start `sh -c command`, or a shell that reads stdin when the command is empty."""


@dataclass(frozen=True)
class ShellRequest:
    """A service name such as `shell,v2,TERM=xterm-256color,pty:ls`, taken apart."""

    command: str
    v2: bool
    terminal: bool
    env: tuple[tuple[str, str], ...]


def parse_shell_service(service: bytes) -> ShellRequest | None:
    """Read a service name of the shell family; None when it is something else."""
    name, colon, rest = service.partition(b":")
    command = rest.decode("utf-8", "surrogateescape")
    words = name.decode("utf-8", "replace").split(",")
    if not colon or words[0] not in ("shell", "exec"):
        return None
    if words[0] == "exec":
        return ShellRequest(command, v2=False, terminal=False, env=())
    arguments = words[1:]
    terminal = not command
    if "raw" in arguments:
        terminal = False
    elif "pty" in arguments:
        terminal = True
    env = tuple(("TERM", word.partition("=")[2]) for word in arguments if word.startswith("TERM="))
    return ShellRequest(command, v2="v2" in arguments, terminal=terminal, env=env)


async def serve_shell(stream: Stream, request: ShellRequest, host: ShellHost) -> None:
    """Run one command for a client; when the client goes, the command gets SIGHUP and closed pipes."""
    session = _Session(stream, v2=request.v2)
    process: Process | None = None
    try:
        files = session.open_terminal() if request.terminal else session.open_pipes()
        try:
            process = await host.start_shell(
                request.command, files=files, terminal=request.terminal, env=dict(request.env)
            )
        except OSError as error:
            await session.fail(f"{error}\n".encode())
            return
        finally:
            for number in set(files):
                os.close(number)
        await session.run(process)
    except* StreamClosed:
        pass
    finally:
        session.close()
        if process is not None:
            process.release()
        stream.close()


class _Session:
    """The pipes between one stream and one process."""

    def __init__(self, stream: Stream, *, v2: bool) -> None:
        self._stream = stream
        self._v2 = v2
        self._packets = ShellPackets()
        self._stdin: Pipe | None = None
        self._outputs: list[tuple[ShellId, Pipe]] = []
        self._terminal = False

    def open_pipes(self) -> tuple[int, int, int]:
        """Pipes for a command; its ends of them. Without v2 both outputs share one."""
        stdin, ours = wide_pipe()
        self._stdin = Pipe(ours)
        out, stdout = wide_pipe()
        self._outputs.append((ShellId.STDOUT, Pipe(out)))
        if not self._v2:
            return stdin, stdout, stdout
        err, stderr = wide_pipe()
        self._outputs.append((ShellId.STDERR, Pipe(err)))
        return stdin, stdout, stderr

    def open_terminal(self) -> tuple[int, int, int]:
        """A terminal for a command; its end of it, three times."""
        master, slave = os.openpty()
        self._terminal = True
        self._stdin = Pipe(master)
        self._outputs.append((ShellId.STDOUT, self._stdin))
        return slave, slave, slave

    async def run(self, process: Process) -> None:
        """Carry bytes both ways until the outputs end, then tell the status."""
        async with asyncio.TaskGroup() as group:
            feeding = group.create_task(self._feed())
            outputs = [group.create_task(self._drain(number, pipe)) for number, pipe in self._outputs]
            for output in outputs:
                await output
            status = await process.wait()
            if self._v2:
                await self._stream.write(shell_packet(ShellId.EXIT, bytes([status & 0xFF])))
            feeding.cancel()

    async def fail(self, text: bytes) -> None:
        """Say that the command could not be started."""
        if self._v2:
            await self._stream.write(shell_packet(ShellId.STDERR, text))
            await self._stream.write(shell_packet(ShellId.EXIT, b"\x7f"))
        else:
            await self._stream.write(text)

    def close(self) -> None:
        """Close this side's ends."""
        for pipe in [self._stdin, *(pipe for _, pipe in self._outputs)]:
            if pipe is not None:
                pipe.close()

    async def _drain(self, number: ShellId, pipe: Pipe) -> None:
        while data := await pipe.read():
            await self._stream.write(shell_packet(number, data) if self._v2 else data)

    async def _feed(self) -> None:
        while (data := await self._stream.read()) is not None:
            if not self._v2:
                await self._write_stdin(bytes(data))
                continue
            try:
                for number, payload in self._packets.receive(bytes(data)):
                    await self._on_packet(number, payload)
            except AdbProtocolError:
                break
        raise StreamClosed

    async def _on_packet(self, number: ShellId, payload: bytes) -> None:
        if number is ShellId.STDIN:
            await self._write_stdin(payload)
        elif number is ShellId.CLOSE_STDIN and self._stdin is not None:
            if self._terminal:
                await self._stdin.write(b"\x04")
            else:
                self._stdin.close()
                self._stdin = None
        elif number is ShellId.WINDOW_SIZE and self._terminal and self._stdin is not None:
            _resize(self._stdin.fd, payload)

    async def _write_stdin(self, data: bytes) -> None:
        if self._stdin is not None and not await self._stdin.write(data) and not self._terminal:
            self._stdin.close()
            self._stdin = None


def _resize(terminal: int, payload: bytes) -> None:
    # b"24x80,0x0": rows, columns, width and height in pixels
    size = re.match(rb"(\d{1,4})x(\d{1,4}),(\d{1,5})x(\d{1,5})", payload)
    if size is not None:
        rows, columns, width, height = (int(number) & 0xFFFF for number in size.groups())
        fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("4H", rows, columns, width, height))
