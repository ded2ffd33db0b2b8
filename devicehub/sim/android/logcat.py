"""logcat's options and formats. Pure: what to print for which entries.

Source of the formats: AOSP system/logging, liblog/logprint.cpp and logcat/logcat.cpp.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from devicehub.sim.android.logring import BUFFERS

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from devicehub.sim.android.logring import Entry

_LETTERS: Final = "??VDIWEFS"
_DEFAULT_BUFFERS: Final = ("main", "system", "crash")
_FORMATS: Final = ("brief", "long", "process", "raw", "tag", "thread", "threadtime", "time")
_MODIFIERS: Final = (
    "UTC",
    "color",
    "descriptive",
    "epoch",
    "monotonic",
    "nsec",
    "printable",
    "uid",
    "usec",
    "year",
    "zone",
)
_WITH_VALUE: Final = "bfrnvtTGem"
_NAMES: Final = {0: "root", 1000: "system", 2000: "shell"}
_NS: Final = 1_000_000_000
_LONG_NAMES: Final = {
    "buffer": "b",
    "buffer-size": "g",
    "clear": "c",
    "dividers": "D",
    "file": "f",
    "format": "v",
    "max-count": "m",
    "pid": "pid",
    "regex": "e",
    "rotate-count": "n",
    "rotate-kbytes": "r",
    "statistics": "S",
}


class UsageError(Exception):
    """The options make no sense; the text is what logcat says."""


@dataclass
class Options:
    """What one call of logcat asks for."""

    dump: bool = False
    clear: bool = False
    show_size: bool = False
    set_size: int | None = None
    buffers: tuple[str, ...] = _DEFAULT_BUFFERS
    format: str = "threadtime"
    modifiers: set[str] = field(default_factory=set)
    tail: int | None = None
    """How many entries to begin with."""
    since_ns: int | None = None
    """Entries at or after this time; -T is inclusive."""
    file: str | None = None
    rotate_kib: int = 0
    rotate_count: int = 4
    max_count: int | None = None
    regex: str | None = None
    pid: int | None = None
    dividers: bool = False
    levels: dict[bytes, int] = field(default_factory=dict)
    """Lowest priority by tag."""
    default_level: int = 2

    def wants(self, entry: Entry) -> bool:
        """Whether an entry passes tags, pid and regex."""
        if entry.priority < self.levels.get(entry.tag, self.default_level):
            return False
        if self.pid is not None and entry.pid != self.pid:
            return False
        return self.regex is None or re.search(self.regex.encode(), entry.message) is not None


def parse_options(argv: Sequence[str], *, now_ns: int) -> Options:
    """Read logcat's arguments, without the program's name.

    Raises:
        UsageError: an option or value that logcat does not know.
    """
    options = Options()
    words = list(argv)
    while words:
        word = words.pop(0)
        if word.startswith("--"):
            name, equals, value = word[2:].partition("=")
            letter = _LONG_NAMES.get(name)
            if letter is None:
                raise UsageError(f"logcat: unrecognized option '{word}'")
            if (letter in _WITH_VALUE or letter == "pid") and not equals:
                value = _value(words, name)
            _apply(options, letter, value, now_ns)
        elif word.startswith("-") and len(word) > 1:
            _parse_cluster(options, word[1:], words, now_ns)
        else:
            _add_filter(options, word)
    return options


def _parse_cluster(options: Options, letters: str, words: list[str], now_ns: int) -> None:
    for index, letter in enumerate(letters):
        if letter in _WITH_VALUE:
            value = letters[index + 1 :] or _value(words, letter)
            _apply(options, letter, value, now_ns)
            return
        _apply(options, letter, "", now_ns)


def _value(words: list[str], name: str) -> str:
    if not words:
        raise UsageError(f"logcat: option requires an argument -- {name}")
    return words.pop(0)


def _apply(options: Options, letter: str, value: str, now_ns: int) -> None:
    if letter == "d":
        options.dump = True
    elif letter == "c":
        options.clear = True
    elif letter == "g":
        options.show_size = True
    elif letter == "G":
        options.set_size = _parse_size(value)
    elif letter == "b":
        options.buffers = _parse_buffers(value)
    elif letter == "f":
        options.file = value
    elif letter == "r":
        options.rotate_kib = _parse_number(value, "-r")
    elif letter == "n":
        options.rotate_count = _parse_number(value, "-n")
    elif letter == "m":
        options.max_count = _parse_number(value, "-m")
    elif letter == "e":
        options.regex = value
    elif letter == "pid":
        options.pid = _parse_number(value, "--pid")
    elif letter == "D":
        options.dividers = True
    elif letter == "s":
        options.default_level = 8
    elif letter == "v":
        _set_format(options, value)
    elif letter in "tT":
        options.dump = options.dump or letter == "t"
        _set_start(options, value, now_ns)
    elif letter != "S":
        raise UsageError(f"logcat: invalid option -- {letter}")


def _parse_number(value: str, name: str) -> int:
    if not re.fullmatch(r"[0-9]{1,9}", value):
        raise UsageError(f"logcat: {name} {value}: not a number")
    return int(value)


def _parse_size(value: str) -> int:
    found = re.fullmatch(r"([0-9]{1,9})([KMG]?)", value)
    if found is None:
        raise UsageError("logcat: -G <size>[kMG] is not valid")
    return int(found[1]) << {"": 0, "K": 10, "M": 20, "G": 30}[found[2]]


def _parse_buffers(value: str) -> tuple[str, ...]:
    chosen: set[str] = set()
    for name in value.split(","):
        if name == "all":
            chosen.update(BUFFERS)
        elif name == "default":
            chosen.update(_DEFAULT_BUFFERS)
        elif name in BUFFERS:
            chosen.add(name)
        else:
            raise UsageError(f"logcat: Unknown buffer '{name}'")
    return tuple(name for name in BUFFERS if name in chosen)


def _set_format(options: Options, value: str) -> None:
    for word in re.split(r"[,\s]+", value):
        if word in _FORMATS:
            options.format = word
        elif word in _MODIFIERS:
            options.modifiers.add(word)
        else:
            raise UsageError(f'logcat: Invalid parameter "{word}" to -v')


def _set_start(options: Options, value: str, now_ns: int) -> None:
    if re.fullmatch(r"[0-9]{1,9}", value):
        options.tail = max(int(value), 1)
        return
    start = parse_time(value, now_ns=now_ns)
    if start is None:
        raise UsageError(f'logcat: -T "{value}" not in time format')
    options.since_ns = start


# "11-22 21:59:00.123", "2026-11-22 21:59:00.123456789", "1795384740.123"
_STAMP: Final = re.compile(r"(?:(\d{4})-)?(\d\d)-(\d\d) (\d\d):(\d\d):(\d\d)(?:\.(\d{1,9}))?")
_EPOCH: Final = re.compile(r"(\d{1,12})\.(\d{1,9})")


def parse_time(text: str, *, now_ns: int) -> int | None:
    """A time as -T takes it, in nanoseconds since the epoch; a stamp without a year is of this one."""
    epoch = _EPOCH.fullmatch(text)
    if epoch is not None:
        return int(epoch[1]) * _NS + int(epoch[2].ljust(9, "0"))
    stamp = _STAMP.fullmatch(text)
    if stamp is None:
        return None
    year = int(stamp[1]) if stamp[1] else datetime.fromtimestamp(now_ns // _NS, UTC).year
    try:
        month, day, hour, minute, second = (int(stamp[index]) for index in range(2, 7))
        moment = datetime(year, month, day, hour, minute, second, tzinfo=UTC)
    except ValueError:
        return None
    return int(moment.timestamp()) * _NS + int((stamp[7] or "0").ljust(9, "0"))


def _add_filter(options: Options, word: str) -> None:
    tag, _, letter = word.partition(":")
    level = _LETTERS.find(letter.upper()) if letter else 2
    if level < 0 or not tag:
        raise UsageError(f"logcat: Invalid filter expression '{word}'")
    if tag == "*":
        options.default_level = level
    else:
        options.levels[tag.encode()] = level


class Printer:
    """Turns entries into logcat's lines, dividers included."""

    def __init__(self, options: Options) -> None:
        self._options = options
        self._begun: set[str] = set()
        self._last: str | None = None

    def show(self, entry: Entry) -> bytes:
        """The lines for an entry."""
        return self._divider(entry.buffer) + b"".join(format_entry(entry, self._options))

    def _divider(self, buffer: str) -> bytes:
        if buffer == self._last:
            return b""
        begun = buffer in self._begun
        self._last = buffer
        self._begun.add(buffer)
        if begun and not self._options.dividers:
            return b""
        return f"--------- {'switch to' if begun else 'beginning of'} {buffer}\n".encode()


def format_entry(entry: Entry, options: Options) -> Iterator[bytes]:
    """An entry's lines in the format that was asked for."""
    stamp = _format_time(entry.time_ns, options.modifiers)
    uid = ""
    if "uid" in options.modifiers:
        uid = f"{_NAMES.get(entry.uid, str(entry.uid)):>5}:"
        if len(uid) > 6:
            uid = f"{entry.uid:5}:"
    letter = _LETTERS[entry.priority] if entry.priority < len(_LETTERS) else "?"
    tag = entry.tag.decode("utf-8", "surrogateescape")
    prefixes = {
        "brief": f"{letter}/{tag:<8}({uid}{entry.pid:5}): ",
        "process": f"{letter}({uid}{entry.pid:5}) ",
        "raw": "",
        "tag": f"{letter}/{tag:<8}: ",
        "thread": f"{letter}({uid}{entry.pid:5}:{entry.tid:5}) ",
        "threadtime": f"{stamp} {uid.replace(':', ' ')}{entry.pid:5} {entry.tid:5} {letter} {tag:<8}: ",
        "time": f"{stamp} {letter}/{tag:<8}({uid}{entry.pid:5}): ",
        "long": f"[ {stamp} {uid}{entry.pid:5}:{entry.tid:5} {letter}/{tag:<8} ]\n",
    }
    prefix = prefixes[options.format].encode("utf-8", "surrogateescape")
    if options.format == "long":
        yield prefix + entry.message + b"\n\n"
        return
    suffix = b"  (" + entry.tag + b")\n" if options.format == "process" else b"\n"
    for line in entry.message.rstrip(b"\n").split(b"\n"):
        yield prefix + line + suffix


def _format_time(time_ns: int, modifiers: set[str]) -> str:
    seconds, rest = divmod(time_ns, _NS)
    digits = 9 if "nsec" in modifiers else 6 if "usec" in modifiers else 3
    fraction = f"{rest:09d}"[:digits]
    if "epoch" in modifiers or "monotonic" in modifiers:
        return f"{seconds:6}.{fraction}"
    moment = datetime.fromtimestamp(seconds, UTC)
    stamp = f"{moment:%Y-%m-%d %H:%M:%S}" if "year" in modifiers else f"{moment:%m-%d %H:%M:%S}"
    zone = " +0000" if "zone" in modifiers else ""
    return f"{stamp}.{fraction}{zone}"
