"""Where DeviceHub keeps its state, on this host and on phones, and what the user has set."""

from __future__ import annotations

import difflib
import math
import os
from dataclasses import dataclass
from enum import StrEnum, unique
from pathlib import Path
from typing import TYPE_CHECKING, Final

import platformdirs

from devicehub.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

PHONE_DATA: Final = "/data/local/tmp"
"""The folder of a phone in which a shell may write, and start programs."""
PHONE_ROOT: Final = f"{PHONE_DATA}/devicehub"
"""All of ours on a phone but the models; closed to other apps."""
PHONE_MODELS: Final = f"{PHONE_DATA}/mnn_models"
"""Where MnnLlmChat looks as well: the one folder of ours that other apps may read."""


def phone_root(data: str) -> str:
    """All of ours on a device whose shell may write in `data`."""
    return f"{data}/devicehub"


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
    def pulled(self) -> Path:
        """What was pulled from hubs: `HUB/ORG/NAME`, and under `.partial` what is not whole yet."""
        return self.root / "pulled"

    @property
    def exported(self) -> Path:
        """The models that were exported here without a place of their own."""
        return self.root / "exported"

    @property
    def folders(self) -> Path:
        """The folders that are watched for new models."""
        return self.root / "folders.json"

    @property
    def local(self) -> Path:
        """What this computer, as a device, keeps where a phone has /data/local/tmp."""
        return self.root / "local"

    @property
    def profiles(self) -> Path:
        """The user's own profiles; a file here wins over the packaged one of the same name."""
        return self.root / "profiles"

    @property
    def database(self) -> Path:
        """What is remembered of runs and phones; SQLite keeps files of its own beside it."""
        return self.root / "devicehub.db"

    @property
    def hub_file(self) -> Path:
        """Where the hub that runs on this home says how to reach it."""
        return self.root / "hub.json"

    @property
    def hub_lock(self) -> Path:
        """Held by the hub for its life."""
        return self.root / "hub.lock"

    @property
    def start_lock(self) -> Path:
        """Held by a command while it starts or replaces the hub."""
        return self.root / "start.lock"

    @property
    def token(self) -> Path:
        """What a client of the hub must know; mode 0600."""
        return self.root / "token"

    @property
    def adb_server(self) -> Path:
        """Which adb server was started from here: that one may be ended when it hangs."""
        return self.root / "adb-server.json"

    @property
    def network(self) -> Path:
        """The phones on the network that stay connected."""
        return self.root / "network.json"

    @property
    def builds(self) -> Path:
        """The folders in which engines are built; what stands in them makes the next build short."""
        return self.root / "builds"

    @property
    def app(self) -> Path:
        """The MnnLlmChat that was built here."""
        return self.root / "app" / "MnnLlmChat.apk"

    @property
    def baselines(self) -> Path:
        """What campaigns measured, saved to hold later ones against."""
        return self.root / "baselines"

    @property
    def logs(self) -> Path:
        """What a hub that a command started has logged."""
        return self.root / "logs"


def find_home(environ: Mapping[str, str] = os.environ) -> Home:
    """The folder that $DEVICEHUB_HOME names, else the platform's data folder."""
    chosen = environ.get("DEVICEHUB_HOME")
    return Home(Path(chosen).expanduser() if chosen else platformdirs.user_data_path("devicehub"))


def patience_s(environ: Mapping[str, str] = os.environ) -> float:
    """How long a run's phone may be out of reach before its command leaves the run to the phone."""
    return _seconds(environ, "patience_s")


def lost_after_s(environ: Mapping[str, str] = os.environ) -> float:
    """How long a phone may be away, in seconds, before its run counts as lost."""
    return _seconds(environ, "lost_after_s")


def keep_days(environ: Mapping[str, str] = os.environ) -> float | None:
    """For how many days runs are remembered after their end; None for ever, which 0 asks for."""
    return _seconds(environ, "keep_days") or None


def app_key(environ: Mapping[str, str] = os.environ) -> str | None:
    """The key of MnnLlmChat's API, for builds that tell it to nobody; it is never shown."""
    return load_settings(find_home(environ), environ).text("app_key")


def _seconds(environ: Mapping[str, str], name: str) -> float:
    value = load_settings(find_home(environ), environ).value(name)
    assert isinstance(value, float)
    return value


@unique
class Origin(StrEnum):
    """Where a setting's value comes from; what stands later wins."""

    DEFAULT = "default"
    FILE = "file"
    ENVIRONMENT = "environment"
    COMMAND_LINE = "command line"


@dataclass(frozen=True)
class Setting:
    """One setting.

    Attributes:
        name: its key in settings.toml; $DEVICEHUB_NAME is its variable.
        default: of the type that values have; None is not set.
        words: the only ones it may be; none where it is a number, or any text.
        is_secret: nobody is shown its value.
    """

    name: str
    default: float | str | None
    help: str
    words: tuple[str, ...] = ()
    is_secret: bool = False

    @property
    def variable(self) -> str:
        """Its environment variable."""
        return f"DEVICEHUB_{self.name.upper()}"

    def read(self, given: object) -> float | str:
        """Take a value from the file or, as text, from elsewhere.

        Raises:
            ValueError: it is of another kind, with what it should be.
        """
        if not isinstance(self.default, float):
            if not isinstance(given, str) or not given:
                raise ValueError(f"is {given!r}, not a text")
            if self.words and given not in self.words:
                raise ValueError(f"is {given!r}, not one of {', '.join(self.words)}")
            return given
        try:
            is_number = isinstance(given, int | float | str) and not isinstance(given, bool)
            value = float(str(given)) if is_number else math.nan
        except ValueError:
            value = math.nan
        if not 0 <= value < math.inf:
            raise ValueError(f"is {given!r}, not a number of 0 or more")
        return value


SETTINGS: Final = (
    Setting("patience_s", 120.0, "How long a run's phone may be out of reach before the run is left to it."),
    Setting("lost_after_s", 7 * 86400.0, "How long a phone may be away before its run counts as lost."),
    Setting("keep_days", 0.0, "For how many days runs are remembered after their end; 0 for ever."),
    Setting("idle_end_s", 600.0, "When a hub that a command started ends with nothing to do; 0 never."),
    Setting("local", "on", "Whether the hub's own computer is a device, `local`.", words=("on", "off")),
    Setting("listen", None, "HOST:PORT where the hub listens with TLS beside loopback."),
    Setting("tls_cert", None, "The certificate for that, a PEM file."),
    Setting("tls_key", None, "Its key, a PEM file."),
    Setting("app_key", None, "The key of MnnLlmChat's API, for its release builds.", is_secret=True),
    Setting("log_format", "human", "How the hub logs.", words=("human", "json")),
    Setting("log_level", "info", "What the hub logs.", words=("debug", "info", "warning", "error")),
)


@dataclass(frozen=True)
class Value:
    """A setting with its value.

    Attributes:
        place: the file, variable or option that it comes from; None for a default.
    """

    setting: Setting
    value: float | str | None
    origin: Origin = Origin.DEFAULT
    place: str | None = None


@dataclass(frozen=True)
class Settings:
    """All settings, each with the origin of its value."""

    values: tuple[Value, ...]

    def value(self, name: str) -> float | str | None:
        """The value of one."""
        return next(value.value for value in self.values if value.setting.name == name)

    def text(self, name: str) -> str | None:
        """The value of one that is a text; None where it is not set."""
        value = self.value(name)
        assert not isinstance(value, float)
        return value


def load_settings(
    home: Home, environ: Mapping[str, str] = os.environ, options: Mapping[str, str | None] | None = None
) -> Settings:
    """All settings: settings.toml of the home, over it the environment, over that the command line.

    Args:
        home: holds the file, which may be missing.
        environ: has the variables; an empty one does not count.
        options: what was typed, by the setting's name; None does not count.

    Raises:
        ConfigError: the file cannot be read, has keys that are no settings, or a value is of the wrong kind;
            all of that is named at once.
    """
    file = home.root / "settings.toml"
    written = _read_file(file)
    problems: list[tuple[Path | str, str, str]] = [
        (file, key, _describe_unknown(key)) for key in written if key not in _NAMES
    ]
    values = []
    for setting in SETTINGS:
        option = (options or {}).get(setting.name)
        variable = environ.get(setting.variable, "").strip()
        found: tuple[object, Origin, Path | str, str] | None = None
        if option is not None:
            name = f"--{setting.name.replace('_', '-')}"
            found = option, Origin.COMMAND_LINE, "command line", name
        elif variable:
            found = variable, Origin.ENVIRONMENT, "environment", setting.variable
        elif setting.name in written:
            found = written[setting.name], Origin.FILE, file, setting.name
        if found is None:
            values.append(Value(setting, setting.default))
            continue
        given, origin, where, key = found
        try:
            value = setting.read(given)
        except ValueError as error:
            problems.append((where, key, str(error)))
            continue
        place = f"{file} [{key}]" if origin is Origin.FILE else key
        values.append(Value(setting, value, origin, place))
    if problems:
        raise _describe(problems)
    return Settings(tuple(values))


_NAMES: Final = tuple(setting.name for setting in SETTINGS)
_MOST_BYTES: Final = 1_000_000


def _read_file(file: Path) -> dict[str, object]:
    try:
        with file.open("rb") as opened:
            text = opened.read(_MOST_BYTES).decode("utf-8")
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise ConfigError(f"cannot be read: {error.strerror}", file=file) from None
    except UnicodeDecodeError as error:
        raise ConfigError(f"is no UTF-8 from byte {error.start} on", file=file) from None
    import tomllib

    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"is no TOML: {error}", file=file) from None


def _describe_unknown(key: str) -> str:
    near = difflib.get_close_matches(key, _NAMES, n=1)
    return "is no setting; " + (f"did you mean {near[0]!r}?" if near else f"there are {', '.join(_NAMES)}")


def _describe(problems: Sequence[tuple[Path | str, str, str]]) -> ConfigError:
    where, key, problem = problems[0]
    if len(problems) == 1:
        return ConfigError(problem, file=where, key=key)
    listed = "".join(f"\n  {ConfigError(text, file=place, key=name)}" for place, name, text in problems)
    return ConfigError(f"{len(problems)} settings are wrong:{listed}", file="settings")
