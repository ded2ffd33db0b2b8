"""The app's process by itself: what its starter holds of it, and the phone's script for its engine."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import re
import shutil
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from devicehub import procs
from devicehub.demo_model import demo_model_dir
from devicehub.sim.app.am import CHAT
from devicehub.sim.process.sockets import forwarded_name
from tests.sim.app.phones import MODEL_ID, MODELS, PACKAGE, STETHO, hello, parse_frames
from tests.sim.engine.runs import needs_demo_model, phone_log

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.sim.engine.runs import PhoneLog

pytestmark = needs_demo_model


@contextlib.asynccontextmanager
async def _app(
    root: Path, log: PhoneLog, script: dict[str, Any] | None = None
) -> AsyncIterator[asyncio.subprocess.Process]:
    model = root / f"{MODELS.lstrip('/')}/X"
    shutil.copytree(demo_model_dir(), model)
    for folder in (model.parent, model):
        folder.chmod(0o755)
    (root / "script.json").write_text(json.dumps(script) if script else "")
    environment = {
        **os.environ,
        "PYTHONPATH": str(Path(__file__).parents[3]),
        "DEVICEHUB_SIM_ROOT": str(root),
        "DEVICEHUB_SIM_SOCKETS": log.folder,
        "DEVICEHUB_SIM_ENGINE": str(root / "script.json"),
    }
    argv = [sys.executable, "-m", "devicehub.sim.app", PACKAGE]
    async with procs.child(argv, env=environment) as process:
        settings = {"package": PACKAGE, "debuggable": True, "api_key": "k", "api_auth": True}
        extras = {"modelId": MODEL_ID, "modelName": "X", "configFilePath": f"{MODELS}/X/config.json"}
        _tell(process, settings)
        _tell(process, {"activity": CHAT, "extras": extras})
        yield process


def _command_line(pid: int) -> list[str]:
    return Path(f"/proc/{pid}/cmdline").read_bytes().decode().split("\0")


def _tell(process: asyncio.subprocess.Process, value: object) -> None:
    assert process.stdin is not None
    process.stdin.write(json.dumps(value).encode() + b"\n")


async def _dumpapp(log: PhoneLog, *words: str) -> str:
    reader, writer = await asyncio.open_unix_connection(f"{log.folder}/{forwarded_name(STETHO)}")
    writer.write(hello(*words))
    frames = parse_frames(await reader.read())
    writer.close()
    return b"".join(data for kind, data in frames if kind == b"1").decode()


async def test_end_of_stdin_ends_the_process_and_its_stdout(tmp_path: Path) -> None:
    async with phone_log() as log, _app(tmp_path, log) as process:
        await log.wait_for("createLLM EndLoad")
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.close()
        assert await process.stdout.read() == b""
        assert await process.wait() == 0


async def test_process_is_known_by_its_package_and_alone(tmp_path: Path) -> None:
    async with phone_log() as log, _app(tmp_path, log) as process:
        row = await log.wait_for("createLLM EndLoad")
        assert row.pid == process.pid
        assert _command_line(process.pid)[0] == PACKAGE


async def test_script_slows_the_engine_down(tmp_path: Path) -> None:
    async with phone_log() as log, _app(tmp_path, log, {"token_ms": 20}):
        await log.wait_for("createLLM EndLoad")
        await _dumpapp(log, "llm", "run", MODEL_ID, "What is DeviceHub?", "--use-app-config")
        perf = await log.wait_for("PERF |")
        found = re.search(r"decode: \d+ tok in [\d.]+s \(([\d.]+) t/s\)", perf.message)
        assert found is not None
        assert 1 < float(found[1]) <= 51


async def test_script_lets_the_engine_crash_amid_an_answer(tmp_path: Path) -> None:
    script = {"end": {"at": "decode", "tokens": 3, "signal": int(signal.SIGSEGV)}}
    async with phone_log() as log, _app(tmp_path, log, script) as process:
        await log.wait_for("createLLM EndLoad")
        assert await _dumpapp(log, "llm", "run", MODEL_ID, "What is DeviceHub?", "--use-app-config") == ""
        assert await process.wait() == -signal.SIGSEGV
        assert not [row for row in log.rows if row.message.startswith("PERF")]


async def test_script_refuses_to_load(tmp_path: Path) -> None:
    script = {"refuse_load": True, "rows": {"load": ["Memory not Enough"]}}
    async with phone_log() as log, _app(tmp_path, log, script):
        await log.wait_for("Model load failed, cleaning up LlmSession: ")
        await log.wait_for("Memory not Enough")
        row = await log.wait_for("Model load failed: Module load failed for config: ")
        assert (row.tag, row.priority) == ("ChatPresenter", "E")
