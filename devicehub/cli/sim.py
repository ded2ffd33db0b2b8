"""`devicehub sim`: virtual phones for any adb client."""

from __future__ import annotations

import asyncio
import contextlib
import signal
from typing import TYPE_CHECKING, Final

import click

from devicehub.cli.output import run_async, say

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

_PORT: Final = 6100


@click.command("sim")
@click.option("--phones", type=click.IntRange(1, 64), default=1, show_default=True, help="How many phones.")
@click.option(
    "--port",
    type=click.IntRange(1024, 65535 - 63),
    default=_PORT,
    show_default=True,
    help="Port of the first phone; the others follow. Never 5555 to 5585, where adb looks for emulators.",
)
@click.option("--connect", is_flag=True, help="Connect the phones to the adb server, and let go at the end.")
def command(phones: int, port: int, connect: bool) -> None:
    """Run virtual phones until Ctrl-C, for any adb client that has this user's adb key.

    Each phone's line for `adb connect` goes to stdout.
    """
    from devicehub.sim.phone import EMULATOR_PORTS

    if port <= EMULATOR_PORTS[-1] and port + phones > EMULATOR_PORTS[0]:
        raise click.UsageError("ports 5555 to 5585 are where adb looks for emulators; choose another --port")
    run_async(_run(phones, port, connect=connect))


async def _run(count: int, port: int, *, connect: bool) -> None:
    from devicehub.sim.phone import builtin_specs, virtual_phone

    stopped = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stopped.set)
    async with contextlib.AsyncExitStack() as stack:
        phones = [
            await stack.enter_async_context(virtual_phone(spec, keys=None))
            for spec in builtin_specs(count, first_port=port)
        ]
        for phone in phones:
            print(f"adb connect {phone.address}", flush=True)
            say(f"{phone.address}: {phone.serialno}, {phone.product}, {_MODES[phone.mode]}")
        if connect:
            await stack.enter_async_context(_connected([phone.address for phone in phones]))
        say("Ctrl-C ends them.")
        await stopped.wait()


_MODES: Final = {
    "confined": "confined: its shell sees nothing of this computer but programs",
    "portable": "portable: this computer allows no user namespaces, so its shell is NOT confined",
}


@contextlib.asynccontextmanager
async def _connected(addresses: Sequence[str]) -> AsyncIterator[None]:
    from devicehub.adb.address import server_address
    from devicehub.adb.client import AdbClient
    from devicehub.adb.server import ensure_server

    address = server_address()
    await ensure_server(address)
    client = AdbClient(address)
    try:
        for phone in addresses:
            say(await client.connect(phone))
        yield
    finally:
        for phone in addresses:
            await client.disconnect(phone)
