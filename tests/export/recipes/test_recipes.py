"""Every recipe from a source that it is for: planned, exported, accepted, asked here and on a virtual phone.

`make test-export` runs all; two of them run with the other tests where the extra is.
"""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from devicehub.errors import InputError
from devicehub.models.provenance import PROVENANCE
from devicehub.profiles.load import load_profiles
from devicehub.profiles.recipes import RecipeFile
from devicehub.settings import Home
from tests.export.recipes.bench import Bench, bits_per_weight, run
from tests.export.recipes.cases import CASES, QUICK, Case
from tests.export.sources import needs_exporter

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = needs_exporter
_MAX_TOKENS = 2
"""LlmStatus.MAX_TOKENS_FINISHED."""


@pytest.fixture(scope="session")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Bench:
    return Bench(tmp_path_factory.mktemp("recipes"))


@pytest.fixture(scope="session")
def recipes(tmp_path_factory: pytest.TempPathFactory) -> dict[str, RecipeFile]:
    return load_profiles(RecipeFile, Home(tmp_path_factory.mktemp("no-profiles")))


@pytest.mark.slow
@pytest.mark.parametrize(
    "case",
    [
        *(pytest.param(case, id=case.id) for case in QUICK),
        *(pytest.param(case, id=case.id, marks=pytest.mark.recipes) for case in CASES),
    ],
)
def test_recipe(case: Case, bench: Bench, recipes: dict[str, RecipeFile], tmp_path: Path) -> None:
    plan, made, told = run(bench, case, tmp_path / "models" / case.id)

    assert [entry.name for entry in made.folder.parent.iterdir() if entry.is_dir()] == [case.id]
    assert (made.folder / PROVENANCE).is_file()
    assert made.pip_calls == ()
    # Accepted means compared: none of these sources is too large for it.
    assert made.acceptance.fidelity is not None
    size = sum(file.stat().st_size for file in made.folder.iterdir())
    assert plan.estimate.bytes == pytest.approx(size, rel=0.3)
    measured = recipes[case.recipe].measured
    assert measured is not None
    layers, output, embedding = bits_per_weight(made.folder)
    if case.source != "narrow":
        assert layers == pytest.approx(measured.bits_per_weight, rel=0.01)
        assert output == pytest.approx(measured.lm_bits_per_weight, rel=0.01)
        assert embedding in (0, pytest.approx(measured.embedding_bits_per_weight, rel=0.01))

    assert told["loaded"]
    assert (told["gen_seq_len"], told["status"]) == (8, _MAX_TOKENS)
    assert (told["pixels_mp"] > 0) is ("PICTURE" in case.prompt)
    assert told["audio_input_s"] == (2.0 if "SOUND" in case.prompt else 0.0)

    record = asyncio.run(bench.run_on_phone(made.folder))
    assert (record["verdict"], record["trusted"], record["virtual"]) == ("succeeded", True, True)
    assert record["launches"][0]["records"][0]["decode_tok_s"] > 0


@pytest.mark.recipes
@pytest.mark.slow
def test_every_recipe_has_a_case(recipes: dict[str, RecipeFile]) -> None:
    assert {case.recipe for case in (*QUICK, *CASES)} == set(recipes)


@pytest.mark.recipes
@pytest.mark.slow
def test_block_forced_past_the_preflight_is_not_accepted(bench: Bench, tmp_path: Path) -> None:
    plan = bench.plan(Case("default", "tied"))
    wrong = tuple(word if not word.startswith("--quant_block") else "--quant_block=512" for word in plan.argv)
    out = tmp_path / "models" / "wrong"
    with pytest.raises(InputError, match="garbage"):
        asyncio.run(bench.export(replace(plan, argv=wrong), out))
    assert not any(entry.is_dir() for entry in out.parent.iterdir())
