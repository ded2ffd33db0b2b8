from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.export.sources import make_source

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(scope="session")
def tiny_source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_source(tmp_path_factory.mktemp("sources") / "tiny-qwen3")
