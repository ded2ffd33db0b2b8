"""The last words of a launch that crashed: repeated once, attached to a terminal, for no figures."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from devicehub.dispatch.launches import APP
from devicehub.errors import AdbError, RunnerError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from devicehub.runner.contract import RunHandle
    from devicehub.runner.launch import Runner
    from devicehub.runs.model import Launch

_TIMEOUT_S: Final = 120.0
_MOST_LINES: Final = 40
_CRASHES: Final = frozenset({"abort", "arithmetic_error", "bus_error", "illegal_instruction", "segfault"})


def may_diagnose(launches: Sequence[Launch], *, workload: str = "") -> bool:
    """Whether the last launch crashed before it had flushed its counters; an app logs them at once."""
    crashed = bool(launches) and launches[-1].cause in _CRASHES and not launches[-1].records
    return crashed and workload != APP


async def diagnose(
    runner: Runner, handle: RunHandle, launches: Sequence[Launch], *, workload: str = ""
) -> list[str]:
    """Repeat the last launch where it crashed silently: a terminal is not buffered, a file is."""
    if not may_diagnose(launches, workload=workload):
        return []
    try:
        said = await runner.diagnose(handle, launches[-1].order, timeout_s=_TIMEOUT_S)
    except (AdbError, RunnerError) as error:
        return [f"(could not be repeated: {error})"]
    return said.decode("utf-8", "replace").replace("\r", "").splitlines()[-_MOST_LINES:]
