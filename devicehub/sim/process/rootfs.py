"""Builds a phone's folder: its file system, and what its processes see of both."""

from __future__ import annotations

import site
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from devicehub.sim.process.namespace import Bind, View
from devicehub.sim.process.processes import PACKAGE_FOLDER

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

PATH: Final = (
    "/product/bin:/apex/com.android.runtime/bin:/system_ext/bin:/system/bin:/system/xbin:/vendor/bin"
)
_FOLDERS: Final = (
    "data/local/tmp",
    "data/tombstones",
    "storage/emulated/0",
    "system/bin",
    "system/etc",
    "vendor/bin",
    "product/bin",
    "proc/sys/kernel/random",
    "sys/class",
    "sys/devices/system/cpu",
    "dev/__properties__",
)
DATA: Final = "data/local/tmp"
_DEVICES: Final = ("full", "null", "random", "tty", "urandom", "zero")
_HOST_ETC: Final = ("ld.so.cache", "alternatives")
"""What the host's own programs need to find their libraries, and each other."""
_PROC_FILES: Final = ("cpuinfo", "meminfo", "stat", "version", "sys/kernel/random/boot_id")


@dataclass(frozen=True)
class PhoneFolder:
    """Where one phone lives on the host.

    Attributes:
        folder: holds everything and is removed with the phone.
    """

    folder: Path

    @property
    def root(self) -> Path:
        """The phone's file system."""
        return self.folder / "root"

    @property
    def sockets(self) -> Path:
        """Where the simulator listens to the phone's programs."""
        return self.folder / "socket"

    @property
    def mount_point(self) -> Path:
        """An empty folder on which the phone's processes get their root."""
        return self.folder / "mnt"


def build(phone: PhoneFolder, files: Mapping[str, str]) -> None:
    """Fill a phone's folder with `files`: texts by their path on the phone."""
    for name in _FOLDERS:
        (phone.root / name).mkdir(parents=True, exist_ok=True)
    phone.sockets.mkdir()
    phone.mount_point.mkdir()
    (phone.root / "data/local/tmp").chmod(0o771)
    for link, target in (("sdcard", "storage/emulated/0"), ("bin", "system/bin"), ("etc", "system/etc")):
        (phone.root / link).symlink_to(target)
    for path, text in files.items():
        file = phone.root / path.lstrip("/")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    # For portable mode; a confined phone sees its kernel's own.
    for name in ("loadavg", "uptime"):
        (phone.root / "proc" / name).symlink_to(f"/proc/{name}")
    _build_etc(phone.root / "system/etc")


def _build_etc(etc: Path) -> None:
    etc.joinpath("passwd").write_text("root:x:0:0::/:/system/bin/sh\nshell:x:2000:2000::/:/system/bin/sh\n")
    etc.joinpath("group").write_text("root:x:0:\nshell:x:2000:\n")
    etc.joinpath("ld.so.cache").touch()
    etc.joinpath("alternatives").mkdir()
    etc.joinpath("hosts").write_text("127.0.0.1 localhost\n::1 ip6-localhost\n")


def make_view(phone: PhoneFolder) -> View:
    """What the phone's processes see: its own files, and the host's programs read-only."""
    root = str(phone.root)
    binds = [
        *(
            Bind(f"/dev/{name}", f"/dev/{name}", writable=True)
            for name in _DEVICES
            if Path("/dev", name).exists()
        ),
        *(Bind(path, path) for path in _host_paths()),
        *(Bind(f"{root}/proc/{name}", f"/proc/{name}") for name in _PROC_FILES),
        Bind(f"{root}/dev/__properties__", "/dev/__properties__"),
        Bind(str(phone.sockets), "/dev/socket", writable=True),
        *(
            Bind(f"{root}/{name}", f"/{name}")
            for name in ("system", "vendor", "product", "sys", "data", "storage")
        ),
        *(
            Bind(f"{root}/{name}", f"/{name}", writable=True)
            for name in ("data/local/tmp", "storage/emulated/0")
        ),
        *(Bind(f"/etc/{name}", f"/system/etc/{name}") for name in _HOST_ETC if Path("/etc", name).exists()),
    ]
    links = (
        ("/bin", "/system/bin"),
        ("/etc", "/system/etc"),
        ("/sdcard", "/storage/emulated/0"),
        ("/dev/fd", "/proc/self/fd"),
        ("/dev/stdin", "/proc/self/fd/0"),
        ("/dev/stdout", "/proc/self/fd/1"),
        ("/dev/stderr", "/proc/self/fd/2"),
        *((path, target) for path in ("/lib", "/lib64", "/lib32") if (target := _link_target(path))),
    )
    return View(str(phone.mount_point), tuple(binds), links, ("/dev", "/dev/shm"))  # noqa: S108 - the phone's own


def _link_target(path: str) -> str | None:
    return str(Path(path).readlink()) if Path(path).is_symlink() else None


def _host_paths() -> Iterator[str]:
    """Host folders that the phone's programs are made of, parents before what lies in them."""
    wanted = {
        "/usr",
        sys.prefix,
        sys.base_prefix,
        str(PACKAGE_FOLDER),
        str(Path(sys.executable).resolve().parent),
    }
    wanted.update(path for path in ("/lib", "/lib64") if Path(path).is_dir() and not Path(path).is_symlink())
    wanted.update(
        path for path in [*site.getsitepackages(), site.getusersitepackages()] if Path(path).is_dir()
    )
    for path in sorted(wanted):
        if not any(path.startswith(other + "/") for other in wanted):
            yield path
