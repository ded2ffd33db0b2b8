"""Where DeviceHub keeps its state, on this host and on phones."""

from __future__ import annotations

import math
import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

import platformdirs

from devicehub.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Mapping

PHONE_ROOT: Final = "/data/local/tmp/devicehub"
"""All of ours on a phone but the models; closed to other apps."""
PHONE_MODELS: Final = "/data/local/tmp/mnn_models"
"""Where MnnLlmChat looks as well: the one folder of ours that other apps may read."""


@dataclass(frozen=True)
class Home:
    """The folder that holds all state: the catalogue, the user's own profiles."""

    root: Path

    @property
    def engines(self) -> Path:
        """One folder per engine of the catalogue."""
        return self.root / "engines"

    @property
    def models(self) -> Path:
        """One entry per model of the catalogue."""
        return self.root / "models"

    @property
    def profiles(self) -> Path:
        """The user's own profiles; a file here wins over the packaged one of the same name."""
        return self.root / "profiles"

    @property
    def database(self) -> Path:
        """What is remembered of runs and phones; SQLite keeps files of its own beside it."""
        return self.root / "devicehub.db"


def find_home(environ: Mapping[str, str] = os.environ) -> Home:
    """The folder that $DEVICEHUB_HOME names, else the platform's data folder."""
    chosen = environ.get("DEVICEHUB_HOME")
    return Home(Path(chosen).expanduser() if chosen else platformdirs.user_data_path("devicehub"))


def patience_s(environ: Mapping[str, str] = os.environ) -> float:
    """How long a run's phone may be out of reach before its command leaves the run to the phone."""
    return _number(environ, "DEVICEHUB_PATIENCE_S", default=120.0)


def lost_after_s(environ: Mapping[str, str] = os.environ) -> float:
    """How long a phone may be away, in seconds, before its run counts as lost."""
    return _number(environ, "DEVICEHUB_LOST_AFTER_S", default=7 * 86400.0)


def keep_days(environ: Mapping[str, str] = os.environ) -> float | None:
    """For how many days runs are remembered after their end; None for ever, which 0 asks for."""
    return _number(environ, "DEVICEHUB_KEEP_DAYS", default=0.0) or None


def app_key(environ: Mapping[str, str] = os.environ) -> str | None:
    """The key of MnnLlmChat's API, for builds that tell it to nobody; it is neither kept nor shown."""
    return environ.get("DEVICEHUB_APP_KEY", "").strip() or None


def _number(environ: Mapping[str, str], name: str, *, default: float) -> float:
    text = environ.get(name, "").strip()
    try:
        value = float(text) if text else default
    except ValueError:
        value = math.nan
    if not 0 <= value < math.inf:
        raise ConfigError(f"is {text!r}, not a number of 0 or more", file="environment", key=name)
    return value
