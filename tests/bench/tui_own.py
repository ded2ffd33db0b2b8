"""The screen itself, on a hub that is named by arguments: URL, home, file of the token."""

from __future__ import annotations

import sys
from pathlib import Path

from devicehub.api.client import Where
from devicehub.settings import Home
from devicehub_tui.app import run

run(Where(Home(Path(sys.argv[2])), url=sys.argv[1], token_file=Path(sys.argv[3])))
