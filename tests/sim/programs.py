"""The program for arm64 that tests execute on virtual phones; `arm64.c` says what it does."""

from __future__ import annotations

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


def build(folder: Path) -> Path:
    """Compile it; the first time on a host the compiler builds its C library as well."""
    if find_spec("ziglang") is None:
        pytest.skip("ziglang is not installed")
    product = folder / "arm64"
    argv = [
        sys.executable, "-m", "ziglang", "cc", "-target", "aarch64-linux-musl", "-static", "-O1", "-s",
        "-fno-sanitize=all", str(SOURCE), "-o", str(product),
    ]  # fmt: skip
    done = subprocess.run(argv, capture_output=True, timeout=_TIMEOUT_S, check=False)  # noqa: TID251 - no loop
    assert done.returncode == 0, done.stderr.decode()
    return product


def need_arm64(phone: VirtualPhone) -> None:
    """Skip where this host has no means to execute programs for arm64."""
    if phone.no_arm64 is not None:
        pytest.skip(f"programs for arm64 do not run here: {phone.no_arm64}")
