"""The phone's system behind its commands: the log, the properties, and answers to `client`."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
import time
from typing import TYPE_CHECKING, Final

from devicehub.errors import SimError
from devicehub.sim.android import client, logcat, logd
from devicehub.sim.android.commands import Answer, answer, answer_without_server
from devicehub.sim.android.logring import LogRing
from devicehub.sim.android.power import FixedPerformance
from devicehub.sim.android.profile import format_dump
from devicehub.sim.process.sockets import address_in

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping, Sequence
    from pathlib import Path

    from devicehub.sim.android.apps import AppService
    from devicehub.sim.android.logring import Entry
    from devicehub.sim.android.physics import Physics
    from devicehub.sim.android.profile import Profile
    from devicehub.sim.android.thermal import ThermalModel

_ARGUMENTS_MAX: Final = 1 << 20
_BATCH: Final = 512
_DATAGRAM_MAX: Final = 8192
_KICKED: Final = """
logcat: Unexpected EOF!

This means that either the device shut down, logd crashed, or this instance of logcat was unable to read log
messages as quickly as they were being produced.

If you have enabled significant logging, look into using the -G option to increase log buffer sizes.
"""
"""Source: AOSP system/logging, logcat/logcat.cpp."""


class PhoneSystem:
    """What runs on the phone beside adbd: logd, and Android's services as far as commands show them.

    Attributes:
        log: the phone's log.
        profile: the phone that it plays.
        battery: what dumpsys battery says, in its order, where no model of the battery says otherwise.
        battery_temp_set: somebody set the battery's temperature.
        props: its properties, those of this instance among them.
        properties: the folder that holds one file per property.
        apps: what plays the phone's apps, once there is any.
        uids: users of processes that are not the shell's, by process id on the phone.
        top_activity: the component in front.
        power_saver: Android's battery saver is on.
        screen_on: the screen is lit.
        locked: the lock screen is in front.
        usb_connected: a host is at the other end of the cable.
        usb_speed: what /sys/class/udc tells then, None where the shell may not read it.
        usb_default: the USB functions that a person chose for an unlocked phone, `adb` left out.
        temps_c: temperatures that somebody set, by the sensor's name in the thermal service.
        thermal_status: 0 none to 6 shutdown; the least that the phone shows.
        physics: its warmth and its battery in time, once it has been switched on.
        kernel_log_readable: the shell may read the kernel's log, as on userdebug builds.
        fixed_performance: its fixed-performance mode.
        server_up: Android's own process runs, which answers for nearly all services.
        sockets: the folder of the phone's sockets.
    """

    def __init__(self, profile: Profile, props: Mapping[str, str], *, properties: Path) -> None:
        self.log = LogRing(chatty=profile.android <= 11)
        self.props = dict(props)
        self.profile = profile
        self.battery = dict(profile.battery)
        self.properties = properties
        self.apps: AppService | None = None
        self.uids: dict[int, int] = {}
        self.top_activity = ""
        self.power_saver = False
        self.screen_on = True
        self.locked = False
        self.usb_connected = True
        self.usb_speed: str | None = None
        self.usb_default = tuple(name for name in props.get("sys.usb.state", "").split(",") if name != "adb")
        self.temps_c: dict[str, float] = {}
        self.thermal_status = 0
        self.battery_temp_set = False
        self.physics: Physics | None = None
        self.kernel_log_readable = False
        self.fixed_performance = FixedPerformance()
        self.server_up = True
        self._kicks = 0
        self._entries: socket.socket | None = None
        self.sockets = properties

    @contextlib.asynccontextmanager
    async def running(self, sockets: Path) -> AsyncIterator[None]:
        """Listen in a folder of sockets while the block lasts."""
        loop = asyncio.get_running_loop()
        self.sockets = sockets
        with (
            socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as entries,
            socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as commands,
        ):
            for listener, name in ((entries, logd.SOCKET_NAME), (commands, client.SOCKET_NAME)):
                with address_in(sockets, name) as address:
                    listener.bind(address)
            entries.setblocking(False)
            self._entries = entries
            loop.add_reader(entries, self._take_entries, entries)
            server = await asyncio.start_unix_server(self._serve, sock=commands)
            try:
                yield
            finally:
                loop.remove_reader(entries)
                self._entries = None
                server.close()

    @property
    def plugged(self) -> bool:
        """Whether power comes from outside."""
        return "true" in (value for key, value in self.battery.items() if key.endswith("powered"))

    def warmth(self) -> ThermalModel:
        """How warm it is now.

        Raises:
            SimError: nothing was said of how it warms.
        """
        if self.physics is None or self.physics.thermal is None:
            raise SimError("this phone has no warmth of its own; make it with thermal")
        self.physics.look()
        return self.physics.thermal

    def set_property(self, name: str, value: str) -> None:
        """Set a property, for `getprop` on the phone."""
        self.props[name] = value
        (self.properties / name).write_text(value + "\n")
        (self.properties / ".dump").write_text(format_dump(self.props))

    def note(
        self,
        tag: str,
        message: str,
        *,
        priority: int = 4,
        pid: int = 1000,
        buffer: str = "system",
        uid: int = 1000,
    ) -> None:
        """An entry of Android's own."""
        self.log.add(
            time_ns=time.time_ns(),
            pid=pid,
            tid=pid,
            uid=uid,
            priority=priority,
            tag=tag.encode(),
            message=message.encode(),
            buffer=buffer,
        )

    def _take_entries(self, entries: socket.socket) -> None:
        with contextlib.suppress(BlockingIOError):
            for _ in range(_BATCH):
                self.log.add_datagram(entries.recv(_DATAGRAM_MAX), self.uids)

    async def run(self, argv: Sequence[str], *, pid: int) -> Answer:
        """Run one of Android's commands, as process `pid`; 127 for what is not known."""
        if self._entries is not None:
            self._take_entries(self._entries)  # what was logged before the command comes before what it logs
        if not self.server_up and (refusal := answer_without_server(argv)) is not None:
            return refusal
        reply = await self.apps.answer(argv, pid=pid) if self.apps is not None else None
        return reply if reply is not None else answer(self, argv, pid=pid)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            size = struct.unpack("<I", await reader.readexactly(4))[0]
            words = (await reader.readexactly(min(size, _ARGUMENTS_MAX))).split(b"\0")
            pid, *argv = (word.decode("utf-8", "surrogateescape") for word in words)
            if argv[0] == "logcat":
                await self._serve_logcat(argv[1:], reader, writer)
            else:
                reply = await self.run(argv, pid=int(pid))
                _send(writer, b"o", reply.stdout)
                _send(writer, b"e", reply.stderr)
                _send(writer, b"x", bytes([reply.status]))
            await writer.drain()
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    async def _serve_logcat(
        self, argv: Sequence[str], reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        try:
            options = logcat.parse_options(argv, now_ns=time.time_ns())
        except logcat.UsageError as error:
            _send(writer, b"e", f"{error}\n".encode())
            _send(writer, b"x", b"\1")
            return
        reply = self._answer_about_buffers(options)
        if reply is not None:
            _send(writer, b"o", reply.stdout)
            _send(writer, b"x", b"\0")
            return
        if options.file is not None:
            words = (options.file, str(options.rotate_kib), str(options.rotate_count))
            _send(writer, b"f", b"\0".join(word.encode("utf-8", "surrogateescape") for word in words))
        if await self._print_entries(options, reader, writer):
            _send(writer, b"x", b"\0")
            return
        _send(writer, b"e", _KICKED.encode())
        _send(writer, b"x", b"\1")

    def _answer_about_buffers(self, options: logcat.Options) -> Answer | None:
        if options.clear:
            self.log.clear(options.buffers)
            return Answer()
        if options.set_size is not None:
            for name in options.buffers:
                self.log.sizes[name] = options.set_size
            return Answer()
        if not options.show_size:
            return None
        lines = [
            f"{name}: ring buffer is {self.log.sizes[name] // 1024} KiB"
            f" ({self.log.used(name) // 1024} KiB consumed, {self.log.sizes[name] // 1024} KiB readable),"
            " max entry is 5120 B, max payload is 4068 B\n"
            for name in options.buffers
        ]
        return Answer("".join(lines).encode())

    async def _print_entries(
        self, options: logcat.Options, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> bool:
        """Print until the end; False when logd lets go of the reader, who was too slow."""
        printer = logcat.Printer(options)
        news = asyncio.Event()
        self.log.on_entry.add(news.set)
        # The program's end shows as the end of what it sends; it never sends more.
        gone = asyncio.ensure_future(reader.read(1))
        gone.add_done_callback(lambda _: news.set())
        left = options.max_count
        last = 0
        first = True
        kicks, read = self._kicks, dict(self.log.written)
        try:
            while not gone.done():
                news.clear()
                if self._kicks != kicks or self._is_too_slow(options, read):
                    return False
                read = dict(self.log.written)
                entries = self.log.after(last, options.buffers)
                last = entries[-1].number if entries else last
                entries = [entry for entry in entries if options.wants(entry)]
                if first:
                    entries = _begin(entries, options)
                    first = False
                if left is not None:
                    entries = entries[:left]
                    left -= len(entries)
                for entry in entries:
                    _send(writer, b"o", printer.show(entry))
                await writer.drain()
                if options.dump or left == 0:
                    return True
                await news.wait()
            return True
        finally:
            self.log.on_entry.discard(news.set)
            gone.cancel()

    def kick_readers(self) -> None:
        """Let logd drop every logcat that follows the log, as it does with those that are too slow."""
        self._kicks += 1
        for call in tuple(self.log.on_entry):
            call()

    def _is_too_slow(self, options: logcat.Options, read: Mapping[str, int]) -> bool:
        """Whether more came since a reader's last look than twice what a buffer holds."""
        log = self.log
        return any(log.written[name] - read[name] > 2 * log.sizes[name] for name in options.buffers)


def _begin(entries: list[Entry], options: logcat.Options) -> list[Entry]:
    if options.since_ns is not None:
        return [entry for entry in entries if entry.time_ns >= options.since_ns]
    return entries[-options.tail :] if options.tail is not None else entries


def _send(writer: asyncio.StreamWriter, kind: bytes, payload: bytes) -> None:
    if payload:
        writer.write(client.HEADER.pack(kind, len(payload)) + payload)
