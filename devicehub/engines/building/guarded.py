"""Child process: runs one command of a build, in a group that ends with its parent, even by signal 9.

Usage: python -P -m devicehub.engines.building.guarded PROGRAM [ARGUMENTS]. Its exit status is the program's,
128 + n where signal n ended that. The parent holds its stdin, and has made it the first of a process group.
"""

from __future__ import annotations

import os
import sys
from typing import Final

from devicehub.guard import end_with_parent

_NOT_STARTED: Final = 127


def main() -> None:
    """Run the command and leave; what it left running ends with this process's group."""
    end_with_parent()
    argv = sys.argv[1:]
    try:
        worker = os.posix_spawnp(argv[0], argv, os.environ)
    except OSError as error:
        sys.stderr.write(f"{argv[0]}: {error.strerror}\n")
        sys.exit(_NOT_STARTED)
    status = os.waitstatus_to_exitcode(os.waitpid(worker, 0)[1])
    sys.stderr.flush()
    os._exit(status if status >= 0 else 128 - status)


if __name__ == "__main__":
    main()
