"""Other people's dumps and captures, read in place: `../shared/data` beside the checkout."""

from pathlib import Path
from typing import Final

import pytest

_FOLDER: Final = Path(__file__).parents[2] / "shared" / "data"

SHARED_DATA: Final = _FOLDER if _FOLDER.is_dir() else None
needs_shared_data: Final = pytest.mark.skipif(
    SHARED_DATA is None, reason="the shared data folder is not beside this checkout"
)
