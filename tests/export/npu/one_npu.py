"""Child process: makes one model for the NPU and tells its stages on stdout.

python -m tests.export.npu.one_npu FOLDER [accept]: prints `STAGE PID...` with the ids of its children, at the
end `done` and the steps that were not done again. With `accept` it waits for ever there.
"""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import psutil

from devicehub.clock import SystemClock
from devicehub.errors import HubError
from devicehub.export.npu.runner import run_npu
from tests.export.npu.kit import desk_in

if TYPE_CHECKING:
    from devicehub.export.npu.progress import NpuProgress
    from devicehub.export.result import ChildResult


def main() -> None:
    desk, waits = desk_in(Path(sys.argv[1])), sys.argv[2:] == ["accept"]

    def tell(progress: NpuProgress) -> None:
        say(" ".join([progress.stage, *(str(child.pid) for child in psutil.Process().children())]))

    async def judge(model: Path, _result: ChildResult) -> str:
        if waits:
            say("judging")
            await asyncio.Event().wait()
        return model.name

    async def describe(_ready: Path, _result: ChildResult, _acceptance: str) -> None:
        pass

    try:
        made = asyncio.run(
            run_npu(
                desk.plan(), desk.log, judge=judge, describe=describe, on_progress=tell, clock=SystemClock()
            )
        )
    except HubError as error:
        sys.exit(str(error))
    say(" ".join(["done", *made.reused]))


def say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
