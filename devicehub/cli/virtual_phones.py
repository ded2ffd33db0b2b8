"""Virtual phones for a hub: on an adb server of their own, with what is needed to try them."""

from __future__ import annotations

import asyncio
import contextlib
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Final

from devicehub.cli.output import say
from devicehub.demo_model import demo_model_dir

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable

    from devicehub.adb.address import ServerAddress
    from devicehub.settings import Home
    from devicehub.sim.phone import VirtualPhone

DEMO_MODEL: Final = "demo-model"
ENGINE: Final = "virtual"
"""One alone: with two of them each run would have to say which."""


@contextlib.asynccontextmanager
async def virtual_fleet(count: int, scenario_file: Path | None, home: Home) -> AsyncIterator[ServerAddress]:
    """So many virtual phones, connected to the adb server whose address is given; all end with the block.

    The home's catalogue has the demo's model and a virtual engine afterwards.

    Raises:
        InputError: the scenario cannot be read, or another model has the demo's name.
        ConfigError: something in the scenario is wrong.
        SimError: a phone cannot be started.
        AdbServerUnavailable: adb is missing or does not start.
    """
    from devicehub.adb.client import AdbClient
    from devicehub.adb.server import private_server
    from devicehub.clock import SystemClock
    from devicehub.sim.phone import builtin_specs, virtual_phone
    from devicehub.sim.scenario import Scenario, play, read_scenario

    scenario = read_scenario(scenario_file, phones=count) if scenario_file is not None else Scenario()
    await asyncio.to_thread(_stock, home)
    async with contextlib.AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="devicehub-serve-")))
        server = await stack.enter_async_context(private_server(home=folder))
        phones = [
            await stack.enter_async_context(virtual_phone(scenario.phone.apply(spec), keys=[server.key_path]))
            for spec in builtin_specs(count)
        ]
        client = AdbClient(server.address)
        for phone in phones:
            await client.connect(phone.address)
        say(
            f"{count} virtual phone{'s' if count > 1 else ''} on an adb server of their own, {server.address}"
        )
        tell_obstacles(phones)
        async with asyncio.TaskGroup() as tasks:
            playing = tasks.create_task(play(scenario, phones, clock=SystemClock(), say=say))
            try:
                yield server.address
            finally:
                playing.cancel()


def tell_obstacles(phones: Iterable[VirtualPhone]) -> None:
    """Say why the phones run no programs for arm64, each reason once; nothing where they do."""
    for reason in sorted({phone.no_arm64 for phone in phones if phone.no_arm64 is not None}):
        say(f"programs for arm64 do not run on them: {reason}")


def _stock(home: Home) -> None:
    from devicehub.engines.catalog import EngineCatalog
    from devicehub.models.catalog import ModelCatalog
    from devicehub.sim.bundles import engine_bundle

    engines = EngineCatalog(home)
    if not any(engine.name.startswith(ENGINE) for engine in engines.list()):
        engines.add(engine_bundle(ENGINE), ENGINE)
    models = ModelCatalog(home)
    if DEMO_MODEL not in [model.name for model in models.list()]:
        models.add(demo_model_dir(), name=DEMO_MODEL)
