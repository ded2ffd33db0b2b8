"""`adb reverse` with real adb programs: a port of the phone that leads to this host."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from devicehub.sim.phone import PhoneSpec, virtual_phone

if TYPE_CHECKING:
    from tests.sim.adb_programs import Adb

_SIZE = 3_000_000


async def _echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(65536):
        writer.write(data)
        await writer.drain()
    writer.close()


async def test_a_port_of_the_phone_leads_to_the_host(adb: Adb) -> None:
    async with virtual_phone(PhoneSpec(mode="portable"), keys=adb.keys) as phone:
        assert b"connected" in (await adb.run("connect", phone.address)).stdout
        server = await asyncio.start_server(_echo, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        async with server:
            done = await adb.run("-s", phone.address, "reverse", "tcp:0", f"tcp:{port}")
            assert done.status == 0, done
            place = int(done.stdout)
            told = (await adb.run("-s", phone.address, "reverse", "--list")).stdout.decode()
            assert f"tcp:{place} tcp:{port}" in told
            reader, writer = await asyncio.open_connection("127.0.0.1", place)
            sent = bytes(range(256)) * (_SIZE // 256)
            async with asyncio.timeout(60), asyncio.TaskGroup() as tasks:
                back = tasks.create_task(reader.readexactly(len(sent)))
                writer.write(sent)
                await writer.drain()
            assert back.result() == sent
            writer.close()
            refused = await adb.run("-s", phone.address, "reverse", "--remove", "tcp:1")
            assert b"listener 'tcp:1' not found" in refused.stderr
            again = await adb.run(
                "-s", phone.address, "reverse", "--no-rebind", f"tcp:{place}", f"tcp:{port}"
            )
            assert b"cannot rebind" in again.stderr
            assert (await adb.run("-s", phone.address, "reverse", "--remove-all")).status == 0
            assert (await adb.run("-s", phone.address, "reverse", "--list")).stdout.strip() == b""


async def test_nobody_on_the_host_ends_the_connection(adb: Adb) -> None:
    async with virtual_phone(PhoneSpec(mode="portable"), keys=adb.keys) as phone:
        await adb.run("connect", phone.address)
        server = await asyncio.start_server(_echo, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        server.close()
        await server.wait_closed()
        place = int((await adb.run("-s", phone.address, "reverse", "tcp:0", f"tcp:{port}")).stdout)
        reader, writer = await asyncio.open_connection("127.0.0.1", place)
        async with asyncio.timeout(60):
            assert await reader.read() == b""
        writer.close()


async def test_a_name_of_the_phone_is_free_again_after_its_end(adb: Adb) -> None:
    async with virtual_phone(PhoneSpec(mode="portable"), keys=adb.keys) as phone:
        await adb.run("connect", phone.address)
        for _ in range(2):
            done = await adb.run("-s", phone.address, "reverse", "localabstract:one", "tcp:1")
            assert done.status == 0, done
            assert (await adb.run("-s", phone.address, "reverse", "--remove-all")).status == 0
