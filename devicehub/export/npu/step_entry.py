"""Child process: runs one command in a group that ends with its parent, and tells how it ended.

Usage: python -P -m devicehub.export.npu.step_entry RESULT PROGRAM [ARGUMENTS]. stdout and stderr are one
stream. RESULT appears by rename: `{"status": 0, "peak_bytes": 1}`, the status negative for a signal.
"""

from __future__ import annotations

import contextlib
import json
import os
import resource
import sys
from pathlib import Path
from typing import Final

from devicehub.guard import end_with_parent

_GIVEN_UP_FIRST: Final = "1000"
_UNIT: Final = 1 if sys.platform == "darwin" else 1024
_NOT_STARTED: Final = 127


def main() -> None:
    """Run the command and leave; what it left running ends with this process's group."""
    os.dup2(1, 2)
    end_with_parent()
    with contextlib.suppress(OSError, ValueError):
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    with contextlib.suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text(_GIVEN_UP_FIRST)
    result_file, *argv = sys.argv[1:]
    status, peak_bytes = _run(argv)
    part = Path(f"{result_file}.part")
    part.write_text(json.dumps({"status": status, "peak_bytes": peak_bytes}))
    part.rename(result_file)
    os._exit(0)


def _run(argv: list[str]) -> tuple[int, int]:
    try:
        worker = os.posix_spawnp(argv[0], argv, os.environ)
    except OSError as error:
        sys.stdout.write(f"{argv[0]}: {error.strerror}\n")
        sys.stdout.flush()
        return _NOT_STARTED, 0
    _, status, usage = os.wait4(worker, 0)
    return os.waitstatus_to_exitcode(status), usage.ru_maxrss * _UNIT


if __name__ == "__main__":
    main()
