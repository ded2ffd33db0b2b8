"""Reads profiles: the packaged ones, and over them the user's own under $DEVICEHUB_HOME/profiles."""

from __future__ import annotations

import difflib
import re
import tomllib
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final, Protocol, TypeVar, cast, get_args

import msgspec

from devicehub.assets import find_asset
from devicehub.errors import ConfigError, InputError
from devicehub.profiles.device_file import DeviceFile
from devicehub.profiles.engine_file import EngineFile
from devicehub.profiles.match import Soc
from devicehub.profiles.phone_values import PhoneValues, Settled, settle
from devicehub.profiles.places import line_of
from devicehub.profiles.recipes import RecipeFile
from devicehub.profiles.run_file import RunFile
from devicehub.profiles.schema import KINDS, ProfileFile, ProtocolFile, SocFile

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from pathlib import Path

    from devicehub.profiles.custom import Custom
    from devicehub.settings import Home

_FileT = TypeVar("_FileT", bound=ProfileFile)


class Checked(Protocol):
    """What a file of TOML is to hold: a struct that tells what its types cannot say."""

    def problems(self, file_id: str) -> Iterable[tuple[str, str]]:
        """Pairs of a key and what is wrong with it."""


_CheckedT = TypeVar("_CheckedT", bound=Checked)
_MOST_BYTES: Final = 1 << 20
_TOML_PLACE: Final = re.compile(r" \(at (?:line (\d+), column \d+|end of document)\)$")


@dataclass(frozen=True)
class Located:
    """Where a profile lies.

    Attributes:
        own: it is the user's, not a packaged one.
    """

    kind: str
    id: str
    path: Path
    own: bool


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong in one file."""

    file: Path
    key: str | None
    line: int | None
    problem: str

    def error(self) -> ConfigError:
        """The problem as an error to raise."""
        return ConfigError(self.problem, file=self.file, key=self.key, line=self.line)

    def __str__(self) -> str:
        return str(self.error())


@dataclass(frozen=True)
class RunProfile:
    """A run profile: keys of config.json that win over the model's own.

    Attributes:
        config: for any phone; what depends on one is settled by `phone_values.settle`.
        custom: the command of workload custom, for which alone this profile is then.
    """

    id: str
    summary: str
    config: dict[str, Any]
    source: Path
    file: RunFile
    custom: Custom | None = None


def find_profiles(kind: str, home: Home) -> dict[str, Located]:
    """All profiles of a kind by id; the user's file stands in for the packaged one of the same name."""
    found: dict[str, Located] = {}
    for folder, own in ((find_asset("profiles"), False), (home.profiles, True)):
        for path in sorted((folder / kind).glob("*.toml")):
            found[path.stem] = Located(kind, path.stem, path, own)
    return found


def load_profiles(kind: type[_FileT], home: Home) -> dict[str, _FileT]:
    """All profiles of a kind, read and checked.

    Raises:
        ConfigError: the first problem of the first file that has one.
    """
    name = next(name for name, file_type in KINDS.items() if file_type is kind)
    return {id_: load_file(located.path, kind) for id_, located in find_profiles(name, home).items()}


def run_profile(name: str, home: Home) -> RunProfile:
    """The run profile of that name.

    Raises:
        InputError: there is none.
        ConfigError: its file is wrong.
    """
    path = _find("runs", name, home, what="run profile")
    file = load_file(path, RunFile)
    return RunProfile(
        id=name,
        summary=file.summary,
        config=dict(file.config),
        source=path,
        file=file,
        custom=file.custom,
    )


def for_phone(profile: RunProfile, phone: PhoneValues) -> tuple[RunProfile, Settled]:
    """The profile with all that depends on the phone settled, and what decided it."""
    settled = settle(profile.file, phone)
    return replace(profile, config=settled.config), settled


def protocol_file(name: str, home: Home) -> ProtocolFile:
    """The protocol of that name, as its file says it.

    Raises:
        InputError: there is none.
        ConfigError: its file is wrong.
    """
    return load_file(_find("protocols", name, home, what="protocol"), ProtocolFile)


def recipe_file(name: str, home: Home) -> RecipeFile:
    """The recipe of that name, as its file says it.

    Raises:
        InputError: there is none.
        ConfigError: its file is wrong.
    """
    return load_file(_find("recipes", name, home, what="recipe"), RecipeFile)


def engine_file(name: str, home: Home) -> EngineFile:
    """How to build the engine of that name, as its file says it.

    Raises:
        InputError: there is none.
        ConfigError: its file is wrong.
    """
    return load_file(_find("engines", name, home, what="engine profile"), EngineFile)


def _find(kind: str, name: str, home: Home, *, what: str) -> Path:
    known = find_profiles(kind, home)
    if name not in known:
        close = difflib.get_close_matches(name, known, n=1)
        remedy = f"did you mean {close[0]}?" if close else f"there are {', '.join(sorted(known))}"
        raise InputError(name, f"no {what} has this name", remedy=remedy)
    return known[name].path


def load_file(path: Path, kind: type[_FileT]) -> _FileT:
    """Read one profile.

    Raises:
        ConfigError: the first of its problems, and how many more there are.
    """
    value, problems = check_file(path, kind)
    if problems:
        first = problems[0]
        more = f"; {len(problems) - 1} more, see `devicehub profiles check`" if len(problems) > 1 else ""
        raise ConfigError(first.problem + more, file=path, key=first.key, line=first.line)
    assert value is not None
    return value


def check_file(path: Path, kind: type[_FileT]) -> tuple[_FileT | None, Sequence[Problem]]:
    """Read one profile and list everything that is wrong with it."""
    try:
        if path.stat().st_size > _MOST_BYTES:
            return None, [Problem(path, None, None, "is too big for a profile: take what is no setting out")]
        text = path.read_bytes().decode()
    except OSError as error:
        return None, [Problem(path, None, None, f"cannot be read: {error.strerror}")]
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        return None, [Problem(path, None, line, "is not UTF-8; save it as UTF-8")]
    return check_text(text, kind, path)


def check_text(text: str, kind: type[_CheckedT], path: Path) -> tuple[_CheckedT | None, Sequence[Problem]]:
    """Read the text of a file of TOML and list everything that is wrong with it.

    Args:
        text: what the file holds.
        kind: what it is to hold.
        path: where it lies, or how a person calls it; it is not read.
    """
    try:
        table = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        place = _TOML_PLACE.search(str(error))
        line_number = int(place[1]) if place and place[1] else None
        words = _TOML_PLACE.sub("" if line_number else " at the end of the file", str(error))
        return None, [Problem(path, None, line_number, f"TOML: {words[:1].lower()}{words[1:]}")]
    except RecursionError:
        return None, [Problem(path, None, None, "TOML: nested too deeply")]
    found = list(_shape_problems(table, cast("type[msgspec.Struct]", kind)))
    value = None
    if not found:
        value = msgspec.convert(table, kind)
        found = list(value.problems(path.stem))
    return value, [Problem(path, key, line_of(text, key), words) for key, words in found]


def _shape_problems(
    table: dict[str, Any], kind: type[msgspec.Struct], within: str = ""
) -> Iterator[tuple[str, str]]:
    """Unknown keys, missing keys and wrong types, all of them; msgspec alone stops at the first."""
    fields = {field.encode_name: field for field in msgspec.structs.fields(kind)}
    for key, value in table.items():
        if key not in fields:
            yield within + key, "unknown key" + did_you_mean(key, fields)
            continue
        inner = _struct_in(fields[key].type)
        tables = list(_tables_in(within + key, value)) if inner else []
        found = (
            [problem for place, item in tables for problem in _shape_problems(item, inner, f"{place}.")]
            if inner
            else []
        )
        yield from found
        if found:
            continue
        try:
            msgspec.convert(value, fields[key].type)
        except msgspec.ValidationError as error:
            # "Expected `int` >= 1 - at `$[0].cores`"
            words, _, path = str(error).partition(" - at `$")
            yield within + key + path.rstrip("`"), words[:1].lower() + words[1:]
    for key, field in fields.items():
        if field.required and key not in table:
            yield within + key, "is missing"


def _struct_in(kind: Any) -> type[msgspec.Struct] | None:
    """The struct that a type holds: itself, or of `Struct | None`, or of `tuple[Struct, ...]`."""
    if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
        return kind
    return next((found for part in get_args(kind) if (found := _struct_in(part))), None)


def _tables_in(key: str, value: object) -> Iterator[tuple[str, dict[str, Any]]]:
    """The tables of a value, each with its place: itself, or those of a list."""
    if isinstance(value, dict):
        yield key, value
    elif isinstance(value, list):
        yield from ((f"{key}[{number}]", item) for number, item in enumerate(value) if isinstance(item, dict))


def summary_of(located: Located) -> str:
    """What a profile is for, in a few words, or that it is wrong."""
    file, problems = check_file(located.path, KINDS[located.kind])
    if file is None or problems:
        return "wrong; see `devicehub profiles check`"
    if isinstance(file, SocFile):
        return _join(file.names) or file.model or file.vendor
    return file.summary


def _join(names: Sequence[str]) -> str:
    """The names of one chip; a family's name that all begin with is said once."""
    family = names[0].partition(" ")[0] if names else ""
    if not all(name.startswith(f"{family} ") for name in names):
        return " / ".join(names)
    return " / ".join([*names[:1], *(name.removeprefix(f"{family} ") for name in names[1:])])


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """` (did you mean ...?)` where a known word is close, else nothing."""
    close = difflib.get_close_matches(word, list(known), n=1)
    return f" (did you mean {close[0]}?)" if close else ""


def load_socs(home: Home, tell: Callable[[str], None] | None = None) -> SocFolder:
    """The SoC profiles, to look names up in.

    Args:
        home: holds the user's own.
        tell: is told of a file that is wrong, for which the packaged one then stands; where it is left out,
            that raises.
    """
    return SocFolder(home, tell)


def load_devices(home: Home, tell: Callable[[str], None] | None = None) -> DeviceFolder:
    """The profiles of products and makers, to look phones up in.

    Args:
        home: holds the user's own.
        tell: is told of a file that is wrong, which is then passed over; where it is left out, that raises.
    """
    return DeviceFolder(home, tell)


class DeviceFolder:
    """The profiles of products and makers on disk, decoded once.

    Raises, on look-up:
        ConfigError: a file is wrong, and nobody is to be told.
    """

    def __init__(self, home: Home, tell: Callable[[str], None] | None = None) -> None:
        self._home = home
        self._tell = tell

    def all(self) -> Sequence[DeviceFile]:
        """All there are, by id."""
        return self._files

    @cached_property
    def _files(self) -> Sequence[DeviceFile]:
        found: list[DeviceFile] = []
        for located in find_profiles("devices", self._home).values():
            try:
                found.append(load_file(located.path, DeviceFile))
            except ConfigError as error:
                if self._tell is None:
                    raise
                self._tell(str(error))
        return found


class SocFolder:
    """The SoC profiles on disk; only files that hold the wanted name are decoded.

    One identification needs two or three of more than a hundred files, and TOML is slow to decode.
    A name is searched as it stands: a file that writes it with TOML escapes is not found by it.

    Raises, on look-up:
        ConfigError: a file that holds the name is wrong, and nobody is to be told.
    """

    def __init__(self, home: Home, tell: Callable[[str], None] | None = None) -> None:
        self._home = home
        self._tell = tell
        self._decoded: dict[str, Soc | None] = {}

    def named(self, name: str) -> Sequence[Soc]:
        """All SoCs that a part number or platform name stands for, whatever its case."""
        wanted = name.lower()
        raw = wanted.encode("utf-8", "replace")
        quoted = (b'"' + raw + b'"', b"'" + raw + b"'")
        return [
            soc
            for id_, text in self._texts.items()
            if id_ == wanted or any(form in text for form in quoted)
            if (soc := self._soc(id_)) is not None and soc.answers_to(wanted)
        ]

    def with_kernel_id(self, number: int) -> Sequence[Soc]:
        """The SoCs to which Qualcomm's kernels give this soc_id."""
        wanted = re.compile(rb"\b%d\b" % number)
        return [
            soc
            for id_, text in self._texts.items()
            if b"kernel_soc_ids" in text and wanted.search(text)
            if (soc := self._soc(id_)) is not None and number in soc.facts.kernel_soc_ids
        ]

    @cached_property
    def _files(self) -> dict[str, Located]:
        return find_profiles("socs", self._home)

    @cached_property
    def _texts(self) -> dict[str, bytes]:
        return {id_: self._text(located.path) for id_, located in self._files.items()}

    def _text(self, path: Path) -> bytes:
        try:
            return path.read_bytes().lower()
        except OSError as error:
            if self._tell is None:
                raise
            self._tell(f"{path}: {error.strerror}")
            return b""

    def _soc(self, id_: str) -> Soc | None:
        if id_ not in self._decoded:
            self._decoded[id_] = self._decode(id_)
        return self._decoded[id_]

    def _decode(self, id_: str) -> Soc | None:
        located = self._files[id_]
        try:
            return Soc(id_, load_file(located.path, SocFile))
        except ConfigError as error:
            if self._tell is None:
                raise
            self._tell(str(error))
        packaged = find_asset("profiles") / "socs" / located.path.name
        return Soc(id_, load_file(packaged, SocFile)) if located.own and packaged.is_file() else None
