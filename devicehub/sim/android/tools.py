"""Fills a phone's /system/bin: mksh and toybox where the host has them, the simulator's own programs."""

from __future__ import annotations

import shlex
import shutil
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from devicehub import procs
from devicehub.errors import SimError
from devicehub.sim.android.applets import DENIED, STAND_INS, SYSTEM_COMMANDS, Applets
from devicehub.sim.process.processes import PACKAGE_FOLDER

if TYPE_CHECKING:
    from pathlib import Path

_SHELLS: Final = ("mksh", "dash", "sh")
_OWN: Final = frozenset(("df", "sync"))

# One file per property: a shell reads a whole dump a byte at a time.
_GETPROP: Final = """\
d={properties}
case $# in
0) exec cat "$d/.dump" ;;
*)
    if [ -f "$d/$1" ]; then exec cat "$d/$1"; fi
    printf '%s\\n' "${{2-}}"
    ;;
esac
"""
_TOYBOX: Final = """\
case ${{1-}} in
{stand_ins}) exec {stand_in} "$@" ;;
{denied}) exec "$@" ;;
*) exec {toybox} "$@" ;;
esac
"""
_LN: Final = """\
for word in "$@"; do
    case $word in
    --) break ;;
    -*s*) exec {ln} "$@" ;;
    esac
done
printf '%s\\n' "ln: cannot create hard link: Permission denied" >&2
exit 1
"""
# A portable phone's processes are among the host's: those of other phones are none of its own.
_PIDOF: Final = """\
found=
for pid in $({pidof} "$@"); do
    if tr '\\0' '\\n' <"/proc/$pid/environ" 2>/dev/null | grep -qxF {mark}; then
        found="$found${{found:+ }}$pid"
    fi
done
[ -n "$found" ] && printf '%s\\n' "$found"
"""
_DENIED: Final = """\
printf '%s\\n' "{name}: Permission denied" >&2
exit 1
"""


@dataclass(frozen=True)
class HostTools:
    """What the host offers.

    Attributes:
        shell: becomes the phone's `sh`.
        toybox: its path and the names of its applets, where it is installed.
    """

    shell: str
    toybox: str | None
    toybox_names: frozenset[str]


async def find_host_tools() -> HostTools:
    """Look for the shell and the tools that the phone's own come closest to.

    Raises:
        SimError: the host has no shell.
    """
    shell = next((path for name in _SHELLS if (path := shutil.which(name)) is not None), None)
    if shell is None:
        raise SimError("this host has no sh; install mksh")
    toybox = shutil.which("toybox")
    if toybox is None:
        return HostTools(shell, None, frozenset())
    names = (await procs.run([toybox], timeout_s=10)).stdout.decode().split()
    return HostTools(shell, toybox, frozenset(names))


def install(
    folder: Path, tools: HostTools, applets: Applets, *, root: str, size_kib: int, free_kib: int
) -> None:
    """Fill /system/bin.

    Args:
        folder: /system/bin as the host sees it.
        tools: what the host offers.
        applets: what the phone's release has.
        root: the phone's / as its programs see it, without the last slash.
        size_kib: the size of /data.
        free_kib: what an empty phone has free there.
    """
    (folder / "sh").symlink_to(tools.shell)
    for name in applets.names:
        place = _place_of(name, tools)
        if name in STAND_INS:
            old = "--old-dd " if name == "dd" and applets.old_dd else ""
            _script(folder / name, f'exec {_program("standins.py")} {old}{name} "$@"\n')
        elif name == "ln" and place is not None:
            multicall = "ln" if place == tools.toybox else ""
            _script(folder / name, _LN.format(ln=f"{shlex.quote(place)} {multicall}"))
        elif name in DENIED:
            _script(folder / name, _DENIED.format(name=name))
        elif place is not None:
            (folder / name).symlink_to(place)
    pidof = _place_of("pidof", tools)
    if root and pidof is not None:
        multicall = " pidof" if pidof == tools.toybox else ""
        mark = shlex.quote(f"DEVICEHUB_SIM_ROOT={root}")
        _script(folder / "pidof", _PIDOF.format(pidof=f"{shlex.quote(pidof)}{multicall}", mark=mark))
    # The host's disks are none of the phone's: their space is not told, and they are not written out.
    space = _program("space.py")
    _script(folder / "df", f'exec {space} {shlex.quote(root)} {size_kib} {free_kib} "$@"\n')
    _script(folder / "sync", "exit 0\n")
    if tools.toybox is not None:
        text = _TOYBOX.format(
            toybox=shlex.quote(tools.toybox),
            stand_ins="|".join(sorted(STAND_INS)),
            denied="|".join(sorted(DENIED | _OWN)),
            stand_in=_program("standins.py"),
        )
        _script(folder / "toybox", text)
    for name in SYSTEM_COMMANDS:
        _script(folder / name, f'exec {_program("client.py")} {name} "$@"\n')
    _script(folder / "getprop", _GETPROP.format(properties=shlex.quote(f"{root}/dev/__properties__")))
    package = shlex.quote(str(PACKAGE_FOLDER.parent))
    environment = f"PYTHONPATH={package} PYTHONDONTWRITEBYTECODE=1 PYTHONUTF8=1"
    engine = f'exec {shlex.quote(sys.executable)} -m devicehub.sim.engine "$@"'
    _script(folder / "mnn_engine", f"export {environment}\n{engine}\n")
    app = f'exec {shlex.quote(sys.executable)} -m devicehub.sim.app "$@"'
    _script(folder / "app_process", f"export {environment}\n{app}\n")


def _place_of(name: str, tools: HostTools) -> str | None:
    return tools.toybox if name in tools.toybox_names else shutil.which(name)


def _program(file: str) -> str:
    """The start of a command line that runs one of the simulator's own programs on the phone."""
    return f"{shlex.quote(sys.executable)} -I -S -B {shlex.quote(str(PACKAGE_FOLDER / 'sim/android' / file))}"


def _script(file: Path, text: str) -> None:
    file.unlink(missing_ok=True)
    file.write_text("#!/bin/sh\n" + text)
    file.chmod(0o755)
