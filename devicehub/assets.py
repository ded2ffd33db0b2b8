"""Finds the folders that ship beside the code: `agent`, `profiles`."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from devicehub.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Mapping

AssetName = Literal["agent", "profiles"]


def find_asset(name: AssetName, environ: Mapping[str, str] = os.environ) -> Path:
    """The folder of an asset: $DEVICEHUB_ASSETS/NAME, else the packaged copy, else the source tree's.

    Raises:
        ConfigError: none of the three exists.
    """
    package = Path(__file__).parent
    chosen = environ.get("DEVICEHUB_ASSETS")
    places = [Path(chosen) / name] if chosen else [package / "_assets" / name, package.parent / name]
    for place in places:
        if place.is_dir():
            return place
    raise ConfigError(f"the {name} folder is missing; install devicehub again", file=places[0])
