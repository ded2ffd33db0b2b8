"""Asks the agent on the phone: `ctl.sh` and what it answers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from devicehub.adb.shell import quote, run_script
from devicehub.errors import RunnerError

if TYPE_CHECKING:
    from devicehub.adb.client import Transport

COMMAND_TIMEOUT_S: Final = 60.0
_NOT_INSTALLED: Final = 72


class AgentMissingError(RunnerError):
    """The agent's scripts are not on the phone."""


async def control(transport: Transport, agent_dir: str, *words: str) -> bytes:
    """What `ctl.sh` answers.

    Raises:
        AgentMissingError: it is not there.
        RunnerError: it failed; its own words say why.
        AdbError: the phone cannot be asked.
    """
    script = f"{agent_dir}/ctl.sh"
    line = f"[ -f {quote([script])} ] || exit {_NOT_INSTALLED}; exec {quote(['sh', script, *words])}"
    answer = await run_script(transport, line, timeout_s=COMMAND_TIMEOUT_S)
    if answer.status == _NOT_INSTALLED:
        raise AgentMissingError(f"{transport.label}: the agent is not on the phone")
    if answer.status != 0:
        raise refused(transport, words[0], answer.status, answer.stderr)
    return answer.stdout


def refused(transport: Transport, word: str, status: int, stderr: bytes) -> RunnerError:
    """What to raise for a command of `ctl.sh` that failed."""
    said = stderr.decode("utf-8", "replace").strip()[-200:]
    return RunnerError(
        f"{transport.label}: the agent's ctl.sh {word} ended with status {status}: {said or 'no word'}"
    )
