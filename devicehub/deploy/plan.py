"""Decides what a push has to do, from what should be on the phone and what is; does no I/O.

A file on the phone counts as held when its size and its SHA-256 are right. The hash is the one that was
published with an earlier push as long as the file's inode and times are still those of that moment (ctime
cannot be set back), and is reckoned on the phone otherwise.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from devicehub.units import GIB

if TYPE_CHECKING:
    from collections.abc import Mapping

    from devicehub.manifest import FileEntry, Manifest

PUBLISHED: Final = ".devicehub-manifest.json"
"""Stands beside the files once all of them are whole; last to come, first to go."""
PART: Final = ".devicehub-part-"
"""Begins the names of files that are on their way."""
_KEEP_FREE: Final = 1 * GIB
_KEEP_FREE_SHARE: Final = 0.05


@dataclass(frozen=True)
class PhoneFile:
    """A file in the target folder of the phone."""

    size: int
    mode: int
    """Permission bits; 0 where the phone did not tell."""
    stamp: str
    """Inode, mtime and ctime as the phone printed them; compared, never read."""
    sha256: str | None = None
    """None where it was not worth reckoning."""


@dataclass(frozen=True)
class Inventory:
    """What the target folder holds."""

    files: Mapping[str, PhoneFile] = field(default_factory=dict)
    """By path relative to the folder; without the published manifest and without leftovers."""
    published_id: str | None = None
    """The id of the bundle that the folder's manifest speaks of."""
    published: frozenset[str] = frozenset()
    """The paths that the manifest lists: what we put there."""
    leftovers: Mapping[str, int] = field(default_factory=dict)
    """Files of pushes that were broken off, and their sizes in bytes."""
    free: int | None = None
    """Bytes; None where the phone did not tell."""
    capacity: int | None = None
    """Bytes of the whole file system."""
    seconds: float = 0.0
    """How long it took to find all this out."""


@dataclass(frozen=True)
class Kept:
    """A file that the phone holds already."""

    entry: FileEntry
    mode: int
    """Its permission bits on the phone."""


@dataclass(frozen=True)
class Move:
    """A file that the phone holds under a name which is no longer wanted."""

    source: str
    entry: FileEntry


@dataclass(frozen=True)
class PushPlan:
    """What has to be done; every path is relative to the target folder."""

    manifest: Manifest
    keep: tuple[Kept, ...]
    move: tuple[Move, ...]
    send: tuple[FileEntry, ...]
    remove: tuple[str, ...]
    """What an earlier push put there and this one does not list. What others put there stays."""
    leftovers: tuple[str, ...]
    is_published: bool
    """The folder's manifest already speaks of exactly this bundle."""
    available: int | None
    """Bytes that the push may take; None where the phone did not tell."""
    free: int | None
    inventory_s: float = 0.0

    @property
    def bytes_to_send(self) -> int:
        """Bytes of the files that must be sent."""
        return sum(entry.size for entry in self.send)

    @property
    def bytes_kept(self) -> int:
        """Bytes of the files that the phone holds already, under this name or another."""
        return sum(kept.entry.size for kept in self.keep) + sum(move.entry.size for move in self.move)

    @property
    def fits(self) -> bool:
        """Whether the phone keeps enough free space for itself; True where it did not tell."""
        return not self.send or self.available is None or self.bytes_to_send <= self.available

    @property
    def is_idle(self) -> bool:
        """Nothing is to be sent, moved, removed or published."""
        return self.is_published and not (self.send or self.move or self.remove or self.leftovers)

    def summary(self) -> dict[str, Any]:
        """What `push --dry-run` shows and logs carry."""
        return {
            "send": [entry.path for entry in self.send],
            "skip": [kept.entry.path for kept in self.keep],
            "move": [{"from": move.source, "to": move.entry.path} for move in self.move],
            "remove": [*self.remove, *self.leftovers],
            "bytes_to_send": self.bytes_to_send,
            "bytes_on_phone": self.bytes_kept,
            "free": self.free,
            "fits": self.fits,
        }


def plan_push(manifest: Manifest, inventory: Inventory, *, keep_free: bool = True) -> PushPlan:
    """What brings a bundle onto the phone, without sending what it holds.

    Args:
        manifest: what should be there.
        inventory: what is there; files of the right size without a hash are sent again.
        keep_free: leave max(5 %, 1 GiB) of the file system free; below that Android clears apps' caches.
    """
    wanted = {entry.path for entry in manifest.files}
    stale = {path: inventory.files[path] for path in inventory.published - wanted if path in inventory.files}
    keep: list[Kept] = []
    move: list[Move] = []
    send: list[FileEntry] = []
    for entry in manifest.files:
        found = inventory.files.get(entry.path)
        if found is not None and _holds(found, entry):
            keep.append(Kept(entry, found.mode))
            continue
        source = next((path for path in sorted(stale) if _holds(stale[path], entry)), None)
        if source is None:
            send.append(entry)
        else:
            del stale[source]
            move.append(Move(source, entry))
    return PushPlan(
        manifest=manifest,
        keep=tuple(keep),
        move=tuple(move),
        send=tuple(send),
        remove=tuple(sorted(stale)),
        leftovers=tuple(sorted(inventory.leftovers)),
        is_published=inventory.published_id == manifest.id,
        available=_available(inventory, keep_free=keep_free),
        free=inventory.free,
        inventory_s=inventory.seconds,
    )


def _holds(found: PhoneFile, entry: FileEntry) -> bool:
    return found.size == entry.size and found.sha256 == entry.sha256


def _available(inventory: Inventory, *, keep_free: bool) -> int | None:
    if inventory.free is None:
        return None
    reserve = max(_KEEP_FREE, int((inventory.capacity or 0) * _KEEP_FREE_SHARE)) if keep_free else 0
    return max(0, inventory.free + sum(inventory.leftovers.values()) - reserve)
