"""Programs for arm64, the phone's own kind, on a host of another: the kernel hands them to qemu-user.

Where the host has registered qemu with its kernel there is nothing to do. Elsewhere a confined phone does so
for itself, in a user namespace of its own, which the host does not notice (Linux 6.7 and newer).

Only the standard library is used: it starts without site-packages.
"""

from __future__ import annotations

import errno
import os
import shutil
import struct
from typing import TYPE_CHECKING, Final

from devicehub.sim.process import namespace

if TYPE_CHECKING:
    from pathlib import Path

_INSTALL: Final = "apt install qemu-user-static"
_REGISTER: Final = "as root: systemctl restart systemd-binfmt"
_OLDER: Final = "before Linux 6.7 no phone may tell it"
_EMULATORS: Final = ("qemu-aarch64-static", "qemu-aarch64")
# An ELF header of arm64: of any kind of system, a program that is position independent or is not.
_MAGIC: Final = b"\x7fELF\x02\x01\x01" + bytes(9) + b"\x02\x00\xb7\x00"
_MASK: Final = b"\xff" * 7 + b"\x00" + b"\xff" * 8 + b"\xfe\xff\xff\xff"
# P: qemu learns argv[0] as well. O: it gets the program opened. F: the kernel opens qemu now, and not at a
# path of the phone's.
_FLAGS: Final = "POF"
_BASE: Final = 0x400000
_PROBE_WORDS: Final = ("probe", "two", "three")


def learn(folder: Path, *, confined: bool) -> str | None:
    """Let what this process starts execute programs for arm64; None, or why it cannot.

    To do so a confined phone's keeper moves into a user and a mount namespace, where it is root.

    Args:
        folder: where files may be made for the moment.
        confined: this process may have namespaces of its own.
    """
    probe = folder / "probe"
    probe.write_bytes(make_probe())
    probe.chmod(0o755)
    try:
        if _executes(probe):
            return None
        emulator = next(filter(None, map(shutil.which, _EMULATORS)), None)
        if emulator is None:
            return f"qemu-user is not installed ({_INSTALL})"
        unknown = f"the kernel does not know {emulator} ({_REGISTER})"
        if not confined:
            return f"{unknown}, and a portable phone cannot tell it"
        try:
            _register(folder / "binfmt", emulator)
        except OSError as error:
            older = error.errno == errno.EPERM
            return f"{unknown}, and {_OLDER if older else 'no phone can tell it'}: {error}"
        return None if _executes(probe) else f"{emulator} does not run them; it takes version 6.0 or newer"
    finally:
        probe.unlink()


def make_probe() -> bytes:
    """The smallest program for arm64: its exit status is the number of its arguments, its name among them."""
    # ldr x0, [sp]; mov x8, #93 (exit); svc #0
    code = struct.pack("<3I", 0xF94003E0, 0xD2800BA8, 0xD4000001)
    start = 64 + 56
    size = start + len(code)
    header = struct.pack("<16s2HI3QI6H", _MAGIC[:16], 2, 183, 1, _BASE + start, 64, 0, 0, 64, 56, 1, 64, 0, 0)
    segment = struct.pack("<2I6Q", 1, 5, 0, _BASE, _BASE, size, size, 0x10000)
    return header + segment + code


def _executes(probe: Path) -> bool:
    try:
        pid = os.posix_spawn(probe, _PROBE_WORDS, {})
    except OSError:
        return False
    # A qemu that takes no argv[0] from the kernel would count one more.
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == len(_PROBE_WORDS)


def _register(place: Path, emulator: str) -> None:
    # As root: the files of this file system belong to it, and nobody may write to what belongs to no one.
    namespace.own_users_and_mounts(0)
    place.mkdir()
    try:
        namespace.mount_formats(str(place))
        line = f":qemu-aarch64:M::{_escaped(_MAGIC)}:{_escaped(_MASK)}:{emulator}:{_FLAGS}"
        place.joinpath("register").write_text(line)
        # Never closed: what is registered goes with the last hold on the file system, which is this process.
        os.open(place, os.O_RDONLY | os.O_DIRECTORY)
    finally:
        # Now, since later mount namespaces may not take it away, and nobody could remove the folder.
        namespace.unmount(str(place))
        place.rmdir()


def _escaped(data: bytes) -> str:
    return "".join(f"\\x{byte:02x}" for byte in data)
