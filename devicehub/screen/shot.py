"""A picture of a phone's screen, by Android's own `screencap`."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

from devicehub.adb import shell
from devicehub.android.png import Png, find_png
from devicehub.errors import AdbError, AdbRefused, AdbTimeout
from devicehub.units import MIB, format_bytes

if TYPE_CHECKING:
    from devicehub.adb.client import Transport

_COMMAND: Final = "screencap -p"
_LARGEST: Final = 48 * MIB
_TIMEOUT_S: Final = 30.0
"""A slow phone at work takes seconds to compress its picture, and Wi-Fi as long to carry it."""
_REMEDY: Final = "unlock the phone and leave an app that forbids pictures"


async def take(transport: Transport, *, timeout_s: float = _TIMEOUT_S) -> Png:
    """Take a picture now; a screen that is off gives a black one.

    It costs the phone up to a second of one core, which shows in figures taken meanwhile.

    Raises:
        AdbRefused: the phone gave no picture, with what it said.
        AdbTimeout, DeviceGone, DeviceUnauthorized: it could not be asked.
    """
    if "shell_v2" in await transport.features():
        result = await shell.run_script(transport, _COMMAND, timeout_s=timeout_s, max_output=_LARGEST)
        output, said, status = result.stdout, result.stderr, result.status
    else:
        # Its `shell:` has a terminal, which turns every newline in the picture into two bytes.
        output, said, status = await _read_raw(transport, timeout_s), b"", 0
    picture = find_png(output)
    if picture is not None:
        return picture
    raise AdbRefused(_why(output, said, status), serial=transport.label)


async def _read_raw(transport: Transport, timeout_s: float) -> bytes:
    output = bytearray()
    try:
        async with asyncio.timeout(timeout_s), await transport.open(f"exec:{_COMMAND}") as stream:
            while data := await stream.read():
                output += data
                if len(output) > _LARGEST:
                    raise AdbError(
                        f"the picture has more than {format_bytes(_LARGEST)}", serial=transport.label
                    )
    except TimeoutError as error:
        raise AdbTimeout(waited_s=timeout_s, serial=transport.label, service="screencap") from error
    return bytes(output)


def _why(output: bytes, said: bytes, status: int) -> str:
    if status == 127:
        return "the phone has no screencap, so there is no picture of its screen"
    words = " ".join((said or output[:400]).decode("utf-8", "replace").split())[:200]
    told = words if words.isprintable() else ""
    if not told:
        told = f"status {status}" if status else f"{format_bytes(len(output))} that are no whole PNG"
    return f"no picture of the screen ({told}); {_REMEDY}"
