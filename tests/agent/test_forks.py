"""What a sample costs: processes started per sample, counted with strace."""

from __future__ import annotations

import os
import re
import shutil
from typing import TYPE_CHECKING

import pytest

from devicehub import procs
from devicehub.runner.contract import Command, RunSpec
from tests.agent.local_phone import local_phone, put

if TYPE_CHECKING:
    from pathlib import Path

STRACE = shutil.which("strace")
SAMPLES = 20
# Android's mksh has `sleep` built in, Debian's has not. This waits as long and starts no process either.
BUILT_IN_SLEEP = 'sleep() { read -r -t "$1" nothing <>"$SLEEP_PIPE"; }\n'


async def forks_per_sample(folder: Path, *, built_in_sleep: bool) -> float:
    """Of the samples after the first: what was probed at the start does not count."""
    async with local_phone(folder) as phone:
        for key in ("capacity", "temp", "current_now", "voltage_now"):
            put(phone, f"class/power_supply/battery/{key}", "300")
        for number in range(8):
            put(phone, f"class/thermal/thermal_zone{number}/type", f"cpu-{number}")
            put(phone, f"class/thermal/thermal_zone{number}/temp", "31000")
            put(phone, f"devices/system/cpu/cpufreq/policy{number}/scaling_cur_freq", "1017600")
            put(phone, f"devices/system/cpu/cpufreq/policy{number}/scaling_max_freq", "2017600")
        put(phone, "class/kgsl/kgsl-3d0/gpu_busy_percentage", "37 %")
        if built_in_sleep:
            os.mkfifo(folder / "pipe")
            phone.env["SLEEP_PIPE"] = str(folder / "pipe")
            text = (phone.agent / "sample.sh").read_text()
            (phone.agent / "sample.sh").write_text(text.replace("use_run ", BUILT_IN_SLEEP + "use_run ", 1))
        run = phone.prepare(RunSpec("r1", [Command(["true"], cwd="/")], sample_hz=10))
        (run / "1").mkdir()
        # This test's own process stands for the workload, the shell around the trace for the supervisor.
        (run / "1/pid").write_text(f"{os.getpid()} 1\n")
        traced = (
            f"{STRACE} -f -s 5 -e trace=fork,vfork,clone,clone3,write -o {folder}/trace"
            f" {phone.bin}/sh {phone.agent}/sample.sh r1 $$ $start & tracer=$!;"
            f" n=0; until [ $(grep -c fast {run}/samples) -gt {SAMPLES} ] || [ $n -ge 1200 ];"
            " do n=$((n+1)); sleep 0.05; done; kill $tracer"
        )
        script = f". {phone.agent}/lib.sh 2>/dev/null; start_of $$; {traced}"
        launcher = phone.agent / "count.sh"
        launcher.write_text(script)
        phone.env["PATH"] += ":/usr/bin:/bin"
        done = await procs.run([phone.bin / "sh", launcher], timeout_s=120, env=phone.env)
        lines = (folder / "trace").read_text().splitlines()
        samples = [index for index, line in enumerate(lines) if re.search(r'write\(.*"fast\\', line)]
        assert len(samples) > SAMPLES, (done, lines[-20:])
        between = lines[samples[0] : samples[SAMPLES]]
        begun = [line for line in between if re.search(r"\b(v?fork|clone3?)\(", line)]
        return len(begun) / SAMPLES


@pytest.mark.skipif(STRACE is None, reason="strace is not installed")
async def test_a_sample_starts_no_process_where_sleep_is_built_in(tmp_path: Path) -> None:
    assert await forks_per_sample(tmp_path, built_in_sleep=True) == 0


@pytest.mark.skipif(STRACE is None, reason="strace is not installed")
async def test_a_sample_starts_its_sleep_alone_where_that_is_a_program(tmp_path: Path) -> None:
    assert await forks_per_sample(tmp_path, built_in_sleep=False) == 1
