"""The process of a session's private hub: `devicehub serve --virtual N` that ends with whoever started it."""

from __future__ import annotations

import sys

from devicehub.cli.main import main
from devicehub.guard import end_with_parent

if __name__ == "__main__":
    end_with_parent()
    main(["serve", "--virtual", sys.argv[1]])
