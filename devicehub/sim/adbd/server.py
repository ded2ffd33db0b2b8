"""The phone's adbd: listens, lets in who holds an accepted key, and starts services."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
from typing import TYPE_CHECKING, Any, Final

from devicehub.clock import SystemClock
from devicehub.errors import SimError
from devicehub.sim.adbd.connection import Connection
from devicehub.sim.adbd.phone_files import PhoneFiles
from devicehub.sim.adbd.services import open_service
from devicehub.sim.adbd.transport import (
    MAX_PAYLOAD,
    MAX_PAYLOAD_ANDROID_8,
    VERSION_SKIP_CHECKSUM,
    VERSION_WITH_CHECKSUM,
)
from devicehub.sim.android.live import LiveFiles

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Sequence
    from pathlib import Path

    from devicehub.sim.adbd.stream import Stream
    from devicehub.sim.android.system import PhoneSystem
    from devicehub.sim.process.shell import Shell

log = logging.getLogger(__name__)

_SINCE: Final = {
    8: ("shell_v2", "cmd", "stat_v2"),
    9: (),
    10: ("apex", "abb", "fixed_push_mkdir"),
    11: ("abb_exec", "fixed_push_symlink_timestamp", "ls_v2", "remount_shell"),
    12: ("sendrecv_v2",),
    13: (),
    14: ("delayed_ack", "openscreen_mdns"),
}
"""Features by the release that brought them. Compression (sendrecv_v2_brotli, _lz4, _zstd) is left out: an
adb that is not offered it sends plain data."""


def features_of(android: int) -> frozenset[str]:
    """What adbd of a release says it can do."""
    return frozenset(name for since, names in _SINCE.items() if since <= android for name in names)


def _hold(port: int) -> socket.socket:
    """A port of 127.0.0.1 that nobody else gets while nobody listens; connections are refused then."""
    held = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    try:
        # Both sockets need it: then one of them may listen.
        held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        held.bind(("127.0.0.1", port))
    except OSError:
        held.close()
        raise
    return held


_REFRESH_S: Final = 1.0
_MOVING_S: Final = 0.25
"""A phone that warms is looked at so often: launches of small models last no second."""


class Adbd:
    """One phone's adbd, on any number of ports.

    Attributes:
        frozen: connections stay and move no byte.
        on_restart: what restarts it with all that it started.
    """

    def __init__(self, shell: Shell, system: PhoneSystem, *, key_files: Callable[[], Sequence[Path]]) -> None:
        profile = system.profile
        old = profile.android < 9
        self.version = VERSION_WITH_CHECKSUM if old else VERSION_SKIP_CHECKSUM
        self.max_payload = MAX_PAYLOAD_ANDROID_8 if old else MAX_PAYLOAD
        self.features = features_of(profile.android)
        self.shell = shell
        self.system = system
        self.files = PhoneFiles(shell.root, free_kib=profile.data_free_kib)
        self._clock = SystemClock()
        self.android = profile.android
        self.key_files = key_files
        names = ("ro.product.name", "ro.product.model", "ro.product.device")
        items = [f"{name}={profile.props.get(name, '')}" for name in names]
        self.banner = f"device::{';'.join(items)};features={','.join(sorted(self.features))}".encode()
        self.frozen = False
        self.on_restart: Callable[[], Awaitable[None]] | None = None
        self.live = LiveFiles(system, shell.root)
        self._held: dict[int, socket.socket] = {}
        self._connections: set[Connection] = set()
        self._servers: list[asyncio.Server] = []
        self._tasks: set[asyncio.Task[None]] = set()
        self._group: asyncio.TaskGroup | None = None

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """While the block lasts, services run; at its end all connections are cut."""
        try:
            async with asyncio.TaskGroup() as self._group:
                self._start(self._keep_alive())
                try:
                    yield
                finally:
                    self._stop()
        except BaseExceptionGroup as group:
            # What the block raised must leave it as it was.
            raise group.exceptions[0] from None

    async def listen(self, port: int) -> str:
        """Listen on a port of 127.0.0.1, 0 for a free one; the address for `adb connect`.

        Raises:
            SimError: the port is taken.
        """
        try:
            held = _hold(port)
            taken: int = held.getsockname()[1]
            self._held[taken] = held
            await self._listen(taken)
        except OSError as error:
            raise SimError(f"port {port} cannot be used ({error.strerror}); choose another one") from error
        return f"127.0.0.1:{taken}"

    async def _listen(self, port: int) -> None:
        loop = asyncio.get_running_loop()
        server = await loop.create_server(lambda: Connection(self), "127.0.0.1", port, reuse_address=True)
        self._servers.append(server)

    def cut(self) -> None:
        """Drop every connection, as a pulled cable does."""
        for connection in list(self._connections):
            connection.abort()

    def close(self) -> None:
        """Drop every connection and take no new one."""
        for server in self._servers:
            server.close()
        self._servers.clear()
        self.cut()

    async def open(self) -> None:
        """Listen again where it did before."""
        for port in self._held if not self._servers else ():
            await self._listen(port)

    def freeze(self) -> None:
        """Let connections stay and come, but no byte through."""
        self.frozen = True
        for connection in self._connections:
            connection.freeze()

    def thaw(self) -> None:
        """Let bytes through again."""
        self.frozen = False
        for connection in self._connections:
            connection.thaw()

    async def restart(self) -> None:
        """End as adbd does when its mode changes; who watches over its processes may take part."""
        if self.on_restart is not None:
            await self.on_restart()
        else:
            self.cut()

    def serve(self, stream: Stream, service: bytes) -> bool:
        """Start a service on a stream; False when there is no such service."""
        work = open_service(stream, service, self) if self._group is not None else None
        if work is None:
            return False
        self._start(work)
        return True

    def _start(self, work: Coroutine[Any, Any, None]) -> None:
        assert self._group is not None
        task = self._group.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _keep_alive(self) -> None:
        """Refresh the changing files while anybody is connected or what was started runs on."""
        while True:
            # A run goes on without a cable: counters that stood still would tell it that the phone slept.
            moves = self.system.physics is not None and self.system.physics.moves
            if moves or self._connections or self.shell.processes.any_runs():
                self.live.refresh(wall_s=self._clock.wall_s())
            await self._clock.sleep(_MOVING_S if moves else _REFRESH_S)

    def connected(self, connection: Connection) -> None:
        """Note a connection."""
        if not self._connections:
            # Counters that stood still until now must not leap within a run: nobody's phone does that.
            self.live.refresh(wall_s=self._clock.wall_s())
        self._connections.add(connection)

    def disconnected(self, connection: Connection) -> None:
        """Forget a connection."""
        self._connections.discard(connection)

    def _stop(self) -> None:
        self.close()
        for held in self._held.values():
            held.close()
        for task in list(self._tasks):
            task.cancel()
        self._group = None
