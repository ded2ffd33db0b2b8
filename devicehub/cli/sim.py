"""`devicehub sim`: virtual phones for any adb client."""

from __future__ import annotations

import asyncio
import contextlib
import signal
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from devicehub.cli.output import run_async, say
from devicehub.cli.virtual_phones import tell_obstacles

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
@click.option(
    "--scenario",
    "scenario_file",
    type=click.Path(dir_okay=False, path_type=Path),
    help="A TOML file of faults and the moments at which they happen (DEVELOP.md).",
)
@click.option("--connect", is_flag=True, help="Connect the phones to the adb server, and let go at the end.")
def command(phones: int, port: int, scenario_file: Path | None, connect: bool) -> None:
    """Run virtual phones until Ctrl-C, for any adb client that has this user's adb key.

    Each phone's line for `adb connect` goes to stdout.
    """
    from devicehub.sim.phone import EMULATOR_PORTS

    if port <= EMULATOR_PORTS[-1] and port + phones > EMULATOR_PORTS[0]:
        raise click.UsageError("ports 5555 to 5585 are where adb looks for emulators; choose another --port")
    run_async(_run(phones, port, scenario_file, connect=connect))


async def _run(count: int, port: int, scenario_file: Path | None, *, connect: bool) -> None:
    from devicehub.clock import SystemClock
    from devicehub.sim.phone import builtin_specs, virtual_phone
    from devicehub.sim.scenario import Scenario, play, read_scenario

    scenario = read_scenario(scenario_file, phones=count) if scenario_file is not None else Scenario()
    stopped = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stopped.set)
    async with contextlib.AsyncExitStack() as stack:
        phones = [
            await stack.enter_async_context(virtual_phone(scenario.phone.apply(spec), keys=None))
            for spec in builtin_specs(count, first_port=port)
        ]
        for phone in phones:
            print(f"adb connect {phone.address}", flush=True)
            say(f"{phone.address}: {phone.serialno}, {phone.product}, {_MODES[phone.mode]}")
        tell_obstacles(phones)
        if connect:
            await stack.enter_async_context(_connected([phone.address for phone in phones]))
        say("Ctrl-C ends them.")
        async with asyncio.TaskGroup() as tasks:
            playing = tasks.create_task(play(scenario, phones, clock=SystemClock(), say=say))
            await stopped.wait()
            playing.cancel()


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
