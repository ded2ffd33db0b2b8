"""Campaigns of thousands of cells: planning them, reports of them, and the hub that carries one.

The carried campaign runs on virtual phones in a process of their own whose engine infers nothing: what is
left is the hub's work, and the shells of the phones. The hub is `devicehub serve`, measured from outside. Two
thousand cells over twenty phones take a quarter of an hour on two cores; where CI is set, it is 100 over 5.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import gc
import json
import os
import shutil
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Final

import msgspec

from devicehub import procs
from devicehub.adb.client import AdbClient
from devicehub.adb.server import private_server
from devicehub.api.client import connect
from devicehub.api.contract import (
    CAMPAIGN,
    CAMPAIGN_PLAN,
    CAMPAIGN_START,
    DEVICES,
    CampaignNamed,
    CampaignText,
)
from devicehub.campaign.judge import conclude, judge_cell
from devicehub.campaign.outcome import CellOutcome
from devicehub.clock import SystemClock
from devicehub.demo_model import demo_model_dir
from devicehub.report.formats import FORMATS
from devicehub.sim.bundles import engine_bundle
from tests.bench.hub_process import serving
from tests.bench.results import Result, table
from tests.campaign.synthetic import make_outcomes, make_plan
from tests.e2e.command import DEVICEHUB, devicehub
from tests.e2e.fleet import free_ports

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from devicehub.api.client import Client
    from devicehub.campaign.planned import Plan
    from devicehub.campaign.result import CampaignResult
    from tests.bench.hub_process import HubProcess

_STORED: Final = 2000
_MOST_PLAN_S: Final = 2.0
_MOST_REPORT_S: Final = 10.0
_MOST_GROWTH_MIB: Final = 16
_MODELS: Final = 4
_READY_S: Final = 180.0
_CELL_S: Final = 60.0
_LOOK_S: Final = 1.0
_MIB: Final = 1024 * 1024
_CLOCK: Final = SystemClock()
_SCRIPT: Final = """
[[fault]]
do = "set_engine_script"
[fault.script.speed]
prefill_tok_s = 20000.0
decode_tok_s = 2000.0
noise = 0.01
"""
_PROTOCOL: Final = """summary = "One launch"
workload = "bench"
prompt_tokens = 128
decode_tokens = 32
repeats = 1
warmups = 0
launches = 1
"""


async def bench(cells: int | None = None, phones: int | None = None) -> list[Result]:
    """The times of reports and planning, and what the hub takes while it carries so many cells."""
    many = (100, 5) if os.environ.get("CI") else (2000, 20)
    return [*_reports(), *await _carry(cells or many[0], phones or many[1])]


def _reports() -> list[Result]:
    """From stored outcomes to every format; the best of two, since others share this machine."""
    plan = make_plan(cells=_STORED)
    stored = [msgspec.json.encode(one) for one in make_outcomes(plan).values()]
    size_mib = sum(map(len, stored)) / _MIB
    print(f"{_STORED} stored cells, {size_mib:.1f} MiB")
    judging_s, result = min((_timed_judging(plan, stored) for _ in range(2)), key=lambda one: one[0])
    print(f"  {'read and judged':<34} {judging_s:9.2f} s")
    whole_s = judging_s
    for name, known in FORMATS.items():
        render_s, size = min(_timed_render(known.render, result) for _ in range(2))
        whole_s += render_s
        print(f"  {name:<34} {render_s:9.2f} s, {size / _MIB:.2f} MiB")
    return [Result(f"{_STORED} stored cells", "judged, in every format", whole_s, "s", most=_MOST_REPORT_S)]


def _timed_judging(plan: Plan, stored: list[bytes]) -> tuple[float, CampaignResult]:
    gc.collect()
    begun = time.perf_counter()
    outcomes = {one.cell: one for one in (msgspec.json.decode(each, type=CellOutcome) for each in stored)}
    results = [judge_cell(plan, cell, outcomes.get(cell.number)) for cell in plan.cells]
    result = conclude(plan, results, state="ended", ended=plan.created + 7200.0)
    return time.perf_counter() - begun, result


def _timed_render(render: Callable[[CampaignResult], str], result: CampaignResult) -> tuple[float, int]:
    gc.collect()
    begun = time.perf_counter()
    size = len(render(result).encode())
    return time.perf_counter() - begun, size


async def _carry(cells: int, phones: int) -> list[Result]:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        async with (
            private_server(home=folder / "adb") as server,
            _phones(folder, server.key_path, phones) as serials,
            serving(folder, server.address) as hub,
            connect(hub.where, name="bench", start=False) as client,
        ):
            adb = AdbClient(server.address)
            for serial in serials:
                await adb.connect(serial)
            asked = await _stock(folder, hub, cells // phones)
            await _all_ready(client, phones)
            begun = time.perf_counter()
            plan = await client.call(CAMPAIGN_PLAN, asked, timeout_s=_CELL_S)
            plan_s = time.perf_counter() - begun
            print(f"planned {len(plan.cells)} cells over {phones} phones in {plan_s:.2f} s")
            results = [Result(f"{len(plan.cells)} cells", "planned", plan_s, "s", most=_MOST_PLAN_S)]
            return [*results, *await _watch(client, hub, asked, len(plan.cells))]


@contextlib.asynccontextmanager
async def _phones(folder: Path, key: Path, count: int) -> AsyncIterator[list[str]]:
    """So many virtual phones with an engine of set speed, in a process of their own; their addresses."""
    script = folder / "phones.toml"
    script.write_text(_SCRIPT, encoding="utf-8")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("ADB_", "ANDROID_"))}
    port = free_ports(count)
    argv: list[str | Path] = [
        DEVICEHUB,
        "sim",
        "--phones",
        str(count),
        "--port",
        str(port),
        "--scenario",
        script,
    ]
    async with procs.child(argv, env={**kept, "HOME": str(key.parents[1])}) as process:
        assert process.stdout is not None
        lines = [(await process.stdout.readline()).decode() for _ in range(count)]
        if not all(line.startswith("adb connect ") for line in lines):
            raise RuntimeError("the virtual phones did not start")
        yield [line.split()[-1] for line in lines]


async def _stock(folder: Path, hub: HubProcess, cells: int) -> CampaignText:
    """Fill the catalogue; a campaign of so many cells a phone."""
    models = [f"model-{number}" for number in range(_MODELS)]
    commands: list[tuple[str | Path, ...]] = [("engines", "add", engine_bundle())]
    for model in models:
        # Another content than the demo's, whose answers are known: this engine gives none of them.
        shutil.copytree(demo_model_dir(), folder / model)
        config = json.loads((folder / model / "config.json").read_bytes())
        (folder / model / "config.json").write_text(json.dumps({**config, "_name": model}), encoding="utf-8")
        commands.append(("models", "add", folder / model, "--no-fixture"))
    for argv in commands:
        answer = await devicehub(*argv, env=hub.env)
        if answer.status:
            raise RuntimeError(answer.stderr)
    profiles = folder / "hub" / "profiles"
    for kind in ("runs", "protocols"):
        (profiles / kind).mkdir(parents=True, exist_ok=True)
    (profiles / "protocols" / "once.toml").write_text(_PROTOCOL, encoding="utf-8")
    names = [f"chunk-{number}" for number in range(1, cells // _MODELS + 1)]
    for number, name in enumerate(names, 1):
        text = f'summary = "In pieces"\n\n[config]\nchunk = {number}\n'
        (profiles / "runs" / f"{name}.toml").write_text(text, encoding="utf-8")
    text = f"""
phones = ["virtual=true"]
models = {models}
profiles = {names}
protocol = "once"
seed = 1
"""
    return CampaignText(text=text, place="bench.toml")


async def _all_ready(client: Client, phones: int) -> None:
    async with asyncio.timeout(_READY_S):
        while (
            sum(device.state == "ready" and device.virtual for device in await client.call(DEVICES)) < phones
        ):
            await _CLOCK.sleep(_LOOK_S)


async def _watch(client: Client, hub: HubProcess, asked: CampaignText, cells: int) -> list[Result]:
    """Carry the campaign to its end, and look at the hub meanwhile."""
    begun_s, cpu_s = _CLOCK.monotonic_s(), hub.cpu_s()
    view = await client.call(CAMPAIGN_START, asked, timeout_s=_CELL_S)
    seen: list[tuple[int, int]] = []
    async with asyncio.timeout(_CELL_S * cells):
        while view.state == "running":
            await _CLOCK.sleep(_LOOK_S)
            document = await client.call(CAMPAIGN, CampaignNamed(campaign=view.id), timeout_s=_CELL_S)
            view = document.campaign
            seen.append((cells - view.counts.get("waiting", 0) - view.counts.get("running", 0), hub.rss()))
    took_s, cpu_s = _CLOCK.monotonic_s() - begun_s, hub.cpu_s() - cpu_s
    # In the first half caches fill, and the heap finds its size.
    middle = [rss for done, rss in seen if 0.45 * cells <= done <= 0.55 * cells] or [seen[len(seen) // 2][1]]
    growth = max(rss for _, rss in seen[-5:]) - max(middle)
    print(f"{cells} cells in {took_s:.0f} s: {view.sentence}")
    print(f"  {view.counts}, as in: {document.cells[0].sentence}")
    for share in (0.1, 0.5, 0.9, 1.0):
        found = [rss for done, rss in seen if done <= share * cells]
        print(f"  memory at {share:4.0%} of the cells {max(found, default=0) / _MIB:18.1f} MiB")
    case = f"{cells} cells carried"
    return [
        Result(case, "passed", view.counts.get("passed", 0), "cells", least=cells),
        Result(case, "memory, grown since half of them", growth / _MIB, "MiB", most=_MOST_GROWTH_MIB),
        Result(case, "memory, highest", max(rss for _, rss in seen) / _MIB, "MiB"),
        Result(case, "CPU of the hub a cell", cpu_s / cells * 1000, "ms"),
        Result(case, "a cell, by the wall's clock", took_s / cells * 1000, "ms"),
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cells", type=int)
    parser.add_argument("--phones", type=int)
    chosen = parser.parse_args()
    print(table(asyncio.run(bench(chosen.cells, chosen.phones))))


if __name__ == "__main__":
    main()
