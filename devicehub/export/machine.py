"""What this host has for an export: memory, room, and the libraries of the extra."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import shutil
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import psutil

from devicehub.errors import InputError
from devicehub.manifest import unreadable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

TRIED: Final = {
    "MNN": "3.6.1",
    "compressed-tensors": "0.19.0",
    "llmcompressor": "0.14.0.1",
    "llmexport": "0.0.5",
    "torch": "2.13",
    "transformers": "5.17.0",
}
"""The releases that were tried together, as the extra `export` in pyproject.toml has them."""
LLMEXPORT: Final = "0.0.5"
"""The one release whose ways are known here."""
_PACKAGES: Final = (*TRIED, "datasets", "gguf", "peft")
_NEEDED: Final = ("torch", "transformers", "llmexport", "MNN", "datasets", "gguf", "peft")
_INSTALL: Final = (
    "choose CPU at pytorch.org/get-started for the command that installs torch's CPU build, which is enough "
    "(without it pip takes the one for CUDA, several gigabytes), then pip install 'devicehub[export]', or "
    "in a checkout .venv/bin/pip install --editable '.[export]'"
)


@dataclass(frozen=True)
class Machine:
    """This host, as far as an export must know it.

    Attributes:
        free_disk_bytes: where the export is to lie.
        versions: of the packages of the extra that are installed.
    """

    free_ram_bytes: int
    free_disk_bytes: int
    versions: Mapping[str, str]


def this_machine(out: Path) -> Machine:
    """Look at this host; `out` is where the export is to lie, and need not be there yet.

    Raises:
        InputError: nothing on the way to it can be looked at.
    """
    place = next((one for one in (out, *out.parents) if one.exists()), out)
    try:
        free_disk_bytes = shutil.disk_usage(place).free
    except OSError as error:
        raise unreadable(place, error) from error
    return Machine(psutil.virtual_memory().available, free_disk_bytes, installed_versions())


def installed_versions() -> dict[str, str]:
    """The packages of the extra that this interpreter has, by their metadata; none is imported."""
    found: dict[str, str] = {}
    for name in _PACKAGES:
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return found


def check_extra(find: Callable[[str], object | None] = importlib.util.find_spec) -> None:
    """See that the extra `export` is installed; nothing of it is imported.

    Raises:
        InputError: it is not; says how to get it, and the CPU build of torch.
    """
    missing = [name for name in _NEEDED if find(name) is None]
    if missing:
        verb = "is" if len(missing) == 1 else "are"
        raise InputError("devicehub export", f"{', '.join(missing)} {verb} not installed", remedy=_INSTALL)


def version_warnings(versions: Mapping[str, str]) -> Iterator[str]:
    """A sentence for each library in a release that was not tried with the others."""
    for name, tried in TRIED.items():
        found = versions.get(name)
        if found is not None and name != "llmexport" and not _is_release(found, tried):
            yield f"{name} is {found}; exports were tried with {tried}"


def _is_release(found: str, tried: str) -> bool:
    # "2.13.0+cpu" is of 2.13
    plain = found.partition("+")[0]
    return plain == tried or plain.startswith(f"{tried}.")
