"""`devicehub demo`: everything at once, without hardware."""

from __future__ import annotations

import asyncio
import contextlib
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from devicehub.cli.output import run_async, say
from devicehub.cli.run_view import Narration, finish
from devicehub.demo_model import DEFAULT_PROMPT, demo_model_dir
from devicehub.errors import HubError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from devicehub.device.model import Device
    from devicehub.dispatch.request import RunRequest
    from devicehub.hub import Hub
    from devicehub.runs.model import RunRecord

MOST_PHONES: Final = 8
_ENGINES: Final = ("virtual-logcat", "virtual")
"""In turn: a build whose counters go to logcat, as the usual Android build, and one that prints them."""


@click.command("demo")
@click.option("--phones", type=click.IntRange(1, MOST_PHONES), default=1, show_default=True, help="How many.")
@click.option("--model", type=click.Path(path_type=Path), metavar="DIR", help="Another exported MNN model.")
@click.option("--prompt", default=DEFAULT_PROMPT, show_default=True, metavar="TEXT", help="What to ask it.")
@click.option("--json", "as_json", is_flag=True, help="Print the run record; of several phones one a line.")
def command(phones: int, model: Path | None, prompt: str, as_json: bool) -> None:
    """Start virtual phones on an adb server of their own, push engine and model, run, print the counters.

    The inference is real: the engine is MNN's wheel on this host. Nothing is left behind.
    """
    from devicehub.workloads.prompts import encode_prompts

    prompts = encode_prompts(prompt, one_prompt=True, place="--prompt")
    outcomes = run_async(_demo(phones, model or demo_model_dir(), prompts, as_json=as_json))
    finish(outcomes, as_json=as_json)


async def _demo(count: int, model: Path, prompts: bytes, *, as_json: bool) -> list[RunRecord | HubError]:
    from devicehub.adb.server import private_server
    from devicehub.dispatch.request import RunRequest
    from devicehub.hub import open_hub
    from devicehub.profiles.load import run_profile
    from devicehub.settings import Home
    from devicehub.sim.bundles import engine_bundle
    from devicehub.sim.phone import builtin_specs, virtual_phone

    async with contextlib.AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="devicehub-demo-")))
        server = await stack.enter_async_context(private_server(home=folder / "adb"))
        hub = await open_hub(home=Home(folder / "home"), address=server.address)
        chosen = hub.models.add(model, name="demo-model" if model == demo_model_dir() else None)
        engines = [hub.engines.add(engine_bundle(name), name) for name in _ENGINES]
        say(f"adb server on port {server.address.port}, model {chosen.name}")
        phones = [
            await stack.enter_async_context(virtual_phone(spec, keys=[server.key_path]))
            for spec in builtin_specs(count)
        ]
        for phone in phones:
            await hub.client.connect(phone.address)
        devices = {device.serial: device for device in await hub.devices()}
        profile = run_profile("greedy-repeatable", hub.home)
        pairs = []
        for index, phone in enumerate(phones):
            device = devices[phone.address]
            assert device.facts is not None
            say(f"{device.serial}: {device.facts.product}, {device.facts.soc.name}, found and identified")
            request = RunRequest(
                run_id=hub.new_run_id(),
                engine=engines[index % len(engines)],
                model=chosen,
                profile=profile,
                prompts=prompts,
            )
            pairs.append((request, device))
        return await _carry_all(hub, pairs, as_json=as_json)


async def _carry_all(
    hub: Hub, pairs: Sequence[tuple[RunRequest, Device]], *, as_json: bool
) -> list[RunRecord | HubError]:
    """Carry every run to its end, all phones at a time; one that fails to run leaves the others alone.

    The model's text streams where there is one phone.
    """
    alone = len(pairs) == 1

    async def carry(request: RunRequest, device: Device) -> RunRecord | HubError:
        narration = Narration(device.serial, stream_text=alone and not as_json, alone=alone)
        try:
            return (await hub.run(request, device, narration)).record
        except HubError as error:
            return error
        finally:
            narration.close()

    async with asyncio.TaskGroup() as tasks:
        carried = [tasks.create_task(carry(*pair)) for pair in pairs]
    return [task.result() for task in carried]
