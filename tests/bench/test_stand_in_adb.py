"""The stand-in must be as many phones as it says: a bench of 200 likenesses of one would measure nothing."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from devicehub.adb.client import AdbClient
from devicehub.adb.server import private_server
from devicehub.adb.shell import open_shell, run_script
from devicehub.adb.wire import Stdout
from devicehub.device.probe import read_properties
from devicehub.sim.phone import PhoneSpec, virtual_phone
from tests.bench.stand_in_adb import age_ms
from tests.bench.stand_in_server import stand_in

if TYPE_CHECKING:
    from pathlib import Path

_SAMPLES = "echo head; while :; do cat /proc/meminfo; sleep 0.2; done"


async def test_each_phone_has_an_identity_of_its_own_and_speaks_for_itself(tmp_path: Path) -> None:
    async with (
        private_server(home=tmp_path) as server,
        virtual_phone(PhoneSpec(), keys=[server.key_path]) as phone,
    ):
        await AdbClient(server.address).connect(phone.address)
        async with stand_in(server.address, phone.address, phones=5) as address:
            client = AdbClient(address)
            lines = await client.devices()
            ways = [client.transport(transport_id=line.transport_id) for line in lines]
            texts = await asyncio.gather(*(read_properties(way) for way in ways))
            assert [line.serial for line in lines] == [text.props["ro.serialno"] for text in texts]
            assert len({line.serial for line in lines}) == len({text.boot_id for text in texts}) == 5
            assert (await run_script(ways[0], "cat; exit 3", stdin=b"word", timeout_s=30)).stdout == b"word"
            for way in (ways[0], ways[4]):
                said = b""
                async with open_shell(way, _SAMPLES) as shell:
                    async for event in shell:
                        said += event.data if isinstance(event, Stdout) else b""
                        if said.count(b"MemAvailable") == 2:
                            break
                assert said.startswith(b"head\n")
                assert 0 <= age_ms(int(said.split(b"MemAvailable:")[2].split()[0])) < 60_000
