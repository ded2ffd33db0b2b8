"""The simulator's side of `spawner`: starts the phone's processes and ends the phone."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import json
import os
import socket
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import devicehub
from devicehub import procs
from devicehub.errors import SimError
from devicehub.sim.process import spawner
from devicehub.sim.process.sockets import address_in

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping, Sequence

    from devicehub.sim.process.namespace import View

PACKAGE_FOLDER = Path(devicehub.__file__).parent


def own_python() -> dict[str, str]:
    """The interpreter that runs the simulator: executable, home, and the path that holds this package."""
    executable = str(Path(sys.executable).resolve())
    return {"executable": executable, "home": sys.base_prefix, "path": str(PACKAGE_FOLDER.parent)}


class Process:
    """A process of the phone.

    Attributes:
        pid: as the phone sees it.
    """

    def __init__(self, pid: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.pid = pid
        self._reader = reader
        self._writer = writer

    async def wait(self) -> int:
        """Its exit status; 128 + n when signal n ended it, 137 when the phone ended."""
        line = await self._reader.readline()
        return int(json.loads(line)["status"]) if line.endswith(b"\n") else 137

    def release(self) -> None:
        """Let go of it; SIGHUP when it still runs."""
        self._writer.close()


class Processes:
    """Starts processes on the phone.

    Attributes:
        keeper_pid: the host's number of the process above all of the phone's.
    """

    def __init__(self, control: Path, *, keeper_pid: int) -> None:
        self._control = control
        self.keeper_pid = keeper_pid

    async def spawn(
        self,
        argv: Sequence[str],
        *,
        env: Mapping[str, str],
        cwd: str,
        files: Sequence[int],
        terminal: bool = False,
    ) -> Process:
        """Start a program.

        Args:
            argv: the program, looked for along PATH of `env`, and its arguments.
            env: its whole environment.
            cwd: its folder, as the phone names it.
            files: what becomes stdin, stdout and stderr; the caller's copies stay open.
            terminal: stdin is a terminal that the process gets as its controlling one.

        Raises:
            OSError: the phone has ended or the program could not be started.
        """
        request = spawner.Request(list(argv), dict(env), cwd, terminal)
        connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            with address_in(self._control.parent, self._control.name) as address:
                connection.connect(address)
            text = json.dumps(dataclasses.asdict(request)).encode() + b"\n"
            sent = socket.send_fds(connection, [text], list(files))
            # Sending nothing would fail, too, once the peer has closed: a short command has ended by now.
            if sent < len(text):
                connection.sendall(text[sent:])
        except OSError:
            connection.close()
            raise
        reader, writer = await asyncio.open_connection(sock=connection)
        line = await reader.readline()
        answer: dict[str, Any] = (
            json.loads(line) if line.endswith(b"\n") else {"error": "the phone has ended"}
        )
        if "pid" not in answer:
            writer.close()
            raise OSError(answer["error"])
        return Process(answer["pid"], reader, writer)


@contextlib.asynccontextmanager
async def start_processes(
    folder: Path, *, view: View | None, mounts: Sequence[Path] = ()
) -> AsyncIterator[Processes]:
    """Start the keeper of a phone; when the block ends all the phone's processes do, and the folder goes.

    Args:
        folder: the phone's own folder on the host.
        view: what its processes see, or None for portable mode.
        mounts: folders in it on which something is mounted, to be unmounted first.

    Raises:
        SimError: the kernel does not allow it; the folder is still there then.
    """
    python = own_python()
    settings = {
        "folder": str(folder),
        "control": str(folder / "control"),
        "view": None if view is None else dataclasses.asdict(view),
        "python": python,
        "mounts": [str(place) for place in mounts],
    }
    (folder / "control").unlink(missing_ok=True)
    argv = [
        python["executable"],
        "-S",
        "-B",
        "-m",
        "devicehub.sim.process.spawner",
        "keeper",
        json.dumps(settings),
    ]
    env = {"PYTHONPATH": python["path"], "PYTHONHOME": python["home"], "PATH": os.environ.get("PATH", "")}
    async with procs.child(argv, env=env, grace_s=20) as process:
        assert process.stdout is not None
        line = (await process.stdout.readline()).decode().strip()
        if line != spawner.READY:
            assert process.stderr is not None
            detail = line or (await process.stderr.read()).decode(errors="replace").strip()[-300:]
            raise SimError(f"the phone's processes could not be started: {detail}")
        yield Processes(folder / "control", keeper_pid=process.pid)
