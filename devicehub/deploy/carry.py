"""Carries out a push plan; every decision was made in `plan`.

Order: leftovers go; each file is sent under a temporary name in its target folder, all over one connection;
the phone hashes what arrived; `sync`; the old manifest goes and the files get their names; `sync`; the new
manifest gets its name. Whoever finds the manifest may trust the files. A push that is broken off leaves files
under temporary names at most, which the next one removes.
"""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Final

from devicehub.adb import shell
from devicehub.adb.sync import open_sync
from devicehub.clock import SystemClock
from devicehub.deploy.inventory import hash_files, list_folder, make_published
from devicehub.deploy.plan import PART, PUBLISHED
from devicehub.errors import (
    DeployError,
    DeviceGone,
    HashMismatch,
    HubError,
    NoSpace,
    ShellFailed,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path

    from devicehub.adb.client import Transport
    from devicehub.clock import Clock
    from devicehub.deploy.plan import PhoneFile, PushPlan
    from devicehub.manifest import FileEntry

_SCRIPT_S: Final = 60.0
_SYNC_S: Final = 300.0
"""A phone that has to write back gigabytes takes its time."""
_CLEAN_UP_S: Final = 5.0


@dataclass(frozen=True)
class PushOutcome:
    """What a push took; seconds on the host's monotonic clock."""

    bytes_sent: int
    files_sent: int
    files_skipped: int
    """Files that the phone held already, renamed ones among them."""
    seconds: float
    """From the inventory to the published manifest."""
    inventory_s: float = 0.0
    send_s: float = 0.0
    verify_s: float = 0.0
    publish_s: float = 0.0
    """Sync, rename, sync again, publish the manifest."""


async def carry_out(
    plan: PushPlan,
    transport: Transport,
    *,
    root: Path,
    target_dir: str,
    progress: Callable[[int], None] | None = None,
    world_readable: bool = False,
    publish: bool = True,
    sources: Mapping[str, Path] | None = None,
    clock: Clock | None = None,
) -> PushOutcome:
    """Do what the plan says.

    Args:
        plan: made from this phone's inventory.
        transport: the phone.
        root: the folder on this host that holds the bundle.
        target_dir: the folder on the phone, absolute.
        progress: called with the size of each piece that was sent.
        world_readable: other apps may read it (folders 755, files 644); without it only the shell user may.
        publish: write the manifest beside the files; without it for files in folders that are not ours.
        sources: where on this host the files of these paths lie, if not below `root`.
        clock: measures the phases.

    Raises:
        NoSpace: it does not fit, or the phone became full; nothing new stays there.
        HashMismatch: a file arrived changed; nothing new stays there.
        DeviceGone: the phone vanished; `sent` and `size` count all files of the plan.
        DeployError: something stands in the way of a file's name.
    """
    carrier = _Carrier(
        plan,
        transport,
        root,
        target_dir,
        progress,
        world_readable,
        publish,
        sources or {},
        clock or SystemClock(),
    )
    return await carrier.carry()


@dataclass
class _Carrier:
    """One push under way."""

    _plan: PushPlan
    _transport: Transport
    _root: Path
    _target: str
    _progress: Callable[[int], None] | None
    _world_readable: bool
    _publishes: bool
    _sources: Mapping[str, Path]
    _clock: Clock
    _phases: dict[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._parts = {entry.path: f"{PART}{index:04d}" for index, entry in enumerate(self._plan.send)}

    async def carry(self) -> PushOutcome:
        """Do all of it."""
        begun = self._clock.monotonic_s()
        plan = self._plan
        if not plan.fits:
            raise self._no_space()
        to_chmod = [kept.entry for kept in plan.keep if kept.mode != self._mode(kept.entry)]
        is_idle = plan.is_idle and not to_chmod if self._publishes else not plan.send
        if not is_idle:
            try:
                await self._prepare()
                with self._phase("send"):
                    await self._send()
                with self._phase("verify"):
                    await self._verify()
                with self._phase("publish"):
                    await self._publish(to_chmod)
            except DeviceGone:
                raise
            except BaseException:
                await self._clean_up()
                raise
        return PushOutcome(
            bytes_sent=plan.bytes_to_send,
            files_sent=len(plan.send),
            files_skipped=len(plan.keep) + len(plan.move),
            seconds=plan.inventory_s + self._clock.monotonic_s() - begun,
            inventory_s=plan.inventory_s,
            send_s=self._phases.get("send", 0.0),
            verify_s=self._phases.get("verify", 0.0),
            publish_s=self._phases.get("publish", 0.0),
        )

    async def _prepare(self) -> None:
        umask = "022" if self._world_readable else "077"
        folders = sorted(
            {str(PurePosixPath(entry.path).parent) for entry in self._plan.manifest.files} - {"."}
        )
        lines = [_line("mkdir", "-p", f"./{folder}") for folder in folders]
        lines += [_line("rm", "-f", f"./{name}") for name in self._plan.leftovers]
        if self._publishes:  # the folders are ours: their modes, too
            mode = "755" if self._world_readable else "700"
            lines += [_line("chmod", mode, f"./{folder}") for folder in (".", *folders)]
        await self._script(f"umask {umask}; mkdir -p {shell.quote([self._target])} && ", lines)

    async def _send(self) -> None:
        if not self._plan.send:
            return
        sent = 0
        async with open_sync(self._transport, clock=self._clock) as sync:
            for entry in self._plan.send:
                part = f"{self._target}/{self._parts[entry.path]}"
                try:
                    source = self._sources.get(entry.path, self._root / entry.path)
                    sent += await sync.push(source, part, mode=self._mode(entry), progress=self._progress)
                except DeviceGone as gone:
                    so_far = sent + (gone.sent or 0)
                    raise DeviceGone(
                        serial=self._transport.label,
                        during="push",
                        sent=so_far,
                        size=self._plan.bytes_to_send,
                    ) from gone
                except NoSpace as full:
                    raise self._no_space() from full

    async def _verify(self) -> None:
        hashes = await hash_files(
            self._transport, self._target, self._parts.values(), self._plan.bytes_to_send
        )
        for entry in self._plan.send:
            found = hashes.get(self._parts[entry.path])
            if found != entry.sha256:
                path = f"{self._target}/{entry.path}"
                raise HashMismatch(
                    serial=self._transport.label, path=path, expected=entry.sha256, found=found
                )

    async def _publish(self, to_chmod: Sequence[FileEntry]) -> None:
        renames = [(self._parts[entry.path], entry) for entry in self._plan.send]
        moves = [(move.source, move.entry) for move in self._plan.move]
        lines = ["sync"] if renames else []
        lines += [_line("rm", "-f", f"./{PUBLISHED}")] if self._publishes else []
        for name, entry in [*renames, *moves]:
            lines.append(self._chmod(name, entry))
            lines.append(_line("mv", "-f", f"./{name}", f"./{entry.path}"))
        lines += [self._chmod(entry.path, entry) for entry in to_chmod]
        lines += [_line("rm", "-f", f"./{path}") for path in self._plan.remove]
        await self._script("", lines, timeout_s=_SYNC_S)
        paths = [entry.path for entry in self._plan.manifest.files]
        listing = await list_folder(self._transport, self._target, None if self._publishes else paths)
        self._require_all(listing.files)
        if not self._publishes:
            return
        part = f"{PART}manifest"
        async with open_sync(self._transport, clock=self._clock) as sync:
            await sync.push(make_published(self._plan.manifest, listing.files), f"{self._target}/{part}")
        mode = "644" if self._world_readable else "600"
        lines = [_line("chmod", mode, f"./{part}"), "sync", _line("mv", "-f", f"./{part}", f"./{PUBLISHED}")]
        await self._script("", lines, timeout_s=_SYNC_S)

    def _require_all(self, files: dict[str, PhoneFile]) -> None:
        # `mv` onto a folder of the file's name goes into it and is content.
        for entry in self._plan.manifest.files:
            if entry.path not in files or files[entry.path].size != entry.size:
                path = f"{self._target}/{entry.path}"
                problem = "could not get its name; remove what stands there and push again"
                raise DeployError(f"{self._transport.label}: {path} {problem}")

    async def _clean_up(self) -> None:
        """Remove what was sent, for a bounded time: the next push does it otherwise."""
        script = f"cd {shell.quote([self._target])} && rm -f ./{PART}*"
        with contextlib.suppress(HubError, TimeoutError):
            async with asyncio.timeout(_CLEAN_UP_S):
                await shell.run_script(self._transport, script, timeout_s=_CLEAN_UP_S)

    async def _script(self, before: str, lines: Sequence[str], *, timeout_s: float = _SCRIPT_S) -> None:
        """Run commands in the target folder, as many as there may be: they go through stdin."""
        command = f"{before}cd {shell.quote([self._target])} && sh -e"
        stdin = "".join(f"{line}\n" for line in lines).encode("utf-8", "surrogateescape")
        result = await shell.run_script(self._transport, command, stdin=stdin, timeout_s=timeout_s)
        if result.status == 0:
            return
        said = (result.stderr or result.stdout).decode("utf-8", "replace")
        if "No space left" in said:
            raise self._no_space()
        raise ShellFailed(["sh", "-e"], result.status, said, serial=self._transport.label)

    def _chmod(self, name: str, entry: FileEntry) -> str:
        line = _line("chmod", f"{self._mode(entry):o}", f"./{name}")
        # Shared storage (/sdcard) refuses it and does not need it.
        return line if self._publishes else f"{line} 2>/dev/null || :"

    def _mode(self, entry: FileEntry) -> int:
        return entry.mode if self._world_readable else entry.mode & 0o700

    def _no_space(self) -> NoSpace:
        return NoSpace(
            serial=self._transport.label,
            path=self._target,
            needed=self._plan.bytes_to_send,
            free=self._plan.free,
        )

    @contextlib.contextmanager
    def _phase(self, name: str) -> Iterator[None]:
        begun = self._clock.monotonic_s()
        yield
        self._phases[name] = self._clock.monotonic_s() - begun


def _line(*argv: str) -> str:
    return shell.quote(argv)
