"""Finds an adb server or starts one; never ends one that is not ours, whatever its version."""

from __future__ import annotations

import asyncio
import contextlib
import importlib.util
import os
import shutil
import signal
import socket
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from devicehub import procs
from devicehub.adb.address import ServerAddress
from devicehub.adb.client import AdbClient
from devicehub.errors import AdbServerHung, AdbServerUnavailable

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping

    from devicehub.clock import Clock

_START_S: Final = 15.0
_END_S: Final = 5.0
_LOOK_S: Final = 0.05
_ACCEPT_S: Final = 5.0
# adb's fork-server writes OK to the given descriptor once it listens; its log goes to a file of its own.
_START_SCRIPT: Final = '"$@" 3>&1 </dev/null >/dev/null 2>&1 &'
# The end of stdin is the end of whoever started it, also of one that was killed: the server goes with it.
# The trap comes first: adb leaves the process group that a signal goes to.
_START_PRIVATE_SCRIPT: Final = (
    f"trap 'kill $!; wait; exit' TERM; {_START_SCRIPT} exec >/dev/null; cat; kill $!; wait"
)


@dataclass(frozen=True, slots=True)
class ServerProcess:
    """The process of an adb server that was started from here."""

    pid: int
    began_s: float
    """Since the host's boot; no later process of that number has it."""


@dataclass(frozen=True, slots=True)
class PrivateServer:
    """An adb server that only its starter uses."""

    address: ServerAddress
    key_path: Path
    """The public key that it shows to phones."""


def find_adb() -> Path:
    """The adb program that adbutils carries, else the one on PATH.

    Raises:
        AdbServerUnavailable: there is neither.
    """
    spec = importlib.util.find_spec("adbutils")  # importing it would cost 200 ms
    folders = [Path(place) for place in (spec.submodule_search_locations or [])] if spec else []
    for name in ("adb", "adb.exe"):
        for folder in folders:
            if os.access(folder / "binaries" / name, os.X_OK):
                return folder / "binaries" / name
    found = shutil.which("adb")
    if found is None:
        raise AdbServerUnavailable(
            "no adb program: adbutils has none for this platform; install Android's platform-tools"
        )
    return Path(found)


async def ensure_server(
    address: ServerAddress, *, environ: Mapping[str, str] = os.environ, start_timeout_s: float = _START_S
) -> bool:
    """Make sure that an adb server answers; True where it had to be started.

    One that runs is used, whatever its version. One that is started stays, as adb's own does.

    Raises:
        AdbServerUnavailable: none answers and none can be started.
        AdbServerHung: one listens and does not answer.
        AdbProtocolError: another program listens there.
    """
    if await answers(address):
        return False
    await start_server(address, environ=environ, start_timeout_s=start_timeout_s)
    return True


async def answers(address: ServerAddress) -> bool:
    """Whether an adb server answers there; False where nothing listens.

    Raises:
        AdbServerHung: something listens and does not answer in time.
        AdbProtocolError: another program listens there.
    """
    if not await _is_listening(address):
        return False
    await AdbClient(address).version()
    return True


async def start_server(
    address: ServerAddress, *, environ: Mapping[str, str] = os.environ, start_timeout_s: float = _START_S
) -> ServerProcess | None:
    """Start an adb server that stays; None where another program was first and started one meanwhile.

    Raises:
        AdbServerUnavailable: none can be started, or none answers then.
    """
    if not address.is_local:
        raise AdbServerUnavailable(
            f"no server at {address}; start adb there with `adb -a -P {address.port} start-server`"
        )
    argv = _fork_server(find_adb(), address.port)
    environment = {**environ, "ADB_BURST_MODE": "1"}
    script = f"{_START_SCRIPT} echo $!"
    try:
        done = await procs.run(
            ["/bin/sh", "-c", script, "sh", *argv], timeout_s=start_timeout_s, env=environment
        )
    except (OSError, TimeoutError) as error:
        raise AdbServerUnavailable(f"{argv[0]} did not start: {str(error) or 'no answer in time'}") from error
    # "4711\nOK\n", in either order; without OK the port was another's.
    words = done.stdout.split()
    pid = next((int(word) for word in words if word.isdigit()), None)
    began_s = procs.began_s(pid) if pid is not None and b"OK" in words else None
    await AdbClient(address).version()
    return ServerProcess(pid, began_s) if pid is not None and began_s is not None else None


async def end_server(address: ServerAddress, process: ServerProcess, clock: Clock) -> bool:
    """Kill a server that was started from here; False where that process is no more.

    A hung server heeds no other signal. Returns once nothing listens there any more, five seconds at most.
    """
    began_s = procs.began_s(process.pid)
    if began_s is None or abs(began_s - process.began_s) >= 1.0:
        return False
    with contextlib.suppress(ProcessLookupError):
        os.kill(process.pid, signal.SIGKILL)
    end_s = clock.monotonic_s() + _END_S
    while clock.monotonic_s() < end_s:
        with contextlib.suppress(AdbServerHung):
            if not await _is_listening(address):
                break
        await clock.sleep(_LOOK_S)
    return True


@contextlib.asynccontextmanager
async def private_server(
    *, home: Path | None = None, burst_mode: bool = True, start_timeout_s: float = _START_S
) -> AsyncIterator[PrivateServer]:
    """An adb server of our own on a free port, ended with the block.

    It looks for no phones by itself, neither on USB nor emulators nor mDNS: only those that it is told to
    connect to. Its key lies in `home`, made there if missing; without `home`, in a folder that goes with it.

    Raises:
        AdbServerUnavailable: adb is missing or does not start.
    """
    adb = find_adb()
    with contextlib.ExitStack() as stack:
        folder = home or Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="devicehub-adb-")))
        folder.mkdir(parents=True, exist_ok=True)
        address = ServerAddress("127.0.0.1", _free_port())
        async with procs.child(
            ["/bin/sh", "-c", _START_PRIVATE_SCRIPT, "sh", *_fork_server(adb, address.port)],
            env=_private_environment(os.environ, folder, burst_mode=burst_mode),
        ) as process:
            await _wait_until_started(process, adb, start_timeout_s)
            yield PrivateServer(address, folder / ".android" / "adbkey.pub")


def _fork_server(adb: Path, port: int) -> list[str]:
    # Not `start-server`: that kills a server of another version which it finds on the port.
    # It binds to no other name than localhost.
    return [str(adb), "-L", f"tcp:localhost:{port}", "fork-server", "server", "--reply-fd", "3"]


def _private_environment(environ: Mapping[str, str], home: Path, *, burst_mode: bool) -> dict[str, str]:
    kept = {name: value for name, value in environ.items() if not name.startswith(("ADB_", "ANDROID_"))}
    return {
        **kept,
        "HOME": str(home),
        "TMPDIR": str(home),
        "ADB_MDNS": "0",
        "ADB_USB": "0",
        "ADB_EMU": "0",
        # Servers before 34 know no ADB_EMU; they would take virtual phones on 5555 to 5585 for emulators.
        "ADB_LOCAL_TRANSPORT_MAX_PORT": "5553",
        "ADB_BURST_MODE": "1" if burst_mode else "0",
    }


async def _wait_until_started(process: asyncio.subprocess.Process, adb: Path, timeout_s: float) -> None:
    assert process.stdout is not None
    reply = b""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(timeout_s):
            reply = await process.stdout.read()
    if reply.strip() != b"OK":
        said = reply.decode(errors="replace").strip() or "no answer"
        raise AdbServerUnavailable(
            f"{adb} did not start a private server: {said}; see what `{adb} version` says"
        )


async def _is_listening(address: ServerAddress) -> bool:
    try:
        async with asyncio.timeout(_ACCEPT_S):
            _, writer = await asyncio.open_connection(address.host, address.port)
    except TimeoutError as error:
        # Here a full queue of connections: a stopped process leaves them to the kernel, which takes a few.
        if address.is_local:
            raise AdbServerHung(f"the server at {address} accepts no connection") from error
        return False
    except OSError:
        return False
    writer.close()
    with contextlib.suppress(OSError):
        await writer.wait_closed()
    return True


def _free_port() -> int:
    """A port that was free a moment ago, outside the range that adb servers scan for emulators."""
    while True:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = int(probe.getsockname()[1])
        if not 5554 <= port <= 5585:
            return port
