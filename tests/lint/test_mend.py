from __future__ import annotations

import json
import stat
from typing import TYPE_CHECKING

import pytest

from devicehub.errors import InputError
from devicehub.lint.folder import lint_folder
from devicehub.lint.mend import mend_folder
from tests.models.make_folder import CONFIG, TIED, make_model

if TYPE_CHECKING:
    from pathlib import Path

BAD = '{\n    "llm_model": "llm.mnn", // the graph\n    "top_k": 0,\n}\n'


def test_what_was_mended_is_not_found_again(tmp_path: Path) -> None:
    model = make_model(tmp_path / "m")
    (model / "config.json").write_text(BAD)
    (model / "llm_config.json").write_text(json.dumps(TIED)[:-1] + ", /* x */ }")
    (model / "config_qnn.json").write_text('{"quant_qkv": 10, "tokenizer_file": "tokenizer.mtok"}')
    assert {one.slug for one in lint_folder(model)} >= {"json_comment", "json_comma", "top_k_zero"}
    assert mend_folder(model) == [
        "llm_config.json: line 1: trailing comma removed",
        "llm_config.json: line 1: comment removed",
        "config.json: line 2: comment removed",
        "config.json: line 3: trailing comma removed",
        "config.json: top_k: removed, was 0",
        'config.json: tokenizer_file: added, "tokenizer.mtok"',
        'config_qnn.json: quant_qkv: replaced by "attention_mode": 10',
    ]
    assert lint_folder(model) == []
    assert mend_folder(model) == []
    assert (model / "config.json").read_text() == (
        '{\n    "llm_model": "llm.mnn",\n    "tokenizer_file": "tokenizer.mtok"\n}\n'
    )


def test_a_file_keeps_its_mode_and_nothing_is_left_beside_it(tmp_path: Path) -> None:
    model = make_model(tmp_path / "m")
    (model / "config.json").write_text(BAD)
    (model / "config.json").chmod(0o640)
    before = {one.name for one in model.iterdir()}
    mend_folder(model)
    assert stat.S_IMODE((model / "config.json").stat().st_mode) == 0o640
    assert {one.name for one in model.iterdir()} == before


def test_a_link_is_replaced_and_its_target_stays(tmp_path: Path) -> None:
    model = make_model(tmp_path / "m")
    blob = tmp_path / "blob"
    blob.write_text(BAD)
    (model / "config.json").unlink()
    (model / "config.json").symlink_to(blob)
    assert mend_folder(model)
    assert blob.read_text() == BAD
    assert json.loads((model / "config.json").read_text())["tokenizer_file"] == "tokenizer.mtok"


def test_what_is_right_is_not_written(tmp_path: Path) -> None:
    model = make_model(tmp_path / "m", CONFIG)
    before = (model / "config.json").stat()
    assert mend_folder(model) == []
    assert (model / "config.json").stat() == before


def test_a_config_beyond_repair_stays(tmp_path: Path) -> None:
    model = make_model(tmp_path / "m")
    (model / "config.json").write_text("{ // x\n {")
    assert mend_folder(model) == []
    assert (model / "config.json").read_text() == "{ // x\n {"


def test_a_folder_that_cannot_be_written_is_one_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = make_model(tmp_path / "m")
    (model / "config.json").write_text(BAD)

    def refuse(*_args: object, **_words: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("devicehub.lint.mend.publish", refuse)
    with pytest.raises(InputError, match=r"config\.json: cannot be mended \(Permission denied\)"):
        mend_folder(model)


def test_a_folder_that_is_none_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="there is no such folder"):
        mend_folder(tmp_path / "nowhere")
