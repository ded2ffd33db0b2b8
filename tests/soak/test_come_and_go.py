"""Clients that come and go by the thousand, against a hub that serves."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import pytest

from devicehub import __version__
from devicehub.adb.server import private_server
from devicehub.api.auth import read_token
from devicehub.api.client import connect
from devicehub.api.connection import open_client
from devicehub.api.contract import STATUS
from devicehub.api.hubfile import find_running
from devicehub.clock import SystemClock
from tests.bench.hub_process import serving
from tests.soak.soak import MOST_RISEN

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

_CLIENTS: Final = 2_000


async def test_two_thousand_clients_leave_the_hubs_memory_level(tmp_path: Path) -> None:
    clock = SystemClock()
    async with (
        private_server(home=tmp_path / "adb") as server,
        serving(tmp_path, server.address) as hub,
        connect(hub.where, name="stays", start=False) as stays,
    ):
        found = find_running(hub.where.home)
        assert found is not None
        token = read_token(hub.where.home.token)
        early = 0
        for number in range(_CLIENTS):
            async with open_client(found.url, token=token, name="goes", version=__version__) as client:
                await client.subscribe("devices", "samples", "notes")
            if number == _CLIENTS // 10:
                early = hub.rss()
        while (await stays.call(STATUS)).clients > 1:
            await clock.sleep(0.05)
        late = hub.rss()
        assert await hub.stop() == 0
    assert early > 0
    assert late - early <= MOST_RISEN
    assert hub.complaints() == []
