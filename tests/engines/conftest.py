from __future__ import annotations

import pytest

from tests.engines.zig import Zig


@pytest.fixture(scope="session")
def zig(tmp_path_factory: pytest.TempPathFactory) -> Zig:
    """One compiler for the session: what it has made, it has made."""
    return Zig(tmp_path_factory.mktemp("zig"))
