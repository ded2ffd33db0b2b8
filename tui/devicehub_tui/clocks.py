"""How far the user's own clock is from UTC."""

from __future__ import annotations

from datetime import datetime


def utc_offset_s() -> int:
    """Seconds, positive east of Greenwich; of this host, now."""
    offset = datetime.now().astimezone().utcoffset()
    return int(offset.total_seconds()) if offset else 0
