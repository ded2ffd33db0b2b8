"""A campaign over four phones to which things happen, and whose hub is killed twice."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import signal
import sqlite3
from collections import Counter
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Final

from devicehub import procs
from devicehub.api.hubfile import find_running
from devicehub.clock import SystemClock
from devicehub.demo_model import demo_model_dir
from devicehub.settings import Home
from tests.e2e.command import DEVICEHUB, devicehub
from tests.e2e.fleet import stocked_fleet

if TYPE_CHECKING:
    from collections.abc import Mapping

SCENARIO: Final = """
[[fault]]                       # wrong on one phone with one model, and fast
do = "set_engine_script"
phone = 3
[[fault.script.rules]]
model = "other"
garble = true

[[fault]]                       # half as fast with one profile: no limit asks for speed
do = "set_engine_script"
phone = 2
[[fault.script.rules]]
config = { precision = "high" }
prefill = 0.5
decode = 0.5

[[fault]]
do = "cable_out"
when = { process = "llm_bench" }
phone = 1
[[fault]]
do = "cable_in"
when = { process = "llm_bench" }
after_s = 5.0
phone = 1

[[fault]]
do = "reboot"
when = { process = "llm_bench" }
down_s = 3.0
phone = 4
"""

CAMPAIGN: Final = """
phones = ["virtual=true"]
models = ["tiny", "other"]
engines = ["plain"]
profiles = ["default", "precision", "memory-saver"]
protocol = "quick"
launches = 1
prompt_tokens = 16
decode_tokens = 4
gate = ["cap=1"]
seed = 7
[[limit]]
demand = "fidelity >= 99 %"
"""


async def test_campaign_outlives_a_cable_a_reboot_and_two_kills_of_the_hub(tmp_path: Path) -> None:
    scenario, file, other = tmp_path / "scenario.toml", tmp_path / "lab.toml", tmp_path / "other"
    scenario.write_text(SCENARIO)
    file.write_text(CAMPAIGN)
    shutil.copytree(demo_model_dir(), other)
    async with stocked_fleet(tmp_path, phones=4, scenario=scenario) as env:
        await devicehub("models", "add", other, env=env)
        devices = (await devicehub("devices", "--json", env=env)).json
        serials = sorted(phone["serialno"] for phone in devices if phone["virtual"])
        third = serials[2]
        async with procs.child([DEVICEHUB, "campaign", "run", file, "--json"], env=env) as command:
            await until_outcomes(env, 4)
            kill_hub(env)  # whoever follows the campaign starts it again
            await until_outcomes(env, 12)
            command.kill()
            kill_hub(env)
            await command.wait()
        answer = await devicehub("campaign", "resume", "lab", "--json", env=env)
        result = answer.json
        states: dict[tuple[str, str], Counter[tuple[str, str | None]]] = {
            (cell["cell"]["phone"]["serialno"], cell["cell"]["variant"]["model"]["name"]): Counter()
            for cell in result["cells"]
        }
        for cell in result["cells"]:
            key = (cell["cell"]["phone"]["serialno"], cell["cell"]["variant"]["model"]["name"])
            states[key][cell["state"], cell["reason"]] += 1
        assert len(states) == 8
        for (serialno, model), found in states.items():
            wrong = serialno == third and model == "other"
            expected = ("failed", "wrong_output") if wrong else ("passed", None)
            assert found == {expected: 3}, (serialno, model, found, answer.stderr)
        assert answer.status == 1
        assert result["exit"] == 1
        check_rows(env, cells=24)
        check_mishaps(env, rebooted=max(serials))


def check_rows(env: Mapping[str, str], *, cells: int) -> None:
    """No cell has two outcomes, none is missing, no attempt is left open, no run was made twice."""
    with closing(open_database(env)) as database:
        rows = database.execute("SELECT cell, count(*) FROM cell_outcomes GROUP BY cell").fetchall()
        assert rows == [(number, 1) for number in range(1, cells + 1)]
        assert database.execute("SELECT count(*) FROM cell_attempts WHERE over IS NULL").fetchone() == (0,)
        runs = [
            run
            for (text,) in database.execute("SELECT runs FROM cell_attempts").fetchall()
            for run in json.loads(text)
        ]
        assert len(runs) == len(set(runs))
        known = {run for (run,) in database.execute("SELECT id FROM runs").fetchall()}
        assert known >= {
            run
            for (text,) in database.execute(
                "SELECT runs FROM cell_attempts WHERE outcome IS NOT NULL"
            ).fetchall()
            for run in json.loads(text)
        }


def check_mishaps(env: Mapping[str, str], *, rebooted: str) -> None:
    """The reboot cost a run: it, or its cell, was tried again."""
    with closing(open_database(env)) as database:
        again = database.execute("SELECT count(*) FROM runs WHERE serialno = ? AND attempt > 1", (rebooted,))
        tries = database.execute("SELECT count(*) FROM cell_attempts WHERE attempt > 1")
        assert again.fetchone()[0] + tries.fetchone()[0] >= 1


async def until_outcomes(env: Mapping[str, str], count: int) -> None:
    async with asyncio.timeout(180):
        while outcomes(env) < count:
            await SystemClock().sleep(0.1)


def outcomes(env: Mapping[str, str]) -> int:
    try:
        with closing(open_database(env)) as database:
            return int(database.execute("SELECT count(*) FROM cell_outcomes").fetchone()[0])
    except sqlite3.OperationalError:
        return 0  # the hub has not made it yet


def open_database(env: Mapping[str, str]) -> sqlite3.Connection:
    path = Home(Path(env["DEVICEHUB_HOME"])).database
    return sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=10)


def kill_hub(env: Mapping[str, str]) -> None:
    hub = find_running(Home(Path(env["DEVICEHUB_HOME"])))
    assert hub is not None
    os.kill(hub.pid, signal.SIGKILL)
