from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from devicehub.clock import SystemClock
from devicehub.errors import InputError
from devicehub.export.acceptance import Acceptance
from devicehub.export.npu import making
from devicehub.export.npu.making import make_npu_model
from devicehub.models.catalog import ModelCatalog
from devicehub.models.provenance import read_provenance
from devicehub.settings import Home
from tests.export.npu.kit import Desk, make_desk

if TYPE_CHECKING:
    from pathlib import Path

    from devicehub.export.plan import Plan


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Desk:
    desk = make_desk(tmp_path)
    monkeypatch.setenv("PATH", desk.environment()["PATH"])
    return desk


async def test_its_provenance_binds_it_to_the_generation_and_names_the_tools(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    judged = []

    async def accept(_plan: Plan, folder: Path, *, free_ram_bytes: int, python: str) -> Acceptance:
        assert free_ram_bytes > 0
        assert python
        judged.append(folder.name)
        return Acceptance(None, "a test", 8, ())

    # The exporter's stand-in writes no weights that could be compared.
    monkeypatch.setattr(making, "accept", accept)
    await make_npu_model(desk.plan(), desk.log, on_progress=lambda _: None, clock=SystemClock())
    assert judged == ["model"]
    made = read_provenance(desk.out)
    assert made is not None
    assert (made.htp, made.recipe, made.source.name) == ("v75", "npu-qnn", "source")
    assert made.versions["QNN SDK"] == "2.37.0.250724175447"
    assert made.versions["MNN checkout"] == "3.6.1"
    assert not {"llmexport", "MNN"} & set(made.versions)
    files = [entry.path for entry in ModelCatalog(Home(desk.log.parent)).add(desk.out).manifest.files]
    assert {"qnn/llm.mnn", "qnn/graphllm0.bin", "config_qnn.json", "llm.mnn.weight"} <= set(files)


async def test_what_its_acceptance_refuses_is_not_compiled(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def accept(_plan: Plan, folder: Path, *, free_ram_bytes: int, python: str) -> Acceptance:
        raise InputError(folder, "says something else than its source")

    monkeypatch.setattr(making, "accept", accept)
    with pytest.raises(InputError, match="something else"):
        await make_npu_model(desk.plan(), desk.log, on_progress=lambda _: None, clock=SystemClock())
    assert not desk.out.exists()
    assert not (desk.work / "graphs").exists()
