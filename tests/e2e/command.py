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
        """The last line on stderr, the only one of ours, holds the words; stdout is empty."""
        lines = self.stderr.strip().splitlines()
        assert [line for line in lines if line.startswith("devicehub: ")] == lines[-1:], self.stderr
        assert all(word in lines[-1] for word in words), lines[-1]
        assert "Traceback" not in self.stderr
        assert self.stdout == ""


async def stop_hub(env: Mapping[str, str]) -> None:
    """End the hub that commands started in this environment, if there is one."""
    answer = await devicehub("stop", env=env)
    assert answer.status == 0 or "no hub runs" in answer.stderr, answer.stderr


async def devicehub(*argv: str | Path, stdin: bytes = b"", env: Mapping[str, str] | None = None) -> Answer:
    # One that a test leaves behind ends by itself.
    known = {**os.environ, "DEVICEHUB_IDLE_END_S": "60", **(env or {})}
    done = await procs.run([DEVICEHUB, *argv], timeout_s=_TIMEOUT_S, stdin=stdin, env=known)
    return Answer(done.status, done.stdout.decode(), done.stderr.decode())
