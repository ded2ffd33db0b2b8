"""Child process: one export that tells its stages on stdout and can be stopped in one of them.

python -m tests.export.one_export PYTHON SOURCE OUT LOG STAGE: prints `STAGE PID...`, the ids of its children.
In STAGE the real exporter is made to stand still; `accept` waits for ever, `-` is no stage.
"""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import psutil

from devicehub.clock import SystemClock
from devicehub.errors import HubError
from devicehub.export.parent import ExportJob, export

if TYPE_CHECKING:
    from devicehub.export.progress import Progress
    from devicehub.export.result import ChildResult


def main() -> None:
    python, source, out, log, stop_at = sys.argv[1], *map(Path, sys.argv[2:5]), sys.argv[5]

    def tell(progress: Progress) -> None:
        children = psutil.Process().children()
        if progress.stage == stop_at:
            for child in children:
                child.suspend()
        say(" ".join([progress.stage, *(str(child.pid) for child in children)]))

    async def accept(_folder: Path, _result: ChildResult) -> None:
        if stop_at == "accept":
            say("accepting")
            await asyncio.Event().wait()

    job = ExportJob(source, ("--export", "mnn"), out, log, accept)
    try:
        asyncio.run(export(job, on_stage=tell, clock=SystemClock(), python=python))
    except HubError as error:
        sys.exit(str(error))


def say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
