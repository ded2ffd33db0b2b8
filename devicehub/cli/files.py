"""Reading a file that the user named, with a sentence for each way in which that fails."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from devicehub.errors import InputError
from devicehub.units import MIB

if TYPE_CHECKING:
    from pathlib import Path

_MOST_MIB: Final = 16


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
