"""Talks to an adb server, whatever its version, and through it to phones."""

from __future__ import annotations

import asyncio
import contextlib
import re
from typing import TYPE_CHECKING, Final

from devicehub.adb.stream import Asking, Stream, connect
from devicehub.adb.wire import DeviceLine, Fail, Okay, decode_text, parse_devices_long
from devicehub.adb.wire_host import parse_server_version, parse_tracked
from devicehub.errors import (
    AdbProtocolError,
    AdbRefused,
    AdbServerHung,
    AdbServerUnavailable,
    AdbTimeout,
    DeviceGone,
    DeviceUnauthorized,
    HubError,
    SelectionError,
)
from devicehub.settings import PHONE_DATA

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator

    from devicehub.adb.address import ServerAddress
    from devicehub.adb.wire_host import TrackedDevice

_CONNECT_DEVICE_S: Final = 15.0
"""The server itself gives a phone 10 s to answer `host:connect`."""


class AdbClient:
    """One adb server; every request is a connection of its own.

    Args:
        address: where the server listens.
        connect_timeout_s: how long the server may take to accept a connection.
        reply_timeout_s: how long the server or a phone may take to answer a request; streams have no limit.
    """

    def __init__(
        self, address: ServerAddress, *, connect_timeout_s: float = 5.0, reply_timeout_s: float = 10.0
    ) -> None:
        self.address = address
        self.connect_timeout_s = connect_timeout_s
        self.reply_timeout_s = reply_timeout_s

    async def version(self) -> int:
        """The server's protocol version, 41 for all since 2018; `program_version` is adb's own."""
        answer = await self._ask_block("host:version")
        if not re.fullmatch(rb"[0-9a-fA-F]{1,8}", answer):
            raise AdbProtocolError("no version number", received=answer, service="host:version")
        return int(answer, 16)

    async def host_features(self) -> frozenset[str]:
        """What the server can do; delayed_ack is among it only in burst mode."""
        return _words(await self._ask_block("host:host-features"))

    async def program_version(self) -> str | None:
        """The version of adb itself, `36.0.0`; only of servers with the feature server_status."""
        return parse_server_version(await self._ask_block("host:server-status"))

    async def tracked(self) -> list[TrackedDevice]:
        """The ways to all phones; only of servers with the feature devicetracker_proto_format."""
        return parse_tracked(await self._ask_block("host:track-devices-proto-binary"))

    async def devices(self) -> list[DeviceLine]:
        """All devices that the server knows, in any state."""
        return parse_devices_long(decode_text(await self._ask_block("host:devices-l")))

    async def track(self) -> AsyncGenerator[list[DeviceLine], None]:
        """All devices now, and again whenever the server sees a change; close with `contextlib.aclosing`.

        A TCP device that dies may take many seconds to show here; `devices` knows it at once.

        Raises:
            AdbServerUnavailable: no server, or it ended.
        """
        service = "host:track-devices-l"
        asking = await connect(self.address, self.connect_timeout_s)
        with contextlib.closing(asking):
            async with self._answer_in_time(service):
                _refuse(await asking.ask(service), label=None, service=service)
            while True:
                yield parse_devices_long(decode_text(await asking.block()))

    async def connect(self, hostport: str) -> str:
        """Let the server connect to a phone over TCP; its words.

        Raises:
            AdbRefused: it could not, in its words.
            DeviceUnauthorized: the phone does not accept the server's key yet.
        """
        answer = await self._ask_block(f"host:connect:{hostport}", reply_timeout_s=_CONNECT_DEVICE_S)
        words = decode_text(answer).strip()
        if words.startswith("failed to authenticate"):
            raise DeviceUnauthorized(hostport)
        if not re.match(r"(already )?connected to ", words):  # the server says OKAY to its failures, too
            raise AdbRefused(_one_line(words), serial=hostport, service="connect")
        return words

    async def pair(self, hostport: str, code: str) -> str:
        """Let the server pair with a phone that shows this address and this code; its words.

        Raises:
            AdbRefused: it could not, in its words.
        """
        service = f"host:pair:{code}:{hostport}"
        async with self._asking(service, _CONNECT_DEVICE_S) as asking:
            _refuse(await asking.ask(service), label=None, service="pair")
            # After its OKAY a failure is FAIL: "Failed: Wrong password or connection was dropped."
            answer = await asking.block_or_fail()
        words = answer.message if isinstance(answer, Fail) else decode_text(answer).strip()
        if not words.startswith("Successfully paired"):
            remedy = "compare address and code with what the phone shows now"
            raise AdbRefused(f"{_one_line(words).rstrip('.')}; {remedy}", serial=hostport)
        return words

    async def disconnect(self, hostport: str) -> str:
        """Let the server forget a phone on TCP; its words.

        Raises:
            AdbRefused: the server knows no such phone.
        """
        service = f"host:disconnect:{hostport}"
        async with self._asking(service) as asking:
            status = await asking.ask(service)
            if isinstance(status, Fail):
                raise AdbRefused(_one_line(status.message), serial=hostport, service="disconnect")
            return decode_text(await asking.block()).strip()

    def transport(
        self, *, serial: str | None = None, transport_id: int | None = None, label: str | None = None
    ) -> Transport:
        """One way to a phone; a transport_id says exactly which, a serial may be shared by several phones.

        Messages name it by its label: the serial by default, else `transport N`.
        """
        return Transport(self, serial=serial, transport_id=transport_id, label=label)

    async def _ask_block(self, service: str, *, reply_timeout_s: float | None = None) -> bytes:
        async with self._asking(service, reply_timeout_s) as asking:
            _refuse(await asking.ask(service), label=None, service=service)
            return await asking.block()

    @contextlib.asynccontextmanager
    async def _asking(self, service: str, reply_timeout_s: float | None = None) -> AsyncIterator[Asking]:
        asking = await connect(self.address, self.connect_timeout_s)
        with contextlib.closing(asking):
            async with self._answer_in_time(service, reply_timeout_s):
                yield asking

    @contextlib.asynccontextmanager
    async def _answer_in_time(
        self, service: str, reply_timeout_s: float | None = None
    ) -> AsyncIterator[None]:
        waited_s = self.reply_timeout_s if reply_timeout_s is None else reply_timeout_s
        try:
            async with asyncio.timeout(waited_s):
                yield
        except TimeoutError as error:
            raise AdbServerHung(
                f"the server at {self.address} gave no answer to {service} within {waited_s:g} s; "
                "see which program holds the port"
            ) from error


class Transport:
    """One way to a phone. Every service is a connection of its own; nothing is held open between them."""

    def __init__(
        self,
        client: AdbClient,
        *,
        serial: str | None = None,
        transport_id: int | None = None,
        label: str | None = None,
    ) -> None:
        if (serial is None) == (transport_id is None):
            raise ValueError("exactly one of serial and transport_id")
        self.client = client
        self.label = label or (serial if serial is not None else f"transport {transport_id}")
        """How messages name it."""
        self._select = (
            f"host:transport:{serial}" if serial is not None else f"host:transport-id:{transport_id}"
        )
        self._prefix = f"host-serial:{serial}" if serial is not None else f"host-transport-id:{transport_id}"
        self.data = PHONE_DATA
        """The folder in which a shell there may write, and start programs."""
        self._features: frozenset[str] | None = None

    async def features(self) -> frozenset[str]:
        """What the phone's adbd can do; asked once."""
        if self._features is None:
            self._features = await self._ask_features()
        return self._features

    async def open(self, service: str) -> Stream:
        """Open a service on the phone.

        Raises:
            AdbRefused: the phone does not offer it.
            AdbTimeout: no answer in time.
            DeviceGone: the phone is not connected, or offline.
            DeviceUnauthorized: the phone does not accept the server's key yet.
            SelectionError: several phones share the serial.
        """
        named = service.partition(":")[0] or service
        asking = await connect(self.client.address, self.client.connect_timeout_s)
        try:
            async with self._answer_in_time(named):
                await self._select_phone(asking, named)
                await self._refuse(await self._ask_phone(asking, service, named), named)
        except BaseException:
            asking.close()
            raise
        return asking.stream(label=self.label, service=named)

    async def reconnect(self) -> str:
        """Let the server drop the connection and make a new one, on USB by a reset of the port; its words."""
        async with self._asking(f"{self._prefix}:reconnect", named="reconnect") as asking:
            return decode_text(await asking.block()).strip()

    async def forward(self, local: str, remote: str) -> str:
        """Lead `local` on this host to `remote` on the phone; the local name, with `tcp:0` resolved."""
        service = f"{self._prefix}:forward:{local};{remote}"
        async with self._asking(service, named="forward", statuses=2) as asking:
            return f"tcp:{decode_text(await asking.block())}" if local == "tcp:0" else local

    async def list_forward(self) -> list[tuple[str, str, str]]:
        """(serial, local, remote) of every forward on the server, also those of other phones."""
        async with self._asking(f"{self._prefix}:list-forward", named="list-forward") as asking:
            return _listeners(await asking.block())

    async def kill_forward(self, local: str) -> None:
        """End a forward."""
        async with self._asking(f"{self._prefix}:killforward:{local}", named="killforward", statuses=2):
            pass

    async def reverse(self, remote: str, local: str) -> str:
        """Lead `remote` on the phone to `local` on this host; the remote name, with `tcp:0` resolved."""
        async with self._asking_phone(f"reverse:forward:{remote};{local}") as asking:
            await self._refuse(await asking.status(), "reverse")
            return f"tcp:{decode_text(await asking.block())}" if remote == "tcp:0" else remote

    async def list_reverse(self) -> list[tuple[str, str, str]]:
        """(host, remote, local) of every reverse on this phone."""
        async with self._asking_phone("reverse:list-forward") as asking:
            return _listeners(await asking.block())

    async def kill_reverse(self, remote: str) -> None:
        """End a reverse."""
        async with self._asking_phone(f"reverse:killforward:{remote}") as asking:
            await self._refuse(await asking.status(), "reverse")

    async def _ask_features(self) -> frozenset[str]:
        async with self._asking(f"{self._prefix}:features", named="features") as asking:
            return _words(await asking.block())

    async def _refuse(self, status: Okay | Fail, named: str) -> None:
        if isinstance(status, Okay):
            return
        if status.message.strip() in ("", "closed") and named != "features":
            # The server says so, too, of a phone that is not there; to this request it gives the reason.
            await self._ask_features()
        _refuse(status, label=self.label, service=named)

    async def _select_phone(self, asking: Asking, named: str) -> None:
        await self._refuse(await asking.ask(self._select), named)

    async def _ask_phone(self, asking: Asking, service: str, named: str) -> Okay | Fail:
        try:
            return await asking.ask(service)
        except AdbServerUnavailable as error:  # a hang-up after the phone was selected
            raise DeviceGone(serial=self.label, during=named) from error

    @contextlib.asynccontextmanager
    async def _asking(self, service: str, *, named: str, statuses: int = 1) -> AsyncIterator[Asking]:
        asking = await connect(self.client.address, self.client.connect_timeout_s)
        with contextlib.closing(asking):
            async with self._answer_in_time(named):
                await self._refuse(await asking.ask(service), named)
                for _ in range(statuses - 1):
                    await self._refuse(await asking.status(), named)
                yield asking

    @contextlib.asynccontextmanager
    async def _asking_phone(self, service: str) -> AsyncIterator[Asking]:
        asking = await connect(self.client.address, self.client.connect_timeout_s)
        with contextlib.closing(asking):
            async with self._answer_in_time("reverse"):
                _refuse(await asking.ask(self._select), label=self.label, service="reverse")
                _refuse(
                    await self._ask_phone(asking, service, "reverse"), label=self.label, service="reverse"
                )
                yield asking

    @contextlib.asynccontextmanager
    async def _answer_in_time(self, named: str) -> AsyncIterator[None]:
        waited_s = self.client.reply_timeout_s
        try:
            async with asyncio.timeout(waited_s):
                yield
        except TimeoutError as error:
            raise AdbTimeout(waited_s=waited_s, serial=self.label, service=named) from error


def _words(block: bytes) -> frozenset[str]:
    return frozenset(word for word in decode_text(block).strip().split(",") if word)


def _listeners(block: bytes) -> list[tuple[str, str, str]]:
    # 127.0.0.1:16400 tcp:5000 localabstract:x
    rows = (line.rsplit(" ", 2) for line in decode_text(block).splitlines())
    return [(row[0], row[1], row[2]) for row in rows if len(row) == 3]


def _one_line(text: str) -> str:
    return " ".join(text.split()) or "refused without a reason"


_UNAUTHORIZED: Final = re.compile(r"device (still )?(unauthorized|authorizing)")
_OFFLINE: Final = re.compile(r"device offline|device still (connecting|offline)")
_ABSENT: Final = re.compile(r"device .*not found|no devices|no device with transport id|unknown device")


def _refuse(status: Okay | Fail, *, label: str | None, service: str) -> None:
    if isinstance(status, Fail):
        raise refusal(status.message, label=label, service=service)


def refusal(message: str, *, label: str | None, service: str) -> HubError:
    """The error that a FAIL of the adb server stands for."""
    words = _one_line(message)
    if label is None:
        return AdbRefused(words, service=service)
    if _UNAUTHORIZED.match(words):
        return DeviceUnauthorized(label)
    if _OFFLINE.match(words):
        return DeviceGone(serial=label, during=service, problem="is offline")
    if _ABSENT.match(words):
        return DeviceGone(serial=label, during=service, problem="is not connected")
    if words.startswith("more than one"):
        return SelectionError(
            f"more than one phone answers to {label}; choose by transport id (`adb devices -l` shows it)"
        )
    if words == "closed":
        return AdbRefused("the phone does not offer this service", serial=label, service=service)
    return AdbRefused(words, serial=label, service=service)
