"""Every way in which MNN's tools are known to fail, for real on virtual phones, and what the hub concludes.

All rows of one build and one program are launches of one run, so that what the agent captured, the log of
several launches among them, is read as the hub reads it.
"""

from __future__ import annotations

import asyncio
import json
import shutil
import signal
from typing import TYPE_CHECKING, Final

import pytest

from devicehub.adb.client import AdbClient, Transport
from devicehub.adb.server import PrivateServer, private_server
from devicehub.adb.shell import run_script
from devicehub.adb.sync import open_sync
from devicehub.assets import find_asset
from devicehub.clock import SystemClock
from devicehub.demo_model import demo_model_dir
from devicehub.dispatch.reader import RunReader
from devicehub.dispatch.request import RunRequest
from devicehub.hub import open_hub
from devicehub.profiles.load import run_profile
from devicehub.runner.contract import Command, RunSpec, engine_env
from devicehub.runner.launch import Runner
from devicehub.runs.model import EngineRef
from devicehub.runs.steps import Step
from devicehub.settings import PHONE_ROOT, Home
from devicehub.sim.bundles import engine_bundle
from devicehub.sim.engine.scenario import VARIABLE, End, EngineScript
from devicehub.sim.phone import PhoneSpec, virtual_phone
from tests.dispatch.samples import header
from tests.e2e.failure_rows import BENCH, BENCH_ARGUMENTS, CONFIG, DEMO, Row

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from devicehub.runs.model import Launch

BUNDLES: Final = {"plain": "virtual", "logged": "virtual-logcat"}
TOOLS: Final = {"llm_demo": DEMO, "llm_bench": BENCH}
_MODELS: Final = "/data/local/tmp/mnn_models"
_WORK: Final = f"{PHONE_ROOT}/work/w1"
_ROWS_PER_PHONE: Final = 17
_PROMPT: Final = b"What is DeviceHub?\n"

pytestmark = [
    pytest.mark.skipif(
        shutil.which("mksh") is None or shutil.which("toybox") is None,
        reason="mksh or toybox is not installed",
    ),
]


@pytest.mark.parametrize("tool", TOOLS)
async def test_each_failure_ends_in_its_verdict_and_cause(tool: str, tmp_path: Path) -> None:
    shares = [(build, share) for build in BUNDLES for share in _shares(tool, build)]
    async with private_server(home=tmp_path) as server, asyncio.TaskGroup() as tasks:
        running = [
            tasks.create_task(_run_on_a_phone(server, build, tool, list(share.values())))
            for build, share in shares
        ]
    launches = {
        (build, name): launch
        for (build, share), task in zip(shares, running, strict=True)
        for name, launch in zip(share, task.result(), strict=True)
    }
    rows = {(build, name): row for build, share in shares for name, row in share.items()}
    found = {key: (launch.verdict, launch.cause) for key, launch in launches.items()}
    assert found == {key: (row.verdict, row.cause_of(key[0])) for key, row in rows.items()}
    for key, row in rows.items():
        evidence = launches[key].evidence
        assert row.says in "\n".join(evidence), (key, evidence)
        if row.verdict == "failed":
            assert evidence, key
            assert launches[key].remedy, key


def _shares(tool: str, build: str) -> list[dict[str, Row]]:
    """The rows of a build in as many shares as there are phones for them: a launch is mostly waiting."""
    rows = [(name, row) for name, row in TOOLS[tool].items() if build in row.builds]
    return [dict(rows[start : start + _ROWS_PER_PHONE]) for start in range(0, len(rows), _ROWS_PER_PHONE)]


async def _run_on_a_phone(server: PrivateServer, build: str, tool: str, rows: Sequence[Row]) -> list[Launch]:
    async with virtual_phone(PhoneSpec(), keys=[server.key_path]) as phone:
        client = AdbClient(server.address)
        await client.connect(phone.address)
        transport = client.transport(serial=phone.address)
        await _prepare(transport, build, rows)
        return await _run(transport, build, tool, rows)


async def _prepare(transport: Transport, build: str, rows: Sequence[Row]) -> None:
    """A folder for each row: the demo model, spoilt; the engine as the hub would put it."""
    files: dict[str, bytes] = {}
    for file in demo_model_dir().iterdir():
        files[f"{_MODELS}/demo/{file.name}"] = file.read_bytes()
    for file in engine_bundle(BUNDLES[build]).glob("llm_*"):
        files[f"{_engine(build)}/{file.name}"] = file.read_bytes()
    own = json.loads(files[f"{_MODELS}/demo/config.json"]) | {"sampler_type": "greedy", "thread_num": 1}
    spoil = [f"cd {_MODELS} && chmod 755 {_engine(build)}/*"]
    for number, row in enumerate(rows):
        text = json.dumps(own | row.config) if row.text is None else row.text
        files[f"{_MODELS}/arriving/{number}/config.json"] = text.encode()
        files[f"{_MODELS}/arriving/{number}/prompt.txt"] = _PROMPT
        if row.script is not None:
            files[f"{_MODELS}/arriving/{number}/script.json"] = json.dumps(row.script).encode()
        spoil.append(
            f"cp -r demo {number} && cp arriving/{number}/* {number} && (cd {number}; {row.spoil or ':'})"
        )
    async with open_sync(transport) as sync:
        for path, data in files.items():
            await sync.push(data, path)
    answer = await run_script(transport, " && ".join(spoil), timeout_s=120)
    assert answer.status == 0, answer.stderr


async def _run(transport: Transport, build: str, tool: str, rows: Sequence[Row]) -> list[Launch]:
    """All rows as launches of one run, read and judged by the hub's own reader."""
    runner = Runner(transport, agent_dir=find_asset("agent"), clock=SystemClock())
    await runner.install()
    commands = [_command(build, tool, row, f"{_MODELS}/{number}") for number, row in enumerate(rows)]
    handle = await runner.start(RunSpec("r1", commands, files={"config.json": b"{}"}))
    reader = RunReader(
        header(
            workload=tool.removeprefix("llm_"),
            engine=EngineRef(id="e-1", name="e", abi="virtual", version="3.6.1", logcat=build == "logged"),
            config={},
            steps=[Step(kind="measured")] * len(rows),
        )
    )
    async for item in runner.follow(handle):
        reader.feed(item)
    end = await runner.result(handle)
    assert (end.cause, end.log_captured) == (None, True)
    return reader.finish(end.cause)


def _command(build: str, tool: str, row: Row, folder: str) -> Command:
    arguments = BENCH_ARGUMENTS if tool == "llm_bench" and row.arguments[:1] == (CONFIG,) else row.arguments
    program = row.program or f"{_engine(build)}/{tool}"
    script = {} if row.script is None else {VARIABLE: f"{folder}/script.json"}
    return Command(
        [argument.replace("{row}", folder) for argument in (program, *arguments)],
        cwd=row.cwd or _WORK,
        env={**engine_env(_engine(build)), **script},
    )


def _engine(build: str) -> str:
    return f"{PHONE_ROOT}/engines/{build}"


async def test_a_crash_is_repeated_on_a_terminal_for_its_last_lines(tmp_path: Path) -> None:
    async with (
        private_server(home=tmp_path / "adb") as server,
        virtual_phone(PhoneSpec(), keys=[server.key_path]) as phone,
    ):
        hub = await open_hub(home=Home(tmp_path / "home"), address=server.address)
        await hub.client.connect(phone.address)
        (device,) = await hub.devices()
        request = RunRequest(
            run_id=hub.new_run_id(),
            engine=hub.engines.add(engine_bundle("virtual"), "plain"),
            model=hub.models.add(demo_model_dir()),
            profile=run_profile("greedy-repeatable", hub.home),
            prompts=_PROMPT,
        )
        phone.set_engine_script(EngineScript(end=End(at="prefill", signal=signal.SIGSEGV)))
        record = (await hub.run(request, device)).record
    assert (record.state, record.verdict, record.cause) == ("failed", "failed", "segfault")
    assert record.launches[0].exit_status == 128 + signal.SIGSEGV
    assert record.launches[0].records == []
    # What the file lost in the buffer, the terminal shows.
    assert any(line.startswith("The device supports: ") for line in record.diagnosis), record.diagnosis
