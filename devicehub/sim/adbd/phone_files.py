"""The phone's files as adbd sees them: every path stays inside the phone's folder, links included."""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path
from typing import Final

from devicehub.adb.wire_sync import SyncStat
from devicehub.sim.android.space import free_bytes
from devicehub.sim.process.namespace import SHELL_UID

_WRITABLE: Final = ("data/local/tmp", "storage/emulated/0")
_READ_ONLY: Final = ("system", "vendor", "product", "proc", "sys")
_LINK_LIMIT: Final = 40


def copy_owner_bits(mode: int) -> int:
    """The permissions that adbd gives a pushed file: what the owner may, everybody may."""
    mode &= 0o777
    mode |= (mode >> 3) & 0o070
    return mode | (mode >> 3) & 0o007


class PhoneFiles:
    """Maps the phone's paths to the host's."""

    def __init__(self, root: Path, *, free_kib: int) -> None:
        self._root = os.fspath(root)
        self._free_kib = free_kib
        self._free = 0

    def measure_space(self) -> None:
        """See how much is free; the files that are being written count with what they hold."""
        self._free = free_bytes(self._root, self._free_kib)

    def take_space(self, size: int) -> None:
        """Take bytes of the free space for a file.

        Raises:
            OSError: there are not so many.
        """
        if size > self._free:
            self.measure_space()  # what was removed since is free again
        if size > self._free:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        self._free -= size

    def resolve(self, path: str, *, follow: bool = True) -> str:
        """The host's path of a phone's path.

        Args:
            path: absolute or relative to /.
            follow: follow a link in the last place too.

        Raises:
            OSError: too many links.
        """
        todo = [part for part in reversed(path.split("/")) if part not in ("", ".")]
        done: list[str] = []
        links = 0
        while todo:
            part = todo.pop()
            if part == "..":
                del done[-1:]
                continue
            place = Path(self._root, *done, part)
            if (todo or follow) and place.is_symlink():
                links += 1
                if links > _LINK_LIMIT:
                    raise OSError(errno.ELOOP, os.strerror(errno.ELOOP))
                target = os.fspath(place.readlink())
                if target.startswith("/"):
                    done.clear()
                todo.extend(piece for piece in reversed(target.split("/")) if piece not in ("", "."))
                continue
            done.append(part)
        return "/".join((self._root, *done))

    def resolve_for_writing(self, path: str) -> str:
        """Like `resolve`, for a file that is to be replaced.

        Raises:
            OSError: the shell user may not write there.
        """
        place = self.resolve(path, follow=False)
        inside = place[len(self._root) + 1 :]
        if not inside.startswith(tuple(f"{folder}/" for folder in _WRITABLE)):
            first = inside.partition("/")[0]
            code = errno.EROFS if first in _READ_ONLY else errno.EACCES
            if Path(place).is_dir():
                code = errno.EISDIR
            raise OSError(code, os.strerror(code))
        return place

    def create(self, place: str, mode: int) -> int:
        """Open a new file for writing in place of what was there, with its folders; the descriptor.

        A link or a regular file there is removed first: a failed push leaves neither old nor new.
        """
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW
        if is_replaceable(place):
            remove(place)
        try:
            fd = os.open(place, flags, mode)
        except FileNotFoundError:
            Path(place).parent.mkdir(parents=True, exist_ok=True)
            fd = os.open(place, flags, mode)
        except FileExistsError:
            fd = os.open(place, flags & ~os.O_EXCL, mode)
        os.fchmod(fd, mode)
        return fd

    def stat(self, path: str, *, follow: bool) -> SyncStat:
        """What `stat` or `lstat` says; an errno where there is nothing."""
        try:
            place = self.resolve(path, follow=follow)
            found = Path(place).stat(follow_symlinks=follow)
        except OSError as error:
            return SyncStat(0, 0, 0, error=error.errno or errno.EIO)
        inside = place[len(self._root) + 1 :]
        owner = SHELL_UID if inside.startswith(("data/local/tmp", "storage/")) else 0
        return SyncStat(
            mode=found.st_mode,
            size=found.st_size,
            mtime=int(found.st_mtime),
            dev=found.st_dev,
            ino=found.st_ino,
            nlink=found.st_nlink,
            uid=owner,
            gid=owner,
            atime=int(found.st_atime),
            ctime=int(found.st_ctime),
        )

    def names(self, path: str) -> list[str]:
        """The names in a folder, `.` and `..` among them; none where there is no folder."""
        try:
            return [".", "..", *(entry.name for entry in Path(self.resolve(path)).iterdir())]
        except OSError:
            return []


def is_replaceable(place: str) -> bool:
    """Whether adbd removes what is there before it writes: everything but folders and devices."""
    try:
        mode = os.lstat(place).st_mode
    except OSError:
        return True
    return stat.S_ISREG(mode) or stat.S_ISLNK(mode)


def remove(place: str) -> None:
    """Remove a file if it is there."""
    Path(place).unlink(missing_ok=True)
