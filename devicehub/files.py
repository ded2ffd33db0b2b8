"""Reading a file that the user named, with a sentence for each way in which that fails."""

from __future__ import annotations

import fcntl
import os
import secrets
from pathlib import Path
from typing import Final

from devicehub.errors import InputError
from devicehub.units import MIB

_MOST_MIB: Final = 16


def host_path(text: str) -> Path:
    """A path of this host that a client named.

    Raises:
        InputError: it holds a NUL character, of which the system's calls know nothing.
    """
    if "\0" in text:
        raise InputError(f"path {text[:40]!r}", "holds a NUL character", remedy="remove it")
    return Path(text)


def read_file(path: Path, *, remedy: str, most_mib: int = _MOST_MIB) -> bytes:
    """The whole of a file; one without an end, such as /dev/zero, is read to a limit only.

    Raises:
        InputError: it is missing, a folder, larger than the limit, or cannot be read.
    """
    try:
        with path.open("rb") as file:
            data = file.read(most_mib * MIB + 1)
    except FileNotFoundError:
        raise InputError(path, "there is no such file", remedy=remedy) from None
    except IsADirectoryError:
        raise InputError(path, "is a folder, not a file", remedy=remedy) from None
    except OSError as error:
        raise InputError(path, f"cannot be read: {error.strerror}", remedy=remedy) from None
    if len(data) > most_mib * MIB:
        raise InputError(path, f"is larger than {most_mib} MiB, which no such file is", remedy=remedy)
    return data


def is_locked(file: Path) -> bool:
    """Whether a process holds the lock on a file; false where there is none."""
    try:
        descriptor = os.open(file, os.O_RDWR)
    except OSError:
        return False
    try:
        # Shared: who looks in the same moment must not be taken for the holder.
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False


def publish(path: Path, text: str, *, mode: int = 0o600) -> None:
    """Write a file that appears, or is replaced, whole; one that holds this already is left alone.

    Raises:
        OSError: it cannot be written.
    """
    try:
        if path.read_text("utf-8") == text:
            return
    except (OSError, UnicodeDecodeError):
        pass
    part = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        part.write_text(text, "utf-8")
        part.chmod(mode)
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)
