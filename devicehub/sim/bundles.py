"""The virtual engines as bundles that `engines add` takes like any real one."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from devicehub.errors import SimError

_FOLDER: Final = Path(__file__).parent / "engines"


def engine_bundle(name: str = "virtual") -> Path:
    """The folder of a packaged engine: `virtual`, or `virtual-logcat` for one that logs to logcat.

    Raises:
        SimError: there is no such bundle.
    """
    folder = _FOLDER / name
    if not (folder / "engine.toml").is_file():
        known = ", ".join(sorted(place.name for place in _FOLDER.glob("*") if place.is_dir()))
        raise SimError(
            f"no virtual engine named {name}; there are: {known or 'none, install devicehub again'}"
        )
    return folder
