"""A connection to the adb server, and what it carries once a service is open."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from typing import TYPE_CHECKING, Final

from devicehub.adb.wire import Fail, Okay, SmartSocket, encode_request
from devicehub.errors import AdbProtocolError, AdbServerUnavailable, DeviceGone

if TYPE_CHECKING:
    from types import TracebackType
    from typing import Self

    from devicehub.adb.address import ServerAddress

READ_SIZE: Final = 256 * 1024


class Stream:
    """A byte stream through the adb server, closed at the end of its `async with` block.

    Reading and writing may go on at the same time, one reader and one writer.
    """

    def __init__(self, connection: socket.socket, *, label: str, service: str, early: bytes = b"") -> None:
        self.label = label
        self.service = service
        self._socket = connection
        self._early = early

    @property
    def socket(self) -> socket.socket:
        """The non-blocking socket, for who moves much data in a thread of its own."""
        return self._socket

    async def read(self, size: int = READ_SIZE) -> bytes:
        """At least one byte; none at the end, also where the peer ended it without a word."""
        if self._early:
            data, self._early = self._early[:size], self._early[size:]
            return data
        try:
            return await asyncio.get_running_loop().sock_recv(self._socket, size)
        except OSError:
            return b""

    async def write(self, data: bytes) -> None:
        """Write everything, at the peer's pace.

        Raises:
            DeviceGone: the peer has closed the stream.
        """
        try:
            await asyncio.get_running_loop().sock_sendall(self._socket, data)
        except OSError as error:
            raise DeviceGone(serial=self.label, during=self.service) from error

    def close(self) -> None:
        """Close both sides."""
        self._socket.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()


class Asking:
    """A connection on which requests are still answered by the adb server itself."""

    def __init__(self, connection: socket.socket, address: ServerAddress) -> None:
        self._stream = Stream(connection, label=str(address), service="adb server")
        self._address = address
        self._answers = SmartSocket()

    async def ask(self, service: str) -> Okay | Fail:
        """Send a request; its OKAY or FAIL."""
        request = encode_request(service)
        with contextlib.suppress(DeviceGone):  # the answer, or its absence, says more
            await self._stream.write(request)
        return await self.status()

    async def status(self) -> Okay | Fail:
        """The next OKAY or FAIL."""
        try:
            while (status := self._answers.status()) is None:
                await self._receive()
        except AdbProtocolError as error:
            raise self._no_adb_server(error) from error
        return status

    async def block(self) -> bytes:
        """The next length-prefixed answer."""
        try:
            while (block := self._answers.block()) is None:
                await self._receive()
        except AdbProtocolError as error:
            raise self._no_adb_server(error) from error
        return block

    async def block_or_fail(self) -> bytes | Fail:
        """The next length-prefixed answer, or FAIL in its place."""
        try:
            while (answer := self._answers.block_or_fail()) is None:
                await self._receive()
        except AdbProtocolError as error:
            raise self._no_adb_server(error) from error
        return answer

    def stream(self, *, label: str, service: str) -> Stream:
        """What the connection is once a service is open; this object is of no further use."""
        return Stream(self._stream.socket, label=label, service=service, early=self._answers.rest())

    def close(self) -> None:
        """Close the connection."""
        self._stream.close()

    async def _receive(self) -> None:
        data = await self._stream.read()
        if not data:
            raise AdbServerUnavailable(
                f"the server at {self._address} hung up without an answer; is another program on this port?"
            )
        self._answers.receive(data)

    def _no_adb_server(self, error: AdbProtocolError) -> AdbProtocolError:
        return AdbProtocolError(
            f"what listens at {self._address} does not speak as an adb server does; "
            "free the port or choose another with ANDROID_ADB_SERVER_PORT",
            received=error.received,
        )


async def connect(address: ServerAddress, timeout_s: float) -> Asking:
    """Connect to an adb server.

    Raises:
        AdbServerUnavailable: nothing listens there, or not in time.
    """
    try:
        async with asyncio.timeout(timeout_s):
            return Asking(await _open_socket(address), address)
    except TimeoutError as error:
        raise AdbServerUnavailable(f"no connection to {address} within {timeout_s:g} s") from error
    except OSError as error:
        raise AdbServerUnavailable(
            f"no server at {address} ({error.strerror or error}); start one with `adb start-server`"
        ) from error


async def _open_socket(address: ServerAddress) -> socket.socket:
    loop = asyncio.get_running_loop()
    found = await loop.getaddrinfo(address.host, address.port, type=socket.SOCK_STREAM)
    failure: OSError | None = None
    for family, kind, protocol, _, place in found:
        connection = socket.socket(family, kind, protocol)
        try:
            connection.setblocking(False)
            await loop.sock_connect(connection, place)
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        except OSError as error:
            connection.close()
            failure = error
        except BaseException:
            connection.close()
            raise
        else:
            return connection
    raise failure or OSError(f"{address.host} has no address")
