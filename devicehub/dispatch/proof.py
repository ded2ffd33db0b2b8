"""Whether a phone has begun a run, said so that nothing can make it untrue afterwards."""

from __future__ import annotations

from typing import TYPE_CHECKING

from devicehub.dispatch.outcome import STOPPED

if TYPE_CHECKING:
    from devicehub.runner.launch import Runner


async def has_begun(runner: Runner, phone_run_id: str) -> bool:
    """Whether the run has begun; one that has not never will, even if its start is still on the way.

    Raises:
        AdbError: the phone cannot be asked.
        RunnerError: the agent refuses.
    """
    await runner.install()
    if (await runner.status(phone_run_id)).state != "none":
        return True
    # The mark that this leaves keeps a late run.sh from starting it.
    await runner.stop(runner.handle(phone_run_id), STOPPED)
    return (await runner.status(phone_run_id)).state != "none"
