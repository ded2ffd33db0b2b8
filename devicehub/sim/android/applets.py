"""Which commands a phone has, by Android release, and where a virtual phone takes each from.

Source of the table: AOSP core/shell_and_utilities/README.md, which lists them per release.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

OLDEST: Final = 8
NEWEST: Final = 16

_SINCE_8: Final = """
    acpi base64 basename blockdev cal cat chgrp chmod chown chroot cksum clear cmp comm cp cpio cut date
    dd df diff dirname dmesg dos2unix du echo egrep env expand expr fallocate false fgrep file find
    flock free getenforce grep groups gunzip gzip head hostname id inotifyd ionice iorenice kill killall
    ln ls lsof lsusb md5sum mkdir mkfifo mknod mkswap mktemp modinfo more mount mountpoint mv netstat
    nice nl nohup od paste patch pgrep pidof pkill pmap printenv printf ps pwd readlink realpath renice
    rev rm rmdir sed seq setenforce setsid sha1sum sha224sum sha256sum sha384sum sha512sum sleep sort
    split stat strings swapoff swapon sync sysctl tac tail tar taskset tee time timeout top touch tr
    true truncate tty ulimit umount uname uniq unix2dos uptime usleep vmstat wc which whoami xargs xxd
    yes zcat
"""

_SINCE: Final[Mapping[int, str]] = {
    8: _SINCE_8,
    9: "awk stty unlink uudecode uuencode microcom fmt",
    10: "bc getconf i2cdetect i2cdump i2cget i2cset iconv insmod logname nc netcat nproc nsenter prlimit"
    " rmmod unshare",
    11: "blkid devmem freeramdisk fsfreeze fsync getopt pwdx readelf rfkill vi watch",
    12: "[ test",
    13: "uclampset",
    14: "brctl",
    15: "shuf",
}

SYSTEM_COMMANDS: Final = frozenset(
    (
        "am",
        "cmd",
        "content",
        "dmesg",
        "dumpsys",
        "getprop",
        "input",
        "log",
        "logcat",
        "pm",
        "screencap",
        "setprop",
        "settings",
        "svc",
        "wm",
    )
)
"""Android's own programs, which the simulator answers itself."""

STAND_INS: Final = frozenset(("dd", "diff", "expr", "gunzip", "gzip", "stty", "tr", "zcat"))
"""Applets of the simulator's own, because Debian's toybox lacks them."""

DENIED: Final = frozenset(("ln", "mkfifo", "mknod"))
"""Applets that a phone's SELinux rules refuse; `ln` only without -s."""


@dataclass(frozen=True)
class Applets:
    """The commands of one Android release.

    Attributes:
        names: every external command of the shell and utilities.
        old_dd: `dd` is NetBSD's, without conv= and status=; `toybox dd` is there all the same.
    """

    names: frozenset[str]
    old_dd: bool


def applets_of(android: int) -> Applets:
    """The commands that a release has; releases outside the table count as its first or last row."""
    release = min(max(android, OLDEST), NEWEST)
    names: set[str] = set()
    for since, words in _SINCE.items():
        if since <= release:
            names.update(words.split())
    return Applets(frozenset(names), old_dd=release < 10)
