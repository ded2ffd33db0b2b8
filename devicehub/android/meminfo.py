"""/proc/meminfo: how much memory there is, and how much a new program may take."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

# "MemAvailable:    8164000 kB"
_LINE: Final = re.compile(r"^(\w+(?:\(\w+\))?):\s+(\d{1,15})(?: kB)?\s*$", re.MULTILINE)


@dataclass(frozen=True)
class Memory:
    """KiB; None where the kernel does not tell."""

    total_kib: int | None = None
    available_kib: int | None = None


def parse_meminfo(text: str) -> Memory:
    """Read /proc/meminfo.

    Kernels before 3.14 have no MemAvailable; what is free or cached and not shared stands for it there.
    """
    values = {name: int(kib) for name, kib in _LINE.findall(text.replace("\r", ""))}
    available = values.get("MemAvailable")
    if available is None and "MemFree" in values and "Cached" in values:
        cached = values["Cached"] + values.get("Buffers", 0) - values.get("Shmem", 0)
        available = values["MemFree"] + max(cached, 0)
    return Memory(values.get("MemTotal"), available)
