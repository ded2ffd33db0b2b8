"""What Android writes to the log when an app's process ends, or does not answer."""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING, Final

from devicehub.sim.app.am import CHAT, short_component

if TYPE_CHECKING:
    from collections.abc import Iterator

    from devicehub.sim.app.packages import Package

_FATAL: Final = 128
_CRASHES: Final = {
    signal.SIGSEGV: ("SIGSEGV", "1 (SEGV_MAPERR), fault addr 0x0000000000000000"),
    signal.SIGABRT: ("SIGABRT", "-1 (SI_QUEUE), fault addr --------"),
    signal.SIGFPE: ("SIGFPE", "1 (FPE_INTDIV), fault addr 0x0000007a1b2c3d40"),
    signal.SIGBUS: ("SIGBUS", "2 (BUS_ADRERR), fault addr 0x0000007a1b2c3000"),
    signal.SIGILL: ("SIGILL", "1 (ILL_ILLOPC), fault addr 0x0000007a1b2c3d40"),
}
_RULE: Final = "*** *** *** *** *** *** *** *** *** *** *** *** *** *** *** ***"


def is_crash(number: signal.Signals) -> bool:
    """Whether a signal leaves a tombstone."""
    return number in _CRASHES


def signal_of(status: int) -> signal.Signals | None:
    """The signal that ended a process, from its status as a shell tells it; None for none."""
    try:
        return signal.Signals(status - _FATAL) if status > _FATAL else None
    except ValueError:
        return None


def crash_lines(package: Package, pid: int, number: signal.Signals, *, fingerprint: str) -> Iterator[str]:
    """The start of a tombstone, as debuggerd writes it to the crash buffer under the tag DEBUG."""
    name, code = _CRASHES[number]
    yield f"{_RULE}\n"
    yield f"Build fingerprint: '{fingerprint}'"
    yield "Revision: '0'"
    yield "ABI: 'arm64'"
    yield f"Cmdline: {package.name}"
    yield f"pid: {pid}, tid: {pid + 21}, name: pool-1-thread-1  >>> {package.name} <<<"
    yield f"uid: {package.uid}"
    yield f"signal {int(number)} ({name}), code {code}"
    yield "backtrace:"
    yield f"      #00 pc 00000000001f4c08  {package.code_path}/lib/arm64/libMNN.so"


def fatal_line(package: Package, pid: int, number: signal.Signals) -> str:
    """What the process itself says last, under the tag libc."""
    name, code = _CRASHES[number]
    # The name of a process is the end of its package's: the kernel keeps 15 bytes.
    return (
        f"Fatal signal {int(number)} ({name}), code {code} in tid {pid + 21} (pool-1-thread-1),"
        f" pid {pid} ({package.name[-15:]})"
    )


def lmkd_line(package: Package, pid: int, *, android: int) -> str:
    """What lmkd says of the process that it ends, under the tag lowmemorykiller."""
    # core lmkd/lmkd.cpp kill_one_process: Android 11 added swap and the reason.
    if android >= 11:
        return (
            f"Kill '{package.name}' ({pid}), uid {package.uid}, oom_score_adj 0 to free 1874432kB rss,"
            " 102400kB swap; reason: device is not responding"
        )
    return f"Kill '{package.name}' ({pid}), uid {package.uid}, oom_adj 0 to free 1874432kB"


def anr_text(package: Package, pid: int) -> str:
    """What ActivityManager says of an app that does not answer."""
    component = short_component(package.name, CHAT)
    return (
        f"ANR in {package.name} ({component})\nPID: {pid}\n"
        f"Reason: Input dispatching timed out ({component} is not responding."
        " Waited 5001ms for FocusEvent)\n"
        "Load: 11.2 / 9.8 / 8.4"
    )
