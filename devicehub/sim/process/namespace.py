"""Linux namespaces for one virtual phone: a user, process and mount view of its own. No privileges needed.

Only the standard library is used: the process that calls this starts without site-packages.
"""

from __future__ import annotations

import ctypes
import math
import os
import socket
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Final

SHELL_UID: Final = 2000
"""The uid and gid of `shell` on every Android phone."""

_CLONE_NEWTIME: Final = 0x00000080
_CLONE_NEWNS: Final = 0x00020000
_CLONE_NEWUTS: Final = 0x04000000
_CLONE_NEWIPC: Final = 0x08000000
_CLONE_NEWUSER: Final = 0x10000000
_CLONE_NEWPID: Final = 0x20000000
_MS_RDONLY: Final = 1
_MS_NOSUID: Final = 2
_MS_NODEV: Final = 4
_MS_NOEXEC: Final = 8
_MS_REMOUNT: Final = 32
_MS_BIND: Final = 4096
_MS_REC: Final = 16384
_MS_PRIVATE: Final = 1 << 18
_MNT_DETACH: Final = 2
_SYS_MOUNT_SETATTR: Final = 442
_AT_RECURSIVE: Final = 0x8000
_PR_SET_PDEATHSIG: Final = 1
_PR_SET_NAME: Final = 15
_PR_SET_CHILD_SUBREAPER: Final = 36
_PR_SET_NO_NEW_PRIVS: Final = 38
# The same number everywhere but on alpha; glibc has no wrapper.
_SYS_PIVOT_ROOT: Final = {"x86_64": 155, "aarch64": 41, "riscv64": 41}

_libc = ctypes.CDLL(None, use_errno=True)


@dataclass(frozen=True)
class Bind:
    """A host path that shows inside the phone."""

    source: str
    target: str
    writable: bool = False


@dataclass(frozen=True)
class View:
    """What the phone's processes see of the file system.

    Attributes:
        mount_point: an empty host folder that becomes the root.
        binds: in order; parents before what lies over them. `/proc` exists before any of them.
        links: symbolic links, path to target.
        folders: empty folders in memory that processes may write to.
    """

    mount_point: str
    binds: tuple[Bind, ...]
    links: tuple[tuple[str, str], ...]
    folders: tuple[str, ...]


def mount_memory(place: str, *, size_kib: int) -> None:
    """Lay a file system in memory of this size over a folder, or change the size of the one that is there.

    Raises:
        OSError: this process may not mount.
    """
    flags = _MS_NOSUID | (_MS_REMOUNT if os.path.ismount(place) else 0)
    _mount("tmpfs", place, "tmpfs", flags, f"size={size_kib}k,mode=0771")


def unmount(place: str) -> None:
    """Take away what is mounted on a folder; nothing there is no error."""
    _libc.umount2(os.fsencode(place), _MNT_DETACH)


def set_name(name: str) -> None:
    """Name this process in `ps`."""
    _libc.prctl(_PR_SET_NAME, name.encode(), 0, 0, 0)


def die_with_parent(signal_number: int) -> None:
    """Ask the kernel for a signal when the parent ends."""
    _check(_libc.prctl(_PR_SET_PDEATHSIG, signal_number, 0, 0, 0), "prctl")


def adopt_orphans() -> None:
    """Become the parent of every descendant that loses its own, as a phone's init does."""
    _check(_libc.prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0), "prctl")


def mount_formats(place: str) -> None:
    """Lay the list of program formats that this user namespace has of its own over a folder.

    Raises:
        OSError: the kernel has one for all namespaces (before Linux 6.7), or none.
    """
    _mount("binfmt_misc", place, "binfmt_misc", _MS_NOSUID | _MS_NODEV | _MS_NOEXEC)


def own_users_and_mounts(as_id: int = SHELL_UID) -> None:
    """Move into new user and mount namespaces, as this uid and gid; children follow, and may mount there.

    Raises:
        OSError: the kernel or its policy allows no user namespaces.
    """
    uid, gid = os.geteuid(), os.getegid()
    _check(_libc.unshare(_CLONE_NEWUSER | _CLONE_NEWNS), "unshare")
    Path("/proc/self/setgroups").write_text("deny")
    Path("/proc/self/uid_map").write_text(f"{as_id} {uid} 1")
    Path("/proc/self/gid_map").write_text(f"{as_id} {gid} 1")
    _mount(None, "/", None, _MS_REC | _MS_PRIVATE)


def own_processes(uptime_s: float | None) -> None:
    """Give the next child process, IPC and host-name namespaces, where it becomes process 1.

    Args:
        uptime_s: what its /proc/uptime begins with; None for the host's own.

    Raises:
        OSError: the kernel does not allow it, or knows no time namespaces.
    """
    flags = _CLONE_NEWPID | _CLONE_NEWIPC | _CLONE_NEWUTS
    _check(_libc.unshare(flags | (_CLONE_NEWTIME if uptime_s is not None else 0)), "unshare")
    if uptime_s is not None:
        offset = math.ceil(uptime_s - time.clock_gettime(time.CLOCK_BOOTTIME))
        # No clock may begin below zero: the monotonic one counts no sleep and may be behind.
        monotonic = max(offset, -int(time.monotonic()))
        Path("/proc/self/timens_offsets").write_text(f"monotonic {monotonic} 0\nboottime {offset} 0\n")
    socket.sethostname("localhost")


def enter(view: View) -> None:
    """Make `view` the root of this process and its children, in a new mount namespace.

    Raises:
        OSError: a mount failed; the process should end.
    """
    _check(_libc.unshare(_CLONE_NEWNS), "unshare")
    _mount(None, "/", None, _MS_REC | _MS_PRIVATE)
    root = view.mount_point
    _mount("tmpfs", root, "tmpfs", _MS_NOSUID, "mode=0755")
    Path(root, "proc").mkdir()
    _mount("proc", f"{root}/proc", "proc", _MS_NOSUID | _MS_NODEV | _MS_NOEXEC)
    for folder in view.folders:
        Path(root + folder).mkdir(parents=True, exist_ok=True)
        # Not mode 1777: in a sticky folder nobody may open another's device, /dev/null, to write a new file.
        _mount("tmpfs", root + folder, "tmpfs", _MS_NOSUID, "mode=0755")
    for bind in view.binds:
        _bind(bind, root)
    for link, target in view.links:
        path = Path(root + link)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.symlink_to(target)
    _pivot(root)
    _check(_libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), "prctl")


def _bind(bind: Bind, root: str) -> None:
    target = Path(root + bind.target)
    if not target.exists():
        target.parent.mkdir(parents=True, exist_ok=True)
        if Path(bind.source).is_dir():
            target.mkdir()
        else:
            target.touch()
    _mount(bind.source, str(target), None, _MS_BIND | _MS_REC)
    if not bind.writable:
        _make_read_only(str(target), recursive=True)


def _make_read_only(path: str, *, recursive: bool) -> None:
    class MountAttr(ctypes.Structure):
        _fields_ = (
            ("attr_set", ctypes.c_uint64),
            ("attr_clr", ctypes.c_uint64),
            ("propagation", ctypes.c_uint64),
            ("userns_fd", ctypes.c_uint64),
        )

    attr = MountAttr(attr_set=_MS_RDONLY)
    flags = _AT_RECURSIVE if recursive else 0
    done = _libc.syscall(
        _SYS_MOUNT_SETATTR, -100, os.fsencode(path), flags, ctypes.byref(attr), ctypes.sizeof(attr)
    )
    if done != 0:
        # Before Linux 5.12. The flags that the mount came with are locked and must be repeated.
        kept = os.statvfs(path).f_flag & (_MS_NOSUID | _MS_NODEV | _MS_NOEXEC)
        _mount(None, path, None, _MS_REMOUNT | _MS_BIND | _MS_RDONLY | kept)


def _pivot(root: str) -> None:
    number = _SYS_PIVOT_ROOT.get(os.uname().machine)
    if number is None:
        raise OSError(f"pivot_root is not known on {os.uname().machine}")
    old = Path(root, ".host")
    old.mkdir()
    _check(_libc.syscall(number, os.fsencode(root), os.fsencode(old)), "pivot_root")
    os.chdir("/")
    _check(_libc.umount2(b"/.host", _MNT_DETACH), "umount")
    Path("/.host").rmdir()
    _make_read_only("/", recursive=False)


def _mount(source: str | None, target: str, kind: str | None, flags: int, data: str | None = None) -> None:
    def text(value: str | None) -> bytes | None:
        return None if value is None else os.fsencode(value)

    done = _libc.mount(text(source), text(target), text(kind), ctypes.c_ulong(flags), text(data))
    _check(done, f"mount of {source or kind or ''} on {target}")


def _check(result: int, what: str) -> None:
    if result != 0:
        code = ctypes.get_errno()
        raise OSError(code, f"{what}: {os.strerror(code)}")
