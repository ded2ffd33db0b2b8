"""Names for runs."""

from __future__ import annotations

import secrets
from datetime import UTC, datetime


def new_run_id(wall_s: float) -> str:
    """A name for a run: the second it was made in, for people, and six digits of chance.

    Args:
        wall_s: seconds since the epoch.
    """
    return f"{datetime.fromtimestamp(wall_s, UTC):%Y%m%d-%H%M%S}-{secrets.token_hex(3)}"
