"""Commands on a phone: exact arguments in; output, errors and exit status out.

Phones up to Android 6 speak shell v1 only, which has no exit status and one stream: there the status comes
from a line that we let the shell print at the end, stderr is mixed into stdout, and the phone's terminal has
turned every newline into CR LF. Which CRs the command itself wrote cannot be told, so all stay as they came.
"""

from __future__ import annotations

import asyncio
import contextlib
import re
import secrets
import shlex
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from devicehub.adb.wire import Exit, ShellId, ShellV2, Stderr, Stdout, overlap, shell_packet
from devicehub.errors import (
    AdbError,
    AdbProtocolError,
    AdbRefused,
    AdbTimeout,
    DeviceGone,
    HubError,
    InputError,
    ShellFailed,
)
from devicehub.units import MIB, format_bytes

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator, Sequence

    from devicehub.adb.client import Transport
    from devicehub.adb.stream import Stream
    from devicehub.adb.wire import ShellEvent

MAX_OUTPUT: Final = 64 * MIB
_STDIN_PACKET: Final = 64 * 1024
_STDIN_WRITE: Final = 1 * MIB


@dataclass(frozen=True, slots=True)
class ShellResult:
    """What a command left behind."""

    stdout: bytes
    stderr: bytes
    """Empty on shell v1, where it is part of stdout."""
    status: int
    """Exit status; 128 + n when signal n killed it, 127 for an unknown command."""


def quote(argv: Sequence[str]) -> str:
    """A line that a POSIX shell splits into exactly these arguments.

    Raises:
        InputError: an argument holds a NUL character, which no command can be given.
    """
    for argument in argv:
        if "\0" in argument:
            raise InputError(f"argument {argument[:40]!r}", "holds a NUL character", remedy="remove it")
    return " ".join(shlex.quote(argument) for argument in argv)


async def run(
    transport: Transport,
    argv: Sequence[str],
    *,
    stdin: bytes = b"",
    timeout_s: float,
    max_output: int = MAX_OUTPUT,
) -> ShellResult:
    """Run a command to its end; any exit status is a result.

    Raises:
        AdbTimeout: it did not end in time; the phone may still run it.
        AdbError: it wrote more than `max_output` bytes.
        DeviceGone: the phone went away before the exit status came.
    """
    return await run_script(transport, quote(argv), stdin=stdin, timeout_s=timeout_s, max_output=max_output)


async def run_script(
    transport: Transport,
    script: str,
    *,
    stdin: bytes = b"",
    timeout_s: float,
    max_output: int = MAX_OUTPUT,
) -> ShellResult:
    """Run a line or a whole script of the phone's sh; errors as `run`."""
    try:
        async with asyncio.timeout(timeout_s), open_shell(transport, script) as shell:
            return await _converse(shell, stdin, max_output)
    except TimeoutError as error:
        service = f"shell `{script[:60]}`"
        raise AdbTimeout(waited_s=timeout_s, serial=transport.label, service=service) from error


async def check(
    transport: Transport,
    argv: Sequence[str],
    *,
    stdin: bytes = b"",
    timeout_s: float,
    max_output: int = MAX_OUTPUT,
) -> ShellResult:
    """Run a command that has to succeed; errors as `run`.

    Raises:
        ShellFailed: its exit status is not 0.
    """
    result = await run(transport, argv, stdin=stdin, timeout_s=timeout_s, max_output=max_output)
    if result.status != 0:
        said = (result.stderr or result.stdout)[-2000:].decode("utf-8", "replace")
        raise ShellFailed(argv, result.status, said, serial=transport.label)
    return result


@contextlib.asynccontextmanager
async def open_shell(
    transport: Transport, script: str, *, terminal: bool = False, term: str | None = None
) -> AsyncIterator[Shell]:
    """Start a script whose output is read while it runs; leaving the block hangs up on it.

    With a terminal it writes as for a person: each line at once, both outputs in one, CR LF for newlines; an
    empty script is then an interactive shell, and `term` its $TERM.

    Raises:
        AdbRefused, DeviceGone, DeviceUnauthorized: the phone does not start it, or has no terminal for it.
    """
    if "\0" in script:
        raise InputError(f"script {script[:40]!r}", "holds a NUL character", remedy="remove it")
    if "shell_v2" in await transport.features():
        kind = _pty(term) if terminal else "raw"
        async with await transport.open(f"shell,v2,{kind}:{script}") as stream:
            yield Shell(stream, ShellV2())
        return
    if terminal:
        raise AdbRefused("its shell is of version 1", serial=transport.label, service="shell,v2,pty")
    marker = f"devicehub-{secrets.token_hex(8)}-status="
    # `sh -c`, not a list: the script may say `exit`, or not even be a whole command.
    line = f"sh -c {shlex.quote(script)}; echo {marker}$?"
    async with await transport.open(f"shell:{line}") as stream:
        yield Shell(stream, ShellV1(marker.encode()))


class Shell:
    """A command under way: iterate over it for its output, which ends with one `Exit`."""

    def __init__(self, stream: Stream, decoder: ShellV1 | ShellV2) -> None:
        self._stream = stream
        self._decoder = decoder

    async def __aiter__(self) -> AsyncIterator[ShellEvent]:
        """The pieces of output as they come, then Exit.

        Raises:
            DeviceGone: the stream ended without an exit status.
            AdbProtocolError: the phone broke the wire format.
        """
        while data := await self._stream.read():
            for event in self._decode(data):
                yield event
                if isinstance(event, Exit):
                    return
        raise DeviceGone(serial=self._stream.label, during="shell")

    async def write_stdin(self, data: bytes) -> None:
        """Write to the command's stdin, at its pace.

        Raises:
            AdbRefused: the phone's shell takes none.
            DeviceGone: the command or the phone has gone; what the iteration ends with says which.
        """
        self.require_stdin()
        for start in range(0, len(data), _STDIN_WRITE):
            await self._stream.write(b"".join(_stdin_packets(data[start : start + _STDIN_WRITE])))

    def require_stdin(self) -> None:
        """Raise AdbRefused where the phone's shell takes no stdin."""
        if isinstance(self._decoder, ShellV1):
            raise AdbRefused(
                "its shell is of version 1 and takes no stdin; push a file instead",
                serial=self._stream.label,
                service="shell",
            )

    async def close_stdin(self) -> None:
        """End the command's stdin; its output goes on."""
        if isinstance(self._decoder, ShellV2):
            await self._stream.write(shell_packet(ShellId.CLOSE_STDIN))

    async def resize(self, columns: int, rows: int) -> None:
        """Tell the command's terminal its size; of no effect without one."""
        if isinstance(self._decoder, ShellV2):
            # Rows first, then the size in pixels, with the NUL that adb's own client sends.
            await self._stream.write(shell_packet(ShellId.WINDOW_SIZE, b"%dx%d,0x0\0" % (rows, columns)))

    def _decode(self, data: bytes) -> Iterator[ShellEvent]:
        try:
            yield from self._decoder.receive(data)
        except AdbProtocolError as error:
            raise AdbProtocolError(
                error.problem, received=error.received, serial=self._stream.label, service="shell"
            ) from error


class ShellV1:
    """A shell v1 stream that ends with our line: bytes in, events out.

    Args:
        marker: what no output holds by chance; the exit status and a newline follow it.
    """

    def __init__(self, marker: bytes) -> None:
        self._marker = marker
        self._held = b""

    def receive(self, data: bytes) -> Iterator[ShellEvent]:
        """Take bytes; output that cannot be part of the marker, then Exit. What comes after it is dropped."""
        self._held += data
        return self._events()

    def _events(self) -> Iterator[ShellEvent]:
        output, marker, tail = self._held.partition(self._marker)
        if not marker:
            keep = overlap(self._held, self._marker)
            output, self._held = self._held[: len(self._held) - keep], self._held[len(self._held) - keep :]
            if output:
                yield Stdout(output)
            return
        self._held = marker + tail
        if output:
            yield Stdout(output)
        status, newline, _ = tail.partition(b"\n")
        if newline or len(tail) > 8:
            if not re.fullmatch(rb"[0-9]{1,3}\r?", status):
                raise AdbProtocolError("no exit status", received=self._held[:64])
            yield Exit(int(status))


def _pty(term: str | None) -> str:
    # Commas and colons end words of a service's name.
    known = term is not None and re.fullmatch(r"[A-Za-z0-9][\w.+-]{0,63}", term, re.ASCII)
    return f"TERM={term},pty" if known else "pty"


def _stdin_packets(data: bytes) -> Iterator[bytes]:
    for start in range(0, len(data), _STDIN_PACKET):
        yield shell_packet(ShellId.STDIN, data[start : start + _STDIN_PACKET])


async def _converse(shell: Shell, stdin: bytes, max_output: int) -> ShellResult:
    """Write stdin and read output at the same time: either side may stand still until the other moves."""
    if stdin:
        shell.require_stdin()
    outcome: ShellResult | HubError
    async with asyncio.TaskGroup() as tasks:
        feeding = tasks.create_task(_feed(shell, stdin))
        try:
            outcome = await _collect(shell, max_output)
        except HubError as error:  # leaves the group as itself, not as a group of one
            outcome = error
        feeding.cancel()
    if isinstance(outcome, HubError):
        raise outcome
    return outcome


async def _feed(shell: Shell, stdin: bytes) -> None:
    # A command may end without reading its stdin; whether it was the phone that went, the reader says.
    with contextlib.suppress(DeviceGone):
        if stdin:
            await shell.write_stdin(stdin)
        await shell.close_stdin()


async def _collect(shell: Shell, max_output: int) -> ShellResult:
    stdout, stderr = bytearray(), bytearray()
    async for event in shell:
        if isinstance(event, Exit):
            return ShellResult(bytes(stdout), bytes(stderr), event.status)
        (stderr if isinstance(event, Stderr) else stdout).extend(event.data)
        if len(stdout) + len(stderr) > max_output:
            raise AdbError(
                f"the command wrote more than {format_bytes(max_output)}; write to a file and pull that",
                service="shell",
            )
    raise AssertionError("a shell ends with Exit or an error")
