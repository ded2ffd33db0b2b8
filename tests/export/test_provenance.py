"""What is written down of how a model was made."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import pytest

from devicehub.errors import InputError
from devicehub.export.acceptance import Acceptance
from devicehub.export.logits_question import Fidelity
from devicehub.export.machine import Machine
from devicehub.export.plan import plan_export
from devicehub.export.provenance import describe_source, write_provenance
from devicehub.export.result import ChildResult
from devicehub.export.source import read_source
from devicehub.manifest import list_files
from devicehub.models.origin import read_origin
from devicehub.models.provenance import PROVENANCE, read_provenance
from devicehub.models.pulled import RECORD, PullRecord
from devicehub.profiles.load import find_profiles, load_file
from devicehub.profiles.recipes import RecipeFile
from devicehub.settings import Home
from tests.export.checkpoints import make_checkpoint

if TYPE_CHECKING:
    from pathlib import Path

    from devicehub.export.plan import Plan

RESULT = ChildResult(
    error="",
    seconds=12.5,
    peak_bytes=10**9,
    versions={"llmexport": "0.0.5"},
    options=["--path", "source", "--hqq"],
)
MACHINE = Machine(10**12, 10**12, {})


@pytest.fixture
def plan(tmp_path: Path) -> Plan:
    source = read_source(make_checkpoint(tmp_path / "Tiny-1M"))
    recipes = find_profiles("recipes", Home(tmp_path / "home"))
    recipe = load_file(recipes["default"].path, RecipeFile)
    return plan_export(source, "default", recipe, {}, machine=MACHINE, fit_block=False)


def test_all_of_it_comes_back(plan: Plan, tmp_path: Path) -> None:
    folder = tmp_path / "made"
    folder.mkdir()
    near = Fidelity(mean=0.97, lowest=0.9, positions=32)
    written = write_provenance(folder, plan, RESULT, Acceptance(near, "", 4, ("odd",)), now_s=5.0)
    assert read_provenance(folder) == written
    assert written.source.name == "Tiny-1M"
    assert [one.path for one in written.source.files] == list_files(plan.source.folder)
    assert (written.recipe, written.options["quant_bit"], written.argv) == (
        "default",
        4,
        tuple(RESULT.options),
    )
    assert (written.seconds, written.peak_bytes, written.exported_s) == (12.5, 10**9, 5.0)
    assert (written.acceptance.cosine_mean, written.acceptance.warnings) == (0.97, ("odd",))


def test_it_is_no_part_of_the_model_and_names_the_source_of_variants(plan: Plan, tmp_path: Path) -> None:
    folder = tmp_path / "made"
    folder.mkdir()
    # What llmexport writes: the link in the folder where it works.
    (folder / "export_args.json").write_text('{"path": "source", "quant_bit": 4, "quant_block": 64}')
    write_provenance(folder, plan, RESULT, Acceptance(None, "no memory", 4, ()), now_s=5.0)
    assert list_files(folder) == ["export_args.json"]
    origin = read_origin(folder)
    assert (origin.source, origin.recipe, origin.quant) == ("Tiny-1M", "default", "4 bit, block 64")


def test_a_source_that_was_pulled_is_named_with_its_revision(plan: Plan) -> None:
    folder = plan.source.folder
    record = PullRecord(source="hf:org/tiny", revision="abc", kind="checkpoint", files=(), pulled_s=0)
    (folder / RECORD).write_bytes(msgspec.json.encode(record))
    assert describe_source(folder).pulled == "hf:org/tiny@abc"


def test_a_file_that_changed_is_hashed_anew(plan: Plan) -> None:
    folder = plan.source.folder
    before = describe_source(folder)
    assert describe_source(folder) == before
    (folder / "tokenizer.json").write_text('{"a": 1}')
    assert describe_source(folder).sha256 != before.sha256


def test_a_folder_that_cannot_be_written_is_told(plan: Plan, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot be written"):
        write_provenance(tmp_path / "gone", plan, RESULT, Acceptance(None, "", 4, ()), now_s=5.0)


@pytest.mark.parametrize("text", ["", "[]", "{", '{"source": 1}', "[" * 100_000])
def test_what_cannot_be_understood_says_nothing(tmp_path: Path, text: str) -> None:
    (tmp_path / PROVENANCE).write_text(text)
    assert read_provenance(tmp_path) is None
    assert read_origin(tmp_path).recipe is None
