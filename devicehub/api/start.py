"""Finds the hub that a client means, and starts or replaces the one of a home.

One command at a time does this. Only a newer client replaces a hub, and only one that has nothing to do.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import sys
from typing import TYPE_CHECKING, Final

import psutil

from devicehub import procs
from devicehub.adb.address import named_server
from devicehub.api.auth import read_token
from devicehub.api.connection import Client, open_client
from devicehub.api.contract import PROTOCOL, STATUS, STOP
from devicehub.api.hubfile import HubFile, find_running, is_locked, only_starter
from devicehub.api.place import check_url, make_tls
from devicehub.api.versions import Meeting, meet
from devicehub.errors import HubUnreachable
from devicehub.units import MIB

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Mapping

    from devicehub.api.model import StatusView
    from devicehub.api.place import Where
    from devicehub.clock import Clock
    from devicehub.settings import Home

_START_S: Final = 60.0
_STOP_S: Final = 60.0
_SPAWN_S: Final = 15.0
_PAUSE_S: Final = 0.05
_TAIL_LINES: Final = 5
_LEAST_FREE: Final = MIB
_TAIL_BYTES: Final = 4096
_NO_HUB: Final = "no hub runs; start one with `devicehub serve`"
_MOST_NAMED: Final = 5


@contextlib.asynccontextmanager
async def open_hub(
    where: Where,
    *,
    name: str,
    start: bool,
    tell: Callable[[str], None],
    clock: Clock,
    version: str,
    any_version: bool = False,
) -> AsyncIterator[Client]:
    """A connection to the hub that is meant; arguments and errors as `client.connect` has them.

    With `any_version` one of another version is taken as it is; it answers little more than its status.
    """
    if where.url is not None:
        check_url(where.url)
        url, tls = where.url, make_tls(where.url, where.ca)
    else:
        adb = named_server()  # a variable that cannot be read is told before a hub is started
        hub = await _settle(where, name=name, start=start, tell=tell, clock=clock, version=version,
                            any_version=any_version)  # fmt: skip
        if adb is not None and hub.adb not in ("", str(adb)) and not any_version:
            raise HubUnreachable(
                f"the hub, process {hub.pid}, uses the adb server at {hub.adb}, and the environment names "
                f"{adb}; end it with `devicehub stop`, or use another DEVICEHUB_HOME"
            )
        url, tls = hub.url, None
    token = read_token(where.token_file or where.home.token)
    async with open_client(url, token=token, name=name, version=version, tls=tls) as client:
        if client.welcome.protocol != PROTOCOL and not any_version:
            raise HubUnreachable(
                f"the hub at {url} is of version {client.welcome.version}, this client of {version}, and "
                "they do not understand each other; upgrade the older one"
            )
        yield client


async def _settle(
    where: Where,
    *,
    name: str,
    start: bool,
    tell: Callable[[str], None],
    clock: Clock,
    version: str,
    any_version: bool,
) -> HubFile:
    """The hub of the home, of this version; started or replaced where that is allowed."""
    home = where.home
    found = find_running(home)
    if found is not None and (any_version or meet(version, found.version) is Meeting.SAME):
        return found
    if found is None and not start:
        raise HubUnreachable(_NO_HUB)
    if found is not None and meet(version, found.version) is Meeting.CLIENT_OLDER:
        raise HubUnreachable(_describe_older(found, version))
    if not start:
        assert found is not None
        raise HubUnreachable(
            f"the hub, process {found.pid}, is of version {found.version}, this client of {version}; end it "
            "with `devicehub stop`"
        )
    deadline_s = clock.monotonic_s() + _START_S + _STOP_S
    async with only_starter(home, clock, deadline_s=deadline_s):
        found = await _wait_while_locked(home, clock)
        match meet(version, found.version) if found else None:
            case Meeting.CLIENT_OLDER:
                assert found is not None
                raise HubUnreachable(_describe_older(found, version))
            case Meeting.CLIENT_NEWER:
                assert found is not None
                await _end(where, found, name=name, clock=clock, version=version)
                tell(f"ended the hub of version {found.version}, process {found.pid}")
                found = None
        return found or await _start(home, clock, tell)


async def _wait_while_locked(home: Home, clock: Clock) -> HubFile | None:
    """The hub that runs, also one that is about to; None where there is none, or its end is near."""
    deadline_s = clock.monotonic_s() + _START_S
    while is_locked(home):
        if (found := find_running(home)) is not None:
            return found
        if clock.monotonic_s() >= deadline_s:
            raise HubUnreachable(f"a hub has {home.hub_lock} and does not say where it listens")
        await clock.sleep(_PAUSE_S)
    return None


async def _end(where: Where, found: HubFile, *, name: str, clock: Clock, version: str) -> None:
    """End a hub that has nothing to do."""
    async with open_client(
        found.url, token=read_token(where.token_file or where.home.token), name=name, version=version
    ) as client:
        status = await client.call(STATUS)
        if status.runs or status.queued or status.jobs:
            raise HubUnreachable(
                f"the hub, process {found.pid}, is of version {found.version}, older than this client's "
                f"{version}, and busy with {_name_work(status)}; repeat this when that has ended"
            )
        await client.call(STOP)
    await wait_for_end(where.home, found, clock)


async def end_idle(home: Home, *, name: str, clock: Clock, tell: Callable[[str], None]) -> None:
    """End the hub of a home if a command started it and it has nothing to do; else leave it.

    Raises:
        HubUnreachable: it does not end.
    """
    found = find_running(home)
    if found is None or not found.auto:
        return
    async with open_client(
        found.url, token=read_token(home.token), name=name, version=found.version
    ) as client:
        status = await client.call(STATUS)
        if status.runs or status.queued or status.jobs:
            return
        await client.call(STOP)
    await wait_for_end(home, found, clock)
    tell(f"ended the idle hub, process {found.pid}, that a command had started")


async def wait_for_end(home: Home, found: HubFile, clock: Clock, *, timeout_s: float = _STOP_S) -> None:
    """Wait until a hub that was asked to end has let go of its home.

    Raises:
        HubUnreachable: it has not.
    """
    deadline_s = clock.monotonic_s() + timeout_s
    while is_locked(home) and _is_alive(found.pid):
        if clock.monotonic_s() >= deadline_s:
            raise HubUnreachable(f"the hub, process {found.pid}, has not ended within {timeout_s:g} s")
        await clock.sleep(_PAUSE_S)


async def _start(home: Home, clock: Clock, tell: Callable[[str], None]) -> HubFile:
    home.logs.mkdir(mode=0o700, parents=True, exist_ok=True)
    said = home.logs / "start.log"
    said.unlink(missing_ok=True)
    argv = [sys.executable, "-P", "-m", "devicehub", "serve", "--auto"]
    try:
        pid = await procs.detach(argv, log=said, env=_environment(home, os.environ), timeout_s=_SPAWN_S)
    except (OSError, TimeoutError) as error:
        raise HubUnreachable(f"the hub cannot be started: {str(error) or 'no answer in time'}") from None
    deadline_s = clock.monotonic_s() + _START_S
    while (found := find_running(home)) is None:
        alive = _is_alive(pid)
        if not alive and not is_locked(home) and find_running(home) is None:
            raise HubUnreachable(f"the hub that was started has ended{_quote(home)}")
        if clock.monotonic_s() >= deadline_s:
            raise HubUnreachable(
                f"the hub, process {pid}, does not listen after {_START_S:g} s{_quote(home)}"
            )
        await clock.sleep(_PAUSE_S)
    if found.pid == pid:
        tell(f"started the hub, process {pid}")
    return found


def _environment(home: Home, environ: Mapping[str, str]) -> dict[str, str]:
    """Of the hub: this process's, with the home by its full path and nothing of another hub."""
    others = ("DEVICEHUB_HUB", "DEVICEHUB_CA", "DEVICEHUB_TOKEN_FILE")
    kept = {name: value for name, value in environ.items() if name not in others}
    return {**kept, "DEVICEHUB_HOME": str(home.root.absolute())}


def _quote(home: Home) -> str:
    """The last of what it said on stderr, else in its log."""
    for file in (home.logs / "start.log", home.logs / "hub.log"):
        with contextlib.suppress(OSError), file.open("rb") as opened:
            opened.seek(max(0, file.stat().st_size - _TAIL_BYTES))
            lines = opened.read().decode(errors="replace").strip().splitlines()
            if lines:
                return f"; {file} ends with: " + " / ".join(lines[-_TAIL_LINES:])
    with contextlib.suppress(OSError):
        if shutil.disk_usage(home.root).free < _LEAST_FREE:
            return f"; the disk of {home.root} is full: make room, or set DEVICEHUB_HOME elsewhere"
    return f"; it said nothing in {home.logs}"


def _is_alive(pid: int) -> bool:
    # One whose parent does not collect it is dead all the same.
    with contextlib.suppress(psutil.Error):
        return psutil.Process(pid).status() not in (psutil.STATUS_ZOMBIE, psutil.STATUS_DEAD)
    return False


def _describe_older(found: HubFile, version: str) -> str:
    return (
        f"the hub, process {found.pid}, is of version {found.version}, newer than this client's {version}; "
        "upgrade this client"
    )


def _name_work(status: StatusView) -> str:
    runs = status.runs + status.queued
    jobs = f"{status.jobs} job{'s' if status.jobs != 1 else ''}"
    if not runs:
        return jobs
    return _name_runs(status.run_ids, runs) + (f" and {jobs}" if status.jobs else "")


def _name_runs(run_ids: list[str], count: int) -> str:
    named = ", ".join(run_ids[:_MOST_NAMED])
    more = count - len(run_ids[:_MOST_NAMED])
    runs = f"run{'s' if count != 1 else ''} {named}" if named else f"{count} runs"
    return runs + (f" and {more} more" if named and more > 0 else "")
