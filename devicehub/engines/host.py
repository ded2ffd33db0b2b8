"""Which engines this computer itself runs: those built for its own Linux, which no phone takes."""

from __future__ import annotations

import platform
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from devicehub.engines.elf import ElfFacts

_ABIS: Final = {"x86_64": "linux-x86_64", "aarch64": "linux-aarch64"}
_MACHINES: Final = {"linux-x86_64": "x86_64", "linux-aarch64": "arm64-v8a"}
"""What the headers of its programs say, by Android's names."""
_LOADERS: Final = ("/lib/ld-", "/lib64/ld-")


def host_abi() -> str | None:
    """What this computer executes; None where no run can be had on it."""
    return _ABIS.get(platform.machine()) if sys.platform == "linux" else None


def is_for_host(facts: ElfFacts) -> bool:
    """Whether a program was built for this computer, which has the loader that it asks for."""
    abi = host_abi()
    if abi is None or facts.abi != _MACHINES[abi] or facts.interpreter is None:
        return False
    return facts.interpreter.startswith(_LOADERS) and Path(facts.interpreter).is_file()
