"""What Android's own commands answer: dumpsys, am, pm, cmd, settings, svc, wm, log, screencap, setprop."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from devicehub.sim.android import screencap
from devicehub.sim.android.dumps import services_of, usb_functions

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from devicehub.sim.android.system import PhoneSystem

    _Command = Callable[[PhoneSystem, Sequence[str]], "Answer"]

_ERROR: Final = 255


@dataclass(frozen=True)
class Answer:
    """What a command prints and how it ends."""

    stdout: bytes = b""
    stderr: bytes = b""
    status: int = 0


def answer(system: PhoneSystem, argv: Sequence[str], *, pid: int) -> Answer:
    """Run one of Android's commands, as process `pid`; 127 for what is not known."""
    if argv[0] == "log":
        return _log(system, argv[1:], pid)
    command = _COMMANDS.get(argv[0])
    if command is None:
        return Answer(stderr=f"{argv[0]}: not found\n".encode(), status=127)
    return command(system, argv[1:])


def _dumpsys(system: PhoneSystem, words: Sequence[str]) -> Answer:
    names = [word for word in words if not word.startswith("-")]
    known = services_of(system)
    if "-l" in words or not names:
        return Answer(("Currently running services:\n" + "".join(f"  {name}\n" for name in known)).encode())
    if names[0] not in known:
        return Answer(stderr=f"Can't find service: {names[0]}\n".encode())
    if len(names) > 1 and names != ["window", "policy"]:
        # dumpsys battery set ... would make the phone lie about itself; nothing of that sort is played.
        return Answer(f"Unknown command or option: {' '.join(names[1:])}\n".encode())
    return Answer(known[names[0]](system).encode())


def answer_without_server(argv: Sequence[str]) -> Answer | None:
    """What a command says while Android's own process, which holds nearly all services, is away.

    None for those that need none of them.
    """
    match list(argv):
        case ["dumpsys", *words]:
            names = [word for word in words if not word.startswith("-")]
            if not names or "-l" in words:
                return Answer(b"Currently running services:\n")
            return Answer(stderr=f"Can't find service: {names[0]}\n".encode())
        case ["cmd", "-l"]:
            return Answer(b"Currently running services:\n")
        case ["cmd", name, *_]:
            return Answer(stderr=f"cmd: Can't find service: {name}\n".encode(), status=20)
        case ["svc" | "input" | "monkey" as name, *_]:
            # Java programs that wait for the service and are ended by their own failure.
            return Answer(stderr=f"Error: {name}: the system is not running\n".encode(), status=1)
        case [name, *_] if name in _SERVICE_OF:
            return Answer(stderr=f"cmd: Can't find service: {_SERVICE_OF[name]}\n".encode(), status=20)
    return None


_SERVICE_OF: Final = {"am": "activity", "pm": "package", "settings": "settings", "wm": "window"}


def _settings(system: PhoneSystem, words: Sequence[str]) -> Answer:
    del system
    if words[:1] == ["get"] and len(words) == 3:
        return Answer(b"null\n")
    if words[:1] == ["list"] and len(words) == 2:
        return Answer()
    return Answer(stderr=b"Invalid command: only get and list are known\n", status=_ERROR)


def _pm(system: PhoneSystem, words: Sequence[str]) -> Answer:
    del system
    if words[:2] == ["list", "packages"]:
        return Answer(b"package:android\npackage:com.android.shell\npackage:com.android.systemui\n")
    if words[:1] == ["path"]:
        return Answer(status=1)
    return Answer(stderr=f"Unknown command: {' '.join(words[:1])}\n".encode(), status=_ERROR)


def _am(system: PhoneSystem, words: Sequence[str]) -> Answer:
    del system
    if words[:1] == ["get-current-user"]:
        return Answer(b"0\n")
    return Answer(stderr=f"Unknown command: {' '.join(words[:1])}\n".encode(), status=_ERROR)


def _cmd(system: PhoneSystem, words: Sequence[str]) -> Answer:
    inner: Mapping[str, _Command] = {"activity": _am, "package": _pm, "power": _power, "settings": _settings}
    if words[:1] == ["-l"]:
        names = "".join(f"  {name}\n" for name in sorted(inner))
        return Answer(f"Currently running services:\n{names}".encode())
    if not words:
        return Answer(stderr=b"cmd: No service specified; use -l to list all services\n", status=20)
    command = inner.get(words[0])
    if command is None:
        return Answer(stderr=f"cmd: Can't find service: {words[0]}\n".encode(), status=20)
    return command(system, words[1:])


def _power(system: PhoneSystem, words: Sequence[str]) -> Answer:
    return system.fixed_performance.answer(words, android=system.profile.android)


def _svc(system: PhoneSystem, words: Sequence[str]) -> Answer:
    if words == ["usb", "getFunctions"]:
        return Answer(stderr=(",".join(usb_functions(system)) + "\n").encode())
    return Answer(
        stderr=b"Available commands:\n    help     Show information about the subcommands\n", status=0
    )


def _wm(system: PhoneSystem, words: Sequence[str]) -> Answer:
    if words == ["size"]:
        return Answer(f"Physical size: {system.profile.screen}\n".encode())
    if words == ["density"]:
        return Answer(f"Physical density: {system.profile.props.get('ro.sf.lcd_density', '480')}\n".encode())
    return Answer(stderr=f"Unknown command: {' '.join(words[:1])}\n".encode(), status=_ERROR)


def _dmesg(system: PhoneSystem, words: Sequence[str]) -> Answer:
    del words
    if not system.kernel_log_readable:
        return Answer(stderr=b"dmesg: klogctl: Permission denied\n", status=1)
    entries = system.log.after(0, ("kernel",))
    lines = [b"[%12.6f] %s\n" % (entry.time_ns % 10**14 / 1e9, entry.message) for entry in entries]
    return Answer(b"".join(lines))


# log -p i -t tag message ...
def _log(system: PhoneSystem, words: Sequence[str], pid: int) -> Answer:
    rest, priority, tag = list(words), "I", "log"
    while len(rest) > 1 and rest[0] in ("-p", "-t"):
        if rest[0] == "-p":
            priority = rest[1].upper()[:1]
        else:
            tag = rest[1]
        del rest[:2]
    level = "VDIWEF".find(priority)
    if level < 0:
        return Answer(stderr=f"log: bad -p '{priority}'\n".encode(), status=1)
    text = " ".join(rest).encode("utf-8", "surrogateescape")
    name = tag.encode("utf-8", "surrogateescape")
    system.log.add(time_ns=time.time_ns(), pid=pid, tid=pid, priority=level + 2, tag=name, message=text)
    return Answer()


def _screencap(system: PhoneSystem, words: Sequence[str]) -> Answer:
    if any(word != "-p" for word in words):
        return Answer(stderr=b"usage: screencap [-hp] [-d display-id] [FILENAME]\n", status=1)
    width, height = screencap.parse_screen(system.profile.screen)
    second, lit = time.time_ns() // 10**9, system.screen_on
    if words:
        return Answer(screencap.png(width, height, second=second, lit=lit))
    return Answer(screencap.raw(width, height, second=second, lit=lit, android=system.profile.android))


def _setprop(system: PhoneSystem, words: Sequence[str]) -> Answer:
    if len(words) != 2:
        return Answer(stderr=b"usage: setprop NAME VALUE\n", status=1)
    name, value = words
    if not name.startswith(("debug.", "log.", "persist.log.")) or "/" in name:
        text = f"Failed to set property '{name}' to '{value}'.\nSee dmesg for error reason.\n"
        return Answer(stderr=text.encode(), status=1)
    system.set_property(name, value)
    return Answer()


_COMMANDS: Final[Mapping[str, _Command]] = {
    "am": _am,
    "cmd": _cmd,
    "dmesg": _dmesg,
    "dumpsys": _dumpsys,
    "pm": _pm,
    "screencap": _screencap,
    "setprop": _setprop,
    "settings": _settings,
    "svc": _svc,
    "wm": _wm,
}
