"""An adb server with hundreds of phones that cost next to nothing: one virtual phone, told many times.

It lists as many phones as asked for. What is asked of any of them goes to one virtual phone behind a real adb
server; the bytes that come back go to all phones that asked the same, each under its own ro.serialno and
boot id and a fraction of a second later than the one before, for real phones do not speak in step. Whatever
moves files is passed on as it is. Prints its port when it listens.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import re
import time
import uuid
from dataclasses import dataclass, field
from typing import Final

from devicehub.clock import SystemClock

FEATURES: Final = b"shell_v2,cmd,stat_v2,ls_v2,fixed_push_mkdir,abb,sendrecv_v2"
"""Those of a server of 2022: what newer ones offer in protocol buffers is not asked of it."""
_SHARED_S: Final = 5.0
"""For so long the answer to a question is that of all phones; a later one is asked anew."""
_JOIN_S: Final = 10.0
"""So long after its beginning a stream is joined; what it said before is told again."""
_QUIET_S: Final = 0.03
"""Bytes that come closer together are one piece: an identity is never cut in two."""
_PIECE: Final = 256 * 1024
# Free memory, in /proc/meminfo or in a sample: its digits after the first tell when the piece was sent.
_FREE: Final = re.compile(rb"((?:MemAvailable:\s+|mem_kb=)[1-9])(\d{6})\b")
_STAMP_MOD: Final = 1_000_000
_CLOCK: Final = SystemClock()


def stamp_ms() -> int:
    """Milliseconds of the monotonic clock that all processes of a host share, as the six digits hold them."""
    return time.monotonic_ns() // 1_000_000 % _STAMP_MOD


def age_ms(free_kib: int) -> int:
    """How long ago the free memory of a sample was sent."""
    return (stamp_ms() - free_kib) % _STAMP_MOD


@dataclass(frozen=True)
class Original:
    """The one phone that there is."""

    host: str
    port: int
    serial: str
    serialno: bytes
    boot_id: bytes


@dataclass(frozen=True)
class Likeness:
    """One of the phones that are told of.

    Attributes:
        late_s: how much later than the original it speaks.
    """

    number: int
    late_s: float
    serialno: bytes
    boot_id: bytes

    @property
    def serial(self) -> str:
        """adb's label."""
        return self.serialno.decode()


def likenesses(original: Original, phones: int) -> list[Likeness]:
    """As many as asked for; their names are as long as the original's, so that no packet changes its size."""
    size = len(original.serialno)
    return [
        Likeness(
            number,
            late_s=number / phones,
            serialno=(b"%0*d" % (size, number)).replace(b"0", b"S", 1),
            boot_id=str(uuid.uuid5(uuid.NAMESPACE_OID, str(number))).encode(),
        )
        for number in range(1, phones + 1)
    ]


@dataclass
class Telling:
    """One question to the original, and everyone who listens to the answer."""

    begun: float
    writer: asyncio.StreamWriter
    told: bytearray = field(default_factory=bytearray)
    ended: asyncio.Event = field(default_factory=asyncio.Event)
    heard: asyncio.Event = field(default_factory=asyncio.Event)
    """Set, and replaced, with each piece."""
    listeners: int = 0

    def is_open(self, now: float) -> bool:
        """Whether one more may listen from the beginning."""
        return now - self.begun < (_SHARED_S if self.ended.is_set() else _JOIN_S)


class StandIn:
    """The server: answers connections; owns the streams to the original while `serve` runs."""

    def __init__(self, original: Original, phones: int) -> None:
        self._original = original
        self._phones = {phone.serial: phone for phone in likenesses(original, phones)}
        self._by_number = {phone.number: phone for phone in self._phones.values()}
        self._tellings: dict[str, Telling] = {}
        self._asking: dict[str, asyncio.Lock] = {}
        self._tasks: asyncio.TaskGroup

    async def serve(self, port: int) -> None:
        """Listen on loopback, tell the port on stdout, and answer until cancelled."""
        async with asyncio.TaskGroup() as self._tasks:
            server = await asyncio.start_server(self._answer, "127.0.0.1", port, backlog=1024)
            print(server.sockets[0].getsockname()[1], flush=True)
            await server.serve_forever()

    def list(self) -> bytes:
        """What `devices-l` says."""
        return b"".join(
            b"%-22s device usb:1-%d product:stand_in model:Stand_In device:stand_in transport_id:%d\n"
            % (phone.serialno, phone.number, phone.number)
            for phone in self._phones.values()
        )

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError, ValueError):
            await self._answer_request(reader, writer, await _request(reader))
        writer.close()

    async def _answer_request(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, request: str
    ) -> None:
        if request == "host:devices-l":
            writer.write(_okay(self.list()))
        elif request == "host:track-devices-l":
            writer.write(_okay(self.list()))
            await reader.read()  # nothing changes; the client hangs up
        elif request == "host:version":
            writer.write(_okay(b"0029"))
        elif request == "host:host-features":
            writer.write(_okay(FEATURES))
        elif (chosen := self._chosen(request)) is None:
            writer.write(_fail(f"device '{request.rpartition(':')[2]}' not found"))
        elif request.startswith("host:"):
            writer.write(b"OKAY")
            await self._answer_service(reader, writer, chosen, await _request(reader))
        else:
            asked = request.split(":", 2)[2]
            service = f"host-serial:{self._original.serial}:{asked}"
            await self._pass_on(reader, writer, service, of_phone=False)
        await writer.drain()

    def _chosen(self, request: str) -> Likeness | None:
        # host:transport:S host:transport-id:N host-serial:S:... host-transport-id:N:...
        found = re.match(r"host(?::transport(-id)?|-serial|-(transport-id)):([^:]+)", request)
        if found is None:
            return None
        by_number = found[1] or found[2]
        return self._by_number.get(int(found[3])) if by_number else self._phones.get(found[3])

    async def _answer_service(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, phone: Likeness, service: str
    ) -> None:
        if not service.startswith("shell,v2"):
            await self._pass_on(reader, writer, service, of_phone=True)
            return
        async with self._asking.setdefault(service, asyncio.Lock()):
            telling = self._tellings.get(service)
            first = telling is None or not telling.is_open(time.monotonic())
            if telling is None or first:
                telling = self._tellings[service] = await self._ask(service)
        writer.write(b"OKAY")
        telling.listeners += 1
        try:
            async with asyncio.TaskGroup() as tasks:
                telling_back = tasks.create_task(self._tell(telling, writer, phone))
                tasks.create_task(_take_input(reader, telling.writer if first else None, telling_back))
        except* ConnectionError:
            pass
        finally:
            telling.listeners -= 1
            if not telling.listeners and not telling.ended.is_set():
                telling.writer.close()
                if self._tellings.get(service) is telling:
                    del self._tellings[service]

    async def _ask(self, service: str) -> Telling:
        reader, writer = await self._open(service)
        telling = Telling(time.monotonic(), writer)
        self._tasks.create_task(_listen(reader, telling))
        return telling

    async def _open(self, service: str) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        reader, writer = await asyncio.open_connection(self._original.host, self._original.port)
        for request in (f"host:transport:{self._original.serial}", service):
            writer.write(_framed(request))
            if await reader.readexactly(4) != b"OKAY":
                raise ConnectionResetError(request)
        return reader, writer

    async def _tell(self, telling: Telling, writer: asyncio.StreamWriter, phone: Likeness) -> None:
        told = 0
        while True:
            heard, ended = telling.heard, telling.ended.is_set()
            if told == len(telling.told):
                if ended:
                    return
                await heard.wait()
                continue
            piece = bytes(telling.told[told:])
            told += len(piece)
            if not ended:
                await _CLOCK.sleep(phone.late_s)
            writer.write(self._as_of(phone, piece))
            await writer.drain()

    def _as_of(self, phone: Likeness, piece: bytes) -> bytes:
        own = piece.replace(self._original.serialno, phone.serialno)
        own = own.replace(self._original.boot_id, phone.boot_id)
        return _FREE.sub(lambda found: found[1] + b"%06d" % stamp_ms(), own)

    async def _pass_on(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, service: str, *, of_phone: bool
    ) -> None:
        if of_phone:
            answer, question = await self._open(service)
            writer.write(b"OKAY")
        else:
            answer, question = await asyncio.open_connection(self._original.host, self._original.port)
            question.write(_framed(service))
        try:
            async with asyncio.TaskGroup() as tasks:
                asked = tasks.create_task(_copy(reader, question))
                await _copy(answer, writer)
                asked.cancel()
        finally:
            question.close()


async def _listen(reader: asyncio.StreamReader, telling: Telling) -> None:
    with contextlib.suppress(ConnectionError):
        while data := await reader.read(_PIECE):
            piece = bytearray(data)
            with contextlib.suppress(TimeoutError):
                while not reader.at_eof():
                    async with asyncio.timeout(_QUIET_S):
                        piece += await reader.read(_PIECE)
            telling.told += piece
            _wake(telling)
    telling.ended.set()
    _wake(telling)


def _wake(telling: Telling) -> None:
    telling.heard.set()
    telling.heard = asyncio.Event()


async def _take_input(
    reader: asyncio.StreamReader, original: asyncio.StreamWriter | None, until: asyncio.Task[None]
) -> None:
    """Pass on what the first listener writes; of the others it is the same. A hang-up ends the listening."""
    reading = asyncio.ensure_future(_copy(reader, original))
    await asyncio.wait([reading, until], return_when=asyncio.FIRST_COMPLETED)
    reading.cancel()
    until.cancel()


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter | None) -> None:
    with contextlib.suppress(ConnectionError):
        while data := await reader.read(_PIECE):
            if writer is not None and not writer.is_closing():
                writer.write(data)
                await writer.drain()


async def _request(reader: asyncio.StreamReader) -> str:
    size = int(await reader.readexactly(4), 16)
    return (await reader.readexactly(size)).decode("utf-8", "surrogateescape")


def _framed(request: str) -> bytes:
    data = request.encode("utf-8", "surrogateescape")
    return b"%04x" % len(data) + data


def _okay(block: bytes) -> bytes:
    return b"OKAY%04x" % len(block) + block


def _fail(words: str) -> bytes:
    return b"FAIL" + _framed(words)


async def _serve(original: Original, phones: int, port: int) -> None:
    await StandIn(original, phones).serve(port)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--phones", type=int, default=200)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--server", default="127.0.0.1", help="the real adb server's host")
    parser.add_argument("--server-port", type=int, required=True)
    parser.add_argument("--serial", required=True)
    parser.add_argument("--serialno", required=True)
    parser.add_argument("--boot-id", required=True)
    chosen = parser.parse_args()
    original = Original(
        chosen.server,
        chosen.server_port,
        chosen.serial,
        chosen.serialno.encode(),
        chosen.boot_id.encode(),
    )
    with contextlib.suppress(KeyboardInterrupt, asyncio.CancelledError):
        asyncio.run(_serve(original, chosen.phones, chosen.port))


if __name__ == "__main__":
    main()
