"""An export beside llmexport called directly: from the child's start to its end, CPU, and peak memory."""

from __future__ import annotations

import contextlib
import json
import os
import resource
import shutil
import sys
import tempfile
import time
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Final

from devicehub import procs
from devicehub.clock import SystemClock
from devicehub.export.child import environment, prepare
from devicehub.export.parent import ExportJob, export
from tests.bench.results import Result
from tests.export.sources import MISSING, PYTHON, make_source

if TYPE_CHECKING:
    from devicehub.export.result import ChildResult

_OPTIONS: Final = ("--export", "mnn", "--hqq", "--lm_quant_bit=8")
_SHAPE: Final = {
    "vocab_size": 32000,
    "hidden_size": 640,
    "intermediate_size": 2560,
    "num_hidden_layers": 12,
    "num_attention_heads": 10,
    "num_key_value_heads": 5,
}
"""About 100 million parameters."""
_PAIRS: Final = 3
_MOST_EXTRA_S: Final = 1.0
_MOST_EXTRA: Final = 0.03
_MOST_PEAK: Final = 1.1
_DIRECT: Final = """
import importlib, importlib.util, json, sys, time, types
from pathlib import Path
began = time.monotonic()
# On import this module would call pip and post usage data.
log = types.ModuleType("MNN.tools.utils.log")
log.mnn_logger = None
sys.modules["MNN.tools.utils.log"] = log
sys.path.insert(0, str(Path(importlib.util.find_spec("llmexport").origin).parent))
import llmexport
sys.argv = ["llmexport", *sys.argv[1:]]
llmexport.main()
lines = Path("/proc/self/status").read_text().splitlines()
peak = int(next(line for line in lines if line.startswith("VmHWM:")).split()[1]) * 1024
Path("told.json").write_text(json.dumps({"peak": peak}))
"""


async def bench() -> list[Result]:
    """Print every pair; the medians are held to the targets."""
    if MISSING:
        print(f"export: {', '.join(MISSING)} missing: make bench EXTRAS=export")
        return []
    with tempfile.TemporaryDirectory() as folder:
        source = await _source(Path(folder))
        pairs = []
        for number in range(_PAIRS):
            order = (_direct, _ours) if number % 2 == 0 else (_ours, _direct)
            found = {run.__name__: await run(source, Path(folder)) for run in order}
            pairs.append((found["_direct"], found["_ours"]))
            print("export: " + ", ".join(f"{name[1:]} {one}" for name, one in found.items()), flush=True)
    direct_s = median(direct.wall_s for direct, _ in pairs)
    extra_s = median(ours.wall_s - direct.wall_s for direct, ours in pairs)
    allowed_s = _MOST_EXTRA_S + _MOST_EXTRA * direct_s
    cpu = median(ours.cpu_s / direct.cpu_s for direct, ours in pairs)
    peak = median(ours.peak / direct.peak for direct, ours in pairs)
    return [
        Result("export", f"over llmexport's {direct_s:.0f} s", extra_s, "s", most=round(allowed_s, 2)),
        Result("export", "CPU time / llmexport", cpu, "x"),
        Result("export", "peak memory / llmexport", peak, "x", most=_MOST_PEAK),
    ]


class _Took:
    def __init__(self, wall_s: float, cpu_s: float, peak: int) -> None:
        self.wall_s, self.cpu_s, self.peak = wall_s, cpu_s, peak

    def __str__(self) -> str:
        return f"{self.wall_s:.1f} s, {self.cpu_s:.1f} s of CPU, {self.peak >> 20} MiB"


async def _source(folder: Path) -> Path:
    made = folder / "source-100m"
    words = [PYTHON, "-m", "tests.bench.bench_export", str(made)]
    done = await procs.run(words, timeout_s=600, cwd=Path(__file__).parents[2])
    assert done.status == 0, done.stderr.decode(errors="replace")[-2000:]
    return made


async def _direct(source: Path, folder: Path) -> _Took:
    work = folder / "direct"
    with contextlib.suppress(FileNotFoundError):
        shutil.rmtree(work)
    work.mkdir()
    prepare(work, source)
    words = ["--mnnconvert", "absent", *_OPTIONS, "--path", "source", "--dst_path", "exported"]
    cpu_s, began_s = _children_s(), time.monotonic()
    done = await procs.run(
        [PYTHON, "-P", "-c", _DIRECT, *words], timeout_s=600, env=environment(work, os.environ), cwd=work
    )
    took_s = time.monotonic() - began_s
    # Its clean-up may crash after good work.
    assert (work / "told.json").is_file(), done.stderr.decode(errors="replace")[-2000:]
    return _Took(took_s, _children_s() - cpu_s, json.loads((work / "told.json").read_text())["peak"])


async def _ours(source: Path, folder: Path) -> _Took:
    out = folder / "ours"
    with contextlib.suppress(FileNotFoundError):
        shutil.rmtree(out)

    async def accept(_folder: Path, _result: ChildResult) -> None:
        pass

    own_s, cpu_s = time.process_time(), _children_s()
    job = ExportJob(source, _OPTIONS, out, folder / "ours.log", accept)
    made = await export(job, on_stage=lambda _progress: None, clock=SystemClock(), python=PYTHON)
    spent_s = _children_s() - cpu_s + time.process_time() - own_s
    return _Took(made.child_s, spent_s, made.result.peak_bytes)


def _children_s() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


if __name__ == "__main__":
    make_source(Path(sys.argv[1]), **_SHAPE)
