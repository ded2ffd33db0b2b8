"""`devicehub push`: a model, an engine or a file onto phones."""

from __future__ import annotations

from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from devicehub.cli.output import Progress, print_json, run_async, say
from devicehub.units import format_bytes, format_ms, format_rate

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from devicehub.adb.client import Transport
    from devicehub.deploy.carry import PushOutcome
    from devicehub.deploy.plan import PushPlan
    from devicehub.deploy.targets import Target
    from devicehub.device.model import Device
    from devicehub.hub import Hub


@click.group("push")
def command() -> None:
    """Bring a model, an engine or a file onto phones; what a phone holds already is not sent again."""


def _push_options(function: Callable[..., None]) -> Callable[..., None]:
    """The options that every kind of push takes."""

    @click.option("--on", "selectors", multiple=True, metavar="SELECTOR", help="A serial, `all`, or terms.")
    @click.option("--dry-run", is_flag=True, help="Say what would be done; change nothing.")
    @click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
    @wraps(function)
    def with_options(*args: Any, **options: Any) -> None:
        function(*args, **options)

    return with_options


@command.command("model")
@click.argument("name")
@_push_options
def model_command(name: str, selectors: tuple[str, ...], *, dry_run: bool, as_json: bool) -> None:
    """Push the model NAME of the catalogue."""
    from devicehub.deploy.targets import model_target

    async def target(hub: Hub, _: Device, __: Transport) -> Target:
        return model_target(hub.models.get(name))

    run_async(_push_all(target, selectors, dry_run=dry_run, as_json=as_json))


@command.command("engine")
@click.argument("engine_id", metavar="ID")
@_push_options
def engine_command(engine_id: str, selectors: tuple[str, ...], *, dry_run: bool, as_json: bool) -> None:
    """Push the engine ID (or its name) of the catalogue."""
    from devicehub.deploy.targets import engine_target

    async def target(hub: Hub, device: Device, _: Transport) -> Target:
        from devicehub.dispatch.header import fits

        engine = hub.engines.get(engine_id)
        if not fits(engine, device):
            say(f"warning: {device.serial} cannot load engine {engine.id}, which is for {engine.abi}")
        return engine_target(engine)

    run_async(_push_all(target, selectors, dry_run=dry_run, as_json=as_json))


@command.command("file")
@click.argument("source", type=click.Path(path_type=Path), metavar="SRC")
@click.argument("destination", metavar="DST")
@_push_options
def file_command(
    source: Path, destination: str, selectors: tuple[str, ...], *, dry_run: bool, as_json: bool
) -> None:
    """Push the file SRC to DST, an absolute path on the phone."""
    from devicehub.deploy.targets import file_target

    async def target(_: Hub, __: Device, transport: Transport) -> Target:
        return await file_target(source, destination, transport)

    run_async(_push_all(target, selectors, dry_run=dry_run, as_json=as_json))


async def _push_all(
    find_target: Callable[[Hub, Device, Transport], Awaitable[Target]],
    selectors: Sequence[str],
    *,
    dry_run: bool,
    as_json: bool,
) -> None:
    from devicehub.hub import open_hub

    hub = await open_hub()
    results: list[dict[str, Any]] = []
    for device in await hub.select(selectors):
        transport = hub.transport(device)
        target = await find_target(hub, device, transport)
        plan = await target.plan(transport)
        result = {"serial": device.serial, "target": target.directory, **plan.summary()}
        if dry_run:
            if not as_json:
                _show_plan(device.serial, target, plan)
        else:
            outcome = await _carry_out(target, plan, transport)
            result["outcome"] = outcome
            if not as_json:
                _show_outcome(device.serial, target, outcome)
        results.append(result)
    if as_json:
        print_json(results)


async def _carry_out(target: Target, plan: PushPlan, transport: Transport) -> PushOutcome:
    bar = Progress(target.label, plan.bytes_to_send) if plan.bytes_to_send else None
    try:
        return await target.carry_out(plan, transport, progress=bar.advance if bar else None)
    finally:
        if bar is not None:
            bar.close()


def _show_plan(serial: str, target: Target, plan: PushPlan) -> None:
    for entry in plan.send:
        print(f"send    {entry.path}  {format_bytes(entry.size)}")
    for kept in plan.keep:
        print(f"skip    {kept.entry.path}")
    for move in plan.move:
        print(f"rename  {move.source} -> {move.entry.path}")
    for path in (*plan.remove, *plan.leftovers):
        print(f"remove  {path}")
    fits = "" if plan.fits else "; it does not fit"
    say(f"{serial}: {format_bytes(plan.bytes_to_send)} would go to {target.directory}{fits}")


def _show_outcome(serial: str, target: Target, outcome: PushOutcome) -> None:
    sent = "1 file" if outcome.files_sent == 1 else f"{outcome.files_sent} files"
    say(
        f"{serial}: {target.directory}: {sent} sent, {outcome.files_skipped} there already; "
        f"{format_bytes(outcome.bytes_sent)} at {format_rate(outcome.bytes_sent, outcome.send_s)}, "
        f"checked in {format_ms(outcome.verify_s * 1000)}, all in {format_ms(outcome.seconds * 1000)}"
    )
