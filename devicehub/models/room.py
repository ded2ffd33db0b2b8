"""Whether a model finds room on this host, and how."""

from __future__ import annotations

import contextlib
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

import psutil

from devicehub.models.memory import memory_needed_kib
from devicehub.units import GIB, KIB, format_bytes

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from devicehub.models.catalog import Model

_CGROUP: Final = Path("/sys/fs/cgroup")
_SLACK: Final = 2
"""While it loads, the engine holds weights as they are in the file and as it computes with them."""


@dataclass(frozen=True, kw_only=True)
class HostRoom:
    """What this host has, in bytes.

    Attributes:
        available: memory that can be had without swapping.
        total: memory at all.
        disk: free space where weights can be mapped to files.
    """

    available: int
    total: int
    disk: int


@dataclass(frozen=True, kw_only=True)
class Place:
    """How a model is loaded.

    Attributes:
        use_mmap: its weights are kept in files.
        most_bytes: what the process may take for itself.
    """

    use_mmap: bool
    most_bytes: int


@dataclass(frozen=True, kw_only=True)
class Need:
    """What a model takes, in bytes.

    Attributes:
        plain: with its weights in memory.
        mapped: with its weights in files.
    """

    plain: int
    mapped: int


def need_of(model: Model, settings: Mapping[str, Any]) -> Need:
    """What a model takes with these settings over its config.json.

    Raises:
        InputError: the model's configuration cannot be read any more.
    """
    config = {**model.config, **settings}
    plain, mapped = (memory_needed_kib(model, {**config, "use_mmap": mapped}) for mapped in (False, True))
    return Need(plain=plain * KIB, mapped=mapped * KIB)


def find_place(need: Need, host: HostRoom) -> Place | str:
    """Where a model is loaded: in memory, or with its weights in files; else why it finds no place."""
    weights = need.plain - need.mapped
    if need.plain <= host.available:
        return Place(use_mmap=False, most_bytes=need.plain * _SLACK + GIB)
    # Weights beyond the memory of the host would be read anew for each token.
    if need.plain <= host.total and need.mapped <= host.available and weights * _SLACK <= host.disk:
        return Place(use_mmap=True, most_bytes=need.plain * _SLACK + GIB)
    return (
        f"it takes about {format_bytes(need.plain)} of memory, "
        f"and this host has {format_bytes(host.available)} free of {format_bytes(host.total)}"
    )


def look_at_host(folder: Path) -> HostRoom:
    """What is free now; a container's own limit counts where there is one.

    Args:
        folder: where files would be written.
    """
    memory = psutil.virtual_memory()
    total, available = memory.total, memory.available
    with contextlib.suppress(OSError, ValueError):  # no such limit, or `max`
        most = int((_CGROUP / "memory.max").read_text())
        # "anon 8192"; what files take of it goes when it is needed.
        counts = dict(line.split() for line in (_CGROUP / "memory.stat").read_text().splitlines())
        total, available = min(total, most), min(available, max(most - int(counts.get("anon", 0)), 0))
    return HostRoom(available=available, total=total, disk=shutil.disk_usage(folder).free)
