"""The simulator's side of `keeper` and `spawner`: starts the phone's processes and ends the phone."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import json
import os
import socket
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import devicehub
from devicehub import procs
from devicehub.errors import SimError
from devicehub.sim.process import keeper, spawner, tree
from devicehub.sim.process.sockets import address_in

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping, Sequence

    from devicehub.sim.process.namespace import View

_OWN_PROCESSES: Final = 2
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
        limited: a folder of the phone has a size of its own.
        no_arm64: why programs for arm64 do not run on it; None where they do.
    """

    def __init__(
        self,
        control: Path,
        process: asyncio.subprocess.Process,
        *,
        confined: bool,
        limited: bool,
        no_arm64: str | None,
    ) -> None:
        self._control = control
        self._process = process
        self._confined = confined
        self._turn = asyncio.Lock()
        self.keeper_pid = process.pid
        self.limited = limited
        self.no_arm64 = no_arm64

    def see(self, path: Path) -> Path:
        """A path of the host where what is mounted for the phone alone shows too."""
        return Path(f"/proc/{self.keeper_pid}/root{path}") if self.limited else path

    def any_runs(self) -> bool:
        """Whether anything runs on the phone beside its init and adbd."""
        return len(tree.descendants(self.keeper_pid)) > _OWN_PROCESSES

    async def reboot(self, uptime_s: float) -> None:
        """End every process of the phone and start it anew; a portable one keeps the host's uptime.

        Raises:
            SimError: it does not start again.
        """
        try:
            await self._order({"do": "boot", "uptime_s": uptime_s if self._confined else None})
        except SimError:
            # A kernel without time namespaces: the uptime goes on.
            await self._order({"do": "boot", "uptime_s": None})

    async def limit(self, kib: int) -> None:
        """Change the size of the folder that has one.

        Raises:
            SimError: none has, or the kernel refuses.
        """
        if not self.limited:
            raise SimError("this phone has no file system of a size of its own")
        await self._order({"do": "limit", "kib": kib})

    async def _order(self, order: dict[str, Any]) -> None:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        async with self._turn:
            self._process.stdin.write(json.dumps(order).encode() + b"\n")
            line = (await self._process.stdout.readline()).decode().strip()
        if line != keeper.OK:
            raise SimError(f"the phone could not do {order}: {line or 'its processes have ended'}")

    async def spawn(
        self,
        argv: Sequence[str],
        *,
        env: Mapping[str, str],
        cwd: str,
        files: Sequence[int],
        terminal: bool = False,
        oom_score_adj: int | None = None,
    ) -> Process:
        """Start a program.

        Args:
            argv: the program, looked for along PATH of `env`, and its arguments.
            env: its whole environment.
            cwd: its folder, as the phone names it.
            files: what becomes stdin, stdout and stderr; the caller's copies stay open.
            terminal: stdin is a terminal that the process gets as its controlling one.
            oom_score_adj: how gladly the kernel may take it; None for what adbd's children have.

        Raises:
            OSError: the phone has ended or the program could not be started.
        """
        request = spawner.Request(list(argv), dict(env), cwd, terminal, oom_score_adj)
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
        try:
            line = await reader.readline()
        except BaseException:  # a service that is cut off while its process is being started
            writer.close()
            raise
        answer: dict[str, Any] = (
            json.loads(line) if line.endswith(b"\n") else {"error": "the phone has ended"}
        )
        if "pid" not in answer:
            writer.close()
            raise OSError(answer["error"])
        return Process(answer["pid"], reader, writer)


@dataclasses.dataclass(frozen=True)
class Limit:
    """A folder of the phone that is a file system of its own, in memory, of a size that can change."""

    folder: Path
    kib: int


@contextlib.asynccontextmanager
async def start_processes(
    folder: Path,
    *,
    view: View | None,
    limit: Limit | None = None,
    uptime_s: float | None = None,
    oom_score_adj: int = -950,
) -> AsyncIterator[Processes]:
    """Start the keeper of a phone; when the block ends all the phone's processes do, and the folder goes.

    Args:
        folder: the phone's own folder on the host.
        view: what its processes see, or None for portable mode.
        limit: what of it has a size of its own; not in portable mode.
        uptime_s: what its /proc/uptime begins with, None for the host's; not in portable mode.
        oom_score_adj: what its processes begin with, where the kernel lets this user choose it.

    Raises:
        SimError: the kernel does not allow it; the folder is still there then.
    """
    if view is None and (limit is not None or uptime_s is not None):
        raise SimError("a phone that is not confined has the host's uptime and the host's disk")
    python = own_python()
    settings = {
        "folder": str(folder),
        "control": str(folder / "control"),
        "view": None if view is None else dataclasses.asdict(view),
        "python": python,
        "limited": None if limit is None else {"place": str(limit.folder), "kib": limit.kib},
        "uptime_s": uptime_s,
        # By this `pidof` tells a portable phone's adbd from others, all of which run on the host.
        "adbd_env": {} if view is not None else {"DEVICEHUB_SIM_ROOT": str(folder / "root")},
        "oom_score_adj": oom_score_adj,
    }
    (folder / "control").unlink(missing_ok=True)
    argv = [
        python["executable"],
        "-S",
        "-B",
        "-m",
        "devicehub.sim.process.keeper",
        "keeper",
        json.dumps(settings),
    ]
    env = {"PYTHONPATH": python["path"], "PYTHONHOME": python["home"], "PATH": os.environ.get("PATH", "")}
    async with procs.child(argv, env=env, grace_s=20) as process:
        assert process.stdout is not None
        line = (await process.stdout.readline()).decode().strip()
        word, _, obstacle = line.partition(" ")
        if word != keeper.OK:
            assert process.stderr is not None
            detail = line or (await process.stderr.read()).decode(errors="replace").strip()[-300:]
            raise SimError(f"the phone's processes could not be started: {detail}")
        yield Processes(
            folder / "control",
            process,
            confined=view is not None,
            limited=limit is not None,
            no_arm64=obstacle or None,
        )
