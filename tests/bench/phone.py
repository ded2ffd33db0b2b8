"""A virtual phone in a process of its own: its work is not the client's."""

from __future__ import annotations

import contextlib
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from devicehub import procs

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


@contextlib.asynccontextmanager
async def phone(key: Path) -> AsyncIterator[str]:
    """A virtual phone of its own process that accepts this key; its address."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("ADB_", "ANDROID_"))}
    environment = {**kept, "HOME": str(key.parents[1])}
    argv = [str(Path(sys.executable).parent / "devicehub"), "sim"]
    async with procs.child(argv, env=environment) as process:
        assert process.stdout is not None
        line = (await process.stdout.readline()).decode()  # adb connect 127.0.0.1:40123
        if not line.startswith("adb connect "):
            raise RuntimeError("the virtual phone did not start")
        yield line.split()[-1]
