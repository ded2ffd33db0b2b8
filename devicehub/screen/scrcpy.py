"""Starts the program `scrcpy`, which mirrors a phone's screen in a window of this host.

scrcpy finds the phone through an adb program of its own choice. One of another protocol version would end the
adb server that all phones hang on, so it is told which program to use and where the server is.
"""

from __future__ import annotations

import asyncio
import re
import shutil
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from devicehub import procs
from devicehub.errors import ProgramError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Mapping

    from devicehub.adb.address import ServerAddress

_INSTALL: Final = "install it from https://github.com/Genymobile/scrcpy (Debian: `apt install scrcpy`)"
_GONE: Final = 2
"""scrcpy's exit status when the phone was disconnected while it ran."""
_LINE: Final = 500
_TAIL: Final = 5
# "ERROR: Could not find any ADB device", coloured on some builds
_ERROR: Final = re.compile(r"(?:\x1b\[[0-9;]*m)*ERROR: (?P<text>.*?)(?:\x1b\[[0-9;]*m)*")


@dataclass(frozen=True)
class Start:
    """How to start scrcpy for one phone."""

    argv: tuple[str, ...]
    env: dict[str, str]


def find_scrcpy(environ: Mapping[str, str]) -> str:
    """The program on PATH.

    Raises:
        ProgramError: it is not installed.
    """
    found = shutil.which("scrcpy", path=environ.get("PATH"))
    if found is None:
        raise ProgramError("scrcpy", "is not installed on this host", remedy=_INSTALL)
    return found


def plan_start(
    program: str,
    serial: str,
    *,
    address: ServerAddress,
    adb: str,
    title: str,
    environ: Mapping[str, str],
    shared: bool = False,
) -> Start:
    """What starts scrcpy for a phone.

    Args:
        program: scrcpy itself.
        serial: adb's label of the phone.
        address: where the adb server listens.
        adb: the adb program of the hub.
        title: of the window; empty for scrcpy's own.
        environ: the variables that it inherits.
        shared: whether other phones have the same serial.

    Raises:
        ProgramError: several phones have this serial.
    """
    if shared:
        raise ProgramError(
            "scrcpy",
            f"names phones by their serial, and several have {serial}",
            remedy="unplug the others, or reach this one over the network (`adb tcpip 5555`)",
        )
    argv = [program, f"--serial={serial}"]
    if title:
        argv.append(f"--window-title={title}")
    if not address.is_local:
        # The phone's stream arrives where the adb server is, not here.
        argv.append(f"--tunnel-host={address.host}")
    # The phone is named above; an exported serial could only contradict.
    inherited = {name: value for name, value in environ.items() if name != "ANDROID_SERIAL"}
    server = {
        "ADB": adb,
        "ADB_SERVER_SOCKET": f"tcp:{address}",
        # The same said in adb's older words, in place of others that may have been exported.
        "ANDROID_ADB_SERVER_ADDRESS": address.host,
        "ANDROID_ADB_SERVER_PORT": str(address.port),
    }
    return Start(tuple(argv), {**inherited, **server})


async def mirror(start: Start, *, tell: Callable[[str], None]) -> None:
    """Show the phone's screen until the window is closed; what scrcpy says goes to `tell`, by the line.

    Raises:
        ProgramError: scrcpy failed, in its words, or the phone went away.
    """
    last: deque[str] = deque(maxlen=_TAIL)

    async def read(stream: asyncio.StreamReader) -> None:
        async for line in _lines(stream):
            last.append(line)
            tell(line)

    try:
        async with procs.child(start.argv, env=start.env) as process:
            assert process.stdout is not None
            assert process.stderr is not None
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(read(process.stdout))
                tasks.create_task(read(process.stderr))
            status = await process.wait()
    except OSError as error:
        problem = f"did not start: {error.strerror or error}"
        raise ProgramError(start.argv[0], problem, remedy=_INSTALL) from error
    if status == _GONE:
        raise ProgramError(
            "scrcpy", "the phone was disconnected", remedy="try again when `devicehub devices` lists it"
        )
    if status:
        raise ProgramError(
            "scrcpy", f"ended with status {status}{_said(last)}", remedy="see what it says above"
        )


async def _lines(stream: asyncio.StreamReader) -> AsyncIterator[str]:
    rest = b""
    while data := await stream.read(4096):
        *whole, rest = (rest + data).split(b"\n")
        rest = rest[-_LINE:]
        for line in whole:
            yield line[:_LINE].decode("utf-8", "replace").rstrip()
    if rest:
        yield rest.decode("utf-8", "replace").rstrip()


def _said(lines: deque[str]) -> str:
    for line in reversed(lines):
        found = _ERROR.fullmatch(line)
        if found is not None and found["text"]:
            return f": {found['text']}"
    return f": {lines[-1]}" if lines else ""
