"""The phone's own space: `df` shows it, and adbd keeps to it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from devicehub.adb import shell
from devicehub.adb.client import AdbClient
from devicehub.adb.server import private_server
from devicehub.adb.sync import open_sync
from devicehub.android.files import parse_df
from devicehub.deploy.carry import carry_out
from devicehub.deploy.inventory import read_inventory
from devicehub.deploy.plan import plan_push
from devicehub.errors import NoSpace
from devicehub.manifest import build_manifest
from devicehub.sim.phone import PhoneSpec, virtual_phone
from devicehub.units import MIB

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from devicehub.adb.client import Transport
    from devicehub.sim.process.shell import Mode

FOLDER = "/data/local/tmp"
FREE_MIB = 64


@pytest.fixture(params=["confined", "portable"])
async def transport(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Transport]:
    """A phone that holds 64 MiB."""
    mode: Mode = request.param
    async with (
        private_server(home=tmp_path) as server,
        virtual_phone(PhoneSpec(mode=mode, data_free_mib=FREE_MIB), keys=[server.key_path]) as phone,
    ):
        client = AdbClient(server.address)
        await client.connect(phone.address)
        yield client.transport(serial=phone.address)


async def _free(transport: Transport) -> int:
    told = await shell.check(transport, ["df", "-k", FOLDER], timeout_s=60)
    capacity, free = parse_df(told.stdout.decode())
    assert capacity == 237291520 * 1024
    assert free is not None
    return free


async def test_df_tells_the_space_of_the_phone_and_not_of_the_host(transport: Transport) -> None:
    assert await _free(transport) == FREE_MIB * MIB
    async with open_sync(transport) as sync:
        await sync.push(bytes(3 * MIB + 1), f"{FOLDER}/big")
    assert await _free(transport) == (FREE_MIB - 3) * MIB - 4096
    human = await shell.check(transport, ["toybox", "df", "-h", FOLDER], timeout_s=60)
    assert human.stdout.decode().split()[-6:] == ["/dev/block/dm-6", "226G", "226G", "61M", "100%", "/data"]
    missing = await shell.run(transport, ["df", f"{FOLDER}/none"], timeout_s=60)
    assert (missing.status, missing.stdout) == (1, b"")


async def test_full_phone_refuses_a_file_and_keeps_nothing_of_it(transport: Transport) -> None:
    with pytest.raises(NoSpace):
        async with open_sync(transport) as sync:
            await sync.push(bytes((FREE_MIB + 1) * MIB), f"{FOLDER}/big")
    assert await _free(transport) == FREE_MIB * MIB
    async with open_sync(transport) as sync:
        await sync.push(bytes((FREE_MIB - 1) * MIB), f"{FOLDER}/fits")
        assert await sync.stat(f"{FOLDER}/big") is None


async def test_push_to_a_full_phone_puts_nothing_under_its_final_name(
    transport: Transport, tmp_path: Path
) -> None:
    root = tmp_path / "model"
    root.mkdir()
    (root / "llm.mnn.weight").write_bytes(bytes((FREE_MIB + 1) * MIB))
    manifest = build_manifest(root, ["llm.mnn.weight"])
    target = f"{FOLDER}/mnn_models/full"
    plan = plan_push(manifest, await read_inventory(transport, target, manifest))
    with pytest.raises(NoSpace):
        await carry_out(plan, transport, root=root, target_dir=target)
    found = await shell.run(transport, ["find", f"{FOLDER}/mnn_models", "-type", "f"], timeout_s=60)
    assert found.stdout == b""
