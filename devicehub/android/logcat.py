"""What logcat prints, in every format that `-v` knows and the layouts that Android Studio copies.

Every line of the input becomes exactly one item: an entry, a divider, the heading of an entry in the long
format, or a line that is none of these. The formats are those of liblog's `logprint.cpp`; the modifiers
year, zone, epoch, monotonic, usec, nsec, uid and color change columns in all of them.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from devicehub.android.lines import LineSplitter

if TYPE_CHECKING:
    from collections.abc import Iterator


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the log.

    Attributes:
        message: what was logged, its leading spaces kept.
        tag: who logged it; None in the formats that leave it out.
        level: one of V D I W E F S.
        pid: None where the format leaves it out.
        tid: None where the format leaves it out.
        uid: name or number of the user, where asked for.
        package: the app, in Android Studio's layouts.
        stamp: date and time as printed, zone included.
        at_s: the stamp in seconds; only differences within one log mean anything.
    """

    message: str
    tag: str | None = None
    level: str | None = None
    pid: int | None = None
    tid: int | None = None
    uid: str | None = None
    package: str | None = None
    stamp: str | None = None
    at_s: float | None = None


@dataclass(frozen=True, slots=True)
class Heading:
    """The first line of an entry in the long format: everything but the message."""

    entry: Entry


@dataclass(frozen=True, slots=True)
class Divider:
    """`--------- beginning of main` or `--------- switch to main`."""

    buffer: str


@dataclass(frozen=True, slots=True)
class Unparsed:
    """A line that no format explains: the rest of a message, or no log at all."""

    text: str


Item = Entry | Heading | Divider | Unparsed

_ANSI: Final = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")
# "(standard input):23860:01-01 00:07:59.112 ...", "app.log-12-01-01 ...", "7:I/tag: ..."
_GREP: Final = re.compile(r"(?:\(standard input\)[:-]|[\w./ -]{1,120}\.\w{1,8}[:-])?(?:\d+[:-])?(?=\S)")
_DIVIDER: Final = re.compile(r"-{5,} (?:beginning of|switch to) (?:/dev/log/)?(\S+)\s*$")

# "06-16 12:06:01.599", "2021-01-18 12:33:17.718860224 +0000", "1623844561.599", "    12.345678"
# Android Studio's compact view: "12:06:01.599"
_STAMP: Final = (
    r"(?P<stamp>(?:\d{4}-)?\d\d-\d\d \d\d:\d\d:\d\d(?:\.\d{3,9})?(?: ?[+-]\d{4})?"
    r"|\d{1,19}\.\d{3,9}|\d\d:\d\d:\d\d\.\d{3})"
)
_LEVEL: Final = r"(?P<level>[VDIWEFSA])"
# Bounded, so that a long line of spaces cannot make the search quadratic.
_TAG: Final = r"(?P<tag>.{0,128}?)"
_IDS: Final = r"(?P<ids>(?:[A-Za-z]\w* +)?(?:\d+ +){0,3})"
_UID: Final = r"(?:(?P<uid>[\w.-]+) *: *)?"
_PACKAGE: Final = r"(?P<package>\?|pid-\d+|[\w.:-]+)"

_FORMATS: Final = tuple(
    re.compile(pattern)
    for pattern in (
        # threadtime: "06-16 12:06:01.599  8826  8826 I MNNJNI  : text", with uid "  root  8826  8826 I ..."
        rf"{_STAMP} +{_IDS}{_LEVEL} (?! +[^ :]){_TAG} *:(?: (?P<message>.*)|$)",
        # time: "06-16 12:06:01.599 I/MNNJNI  ( 8826): text"
        rf"{_STAMP} +{_LEVEL}/{_TAG} *\( *{_UID}(?P<pid>\d+)\): ?(?P<message>.*)",
        # Android Studio until 2022: "2019-11-06 10:48:38.099 22391-22407/com.app D/vulkan: text"
        rf"{_STAMP} +(?P<pid>\d+)-(?P<tid>\d+)(?:/{_PACKAGE}(?: \([^)]*\))?)? +{_LEVEL}/{_TAG} *: ?"
        r"(?P<message>.*)",
        # Android Studio since 2022: "2022-12-29 04:00:18.823 30249-30321 Tag     com.app    D  text"
        rf"{_STAMP} +(?P<pid>\d+)-(?P<tid>\d+) +(?P<tag>\S.{{0,127}}?) +{_PACKAGE} +{_LEVEL}  ?"
        r"(?P<message>.*)",
        # Android Studio's compact view: "12:06:01.599  I  text"
        rf"{_STAMP} +{_LEVEL}  (?P<message>.*)",
        # brief and tag: "I/MNNJNI  ( 8826): text", "I/MNNJNI: text"
        rf"{_LEVEL}/(?P<tag>[^\s(:][^(:]{{0,127}}?) *\( *{_UID}(?P<pid>\d+)\): ?(?P<message>.*)",
        rf"{_LEVEL}/(?P<tag>[^\s:][^:]{{0,127}}?) *: ?(?P<message>.*)",
        # thread: "I( 8826: 8826) text"; process: "I( 8826) text  (MNNJNI)"
        rf"{_LEVEL}\( *{_UID}(?P<pid>\d+): *(?P<tid>\d+|0x[0-9a-f]+)\) ?(?P<message>.*)",
        rf"{_LEVEL}\( *{_UID}(?P<pid>\d+)\) ?(?P<message>.*?)  \((?P<tag>[^()]*)\) *$",
    )
)
_LONG: Final = re.compile(
    rf"\[ +{_STAMP} +{_UID}(?P<pid>\d+): *(?P<tid>\d+|0x[0-9a-f]+) {_LEVEL}/{_TAG} *\]\s*$"
)
# Cheap first looks, so that a line of prose costs little.
_MAY_BE_ENTRY: Final = re.compile(r"\d|[VDIWEFSA][/(]")


class LogcatParser:
    """A log in pieces of any size becomes items, one per line."""

    def __init__(self) -> None:
        self._splitter = LineSplitter()
        self._lines = LogLines()

    def receive(self, data: bytes) -> Iterator[Item]:
        """Take bytes, give the items of the lines that they complete."""
        for line in self._splitter.receive(data):
            yield self._lines.take(line.text)

    def finish(self) -> Iterator[Item]:
        """Give the item of a last line without an end, if there is one."""
        for line in self._splitter.finish():
            yield self._lines.take(line.text)


class LogLines:
    """Lines of a log become items; remembers the heading that lines of the long format belong to."""

    def __init__(self) -> None:
        self._heading: Entry | None = None

    def take(self, text: str) -> Item:
        """Read one line, given without its end."""
        line = _ANSI.sub("", text).strip("\r\ufeff\0") if "\x1b" in text or text[:1] in "\ufeff\0\r" else text
        divider = _DIVIDER.match(line) if line.startswith("-----") else None
        if divider:
            self._heading = None
            return Divider(divider[1])
        if line.startswith("[ "):
            heading = _LONG.match(line)
            if heading:
                self._heading = _entry(heading)
                return Heading(self._heading)
        entry = parse_entry(line)
        if entry is not None:
            self._heading = None
            return entry
        if self._heading is not None:
            return replace(self._heading, message=line)
        return Unparsed(text)


def parse_entry(line: str) -> Entry | None:
    """Read one line of any format in which a line holds a whole entry; None for any other line."""
    stripped = line.lstrip(" ")
    match = _match(stripped)
    if match is None and stripped:
        prefix = _GREP.match(stripped)
        if prefix and prefix.end():
            match = _match(stripped[prefix.end() :].lstrip(" "))
    return _entry(match) if match else None


def _match(line: str) -> re.Match[str] | None:
    if not _MAY_BE_ENTRY.match(line):
        return None
    formats = _FORMATS[:5] if line[0].isdigit() else _FORMATS[5:]
    for form in formats:
        match = form.match(line)
        if match:
            return match
    return None


def _entry(match: re.Match[str]) -> Entry:
    found = match.groupdict()
    uid, pid, tid = found.get("uid"), _integer(found.get("pid")), _integer(found.get("tid"))
    if found.get("ids"):
        uid, pid, tid = _read_ids(found["ids"].split())
    level = found["level"]
    stamp = found.get("stamp")
    return Entry(
        message=found.get("message") or "",
        tag=found.get("tag"),
        # Android Studio writes assert, logcat fatal; it is one level.
        level="F" if level == "A" else level,
        pid=pid,
        tid=tid,
        uid=uid,
        package=found.get("package"),
        stamp=stamp,
        at_s=seconds(stamp) if stamp else None,
    )


def _read_ids(ids: list[str]) -> tuple[str | None, int | None, int | None]:
    """Columns between stamp and level: `pid tid`, `uid pid tid`, `uid pid`, `pid`, or none."""
    uid = ids.pop(0) if len(ids) == 3 or (ids and not ids[0].isdigit()) else None
    numbers = [_integer(text) for text in ids]
    return uid, numbers[0] if numbers else None, numbers[1] if len(numbers) > 1 else None


def _integer(text: str | None) -> int | None:
    if text is None:
        return None
    try:
        return int(text, 0) if text.startswith("0x") else int(text)
    except ValueError:
        return None


def seconds(stamp: str) -> float | None:
    """Turn a stamp into seconds; without a year it counts as a leap year's, None where it is no time."""
    if ":" not in stamp:
        return float(stamp)
    if "-" not in stamp:
        # Android Studio's compact view shows the time alone.
        stamp = f"01-01 {stamp}"
    # "2021-01-18 12:33:17.718860224 +0000"
    date, time, *zone = re.sub(r"(\d)([+-]\d{4})$", r"\1 \2", stamp).split()
    clock, _, fraction = time.partition(".")
    year = date if date.count("-") == 2 else f"2000-{date}"
    try:
        moment = datetime.strptime(f"{year} {clock} {zone[0] if zone else '+0000'}", "%Y-%m-%d %H:%M:%S %z")
        whole_s = moment.astimezone(UTC).timestamp()
    except (ValueError, OverflowError):  # no such day; a zone that leads out of all years
        return None
    return whole_s + (float(f"0.{fraction}") if fraction else 0.0)
