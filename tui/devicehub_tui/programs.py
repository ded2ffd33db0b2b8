"""Programs that the screen starts: our own commands, with this Python and against the same hub."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from devicehub.api.place import Where

NO_SHELL_IN_WEB: Final = (
    "A browser has no terminal to hand over: run `devicehub shell {serial}` in one, or use the TUI there."
)


def own_command(where: Where, *words: str) -> list[str]:
    """The argv of `devicehub WORDS...` for the hub that this screen shows."""
    argv = [sys.executable, "-m", "devicehub", *words[:1]]
    for option, value in (("--hub", where.url), ("--ca", where.ca), ("--token-file", where.token_file)):
        if value is not None:
            argv += [option, str(value)]
    return [*argv, *words[1:]]
