"""Fills a phone's /system/bin: mksh and toybox where the host has them, the simulator's own programs."""

from __future__ import annotations

import shlex
import shutil
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from devicehub import procs
from devicehub.errors import SimError
from devicehub.sim.applets import STAND_INS, SYSTEM_COMMANDS, Applets
from devicehub.sim.processes import PACKAGE_FOLDER

if TYPE_CHECKING:
    from pathlib import Path

_SHELLS: Final = ("mksh", "dash", "sh")

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
{names}) exec {stand_in} "$@" ;;
*) exec {toybox} "$@" ;;
esac
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


def install(folder: Path, tools: HostTools, applets: Applets, *, properties: str) -> None:
    """Fill /system/bin.

    Args:
        folder: /system/bin as the host sees it.
        tools: what the host offers.
        applets: what the phone's release has.
        properties: the folder of properties as the phone's programs see it.
    """
    (folder / "sh").symlink_to(tools.shell)
    for name in applets.names:
        place = _place_of(name, tools)
        if name in STAND_INS:
            old = "--old-dd " if name == "dd" and applets.old_dd else ""
            _script(folder / name, f'exec {_python("standins")} {old}{name} "$@"\n')
        elif place is not None:
            (folder / name).symlink_to(place)
    if tools.toybox is not None:
        names = "|".join(sorted(STAND_INS))
        text = _TOYBOX.format(toybox=shlex.quote(tools.toybox), names=names, stand_in=_python("standins"))
        _script(folder / "toybox", text)
    python = shlex.quote(sys.executable)
    client = shlex.quote(str(PACKAGE_FOLDER / "sim/client.py"))
    for name in SYSTEM_COMMANDS:
        _script(folder / name, f'exec {python} -I -S -B {client} {name} "$@"\n')
    _script(folder / "getprop", _GETPROP.format(properties=shlex.quote(properties)))
    _script(folder / "mnn_engine", f'PYTHONUTF8=1 exec {_python("engine", packages=True)} "$@"\n')


def _place_of(name: str, tools: HostTools) -> str | None:
    return tools.toybox if name in tools.toybox_names else shutil.which(name)


def _python(module: str, *, packages: bool = False) -> str:
    """The start of a command line that runs one of the simulator's own modules on the phone."""
    path = shlex.quote(str(PACKAGE_FOLDER.parent))
    option = "-B" if packages else "-SB"
    command = f"env PYTHONPATH={path} PYTHONDONTWRITEBYTECODE=1 {shlex.quote(sys.executable)} {option}"
    return f"{command} -m devicehub.sim.{module}"


def _script(file: Path, text: str) -> None:
    file.unlink(missing_ok=True)
    file.write_text("#!/bin/sh\n" + text)
    file.chmod(0o755)
