"""The demo's checkpoint, trained here: what it says survives an export, and stands in a run's record."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from devicehub import procs
from devicehub.demo_model.corpus import EXPECTED_ANSWERS
from devicehub.demo_model.make_model import ask
from devicehub.export.source import read_source
from tests.export.recipes.bench import Bench
from tests.export.recipes.cases import Case
from tests.export.sources import PYTHON, needs_exporter

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = [needs_exporter, pytest.mark.recipes, pytest.mark.slow, pytest.mark.timeout(1500)]
_TRAIN = """
import sys
from pathlib import Path
from devicehub.demo_model.make_model import make_checkpoint
make_checkpoint(Path(sys.argv[1]))
"""


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Bench:
    folder = tmp_path_factory.mktemp("demo")
    done = asyncio.run(procs.run([PYTHON, "-c", _TRAIN, folder / "demo"], timeout_s=1400))
    assert done.status == 0, done.stderr.decode(errors="replace")[-2000:]
    return Bench(folder)


@pytest.mark.parametrize("recipe", ["precision-8bit", "default"])
def test_it_still_says_word_for_word_what_it_learned(bench: Bench, tmp_path: Path, recipe: str) -> None:
    plan = bench.plan(Case(recipe, "demo", fit_block=True))
    assert read_source(bench.source("demo")).folder == plan.source.folder
    made = asyncio.run(bench.export(plan, tmp_path / recipe))
    assert made.acceptance.fidelity is not None
    answers = asyncio.run(ask(made.folder, list(EXPECTED_ANSWERS)))
    assert dict(zip(EXPECTED_ANSWERS, answers, strict=True)) == EXPECTED_ANSWERS
    prompt = next(iter(EXPECTED_ANSWERS))
    record = asyncio.run(bench.run_on_phone(made.folder, prompt))
    (launch,) = record["launches"]
    assert launch["records"][0]["decode_tok_s"] > 0
    assert launch["text"].strip() == EXPECTED_ANSWERS[prompt]
