"""One virtual phone on an adb server of its own, and a runner for it."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import TYPE_CHECKING

from devicehub.adb.client import AdbClient, Transport
from devicehub.adb.server import private_server
from devicehub.adb.shell import run_script
from devicehub.clock import SystemClock
from devicehub.runner.contract import Command, LaunchEnded, RunSpec
from devicehub.runner.launch import Runner
from devicehub.settings import PHONE_ROOT
from devicehub.sim.phone import virtual_phone

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from devicehub.runner.contract import Exit, Piece, RunHandle
    from devicehub.sim.phone import PhoneSpec, VirtualPhone

AGENT_DIR = Path(__file__).parents[2] / "agent"


class Desk:
    """One phone on its own adb server."""

    def __init__(self, client: AdbClient, phone: VirtualPhone) -> None:
        self.client = client
        self.phone = phone
        self.address = phone.address
        self.transport: Transport = client.transport(serial=phone.address)
        self.runner = self.new_runner()

    def new_runner(self, *, silence_s: float = 20.0) -> Runner:
        """As another process of the hub would have it."""
        return Runner(self.transport, agent_dir=AGENT_DIR, clock=SystemClock(), silence_s=silence_s)

    async def sh(self, script: str) -> str:
        return (await run_script(self.transport, script, timeout_s=30)).stdout.decode()

    async def start(self, script: str, run_id: str = "r1") -> RunHandle:
        return await self.runner.start(spec(script, run_id))

    async def finish(self, handle: RunHandle) -> tuple[dict[str, bytes], Exit]:
        data: dict[str, bytes] = {}
        async for item in self.runner.follow(handle):
            if not isinstance(item, LaunchEnded):
                take(data, item)
        return data, await self.runner.result(handle)


def take(data: dict[str, bytes], piece: Piece) -> None:
    """Add a piece, which has to begin where the last one ended."""
    assert piece.offset == len(data.get(piece.stream, b""))
    data[piece.stream] = data.get(piece.stream, b"") + piece.data


def spec(script: str, run_id: str = "r1", launches: int = 1) -> RunSpec:
    command = Command(
        ["sh", "-c", script],
        cwd=f"{PHONE_ROOT}/work/w1",
        env={"LD_LIBRARY_PATH": f"{PHONE_ROOT}/engines/e1"},
    )
    return RunSpec(
        run_id,
        [command] * launches,
        files={"config.json": b"{}", "prompt.txt": "ä 'q' $(x)\n".encode()},
    )


@contextlib.asynccontextmanager
async def desk_with(phone_spec: PhoneSpec) -> AsyncIterator[Desk]:
    async with private_server() as server, virtual_phone(phone_spec, keys=[server.key_path]) as phone:
        client = AdbClient(server.address)
        await client.connect(phone.address)
        desk = Desk(client, phone)
        await desk.runner.install()
        yield desk
