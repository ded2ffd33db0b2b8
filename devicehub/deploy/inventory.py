"""Finds out what a folder of the phone holds: one shell command, and one more where files must be hashed."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final

import msgspec

from devicehub.adb import shell
from devicehub.android.files import parse_df, parse_hashes
from devicehub.clock import SystemClock
from devicehub.deploy.plan import PART, PUBLISHED, Inventory, PhoneFile
from devicehub.units import MB

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from devicehub.adb.client import Transport
    from devicehub.clock import Clock
    from devicehub.manifest import Manifest

_MARK: Final = "--- devicehub"
# TZ: the times are compared as text, and a phone travels.
_STAT: Final = "stat -c '%s|%a|%i %y %z|%n'"
SLOWEST_HASH: Final = 4 * MB
"""Bytes per second: toybox's own SHA-256 on a busy small core; with BoringSSL it does hundreds of MB/s."""


class PublishedFile(msgspec.Struct, frozen=True):
    """A file as it was when its push was published."""

    sha256: str
    size: int
    stamp: str


class Published(msgspec.Struct, frozen=True):
    """The manifest beside the files on the phone."""

    id: str
    files: dict[str, PublishedFile]
    format: int = 1


@dataclass
class _Listing:
    """What the phone printed, read."""

    files: dict[str, PhoneFile] = field(default_factory=dict)
    published: Published | None = None
    free: int | None = None
    capacity: int | None = None


async def read_inventory(
    transport: Transport,
    target_dir: str,
    manifest: Manifest,
    *,
    whole: bool = True,
    clock: Clock | None = None,
) -> Inventory:
    """What the target folder of a push holds now; a folder that is not there holds nothing.

    Args:
        transport: the phone.
        target_dir: absolute path on the phone.
        manifest: what is going to be pushed; only files of its sizes are hashed.
        whole: look at everything below the folder; without it at the manifest's own files alone, for folders
            that are not ours.
        clock: measures.
    """
    clock = clock or SystemClock()
    begun = clock.monotonic_s()
    paths = [entry.path for entry in manifest.files]
    listing = await list_folder(transport, target_dir, paths if not whole else None)
    files = {path: file for path, file in listing.files.items() if not path.startswith((PART, PUBLISHED))}
    published = listing.published.files if listing.published is not None else {}
    files = {path: _trusted(file, published.get(path)) for path, file in files.items()}
    sizes = {entry.path: entry.size for entry in manifest.files}
    doubtful = [path for path, file in files.items() if file.sha256 is None and sizes.get(path) == file.size]
    amount = sum(files[path].size for path in doubtful)
    for path, digest in (await hash_files(transport, target_dir, doubtful, amount)).items():
        files[path] = replace(files[path], sha256=digest)
    # A manifest that speaks of a file as it no longer is must be published anew.
    is_true = all(path in files and files[path].stamp == one.stamp for path, one in published.items())
    return Inventory(
        files=files,
        published_id=listing.published.id if listing.published is not None and is_true else None,
        published=frozenset(published),
        leftovers={path: file.size for path, file in listing.files.items() if path.startswith(PART)},
        free=listing.free,
        capacity=listing.capacity,
        seconds=clock.monotonic_s() - begun,
    )


async def list_folder(transport: Transport, target_dir: str, paths: Iterable[str] | None) -> _Listing:
    """Sizes, modes and times of the files below a folder, its manifest and the free space, unhashed."""
    look = f"find . -type f -exec {_STAT} {{}} +"
    stdin = b""
    if paths is not None:
        look = f"xargs -0 {_STAT} 2>/dev/null; {_STAT} ./{PART}* 2>/dev/null"
        stdin = _names(paths)
    script = (
        f"export TZ=UTC0 LC_ALL=C; p={shell.quote([target_dir])}\n"
        f"if cd \"$p\" 2>/dev/null; then {look}; echo '{_MARK}'; cat ./{PUBLISHED} 2>/dev/null\n"
        f"else echo '{_MARK}'; fi\n"
        'while [ ! -d "$p" ] && [ -n "$p" ]; do p=${p%/*}; done\n'
        f"echo; echo '{_MARK}'; df -k \"${{p:-/}}\"\n"
    )
    result = await shell.run_script(transport, script, stdin=stdin, timeout_s=120)
    return parse_listing(result.stdout)


async def hash_files(
    transport: Transport, target_dir: str, paths: Iterable[str], amount: int
) -> dict[str, str]:
    """SHA-256 of files on the phone, by path; what cannot be read is left out.

    Args:
        transport: the phone.
        target_dir: the folder that the paths begin at.
        paths: any number; they go through stdin, since a command line is limited.
        amount: bytes of all of them together, which the time limit follows.
    """
    stdin = _names(paths)
    if not stdin:
        return {}
    script = f"cd {shell.quote([target_dir])} && xargs -0 sha256sum"
    timeout_s = 60 + amount / SLOWEST_HASH
    result = await shell.run_script(transport, script, stdin=stdin, timeout_s=timeout_s)
    return parse_hashes(result.stdout)


def parse_listing(output: bytes) -> _Listing:
    """Read what `list_folder` lets the phone print; what is not understood is left out."""
    text = output.decode("utf-8", "surrogateescape").replace("\r\n", "\n")
    files, _, rest = text.partition(f"{_MARK}\n")
    published, _, space = rest.rpartition(f"{_MARK}\n")
    listing = _Listing()
    for line in files.split("\n"):  # names may hold any other separator
        # 1579010|644|131 2026-11-22 10:00:01.123456789 +0000 2026-11-22 10:00:01.123456789 +0000|./llm.mnn
        fields = line.split("|", 3)
        if len(fields) == 4 and fields[0].isdecimal() and len(fields[0]) < 20 and fields[3].startswith("./"):
            mode = int(fields[1], 8) if re.fullmatch("[0-7]{1,6}", fields[1]) else 0
            listing.files[fields[3][2:]] = PhoneFile(size=int(fields[0]), mode=mode & 0o777, stamp=fields[2])
    try:
        listing.published = msgspec.json.decode(published.strip().encode(), type=Published)
    except (msgspec.DecodeError, UnicodeEncodeError):
        listing.published = None
    listing.capacity, listing.free = parse_df(space)
    return listing


def _trusted(file: PhoneFile, published: PublishedFile | None) -> PhoneFile:
    if published is None or (published.size, published.stamp) != (file.size, file.stamp):
        return file
    return replace(file, sha256=published.sha256)


def _names(paths: Iterable[str]) -> bytes:
    return b"".join(f"./{path}\0".encode("utf-8", "surrogateescape") for path in paths)


def make_published(manifest: Manifest, files: Mapping[str, PhoneFile]) -> bytes:
    """The manifest to publish beside the files, given how they look on the phone."""
    entries = {
        entry.path: PublishedFile(entry.sha256, entry.size, files[entry.path].stamp)
        for entry in manifest.files
    }
    return msgspec.json.encode(Published(manifest.id, entries))
