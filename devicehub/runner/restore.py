"""Undoes what a run that is gone has left of itself on a phone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from devicehub.adb.shell import quote, run_script
from devicehub.errors import RunnerError
from devicehub.runner.launch import Runner

if TYPE_CHECKING:
    from pathlib import Path

    from devicehub.adb.client import Transport
    from devicehub.clock import Clock

_TIMEOUT_S: Final = 60.0
_NOT_INSTALLED: Final = 72


async def restore(transport: Transport, *, agent_dir: Path, clock: Clock) -> None:
    """Undo the fixed-performance mode, unless the run that switched it on is under way.

    The phone itself looks and acts, one at a time; the agent is brought there where it is missing.

    Raises:
        RunnerError: the phone did not take it; its own words say why.
        HashMismatch: a script arrived as something else.
        AdbError: the phone cannot be asked.
    """
    runner = Runner(transport, agent_dir=agent_dir, clock=clock)
    script = f"{runner.agent_dir}/steady.sh"
    line = f"[ -f {quote([script])} ] || exit {_NOT_INSTALLED}; exec {quote(['sh', script, 'restore'])}"
    answer = await run_script(transport, line, timeout_s=_TIMEOUT_S)
    if answer.status == _NOT_INSTALLED:
        await runner.install()
        answer = await run_script(transport, line, timeout_s=_TIMEOUT_S)
    if answer.status != 0:
        said = answer.stderr.decode("utf-8", "replace").strip()[-200:]
        raise RunnerError(
            f"{transport.label}: the fixed-performance mode of an earlier run could not be undone"
            f" ({said or f'status {answer.status}'}); a restart of the phone ends it"
        )
