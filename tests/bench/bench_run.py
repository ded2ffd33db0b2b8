"""A run of llm_demo with `devicehub run`, beside a script of `adb push` and `adb shell` that does the same.

Engine and model lie on the phone before. Both bring config.json and the prompts there, start the same program
with the same configuration and read what it says; what the run takes longer is its overhead.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import statistics
import tempfile
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from devicehub import procs
from devicehub.adb.server import find_adb
from devicehub.runner.contract import engine_env
from devicehub.settings import PHONE_ROOT
from tests.bench.phone import stocked_phone
from tests.bench.results import Result
from tests.bench.timing import interleave, report
from tests.e2e.command import devicehub

if TYPE_CHECKING:
    from collections.abc import Mapping

_PROMPT: Final = "What is DeviceHub?"
_MOST_S: Final = 1.5
_SCRIPT: Final = "adb push script"
_RUN: Final = "devicehub run"
_FOLDER: Final = "/data/local/tmp/bench"
_ARGV: Final = ("run", "tiny", "--profile", "greedy-repeatable", "--prompt", _PROMPT, "--json")


async def bench(rounds: int = 10) -> list[Result]:
    """Print both medians, the overhead, and where it goes by the run's own timings."""
    records: list[dict[str, Any]] = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        async with stocked_phone(folder, engine="virtual") as env:
            await _run(env, records)
            script = _write_script(folder, records.pop())
            seconds = await interleave(
                {
                    _SCRIPT: partial(_start_script, script, env),
                    _RUN: partial(_run, env, records),
                },
                rounds=rounds,
            )
    return _report(rounds, seconds, records[-rounds:])


async def _run(env: Mapping[str, str], records: list[dict[str, Any]]) -> None:
    answer = await devicehub(*_ARGV, env=env)
    if answer.status:
        raise RuntimeError(answer.stderr)
    records.append(answer.json)


async def _start_script(script: Path, env: Mapping[str, str]) -> None:
    done = await procs.run(["/bin/sh", "-e", script], timeout_s=600, env=env)
    if b"decode speed" not in done.stdout:
        raise RuntimeError(f"the script failed: {(done.stderr or done.stdout)[-500:]!r}")


def _write_script(folder: Path, record: Mapping[str, Any]) -> Path:
    """What somebody writes who wants llm_demo's figures and no more, with the run's configuration."""
    engine = f"{PHONE_ROOT}/engines/{record['engine']['id']}"
    (folder / "config.json").write_text(json.dumps(record["config"]), encoding="utf-8")
    (folder / "prompt.txt").write_text(f"{_PROMPT}\n", encoding="utf-8")
    libraries = engine_env(engine)["LD_LIBRARY_PATH"]
    on_phone = f"cd {_FOLDER} && LD_LIBRARY_PATH={libraries} {engine}/llm_demo config.json prompt.txt"
    script = folder / "script.sh"
    script.write_text(
        f"adb={find_adb()}\n"
        f"$adb shell mkdir -p {_FOLDER}\n"
        f"$adb push {folder}/config.json {folder}/prompt.txt {_FOLDER}/ >&2\n"
        f"$adb shell '{on_phone}'\n"
    )
    return script


def _report(rounds: int, seconds: Mapping[str, list[float]], records: list[dict[str, Any]]) -> list[Result]:
    report(f"a run of llm_demo, {rounds} rounds", seconds, base=_SCRIPT)
    overhead_s = [run - bare for run, bare in zip(seconds[_RUN], seconds[_SCRIPT], strict=True)]
    overhead_ms = statistics.median(overhead_s) * 1000
    print(f"  {'overhead':<34} {overhead_ms:9.1f} ms")
    phases = [_phases(record, whole_s) for record, whole_s in zip(records, seconds[_RUN], strict=True)]
    for name in phases[0]:
        print(f"    {name:<32} {statistics.median(phase[name] for phase in phases):9.1f} ms")
    return [Result("run", "overhead of a run", overhead_ms, "ms", most=_MOST_S * 1000)]


def _phases(record: Mapping[str, Any], whole_s: float) -> dict[str, float]:
    """Milliseconds of one run by what they went to."""
    timings = record["timings"]
    workload_ms = sum(launch["duration_s"] for launch in record["launches"]) * 1000
    named = {
        "the workload on the phone": workload_ms,
        "checks before": timings["check_ms"],
        "engine and model are there": timings["push_engine_ms"] + timings["push_model_ms"],
        "start": timings["start_ms"],
        "followed beside the workload": timings["run_ms"] - workload_ms,
        "collected and judged": timings["collect_ms"],
    }
    return {**named, "the process, devices, the database": whole_s * 1000 - sum(named.values())}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=10)
    asyncio.run(bench(parser.parse_args().rounds))


if __name__ == "__main__":
    main()
