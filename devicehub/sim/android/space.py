"""The space on a phone's /data, and its `df`: `python -I -S space.py ROOT SIZE FREE ARGUMENT...`.

A phone has a size of its own, not the host's: SIZE and FREE, in KiB, are those of an empty phone; what lies
in its folder is taken from FREE. It runs alone on the phone, so it imports nothing but the standard library.
"""

from __future__ import annotations

import os
import sys

_BLOCK = 4096
_SYSTEM_KIB = 5_242_880
_HELD = ("data/local/tmp", "storage/emulated/0")
_OPTIONS = "ahHkP"
ASK = -1
"""Instead of FREE: /data/local/tmp is a file system of its own, which tells its size and what is free."""


def held_bytes(root: str) -> int:
    """What the files of a phone take, in whole blocks; those that vanish meanwhile count as none."""
    total = 0
    folders = [f"{root}/{name}" for name in _HELD]
    while folders:
        try:
            with os.scandir(folders.pop()) as entries:
                for entry in entries:
                    if entry.is_dir(follow_symlinks=False):
                        folders.append(entry.path)
                    elif entry.is_file(follow_symlinks=False):
                        total += -(-entry.stat(follow_symlinks=False).st_size // _BLOCK) * _BLOCK
        except OSError:
            continue
    return total


def free_bytes(root: str, free_kib: int) -> int:
    """What is left for files, given what an empty phone has free."""
    return max(0, free_kib * 1024 - held_bytes(root))


def df(argv: list[str], *, root: str, size_kib: int, free_kib: int) -> int:
    """Show the file systems, or those that hold the paths; status 1 where a path is not there."""
    words = list(argv)
    options: set[str] = set()
    while words and words[0].startswith("-") and len(words[0]) > 1:
        word = words.pop(0)
        if word == "--":
            break
        for letter in word[1:]:
            if letter not in _OPTIONS:
                sys.stderr.write(f"df: Unknown option '{letter}'\n")
                return 1
            options.add(letter)
    base = 1000 if "H" in options else 1024
    show = (lambda kib: _human(kib * 1024, base)) if options & {"h", "H"} else str
    if free_kib == ASK:
        own = os.statvfs(f"{root}/data/local/tmp")
        size_kib, free = own.f_blocks * own.f_frsize // 1024, own.f_bavail * own.f_frsize // 1024
    else:
        free = free_bytes(root, free_kib) // 1024
    system = ("/dev/block/dm-0", _SYSTEM_KIB, 0, "/")
    data = ("/dev/block/dm-6", size_kib, free, "/data")
    shared = ("/dev/fuse", size_kib, free, "/storage/emulated")
    status, rows = 0, [] if words else [system, data, shared]
    for word in words:
        if not os.path.exists(word):  # noqa: PTH110 - pathlib would double the time that df takes
            sys.stderr.write(f"df: {word}: No such file or directory\n")
            status = 1
            continue
        inside = os.path.realpath(word).removeprefix(os.path.realpath(root or "/").rstrip("/")) + "/"
        rows.append(
            data if inside.startswith("/data/") else shared if inside.startswith("/storage/") else system
        )
    if rows:
        lines = [["Filesystem", "Size" if base == 1000 or "h" in options else "1K-blocks"]]
        lines[0] += ["Used", "Avail" if options & {"h", "H"} else "Available", "Use%", "Mounted on"]
        for name, size, left, place in rows:
            used = size - left
            lines.append([name, show(size), show(used), show(left), f"{-(-used * 100 // size)}%", place])
        widths = [max(len(line[column]) for line in lines) for column in range(5)]
        for line in lines:
            cells = [line[0].ljust(widths[0]), *(line[i].rjust(widths[i]) for i in range(1, 5)), line[5]]
            sys.stdout.write(" ".join(cells) + "\n")
    return status


def _human(size: int, base: int) -> str:
    value, units = float(size), ["", "K", "M", "G", "T"]
    while value >= base and len(units) > 1:
        value /= base
        units.pop(0)
    return f"{value:.1f}{units[0]}" if value < 10 and units[0] else f"{value:.0f}{units[0]}"


if __name__ == "__main__":
    sys.exit(df(sys.argv[4:], root=sys.argv[1], size_kib=int(sys.argv[2]), free_kib=int(sys.argv[3])))
