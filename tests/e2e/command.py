"""Runs the installed `devicehub` as a user does."""

from __future__ import annotations

import json
import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from devicehub import procs

if TYPE_CHECKING:
    from collections.abc import Mapping

DEVICEHUB: Final = Path(sys.executable).parent / "devicehub"
_TIMEOUT_S: Final = 240.0


@dataclass(frozen=True)
class Answer:
    status: int
    stdout: str
    stderr: str

    @property
    def json(self) -> Any:
        return json.loads(self.stdout)

    def assert_one_sentence(self, *words: str) -> None:
        """One line on stderr that holds the words; never a traceback, nothing on stdout."""
        lines = self.stderr.strip().splitlines()
        assert len(lines) == 1, self.stderr
        assert lines[0].startswith("devicehub: ")
        assert all(word in lines[0] for word in words), lines[0]
        assert self.stdout == ""


async def devicehub(*argv: str | Path, stdin: bytes = b"", env: Mapping[str, str] | None = None) -> Answer:
    done = await procs.run(
        [DEVICEHUB, *argv], timeout_s=_TIMEOUT_S, stdin=stdin, env={**os.environ, **(env or {})}
    )
    return Answer(done.status, done.stdout.decode(), done.stderr.decode())
