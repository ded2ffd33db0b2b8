"""One local phone per test, under each shell."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.agent.local_phone import SHELLS, LocalPhone, local_phone

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path


@pytest.fixture(params=sorted(SHELLS))
async def phone(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[LocalPhone]:
    async with local_phone(tmp_path, request.param) as phone:
        yield phone
