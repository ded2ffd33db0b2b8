"""A phone of which each service is a script of the test: for answers that no virtual phone gives.

It has no app and no agent: its shell is this host's sh, and the launch's folder is one of the host's.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
from functools import partial
from typing import TYPE_CHECKING, cast

from devicehub import procs
from devicehub.adb.stream import Stream
from devicehub.errors import AdbRefused

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path

    from devicehub.adb.client import Transport

    Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


class ScriptedPhone:
    """What `open` leads to, by service.

    Attributes:
        services: who answers a service; one that is missing is refused.
        opened: the services that were asked for, the shell's aside.
        shell_fails: errors that the next shells end with instead of running.
    """

    label = "scripted"

    def __init__(self, tasks: asyncio.TaskGroup) -> None:
        self._tasks = tasks
        self.services: dict[str, Handler] = {}
        self.opened: list[str] = []
        self.shell_fails: list[Exception] = []

    @property
    def transport(self) -> Transport:
        return cast("Transport", self)

    async def features(self) -> frozenset[str]:
        return frozenset({"shell_v2"})

    async def open(self, service: str) -> Stream:
        kind, _, script = service.partition(":")
        if kind.startswith("shell"):
            if self.shell_fails:
                raise self.shell_fails.pop(0)
            handler: Handler = partial(run_shell, script)
        else:
            self.opened.append(service)
            if service not in self.services:
                raise AdbRefused("the phone does not offer this service", serial=self.label, service=kind)
            handler = self.services[service]
        ours, theirs = socket.socketpair()
        ours.setblocking(False)
        reader, writer = await asyncio.open_connection(sock=theirs)
        self._tasks.create_task(_serve(handler, reader, writer))
        return Stream(ours, label=self.label, service=kind)


async def _serve(handler: Handler, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError, asyncio.IncompleteReadError):
        await handler(reader, writer)
    writer.close()
    with contextlib.suppress(OSError):
        await writer.wait_closed()


async def run_shell(script: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """A script by this host's sh, in adb's packets of shell,v2."""
    stdin = b""
    while (header := await reader.readexactly(5))[0] != 4:  # the end of stdin
        stdin += await reader.readexactly(struct.unpack("<I", header[1:])[0])
    done = await procs.run(["sh", "-c", script], timeout_s=30, stdin=stdin)
    for kind, data in ((1, done.stdout), (2, done.stderr), (3, bytes([done.status]))):
        writer.write(struct.pack("<BI", kind, len(data)) + data)
    await writer.drain()


async def read_call(reader: asyncio.StreamReader) -> list[str]:
    """The words of a dumpapp call."""
    assert await reader.readexactly(9) == b"DUMP\0\0\0\x01!"
    count = int.from_bytes(await reader.readexactly(4), "big")
    sizes = []
    for _ in range(count):
        size = int.from_bytes(await reader.readexactly(2), "big")
        sizes.append((await reader.readexactly(size)).decode())
    return sizes


def frame(kind: bytes, data: bytes) -> bytes:
    return kind + len(data).to_bytes(4, "big") + data


END = b"x\0\0\0\0"


class Dumpapp:
    """Answers of a debug build: the longest beginning of a call that is known decides.

    Attributes:
        calls: what was called.
    """

    def __init__(self, answers: dict[str, list[bytes]]) -> None:
        self.answers = answers
        self.calls: list[str] = []

    async def __call__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        call = " ".join(await read_call(reader))
        self.calls.append(call)
        known = max((begin for begin in self.answers if call.startswith(begin)), key=len)
        queue = self.answers[known]
        writer.write(queue.pop(0) if len(queue) > 1 else queue[0])
        await writer.drain()


def tell_state(folder: Path, state: str) -> None:
    """What app.sh writes."""
    (folder / "app").write_text(f"state={state}\npid=1\n")
