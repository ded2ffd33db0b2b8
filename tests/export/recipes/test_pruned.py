"""A checkpoint that was pruned here, exported: its zeros stay where the weights are symmetric."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from devicehub.export.prune.parent import PruneJob, prune
from devicehub.export.prune.pattern import METHODS, find_pattern
from devicehub.export.source import read_source
from devicehub.models.provenance import read_provenance
from tests.export.recipes.cases import Case
from tests.export.recipes.test_recipes import bench
from tests.export.sources import needs_exporter
from tests.export.test_zeros import ROOMY

if TYPE_CHECKING:
    from pathlib import Path

    from tests.export.recipes.bench import Bench

__all__ = ["bench"]

pytestmark = [needs_exporter, pytest.mark.recipes, pytest.mark.slow]


@pytest.mark.parametrize("method", METHODS)
def test_two_of_four_stay_zero_in_symmetric_weights_and_are_lost_in_others(
    bench: Bench, tmp_path: Path, method: str
) -> None:
    source = read_source(bench.source("tied"))
    lines = tuple(bench.given("text", "tied").read_text(encoding="utf-8").splitlines())
    out = bench.source("tied").with_name(f"pruned-{method}")
    job = PruneJob(source, method, find_pattern("2:4", None), lines, out)
    report = asyncio.run(prune(job, ROOMY, has_torch=True, on_step=lambda _step: None))
    assert {layer.conforming for layer in report.layers} == {1.0}

    kept = asyncio.run(bench.export(bench.plan(Case("sparse-w4", out.name)), tmp_path / "kept"))
    assert kept.acceptance.zeros is not None
    assert kept.acceptance.zeros.source == pytest.approx(0.5, abs=0.001)
    assert kept.acceptance.zeros.export >= kept.acceptance.zeros.source
    lost = asyncio.run(bench.export(bench.plan(Case("default", out.name)), tmp_path / "lost"))
    assert lost.acceptance.zeros is not None
    assert lost.acceptance.zeros.export < 0.1
    assert any("pruning is lost" in warning for warning in lost.acceptance.warnings)
    told = read_provenance(lost.folder)
    assert told is not None
    assert told.acceptance.zeros_export == lost.acceptance.zeros.export
    record = asyncio.run(bench.run_on_phone(kept.folder))
    assert (record["verdict"], record["trusted"]) == ("succeeded", True)
    assert record["launches"][0]["records"][0]["decode_tok_s"] > 0
