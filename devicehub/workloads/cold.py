"""Whether an engine made its caches anew, as a GPU does in its first launch, which is slow for it. Pure."""

from __future__ import annotations

import re
from typing import Final

# "Load Cache file error." where it found no cache, and when it has written one:
# "Update cache to tmp/mnn_cachefile.bin, size = 65536"
_MARK: Final = re.compile(
    r"Load Cache file error\.|Update cache to .*, size = \d+|Cache invalid, will be reset"
)


def is_cold_mark(text: str) -> bool:
    """Whether a line of the engine's tells that it makes its caches anew."""
    return _MARK.match(text) is not None
