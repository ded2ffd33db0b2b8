"""One connection of an adb server: authentication, then streams."""

from __future__ import annotations

import asyncio
import logging
import secrets
from typing import TYPE_CHECKING, Final, Protocol

from devicehub.sim.adbd.keys import TOKEN_SIZE, read_keys
from devicehub.sim.adbd.reverse_service import Reverse
from devicehub.sim.adbd.stream import Stream
from devicehub.sim.adbd.transport import (
    DELAYED_ACK_BYTES,
    VERSION_SKIP_CHECKSUM,
    Assembler,
    AuthKind,
    Command,
    Message,
    TransportError,
    encode_header,
    parse_banner,
)

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

log = logging.getLogger(__name__)

_SMALL: Final = 4096
"""Payloads up to this size share one write with their header."""


class Adbd(Protocol):
    """What a connection needs of the phone it belongs to."""

    version: int
    max_payload: int
    banner: bytes
    features: frozenset[str]
    frozen: bool

    def key_files(self) -> Sequence[Path]:
        """Files of the keys that are accepted, read anew at each attempt."""

    def serve(self, stream: Stream, service: bytes) -> bool:
        """Start a service on a stream; False when there is no such service."""

    def connected(self, connection: Connection) -> None:
        """A connection began."""

    def disconnected(self, connection: Connection) -> None:
        """A connection ended."""


class Connection(asyncio.BufferedProtocol):
    """The phone's end of one TCP connection.

    Attributes:
        max_payload: the smaller of both ends' limits.
        reverse: what it has the phone forward to the host.
        streams: open streams by the phone's own ids.
    """

    def __init__(self, adbd: Adbd) -> None:
        self.adbd = adbd
        self.max_payload = adbd.max_payload
        self.streams: dict[int, Stream] = {}
        # Newer adbds verify nothing, not even before CNXN: an adb server that reconnects by itself keeps the
        # version that it negotiated before and sends no checksums.
        verifies = adbd.version < VERSION_SKIP_CHECKSUM
        self._assembler = Assembler(max_payload=max(adbd.max_payload, _SMALL), checked=verifies)
        self._transport: asyncio.Transport | None = None
        self._flowing = asyncio.Event()
        self._flowing.set()
        self._token = b""
        self._online = False
        self._delayed_ack = False
        self._checked = True
        self._next_id = 1
        self._frozen = False
        self._held: list[bytes] = []
        self.reverse = Reverse(self)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take the transport."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self.adbd.connected(self)
        if self.adbd.frozen:
            self.freeze()

    def connection_lost(self, exc: Exception | None) -> None:
        """End every stream."""
        del exc
        self._transport = None
        self._flowing.set()
        self.reverse.close()
        self._drop_streams()
        self.adbd.disconnected(self)

    def pause_writing(self) -> None:
        """The socket is full."""
        self._flowing.clear()

    def resume_writing(self) -> None:
        """The socket takes more."""
        if not self._frozen:
            self._flowing.set()

    def get_buffer(self, sizehint: int) -> memoryview:
        """Where the next bytes go."""
        del sizehint
        return self._assembler.buffer()

    def buffer_updated(self, nbytes: int) -> None:
        """Act on a message once it is whole; a peer that breaks the protocol is cut off."""
        try:
            message = self._assembler.filled(nbytes)
            if message is not None:
                self._on_message(message)
        except TransportError as error:
            log.warning("connection dropped: %s", error)
            self.abort()

    def abort(self) -> None:
        """Cut the connection, as a pulled cable does."""
        if self._transport is not None:
            self._transport.abort()

    def freeze(self) -> None:
        """Let no byte through, either way, while the connection stays."""
        self._frozen = True
        self._flowing.clear()
        if self._transport is not None:
            self._transport.pause_reading()

    def thaw(self) -> None:
        """Let the bytes through again, those that were held back first."""
        self._frozen = False
        held, self._held = self._held, []
        if self._transport is not None:
            self._transport.writelines(held)
            self._transport.resume_reading()
        self._flowing.set()

    async def drained(self) -> None:
        """Wait until the socket takes more."""
        await self._flowing.wait()

    def send(self, command: Command, arg0: int, arg1: int, payload: bytes | memoryview = b"") -> None:
        """Send a message; after the connection is lost this does nothing."""
        if self._transport is None:
            return
        header = encode_header(Message(command, arg0, arg1, payload), checked=self._checked)
        if self._frozen:
            self._held.append(header + bytes(payload))
            return
        if len(payload) <= _SMALL:
            self._transport.write(header + bytes(payload))
        else:
            self._transport.write(header)
            self._transport.write(payload)

    def open(self, service: str) -> Stream:
        """Open a stream to a service of the host; until the host answers, what is written waits."""
        stream = Stream(self, self._next_id, 0, 0 if self._delayed_ack else None)
        self._next_id += 1
        self.streams[stream.local_id] = stream
        stream.wait_for_okay()
        granted = DELAYED_ACK_BYTES if self._delayed_ack else 0
        self.send(Command.OPEN, stream.local_id, granted, service.encode() + b"\0")
        return stream

    def forget(self, stream: Stream) -> None:
        """Drop a stream that was closed."""
        self.streams.pop(stream.local_id, None)

    def _on_message(self, message: Message) -> None:
        if message.command == Command.CNXN:
            self._on_connect(message)
        elif message.command == Command.AUTH:
            self._on_auth(message)
        elif message.command == Command.STLS:
            raise TransportError("this phone takes no TLS")
        elif not self._online:
            return
        elif message.command == Command.OPEN:
            self._on_open(message)
        elif message.command in (Command.OKAY, Command.WRTE, Command.CLSE):
            self._on_stream_message(message)

    def _on_connect(self, message: Message) -> None:
        self._drop_streams()
        self._online = False
        self._checked = min(message.arg0, self.adbd.version) < VERSION_SKIP_CHECKSUM
        self.max_payload = max(1, min(message.arg1, self.adbd.max_payload))
        features = parse_banner(message.payload)
        self._delayed_ack = "delayed_ack" in features and "delayed_ack" in self.adbd.features
        self._ask()

    def _ask(self) -> None:
        self._token = secrets.token_bytes(TOKEN_SIZE)
        self.send(Command.AUTH, AuthKind.TOKEN, 0, self._token)

    def _on_auth(self, message: Message) -> None:
        if self._online or not self._token or message.arg0 != AuthKind.SIGNATURE:
            # A public key on offer would need a person who presses "allow": the host stays unauthorized.
            return
        signature = bytes(message.payload)
        if not any(key.verify(self._token, signature) for key in read_keys(self.adbd.key_files())):
            self._ask()
            return
        self._online = True
        self._token = b""
        self.send(Command.CNXN, self.adbd.version, self.adbd.max_payload, self.adbd.banner)

    def _on_open(self, message: Message) -> None:
        remote_id, window = message.arg0, message.arg1
        if remote_id == 0:
            return
        if bool(window) != self._delayed_ack:
            self.send(Command.CLSE, 0, remote_id)
            return
        local_id = self._next_id
        self._next_id += 1
        stream = Stream(self, local_id, remote_id, window if self._delayed_ack else None)
        service = bytes(message.payload)
        if not service.startswith((b"abb:", b"abb_exec:")):
            service = service.partition(b"\0")[0]
        self.streams[local_id] = stream
        # The OKAY must come before anything the service sends: services start in tasks, so later.
        if self.adbd.serve(stream, service):
            granted = DELAYED_ACK_BYTES.to_bytes(4, "little") if self._delayed_ack else b""
            self.send(Command.OKAY, local_id, remote_id, granted)
        else:
            self.forget(stream)
            stream.on_close()
            self.send(Command.CLSE, 0, remote_id)

    def _on_stream_message(self, message: Message) -> None:
        stream = self.streams.get(message.arg1)
        if stream is None:
            if message.command == Command.WRTE:
                self.send(Command.CLSE, 0, message.arg0)
            return
        if message.command == Command.CLSE:
            self.forget(stream)
            stream.on_close()
            self.send(Command.CLSE, stream.local_id, stream.remote_id)
        elif stream.remote_id == 0 and message.command == Command.OKAY:
            stream.remote_id = message.arg0
            stream.on_okay(message.payload)
        elif stream.remote_id != message.arg0:
            return
        elif message.command == Command.OKAY:
            stream.on_okay(message.payload)
        else:
            assert isinstance(message.payload, bytearray)
            stream.on_write(message.payload)

    def _drop_streams(self) -> None:
        for stream in list(self.streams.values()):
            stream.on_close()
        self.streams.clear()
