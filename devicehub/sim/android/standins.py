"""Applets that Debian's toybox lacks, with toybox's options: `python -I -S standins.py [--old-dd] NAME ...`.

GNU's programs take options that no phone knows, so a script that passes with them may fail on a phone. It
runs alone on the phone, so it imports nothing but the standard library, and of that little at once. An option
that an applet does not know ends it with status 1 and a message.
"""

from __future__ import annotations

import contextlib
import os
import sys
from pathlib import Path


class AppletError(Exception):
    """What an applet says before it ends.

    Attributes:
        status: its exit status.
    """

    def __init__(self, message: str, status: int = 1) -> None:
        super().__init__(message)
        self.status = status


# ---- dd

_SUFFIXES = {"": 1, "c": 1, "w": 2, "b": 512, "k": 1 << 10, "m": 1 << 20, "g": 1 << 30, "t": 1 << 40}


def parse_size(text: str, *, old: bool = False) -> int:
    """A number as dd takes it. NetBSD's dd, that of Android 8 and 9, knows lower case only."""
    digits = text.rstrip("cwbkmgtKMGT")
    suffix = text[len(digits) :]
    if not old:
        suffix = suffix.lower()
    if not digits.isdecimal() or suffix not in _SUFFIXES:
        raise AppletError(f"{text}: illegal numeric value" if old else f"bad number '{text}'")
    return int(digits) * _SUFFIXES[suffix]


_DD_WORDS = ("if", "of", "bs", "ibs", "obs", "count", "skip", "seek")
_DD_NEW_WORDS = ("conv", "status", "iflag", "oflag")
_DD_FLAGS = {
    "conv": {"fsync", "noerror", "notrunc", "sparse", "sync"},
    "status": {"none", "noxfer"},
    "iflag": {"count_bytes", "skip_bytes"},
    "oflag": {"seek_bytes"},
}


def dd(argv: list[str], *, old: bool = False) -> int:
    """Copy blocks. `old` is NetBSD's, which takes neither conv= nor status=."""
    words: dict[str, str] = {}
    for word in argv:
        name, equals, value = word.partition("=")
        if old and name == "conv":
            raise AppletError("conv option disabled")
        if not equals or name not in _DD_WORDS + (() if old else _DD_NEW_WORDS):
            raise AppletError(f"unknown operand {name}" if old else f"bad arg '{word}'")
        words[name] = value
    flags = {name: set(filter(None, words.get(name, "").split(","))) for name in _DD_FLAGS}
    for name, known in _DD_FLAGS.items():
        if not flags[name] <= known:
            raise AppletError(f"bad {name}={words[name]}")
    block = parse_size(words.get("bs", words.get("ibs", "512")), old=old)
    skip = parse_size(words.get("skip", "0"), old=old) * (1 if flags["iflag"] & {"skip_bytes"} else block)
    out_block = parse_size(words.get("bs", words.get("obs", "512")), old=old)
    seek = parse_size(words.get("seek", "0"), old=old) * (1 if flags["oflag"] else out_block)
    limit = parse_size(words["count"], old=old) if "count" in words else None
    with contextlib.ExitStack() as stack:
        source = _open_input(words.get("if"), skip, stack)
        target = _open_output(words.get("of"), seek, keep="notrunc" in flags["conv"], stack=stack)
        whole, part, size = _copy(source, target, block, limit, in_bytes="count_bytes" in flags["iflag"])
        if "fsync" in flags["conv"]:
            os.fsync(target)
    if "none" not in flags["status"]:
        sys.stderr.write(f"{whole}+{part} records in\n{whole}+{part} records out\n")
        if "noxfer" not in flags["status"]:
            sys.stderr.write(f"{size} bytes ({size} B) copied\n")
    return 0


def _open_input(path: str | None, skip: int, stack: contextlib.ExitStack) -> int:
    fd = 0 if path is None else os.open(path, os.O_RDONLY)
    if path is not None:
        stack.callback(os.close, fd)
    try:
        os.lseek(fd, skip, os.SEEK_CUR)
    except OSError:
        while skip and (data := os.read(fd, min(skip, 65536))):
            skip -= len(data)
    return fd


def _open_output(path: str | None, seek: int, *, keep: bool, stack: contextlib.ExitStack) -> int:
    if path is None:
        return 1
    fd = os.open(path, os.O_WRONLY | os.O_CREAT, 0o666)
    stack.callback(os.close, fd)
    if not keep and Path(path).is_file():
        os.ftruncate(fd, seek)
    if seek:
        os.lseek(fd, seek, os.SEEK_SET)
    return fd


def _copy(source: int, target: int, block: int, limit: int | None, *, in_bytes: bool) -> tuple[int, int, int]:
    whole = part = size = 0
    while limit is None or (size if in_bytes else whole + part) < limit:
        wanted = min(block, limit - size) if in_bytes and limit is not None else block
        # One read per block, as dd does: a short read from a pipe counts as a block.
        data = os.read(source, wanted)
        if not data:
            break
        _write(target, data)
        size += len(data)
        whole += len(data) == block
        part += len(data) != block
    return whole, part, size


def _write(fd: int, data: bytes) -> None:
    while data:
        data = data[os.write(fd, data) :]


# ---- tr

_CLASSES = {
    "alnum": bytes(c for c in range(128) if chr(c).isalnum()),
    "alpha": bytes(c for c in range(128) if chr(c).isalpha()),
    "blank": b" \t",
    "digit": b"0123456789",
    "lower": bytes(range(97, 123)),
    "space": b"\t\n\v\f\r ",
    "upper": bytes(range(65, 91)),
    "xdigit": b"0123456789ABCDEFabcdef",
}
_ESCAPES = {"n": 10, "t": 9, "r": 13, "\\": 92, "a": 7, "b": 8, "f": 12, "v": 11}


def expand_set(text: str) -> bytes:
    """The bytes that a set stands for: ranges, classes such as [:digit:], escapes."""
    out = bytearray()
    codes: list[int] = []
    index = 0
    while index < len(text):
        if text.startswith("[:", index) and (end := text.find(":]", index)) > 0:
            codes.extend(_CLASSES.get(text[index + 2 : end], b""))
            index = end + 2
            continue
        code, index = _one_byte(text, index)
        if text[index : index + 1] == "-" and index + 1 < len(text):
            last, index = _one_byte(text, index + 1)
            codes.extend(range(code, last + 1))
        else:
            codes.append(code)
    out.extend(codes)
    return bytes(out)


def _one_byte(text: str, index: int) -> tuple[int, int]:
    if text[index] != "\\" or index + 1 >= len(text):
        return os.fsencode(text[index])[0], index + 1
    digits = ""
    while len(digits) < 3 and text[index + 1 + len(digits) : index + 2 + len(digits)] in tuple("01234567"):
        digits += text[index + 1 + len(digits)]
    if digits:
        return int(digits, 8) & 0xFF, index + 1 + len(digits)
    return _ESCAPES.get(text[index + 1], ord(text[index + 1]) & 0xFF), index + 2


def tr(argv: list[str]) -> int:
    """Translate, delete (-d), squeeze (-s) bytes; -c and -C take the others."""
    options, sets = _split_options(argv, "cCds")
    if not sets or len(sets) > 2:
        raise AppletError("Needs 1 argument" if not sets else "Max 2 arguments")
    first = expand_set(sets[0])
    if options & {"c", "C"}:
        first = bytes(code for code in range(256) if code not in first)
    delete = first if "d" in options else b""
    second = expand_set(sets[1]) if len(sets) > 1 else b""
    table = None
    if second and "d" not in options:
        second += second[-1:] * (len(first) - len(second))
        table = bytes.maketrans(first, second[: len(first)])
    squeezed = (second or first) if "s" in options else b""
    last = -1
    while data := os.read(0, 65536):
        data = data.translate(table, delete)
        if squeezed:
            kept = bytearray()
            for code in data:
                if code != last or code not in squeezed:
                    kept.append(code)
                last = code
            data = bytes(kept)
        _write(1, data)
    return 0


# ---- expr


def expr(argv: list[str]) -> int:
    """Evaluate; 64-bit as toybox does. Status 1 for 0 or nothing."""
    words = list(argv)
    if not words:
        raise AppletError("Needs 1 argument", 2)
    value = _expr_level(words, 0)
    if words:
        raise AppletError("syntax error", 2)
    sys.stdout.write(f"{value}\n")
    return 1 if value in ("", "0") else 0


_LEVELS = (("|",), ("&",), ("=", "==", ">", ">=", "<", "<=", "!="), ("+", "-"), ("*", "/", "%"), (":",))


def _expr_level(words: list[str], level: int) -> str:
    if level == len(_LEVELS):
        return _expr_word(words)
    left = _expr_level(words, level + 1)
    while words and words[0] in _LEVELS[level]:
        operator = words.pop(0)
        left = _expr_apply(operator, left, _expr_level(words, level + 1))
    return left


def _expr_word(words: list[str]) -> str:
    if not words:
        raise AppletError("syntax error", 2)
    word = words.pop(0)
    if word == "(":
        value = _expr_level(words, 0)
        if not words or words.pop(0) != ")":
            raise AppletError("syntax error", 2)
        return value
    return word


def _expr_apply(operator: str, left: str, right: str) -> str:
    if operator == "|":
        return left if left not in ("", "0") else right
    if operator == "&":
        return left if left not in ("", "0") and right not in ("", "0") else "0"
    if operator == ":":
        import re

        found = re.match(right.replace(r"\(", "(").replace(r"\)", ")"), left)
        if found is None:
            return "" if r"\(" in right else "0"
        return found[1] if found.groups() else str(len(found[0]))
    return str(_expr_numbers(operator, left, right))


def _expr_numbers(operator: str, left: str, right: str) -> int:
    first, second = _as_int(left), _as_int(right)
    if operator in _LEVELS[2]:
        if first is None or second is None:
            return _compare(operator, (left > right) - (left < right))
        return _compare(operator, (first > second) - (first < second))
    if first is None or second is None:
        raise AppletError("expected integer", 2)
    if operator in "/%" and second == 0:
        raise AppletError("division by zero", 2)
    quotient = abs(first) // abs(second or 1) * (1 if (first < 0) == (second < 0) else -1)
    results = {
        "+": first + second,
        "-": first - second,
        "*": first * second,
        "/": quotient,
        "%": first - quotient * second,
    }
    return results[operator]


def _compare(operator: str, order: int) -> int:
    holds = {"<": order < 0, "<=": order <= 0, ">": order > 0, ">=": order >= 0, "!=": order != 0}
    return int(holds.get(operator, order == 0))


def _as_int(text: str) -> int | None:
    return int(text) if text.lstrip("-").isdecimal() and text.count("-") <= 1 else None


# ---- diff, gzip, stty


def diff(argv: list[str]) -> int:
    """Compare two files; unified output, as toybox does without being asked. -q only tells."""
    import difflib

    options, names = _split_options(argv, "qubBwiaNs")
    if len(names) != 2:
        raise AppletError("Needs 2 arguments", 2)
    texts = []
    for name in names:
        data = sys.stdin.buffer.read() if name == "-" else Path(name).read_bytes()
        texts.append(data.decode("utf-8", "surrogateescape").splitlines(keepends=True))
    if texts[0] == texts[1]:
        return 0
    if "q" in options:
        sys.stdout.write(f"Files {names[0]} and {names[1]} differ\n")
    else:
        lines = difflib.unified_diff(texts[0], texts[1], names[0], names[1])
        _write(1, "".join(lines).encode("utf-8", "surrogateescape"))
    return 1


def gzip(argv: list[str], *, unpack: bool = False, to_stdout: bool = False) -> int:
    """Compress or unpack: -c to stdout, -d unpacks, -k keeps the file, -f overwrites."""
    import gzip as library

    options, names = _split_options(argv, "cdfkt123456789n")
    unpack = unpack or "d" in options
    work = library.decompress if unpack else library.compress
    for name in names or ["-"]:
        if name == "-":
            _write(1, work(sys.stdin.buffer.read()))
            continue
        file = Path(name)
        data = work(file.read_bytes())
        if to_stdout or "c" in options:
            _write(1, data)
            continue
        if unpack and file.suffix != ".gz":
            raise AppletError(f"no .gz: {name}")
        target = file.with_suffix("") if unpack else file.with_name(file.name + ".gz")
        if target.exists() and "f" not in options:
            raise AppletError(f"{target}: File exists")
        target.write_bytes(data)
        if "k" not in options:
            file.unlink()
    return 0


def stty(argv: list[str]) -> int:
    """Show the terminal's size, or switch echo; nothing else."""
    import termios

    try:
        modes = termios.tcgetattr(0)
    except termios.error as error:
        raise AppletError("stdin: Not a tty") from error
    for word in argv:
        if word == "size":
            size = os.get_terminal_size(0)
            sys.stdout.write(f"{size.lines} {size.columns}\n")
        elif word in ("echo", "-echo"):
            modes[3] = modes[3] | termios.ECHO if word == "echo" else modes[3] & ~termios.ECHO
            termios.tcsetattr(0, termios.TCSANOW, modes)
        elif word != "-a":
            raise AppletError(f"unknown option: {word}")
    return 0


def _split_options(argv: list[str], known: str) -> tuple[set[str], list[str]]:
    options: set[str] = set()
    words = list(argv)
    while words and words[0].startswith("-") and len(words[0]) > 1:
        word = words.pop(0)
        if word == "--":
            break
        for letter in word[1:]:
            if letter not in known:
                raise AppletError(f"Unknown option '{letter}'")
            options.add(letter)
    return options, words


def main(argv: list[str]) -> int:
    """Run the applet that the first argument names."""
    old = argv[:1] == ["--old-dd"]
    name, *words = argv[1:] if old else argv
    applets = {
        "dd": lambda: dd(words, old=old),
        "diff": lambda: diff(words),
        "expr": lambda: expr(words),
        "gunzip": lambda: gzip(words, unpack=True),
        "gzip": lambda: gzip(words),
        "stty": lambda: stty(words),
        "tr": lambda: tr(words),
        "zcat": lambda: gzip(words, unpack=True, to_stdout=True),
    }
    try:
        return applets[name]()
    except AppletError as error:
        sys.stderr.write(f"{name}: {error}\n")
        return error.status
    except BrokenPipeError:
        return 141
    except OSError as error:
        sys.stderr.write(f"{name}: {error.filename or ''}: {error.strerror}\n")
        return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
