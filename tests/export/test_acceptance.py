"""What is refused before a model appears, and what is only told."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from devicehub.clock import SystemClock
from devicehub.errors import InputError
from devicehub.export import acceptance
from devicehub.export.acceptance import accept
from devicehub.export.feed import Order, make_model
from devicehub.export.flags import llmexport_options
from devicehub.export.machine import Machine
from devicehub.export.plan import plan_export
from devicehub.export.prune.magnitude import prune_layer
from devicehub.export.prune.pattern import find_pattern
from devicehub.export.source import read_source
from devicehub.models.provenance import read_provenance
from devicehub.profiles.load import recipe_file
from devicehub.settings import Home
from tests.export.checkpoints import make_checkpoint
from tests.export.sources import PYTHON, copy_of, needs_exporter

if TYPE_CHECKING:
    from pathlib import Path

    from devicehub.export.logits_question import Fidelity
    from devicehub.export.plan import Plan
    from devicehub.profiles.exporter import Value

ROOMY = Machine(10**12, 10**12, {})


def plan_of(source: Path, home: Path, **forced: Value) -> Plan:
    """The recipe default, with options that no preflight has seen."""
    found = read_source(source)
    recipe = recipe_file("default", Home(home))
    plan = plan_export(found, "default", recipe, {}, machine=ROOMY, fit_block=False)
    options = {**plan.options, **forced}
    return replace(plan, options=options, argv=tuple(llmexport_options(options)))


async def make(plan: Plan, folder: Path) -> None:
    order = Order(plan, folder / "models" / "made", folder / "log")
    await make_model(order, on_stage=lambda _progress: None, clock=SystemClock(), python=PYTHON)


@needs_exporter
async def test_a_block_that_divides_no_width_is_refused_although_the_exporter_reports_success(
    tmp_path: Path, tiny_source: Path
) -> None:
    plan = plan_of(tiny_source, tmp_path, quant_block=512, lm_quant_block=512)
    with pytest.raises(InputError) as refused:
        await make(plan, tmp_path)
    assert "block" in str(refused.value)
    assert list((tmp_path / "models").iterdir()) == []


@needs_exporter
async def test_a_model_of_another_source_is_refused_by_its_logits(
    tmp_path: Path, tiny_source: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "models" / "made"
    await make(plan_of(tiny_source, tmp_path), tmp_path)
    made = read_provenance(folder)
    assert made is not None
    assert (made.acceptance.cosine_mean or 0) > 0.9
    other = plan_of(_without_most_weights(copy_of(tiny_source, tmp_path / "other")), tmp_path)
    with pytest.raises(InputError, match="mean cosine"):
        await accept(other, folder, free_ram_bytes=10**12, python=PYTHON)

    async def asked(*_args: object, **_named: object) -> Fidelity:
        raise AssertionError

    monkeypatch.setattr(acceptance, "compare_logits", asked)
    found = await accept(other, folder, free_ram_bytes=1000, python=PYTHON)
    assert found.fidelity is None
    assert "were not compared: the source needs" in found.skipped


def _without_most_weights(folder: Path) -> Path:
    source = read_source(folder)
    for linear in source.linears:
        prune_layer(source.tensors[linear.name], find_pattern("unstructured", 0.95))
    return folder


async def test_a_folder_without_its_description_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError):
        await accept(
            plan_of(make_checkpoint(tmp_path / "source"), tmp_path),
            tmp_path / "none",
            free_ram_bytes=10**12,
            python=PYTHON,
        )
