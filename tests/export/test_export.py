"""The real exporter on a random tiny Qwen3."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from devicehub.clock import SystemClock
from devicehub.export.errors import ExportFailed
from devicehub.export.parent import ExportJob, export
from devicehub.export.stages import Stage
from tests.export.sources import PYTHON, needs_exporter
from tests.export.test_awq import no_check

if TYPE_CHECKING:
    from pathlib import Path

    from devicehub.export.progress import Progress
    from devicehub.export.result import ChildResult

pytestmark = needs_exporter


@needs_exporter
async def test_a_model_appears_whole_and_nothing_else_stays(tiny_source: Path, tmp_path: Path) -> None:
    out, log = tmp_path / "models" / "tiny-4bit", tmp_path / "logs" / "tiny.log"
    told: list[Progress] = []

    async def accept(folder: Path, result: ChildResult) -> int:
        assert not out.exists()
        assert result.error == ""
        return (folder / "llm.mnn.weight").stat().st_size

    job = ExportJob(tiny_source, ("--export", "mnn", "--hqq", "--lm_quant_bit", "8"), out, log, accept)
    exported = await export(job, on_stage=told.append, clock=SystemClock(), python=PYTHON)

    assert [entry.name for entry in out.parent.iterdir()] == ["tiny-4bit"]
    assert exported.folder == out
    assert (out / "llm.mnn.weight").stat().st_size == exported.acceptance > 500_000
    assert exported.pip_calls == ()
    assert exported.result.peak_bytes > 100_000_000
    assert exported.result.versions["llmexport"] == "0.0.5"
    args = json.loads((out / "export_args.json").read_bytes())
    assert (args["path"], args["dst_path"]) == ("source", "exported")
    stages = [progress.stage for progress in told]
    assert list(dict.fromkeys(stages)) == [stage for stage in Stage if stage is not Stage.CALIBRATE]
    assert "Done quant model weight to exported/llm.mnn.weight" in log.read_text()
    assert "Converted Success!" in log.read_text()


@needs_exporter
@pytest.mark.slow
async def test_a_stage_of_its_own_that_fails_is_named_with_the_assertion(
    tiny_source: Path, tmp_path: Path
) -> None:
    options = ("--export", "mnn", "--quant_bit", "3")
    job = ExportJob(tiny_source, options, tmp_path / "models" / "tiny", tmp_path / "log", no_check)
    with pytest.raises(ExportFailed) as failed:
        await export(job, on_stage=lambda _: None, clock=SystemClock(), python=PYTHON)
    assert failed.value.stage == Stage.QUANTIZE
    assert failed.value.reason == "AssertionError at `assert(quant_bit in (1, 2, 4, 8))`"
    assert failed.value.tail[-1] == "AssertionError"
    assert list((tmp_path / "models").iterdir()) == []


@needs_exporter
@pytest.mark.slow
async def test_an_option_that_does_not_exist_is_quoted(tiny_source: Path, tmp_path: Path) -> None:
    job = ExportJob(tiny_source, ("--export_mnn",), tmp_path / "tiny", tmp_path / "log", no_check)
    with pytest.raises(ExportFailed, match="llmexport left with 2") as failed:
        await export(job, on_stage=lambda _: None, clock=SystemClock(), python=PYTHON)
    assert failed.value.tail[-1] == "llmexport: error: unrecognized arguments: --export_mnn"
