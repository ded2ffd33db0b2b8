"""What carrying runs needs is asked of the adb server by a task that may be cancelled at any moment."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, NoReturn

import pytest

from devicehub.adb.address import ServerAddress
from devicehub.adb.client import AdbClient
from devicehub.clock import SystemClock
from devicehub.errors import AdbServerUnavailable
from devicehub.hub import Hub
from devicehub.settings import Home

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize("steps", range(4))
async def test_a_cancellation_is_not_lost_where_the_server_fails_at_that_moment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, steps: int
) -> None:
    clock, failing = SystemClock(), asyncio.Event()

    async def fail(_client: AdbClient) -> NoReturn:
        await failing.wait()
        raise AdbServerUnavailable("gone")

    async def wait(_client: AdbClient) -> NoReturn:
        await asyncio.Event().wait()
        raise AssertionError

    monkeypatch.setattr(AdbClient, "version", fail)
    monkeypatch.setattr(AdbClient, "host_features", wait)
    hub = Hub(AdbClient(ServerAddress("127.0.0.1", 1)), Home(tmp_path), clock)
    asking = asyncio.ensure_future(hub.means())
    await clock.sleep(0)
    await clock.sleep(0)
    failing.set()
    for _ in range(steps):
        await clock.sleep(0)
    if asking.cancel():
        await asyncio.wait([asking])
        assert asking.cancelled()
    else:
        assert isinstance(asking.exception(), AdbServerUnavailable)
