"""The folder that is to this computer what /data/local/tmp is to a phone, and the commands it lacks.

The agent asks a phone's own commands. Those that Linux has not stand in `bin`: getprop tells what is known of
this computer, logcat has nothing to tell, dumpsys tells sensors by psutil where there are some.
"""

from __future__ import annotations

import os
import platform
import shlex
import sys
from pathlib import Path
from typing import Final

from devicehub.android.cpuinfo import parse_cpuinfo
from devicehub.engines.host import host_abi
from devicehub.files import publish
from devicehub.host import dumps
from devicehub.host.dumps import found_services

_GETPROP: Final = """\
#!/bin/sh
file=${0%/*}/../props
[ "$#" -gt 0 ] || exec cat "$file"
while IFS= read -r line; do
  case $line in "[$1]: ["*) line=${line#*: [}; printf '%s\\n' "${line%]}"; exit ;; esac
done <"$file"
echo
"""
_LOGCAT: Final = """\
#!/bin/sh
# Nothing on this computer logs as Android does: an empty capture that ends when it is told to.
exec sleep 2147483647
"""
_FSYNC: Final = """\
#!/bin/sh
exec sync -- "$@"
"""
_COMMANDS: Final = {"getprop": _GETPROP, "logcat": _LOGCAT, "fsync": _FSYNC}


class HostPlace:
    """This computer's own folder.

    Args:
        root: holds what belongs under /data/local/tmp on a phone.
    """

    def __init__(self, root: Path) -> None:
        self.root = root.absolute()
        self._prepared = False

    def prepare(self) -> None:
        """Bring folder and commands into being, once in the life of this process.

        Raises:
            OSError: they cannot be written.
        """
        if self._prepared:
            return
        folder = self.root / "bin"
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        publish(self.root / "props", "".join(f"[{name}]: [{text}]\n" for name, text in _props().items()))
        for name, script in (_COMMANDS | _dumpsys()).items():
            publish(folder / name, script, mode=0o700)
        self._prepared = True

    def environment(self) -> dict[str, str]:
        """Of the processes here: the hub's own, with the commands in front."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith("DEVICEHUB_")}
        return {**kept, "PATH": f"{self.root / 'bin'}:{kept.get('PATH', os.defpath)}"}


def _dumpsys() -> dict[str, str]:
    """The command that tells of sensors; none where this computer has none, for each look costs a program."""
    services = found_services()
    if not services:
        return {}
    program = shlex.join([sys.executable, "-P", "-B", "-m", dumps.__name__])
    return {
        "dumpsys": f'#!/bin/sh\ncase ${{1-}} in {"|".join(services)}) exec {program} "$1" ;; esac\nexit 1\n'
    }


def _props() -> dict[str, str]:
    """What is known of this computer, by the names that Android has for it."""
    try:
        cpuinfo = parse_cpuinfo(Path("/proc/cpuinfo").read_bytes())
    except OSError:
        cpuinfo = parse_cpuinfo(b"")
    found = {
        "ro.product.model": cpuinfo.model_name or platform.processor() or platform.machine(),
        "ro.build.fingerprint": f"{platform.system()}/{platform.release()}".replace(" ", "_").lower(),
        "ro.product.cpu.abilist": host_abi() or "",
    }
    return {name: " ".join(text.split()) for name, text in found.items()}
