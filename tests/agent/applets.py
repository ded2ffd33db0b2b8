"""A folder of commands as one Android release has them: toybox, and stand-ins for what it lacks."""

from __future__ import annotations

import shlex
import sys
from typing import TYPE_CHECKING

from devicehub import procs
from devicehub.sim.android import standins
from devicehub.sim.android.applets import DENIED, STAND_INS, applets_of

if TYPE_CHECKING:
    from pathlib import Path


async def fill(folder: Path, toybox: str, android: int) -> None:
    """Put a release's applets there; what the host has only in GNU's version is left out."""
    known = frozenset((await procs.run([toybox], timeout_s=30)).stdout.decode().split())
    applets = applets_of(android)
    for name in applets.names - DENIED:
        place = folder / name
        if name in STAND_INS:
            old = "--old-dd " if name == "dd" and applets.old_dd else ""
            program = f"{shlex.quote(sys.executable)} -I -S -B {shlex.quote(standins.__file__)}"
            place.write_text(f'#!{folder}/sh\nexec {program} {old}{name} "$@"\n')
            place.chmod(0o755)
        elif name in known:
            place.symlink_to(toybox)
