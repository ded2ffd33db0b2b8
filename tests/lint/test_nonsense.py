"""Nothing that lies in a folder makes the lint raise anything but a sentence."""

from __future__ import annotations

import json
import os
import shutil
import stat
import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from devicehub.demo_model import demo_model_dir
from devicehub.errors import HubError, InputError
from devicehub.findings import Severity
from devicehub.lint.folder import lint_folder
from devicehub.lint.keys import GONE, KEYS, MODEL_FACTS
from devicehub.lint.mend import mend_folder
from tests.models.make_folder import CONFIG, make_model

_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)
_NAMES = st.sampled_from([*KEYS, *GONE, *MODEL_FACTS]) | st.text(max_size=8)
_VALUES = _JSON | st.sampled_from(["llm.mnn", "a\0b", "x" * 5000, "../x", [10**18] * 5, {"weight_offset": 1}])
_OBJECTS = st.dictionaries(_NAMES, _VALUES, max_size=6).map(lambda value: json.dumps(value).encode())
_FILES = st.binary(max_size=30) | _OBJECTS | _OBJECTS.map(lambda data: data.replace(b",", b", // x\n,"))


@settings(max_examples=60, deadline=None)
@given(_FILES, _FILES, st.none() | _FILES, st.none() | _FILES)
def test_no_content_of_the_files_makes_it_raise(
    config: bytes, llm_config: bytes, npu: bytes | None, args: bytes | None
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        model = make_model(Path(folder) / "m")
        (model / "config.json").write_bytes(config)
        (model / "llm_config.json").write_bytes(llm_config)
        for name, data in (("config_qnn.json", npu), ("export_args.json", args)):
            if data is not None:
                (model / name).write_bytes(data)
        before = {one.slug for one in lint_folder(model, engine="3.6.1")}
        mend_folder(model)
        after = {one.slug for one in lint_folder(model, engine="3.6.1")}
        assert mend_folder(model) == []
        if not before & {"json_syntax", "json_shape", "json_encoding"}:
            assert not after & {"json_comment", "json_comma", "json_bom"}


def test_a_config_of_ten_megabytes_is_judged(tmp_path: Path) -> None:
    model = make_model(tmp_path / "m")
    (model / "config.json").write_text(json.dumps({**CONFIG, "x": ["// y"] * 1_200_000}))
    assert [one.slug for one in lint_folder(model)] == ["key_unknown"]
    (model / "config.json").write_text("{" + "// x\n" * 100_000 + "}")
    found = lint_folder(model)
    assert [one.slug for one in found][:20] == ["json_comment"] * 20
    assert next(one for one in found if one.slug == "json_more").why.startswith("99980 more")


@pytest.mark.parametrize("name", ["config.json", "llm.mnn", "llm.mnn.weight"])
def test_what_is_no_file_at_all_is_told(tmp_path: Path, name: str) -> None:
    model = make_model(tmp_path / "m")
    (model / name).unlink()
    os.mkfifo(model / name)
    errors = [one for one in lint_folder(model) if one.severity is Severity.ERROR]
    assert errors[0].slug in ("not_a_model", "file_missing")
    (model / name).unlink()
    (model / name).mkdir()
    assert lint_folder(model)[0].slug in ("not_a_model", "file_missing")


def test_a_folder_that_links_to_itself_is_told(tmp_path: Path) -> None:
    (tmp_path / "loop").symlink_to("loop")
    with pytest.raises(HubError):
        lint_folder(tmp_path / "loop")
    (tmp_path / "other").symlink_to(demo_model_dir())
    assert lint_folder(tmp_path / "other") == []


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read every file")
def test_without_the_right_to_read_it_is_one_sentence(tmp_path: Path) -> None:
    model = tmp_path / "m"
    shutil.copytree(demo_model_dir(), model)
    (model / "llm.mnn").chmod(0)
    assert [one.slug for one in lint_folder(model)] == ["file_unreadable"]
    model.chmod(stat.S_IXUSR)
    with pytest.raises(InputError, match="cannot be read"):
        lint_folder(model)
