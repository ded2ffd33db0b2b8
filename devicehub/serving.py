"""The process around the daemon: one for each home, found by hub.json, ended in good order."""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import logging
import os
import signal
import ssl
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from devicehub import __version__
from devicehub.adb.address import server_address
from devicehub.adb.client import AdbClient
from devicehub.api import hubfile
from devicehub.api.auth import Access, make_token
from devicehub.api.server import Listen
from devicehub.api.views import setting_view
from devicehub.clock import SystemClock
from devicehub.daemon import Daemon
from devicehub.engines.host import host_abi
from devicehub.errors import ConfigError, InputError, StoreError
from devicehub.host.client import HostClient
from devicehub.host.place import HostPlace
from devicehub.hub import Hub
from devicehub.units import KIB

if TYPE_CHECKING:
    from collections.abc import Iterator

    from devicehub.adb.address import ServerAddress
    from devicehub.clock import Clock
    from devicehub.settings import Home, Settings

log = logging.getLogger(__name__)

_LOOK_S: Final = 2.0
_LOOPBACK: Final = frozenset({"127.0.0.1", "::1", "localhost"})
_MALLOPT_MMAP_THRESHOLD: Final = -3  # malloc.h
_LARGE_BLOCK: Final = 128 * KIB
_ENDING: Final = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)


@dataclass(frozen=True)
class ServeOptions:
    """What a hub is started with.

    Attributes:
        adb: its adb server; None for the user's own.
        auto: a command started it, so that it ends by itself.
        version: what hub.json says.
    """

    home: Home
    settings: Settings
    adb: ServerAddress | None = None
    auto: bool = False
    version: str = __version__


@dataclass(frozen=True)
class Address:
    """Where to listen beside, or instead of, a free port of loopback."""

    host: str
    port: int

    @property
    def is_loopback(self) -> bool:
        """Whether nobody else can reach it."""
        return self.host in _LOOPBACK


async def serve(options: ServeOptions, *, clock: Clock | None = None) -> None:
    """Be the hub of a home until a signal, `hub.stop`, the loss of hub.json or idleness ends it.

    Runs that are under way go on on their phones.

    Raises:
        HubUnreachable: another process is the hub of this home.
        ConfigError: a setting cannot be used, or the token's file is not to be trusted.
        InputError: the certificate or its key cannot be used.
        OSError: the port cannot be had.
    """
    keep_heap_level()
    clock = clock or SystemClock()
    own, listen = _find_addresses(options.settings)
    async with hubfile.only_hub(options.home, clock):
        access = Access(make_token(options.home.token))
        hub = Hub(_client(options), options.home, clock)
        views = [setting_view(value) for value in options.settings.values]
        daemon = Daemon(hub, clock, settings=views, auto=options.auto)
        published: hubfile.HubFile | None = None
        try:
            async with asyncio.TaskGroup() as tasks:
                with _signals_end(daemon):
                    running = tasks.create_task(
                        daemon.run(access, host=own.host, port=own.port, listen=listen)
                    )
                    await daemon.listening.wait()
                    published = _publish(daemon, options, listen)
                    watching = tasks.create_task(_watch(daemon, options, published, clock))
                    await asyncio.wait([running])
                    watching.cancel()
        finally:
            if published is not None:
                hubfile.withdraw(options.home, published)
                log.info("the hub has ended", extra={"action": "hub_ended"})


def _client(options: ServeOptions) -> AdbClient:
    """The adb server, and this computer beside its phones where runs can be had on it."""
    address = options.adb or server_address()
    if host_abi() is None or options.settings.text("local") == "off":
        return AdbClient(address)
    return HostClient(address, HostPlace(options.home.local))


def keep_heap_level() -> None:
    """Have large blocks given back to the system when they are free, for as long as the process lives.

    By default glibc does so until the first one is freed. Each read of a socket asks for 256 KiB and keeps
    what came: taken from the heap they leave holes in it, and a hub grows for hours. Other C libraries are
    left alone.
    """
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).mallopt(_MALLOPT_MMAP_THRESHOLD, _LARGE_BLOCK)


def _publish(daemon: Daemon, options: ServeOptions, listen: Listen | None) -> hubfile.HubFile:
    mine = hubfile.HubFile(
        url=daemon.url,
        pid=os.getpid(),
        version=options.version,
        epoch=daemon.epoch,
        auto=options.auto,
        adb="" if options.adb else str(daemon.hub.client.address),
    )
    hubfile.publish(options.home, mine)
    beside = f" and wss://{listen.host}:{listen.port}" if listen else ""
    log.info("hub at %s%s, process %d", mine.url, beside, mine.pid, extra={"action": "hub_started"})
    return mine


@contextlib.contextmanager
def _signals_end(daemon: Daemon) -> Iterator[None]:
    """Let the first signal end the daemon in good order, the second at once."""
    loop = asyncio.get_running_loop()
    task = asyncio.current_task()
    assert task is not None

    def heed(number: signal.Signals) -> None:
        log.info("%s: the hub ends", number.name, extra={"action": "hub_signalled"})
        if daemon.stopping.is_set():
            task.cancel()
        daemon.stopping.set()

    heeded = [number for number in _ENDING if signal.getsignal(number) is not signal.SIG_IGN]
    for number in heeded:
        loop.add_signal_handler(number, heed, number)
    try:
        yield
    finally:
        for number in heeded:
            loop.remove_signal_handler(number)


async def _watch(daemon: Daemon, options: ServeOptions, published: hubfile.HubFile, clock: Clock) -> None:
    """End the daemon when it cannot be found any more, or when nobody needs it."""
    end_s = options.settings.value("idle_end_s")
    idle = Idleness(end_s if options.auto and isinstance(end_s, float) else 0.0)
    while not daemon.stopping.is_set():
        await clock.sleep(_LOOK_S)
        if _is_gone(options.home, published):
            log.warning("hub.json is gone: the hub ends", extra={"action": "hub_file_gone"})
            daemon.stopping.set()
        elif idle.is_over(clock.monotonic_s(), idle=_is_idle(daemon)):
            log.info("nothing is to be done: the hub ends", extra={"action": "hub_idle"})
            daemon.stopping.set()


def _is_idle(daemon: Daemon) -> bool:
    try:
        return daemon.is_idle()
    except StoreError:
        return False  # nobody knows what is under way


class Idleness:
    """Tells when a hub has had nothing to do for so long; 0 seconds is never."""

    def __init__(self, end_s: float) -> None:
        self._end_s = end_s
        self._since_s: float | None = None

    def is_over(self, now_s: float, *, idle: bool) -> bool:
        """Whether it should end now; `idle` says whether it has nothing to do at this moment."""
        if not self._end_s or not idle:
            self._since_s = None
            return False
        if self._since_s is None:
            self._since_s = now_s
        return now_s - self._since_s >= self._end_s


def _is_gone(home: Home, published: hubfile.HubFile) -> bool:
    """Whether hub.json is not there or another hub's; one that cannot be read now may be there still."""
    try:
        return hubfile.read(home) != published
    except ConfigError:
        return False


def _find_addresses(settings: Settings) -> tuple[Address, Listen | None]:
    """Where to listen on loopback, and where else with TLS."""
    free = Address("127.0.0.1", 0)
    text = settings.text("listen")
    if text is None:
        return free, None
    address = parse_address(text)
    if address.is_loopback:
        return address, None
    certificate, key = settings.text("tls_cert"), settings.text("tls_key")
    if certificate is None or key is None:
        raise ConfigError(
            f"{text} is reached from other hosts, which needs tls_cert and tls_key",
            file="settings",
            key="listen",
        )
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    try:
        # Asked for a passphrase, it would wait at the terminal.
        context.load_cert_chain(Path(certificate).expanduser(), Path(key).expanduser(), password="")
    except (OSError, ssl.SSLError) as error:
        raise InputError(
            f"{certificate}, {key}",
            f"cannot be used as certificate and key ({error})",
            remedy="name a PEM certificate and its key, which has no passphrase",
        ) from None
    return free, Listen(address.host, address.port, context)


def parse_address(text: str) -> Address:
    """`HOST:PORT`; an IPv6 address stands in brackets.

    Raises:
        ConfigError: it is no such thing.
    """
    host, _, port = text.rpartition(":")
    is_port = port.isascii() and port.isdigit() and int(port[:6]) < 65536
    host = "127.0.0.1" if host == "localhost" else host
    if not is_port or not host or (":" in host and not (host.startswith("[") and host.endswith("]"))):
        raise ConfigError(f"is {text!r}, not HOST:PORT", file="settings", key="listen")
    return Address(host.strip("[]"), int(port))
