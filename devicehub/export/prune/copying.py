"""Copies a checkpoint in a thread that can be stopped."""

from __future__ import annotations

import asyncio
import shutil
import threading
from typing import TYPE_CHECKING, Final

from devicehub.manifest import list_files, unreadable, unwritable

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

_BLOCK: Final = 8 << 20


async def copy_checkpoint(source: Path, copy: Path, on_bytes: Callable[[int, int], None]) -> None:
    """Copy a checkpoint's files; where this is cancelled nothing is written any more once it has returned.

    Args:
        source: its folder; hidden files stay behind.
        copy: the folder to make.
        on_bytes: is told how many bytes are copied, and of how many.

    Raises:
        InputError: a file cannot be read, or not be written.
    """
    loop, stopped = asyncio.get_running_loop(), threading.Event()
    sizes = {name: (source / name).stat().st_size for name in list_files(source)}
    whole = sum(sizes.values())

    def tell(done: int) -> None:
        loop.call_soon_threadsafe(on_bytes, done, whole)

    copying = asyncio.ensure_future(asyncio.to_thread(_copy_files, source, copy, sizes, tell, stopped))
    try:
        await asyncio.shield(copying)
    except asyncio.CancelledError:
        stopped.set()
        await asyncio.wait({copying})
        raise


def _copy_files(
    source: Path, copy: Path, sizes: dict[str, int], tell: Callable[[int], None], stopped: threading.Event
) -> None:
    done = 0
    for name in sizes:
        place = copy / name
        try:
            place.parent.mkdir(parents=True, exist_ok=True)
            with (source / name).open("rb") as reading, place.open("wb") as writing:
                while (block := reading.read(_BLOCK)) and not stopped.is_set():
                    writing.write(block)
                    done += len(block)
                    tell(done)
            shutil.copymode(source / name, place)
        except OSError as error:
            wrong = unreadable if error.filename == str(source / name) else unwritable
            raise wrong(source / name if wrong is unreadable else place, error) from error
