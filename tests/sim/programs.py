"""The program for arm64 that tests execute on virtual phones; `arm64.c` says what it does."""

from __future__ import annotations

import json
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Final

import pytest

if TYPE_CHECKING:
    from devicehub.sim.phone import VirtualPhone

SOURCE: Final = Path(__file__).with_name("arm64.c")
_TIMEOUT_S: Final = 600.0


def build(folder: Path, *, name: str = "arm64", says: str | None = None, crashes: bool = False) -> Path:
    """Compile it; the first time on a host the compiler builds its C library as well.

    Args:
        folder: where it is made.
        name: how it is called.
        says: what it says as a tool of an engine's, in ASCII.
        crashes: it then ends by a signal.
    """
    if find_spec("ziglang") is None:
        pytest.skip("ziglang is not installed")
    product = folder / name
    header = folder / "says.h"
    if says is not None:
        header.write_text(f"#define SAYS {json.dumps(says)}\n")
    argv = [
        sys.executable, "-m", "ziglang", "cc", "-target", "aarch64-linux-musl", "-static", "-O1", "-s",
        "-fno-sanitize=all", str(SOURCE), "-o", str(product),
        *([f'-DSAYS_FILE="{header}"'] if says is not None else []),
        *(["-DCRASHES"] if crashes else []),
    ]  # fmt: skip
    done = subprocess.run(argv, capture_output=True, timeout=_TIMEOUT_S, check=False)  # noqa: TID251 - no loop
    assert done.returncode == 0, done.stderr.decode()
    return product


def need_arm64(phone: VirtualPhone) -> None:
    """Skip where this host has no means to execute programs for arm64."""
    if phone.no_arm64 is not None:
        pytest.skip(f"programs for arm64 do not run here: {phone.no_arm64}")


def give(phone: VirtualPhone, program: Path, place: str) -> None:
    """Put it on a phone, as a push does."""
    file = phone.root / place.lstrip("/")
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(program.read_bytes())
    file.chmod(0o755)
