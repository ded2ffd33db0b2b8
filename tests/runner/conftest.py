"""A fresh desk per test."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from devicehub.sim.phone import PhoneSpec
from tests.runner.desk import Desk, desk_with

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


@pytest.fixture
async def desk() -> AsyncIterator[Desk]:
    async with desk_with(PhoneSpec()) as desk:
        yield desk
