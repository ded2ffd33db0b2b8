"""Where a hub says how to reach it, and the lock that makes it the only one on its home.

hub.json is published by rename once the hub listens, readable by its owner alone. One that a killed hub has
left behind is told by the lock, which goes with its process.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import stat
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

import msgspec

from devicehub import files
from devicehub.errors import ConfigError, HubUnreachable
from devicehub.manifest import unwritable

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from pathlib import Path

    from devicehub.clock import Clock
    from devicehub.settings import Home

_MOST_BYTES: Final = 64 * 1024
_LOOPBACK: Final = frozenset({"127.0.0.1", "::1"})
_LOCK_TRIES: Final = 20
_LOCK_PAUSE_S: Final = 0.1


class HubFile(msgspec.Struct, frozen=True, kw_only=True):
    """What hub.json says.

    Attributes:
        url: where the hub listens on this host, without TLS.
        auto: a command started it.
        adb: where the adb server is that it found by the environment, HOST:PORT.
    """

    url: str
    pid: int
    version: str
    epoch: str = ""
    auto: bool = False
    adb: str = ""


def publish(home: Home, hub: HubFile) -> None:
    """Write hub.json, whole or not at all; to be called once the hub listens."""
    aside = home.hub_file.with_name(f".hub.json.{hub.pid}")
    aside.unlink(missing_ok=True)
    with os.fdopen(os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(msgspec.json.encode(hub))
    aside.replace(home.hub_file)


def withdraw(home: Home, hub: HubFile) -> None:
    """Take hub.json away, unless it is another hub's."""
    with contextlib.suppress(ConfigError):
        if read(home) == hub:
            home.hub_file.unlink(missing_ok=True)


def read(home: Home) -> HubFile | None:
    """What hub.json says, whether or not that hub still lives; None where there is none.

    Raises:
        ConfigError: it is another user's, others may write or read it, it is damaged, or names another host.
    """
    file = home.hub_file
    try:
        with os.fdopen(os.open(file, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK), "rb") as opened:
            facts = os.fstat(opened.fileno())
            data = opened.read(_MOST_BYTES) if stat.S_ISREG(facts.st_mode) else b""
    except FileNotFoundError:
        return None
    except OSError as error:
        raise ConfigError(f"cannot be read: {error.strerror}", file=file) from None
    if not stat.S_ISREG(facts.st_mode):
        raise ConfigError("is no file; remove it", file=file)
    if facts.st_uid != os.geteuid() or facts.st_mode & 0o077:
        raise ConfigError("is not this user's alone, so it is not trusted; remove it", file=file)
    try:
        hub = msgspec.json.decode(data, type=HubFile)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"is damaged ({error}); remove it", file=file) from None
    if not _is_on_loopback(hub.url) or hub.pid <= 0:
        raise ConfigError("names no hub of this host; remove it", file=file)
    return hub


def find_running(home: Home) -> HubFile | None:
    """What the hub of a home that runs and listens says; None where there is none, or not yet.

    Raises:
        ConfigError: as `read` does.
    """
    # Without the lock the port may be another program's by now, and that one must not be told the token.
    return read(home) if is_locked(home) else None


def is_locked(home: Home) -> bool:
    """Whether a hub runs on this home, or is about to."""
    return files.is_locked(home.hub_lock)


@contextlib.asynccontextmanager
async def only_hub(home: Home, clock: Clock) -> AsyncIterator[None]:
    """Be the one hub of a home for the time of the block.

    Raises:
        HubUnreachable: another process is.
    """
    make_home(home)
    with _opened(home.hub_lock) as descriptor:
        for _ in range(_LOCK_TRIES):  # who only looks whether it is held, holds it for a moment
            if _try_lock(descriptor):
                break
            await clock.sleep(_LOCK_PAUSE_S)
        else:
            raise HubUnreachable(_describe_other(home))
        home.hub_file.unlink(missing_ok=True)  # a killed hub's
        yield


@contextlib.asynccontextmanager
async def only_starter(home: Home, clock: Clock, *, deadline_s: float) -> AsyncIterator[None]:
    """Be the one command that starts or replaces the hub of a home, for the time of the block.

    Args:
        home: the home.
        clock: paces the wait.
        deadline_s: until when to wait for other commands, on the clock that never steps.

    Raises:
        HubUnreachable: another command was still at it then.
    """
    make_home(home)
    with _opened(home.start_lock) as descriptor:
        while not _try_lock(descriptor):
            if clock.monotonic_s() >= deadline_s:
                raise HubUnreachable("another command has been starting the hub for too long; try again")
            await clock.sleep(_LOCK_PAUSE_S)
        yield


def make_home(home: Home) -> None:
    """Make the folder of all state where it is missing, closed to others.

    Raises:
        InputError: it cannot be made.
    """
    try:
        home.root.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise unwritable(home.root, error) from error


@contextlib.contextmanager
def _opened(file: Path) -> Iterator[int]:
    # Never removed: whoever holds a lock on a removed file would be alone with it.
    try:
        descriptor = os.open(file, os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        raise unwritable(file, error) from error
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def _try_lock(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _describe_other(home: Home) -> str:
    try:
        other = read(home)
    except ConfigError:
        other = None
    who = f", process {other.pid}, at {other.url}" if other else ""
    return f"a hub runs on {home.root} already{who}; end it with `devicehub stop`"


def _is_on_loopback(url: str) -> bool:
    try:
        parts = urlsplit(url)
        return parts.scheme == "ws" and parts.hostname in _LOOPBACK and bool(parts.port)
    except ValueError:
        return False
