"""Pulls a model or a checkpoint from a hub: list, choose, fetch, verify, publish by rename."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Protocol

import msgspec

from devicehub import procs
from devicehub.errors import InputError, ProgramError, SourceUnreachable
from devicehub.manifest import unwritable
from devicehub.models.fetching import Event, Failed, Listed, Received, Request, Revision, Verified
from devicehub.models.hubs import HF, choose_files
from devicehub.models.pulled import PulledFolder, PulledFolders, PullRecord
from devicehub.units import KIB, MIB, format_bytes

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from devicehub.clock import Clock
    from devicehub.models.hubs import Choice, RemoteFile, Source
    from devicehub.settings import Home

_CHILD: Final = (sys.executable, "-m", "devicehub.models.fetching")
_KEPT_STDERR: Final = 16 * KIB
_SPARE: Final = 16 * MIB
"""Left free on the disk, which also holds the database of runs."""
_SILENCE_S: Final = 300.0
"""A library that says nothing for so long hangs; its own limits are shorter."""
_ENVIRONMENT: Final = {
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "DO_NOT_TRACK": "1",
    "HF_HUB_DISABLE_XET": "1",  # what it fetched in part it does not take up again
    "PYTHONSAFEPATH": "1",
}
_LOGIN: Final = {
    HF: "log in with `hf auth login`, or set HF_TOKEN for the hub",
    "modelscope": "log in with `ms-hub login`, or set MODELSCOPE_API_TOKEN for the hub",
}


class Teller(Protocol):
    """Who is told how a pull goes."""

    def begin(self, label: str, total: int) -> None:
        """So many bytes are to come."""

    def advance(self, size: int) -> None:
        """So many more are here."""

    def say(self, sentence: str) -> None:
        """A person should know it."""


@dataclass(frozen=True)
class Pulled:
    """What a pull brought.

    Attributes:
        fetched: bytes that came now; 0 where all of it was here.
    """

    folder: PulledFolder
    fetched: int


class Puller:
    """Pulls into one home, each source once at a time.

    Args:
        home: where it goes.
        clock: stamps.
        child: the program that fetches, as `devicehub.models.fetching` does.
        environ: of the child; its tokens and proxies are the user's.
    """

    def __init__(
        self,
        home: Home,
        clock: Clock,
        *,
        child: Sequence[str] = _CHILD,
        environ: Mapping[str, str] = os.environ,
    ) -> None:
        self.folders = PulledFolders(home)
        self._clock = clock
        self._child = tuple(child)
        self.environ = {**environ, **_ENVIRONMENT}
        self._under_way: set[Path] = set()

    def is_under_way(self, part: Path) -> bool:
        """Whether a folder that is not whole is being filled."""
        return part in self._under_way

    async def pull(self, source: Source, teller: Teller) -> Pulled:
        """Bring a source here, whole or not at all; what came of a try that failed is taken up by the next.

        Raises:
            InputError: there is no such source, it may not be read, it holds something else than it says,
                or it finds no room here.
            SourceUnreachable: the hub does not answer.
            ProgramError: the library failed in a way of its own.
        """
        part = self.folders.part(source)
        if part in self._under_way:
            raise InputError(str(source), "is being pulled already", remedy="wait for that one")
        self._under_way.add(part)
        try:
            return await self._pull(source, part, teller)
        finally:
            self._under_way.discard(part)

    async def _pull(self, source: Source, part: Path, teller: Teller) -> Pulled:
        revision, listed = await self._list(source)
        choice = choose_files(source, listed)
        before = self.folders.find(source)
        if before is not None and before.record.files == choice.files:
            teller.say(f"{source} is here already, as the hub has it now: {before.path}")
            return Pulled(before, 0)
        if left := choice.left_sentence():
            teller.say(left)
        await asyncio.to_thread(_make_room, part, choice)
        fetched = await self._fetch(source, revision, choice, part, teller)
        record = PullRecord(
            source=str(source),
            revision=revision,
            kind=choice.kind,
            files=choice.files,
            pulled_s=self._clock.wall_s(),
        )
        place = await asyncio.to_thread(self.folders.publish, source, record)
        return Pulled(PulledFolder(place, record), fetched)

    async def _list(self, source: Source) -> tuple[str, list[RemoteFile]]:
        files: list[RemoteFile] = []
        revisions: list[str] = []

        def hear(event: Event) -> None:
            if isinstance(event, Listed):
                files.append(event.file)
            elif isinstance(event, Revision):
                revisions.append(event.revision)

        await self._ask(source, Request(hub=source.hub, repo=source.repo, revision=source.revision), hear)
        if not revisions:
            raise _broken(source, "ended before it had listed the files")
        return revisions[-1], files

    async def _fetch(self, source: Source, revision: str, choice: Choice, part: Path, teller: Teller) -> int:
        teller.begin(f"pull {source.name}", choice.size)
        done: dict[str, int] = {}
        first: dict[str, int] = {}
        verified: set[str] = set()

        def hear(event: Event) -> None:
            if isinstance(event, Received):
                first.setdefault(event.path, event.done)
                # Never back: a part that was of no use is fetched anew.
                before = done.get(event.path, 0)
                done[event.path] = max(event.done, before)
                teller.advance(done[event.path] - before)
            elif isinstance(event, Verified):
                verified.add(event.path)

        request = Request(
            hub=source.hub, repo=source.repo, revision=revision, folder=str(part), files=choice.files
        )
        await self._ask(source, request, hear)
        if verified != {file.path for file in choice.files}:
            raise _broken(source, "ended before all files were here")
        return sum(done.values()) - sum(first.values())

    async def _ask(self, source: Source, request: Request, hear: Callable[[Event], None]) -> None:
        """Have the child work to its end; its failure is raised."""
        async with procs.child(self._child, env=self.environ) as process:
            assert process.stdin is not None
            assert process.stderr is not None
            with contextlib.suppress(ConnectionError):
                process.stdin.write(msgspec.json.encode(request) + b"\n")
                await process.stdin.drain()
            async with asyncio.TaskGroup() as tasks:
                said = tasks.create_task(_tail(process.stderr))
                listening = tasks.create_task(_listen(process, hear))
            status = await process.wait()
        failed = listening.result()
        if failed is not None:
            raise _error(source, failed, self.folders.part(source))
        if status != 0:
            raise _broken(
                source, f"ended with status {status}{f': {said.result()}' if said.result() else ''}"
            )


async def _listen(process: asyncio.subprocess.Process, hear: Callable[[Event], None]) -> Failed | None:
    """Pass on what the child tells until its end; how it failed."""
    assert process.stdout is not None
    failed: Failed | None = None
    while True:
        try:
            async with asyncio.timeout(_SILENCE_S):
                line = await process.stdout.readline()
        except TimeoutError:
            process.kill()
            return Failed(trouble="other", text=f"nothing was heard for {_SILENCE_S:.0f} s")
        if not line:
            return failed
        event = _read(line)
        if isinstance(event, Failed):
            failed = event
        elif event is not None:
            hear(event)


def _read(line: bytes) -> Event | None:
    try:
        event: Event = msgspec.json.decode(line, type=Event)
    except msgspec.MsgspecError:
        return None
    return event


async def _tail(stream: asyncio.StreamReader) -> str:
    kept = await procs.read_tail(stream, _KEPT_STDERR)
    lines = kept.decode(errors="replace").strip().splitlines()
    return lines[-1][:300] if lines else ""


def _make_room(part: Path, choice: Choice) -> None:
    """Make the folder that is filled; raises InputError where its disk is too small."""
    try:
        part.mkdir(parents=True, exist_ok=True)
        here = sum(file.stat().st_blocks * 512 for file in part.rglob("*") if file.is_file())
        free = shutil.disk_usage(part).free
    except OSError as error:
        raise unwritable(part, error) from error
    needed = max(choice.size - here, 0)
    if needed + _SPARE > free:
        problem = f"{format_bytes(needed)} are still to come, and {format_bytes(free)} are free on this disk"
        raise InputError(part, problem, remedy="free some, or set DEVICEHUB_HOME to another folder")


def _error(source: Source, failed: Failed, part: Path) -> Exception:
    name, text = str(source), failed.text
    match failed.trouble:
        case "not_found" if text == "revision":
            return InputError(name, "the hub has no such revision of it", remedy="see its page")
        case "not_found":
            remedy = f"check its name on its page; for a private one, {_LOGIN[source.hub]}"
            return InputError(name, "the hub shows no such model", remedy=remedy)
        case "private":
            why = f": {text}" if text else ""
            return InputError(name, f"the hub does not let this host read it{why}", remedy=_LOGIN[source.hub])
        case "offline":
            remedy = "check the network and pull again: what came is kept"
            return SourceUnreachable(f"{name}: the hub cannot be reached ({text}); {remedy}")
        case "wrong_hash":
            problem = f"{failed.path or 'a file'} does not arrive as the hub describes it: {text}"
            return InputError(
                name, problem, remedy="it was deleted; pull again, from another mirror if need be"
            )
        case "pointer":
            problem = f"{failed.path} is a git-lfs pointer in the repository itself, not the file"
            return InputError(name, problem, remedy="its owner must upload the file")
        case "no_space":
            remedy = "free some and pull again: what came is kept"
            return InputError(part, f"the disk is full ({text})", remedy=remedy)
        case "no_library":
            return ProgramError(
                "pull", text, remedy="install devicehub anew: the hubs' libraries come with it"
            )
    return _broken(source, f"failed: {text}")


def _broken(source: Source, problem: str) -> ProgramError:
    return ProgramError(f"pull {source}", f"the download {problem}", remedy="pull again: what came is kept")
