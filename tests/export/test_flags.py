from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from devicehub.errors import InputError
from devicehub.export.flags import absolute_paths, llmexport_options, parse_overrides
from devicehub.profiles.exporter import OPTIONS, value_problem

if TYPE_CHECKING:
    from pathlib import Path


def said(word: str) -> str:
    with pytest.raises(InputError) as caught:
        parse_overrides([word])
    assert caught.value.remedy
    return str(caught.value)


def test_values_get_the_kind_of_their_option() -> None:
    assert parse_overrides(["quant_bit=8", "hqq", "sym=no", "omni_lr=1e-3", "test=a = b"]) == {
        "quant_bit": 8,
        "hqq": True,
        "sym": False,
        "omni_lr": 0.001,
        "test": "a = b",
    }


def test_names_are_taken_as_on_llmexports_command_line() -> None:
    assert parse_overrides(["--quant-bit=8", "quant_bit=4", " --hqq"]) == {"quant_bit": 4, "hqq": True}


@pytest.mark.parametrize(
    ("word", "sentence"),
    [
        ("quant_bits=8", "no option quant_bits (did you mean quant_bit?)"),
        ("quant_bit", "has no value; write --set quant_bit=VALUE"),
        ("quant_bit=four", "takes a whole number"),
        ("quant_bit=", "takes a whole number"),
        ("quant_bit=9999999999", "takes a whole number"),
        ("quant_block=-1", "is at least 0"),
        ("omni_lr=nan", "takes a number"),
        ("hqq=maybe", "takes true or false"),
        ("calib_data=", "not empty"),
        ("=8", "no option"),
        ("", "no option"),
        ("path=x", "is set by the export itself; the source is the first argument"),
        ("dst_path=x", "`--out`"),
        ("export_mnn", "MNN's older llm_export.py had it"),
        ("mnn_model_name=a.mnn", "never had such a flag"),
        ("dhm_model", "no meaning of it is known"),
        ("sparse", "devicehub prune"),
        ("mtp", "mimo or poi_qwen2_mtp"),
        ("dflash_path=x", "belongs to the exporter of MNN's own tree"),
    ],
)
def test_words_that_are_no_option_are_explained(word: str, sentence: str) -> None:
    assert sentence in said(word)


def test_command_line_has_each_option_in_one_word() -> None:
    words = llmexport_options({"test": "-x y", "quant_block": 0, "hqq": True, "sym": False, "omni_lr": 0.5})
    assert words == ["--export", "mnn", "--test=-x y", "--quant_block=0", "--hqq", "--omni_lr=0.5"]


def test_only_paths_are_made_absolute(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    assert absolute_paths({"lora_path": "a/b", "calib_data": "~/c", "test": "d", "quant_bit": 4}) == {
        "lora_path": str(tmp_path / "a/b"),
        "calib_data": str(tmp_path / "home/c"),
        "test": "d",
        "quant_bit": 4,
    }


@pytest.mark.parametrize("name", OPTIONS)
def test_every_option_takes_a_value_of_its_kind_and_no_other(name: str) -> None:
    right: dict[type, object] = {bool: True, int: 4, float: 0.5, str: "word"}
    for kind, value in right.items():
        fits = kind is OPTIONS[name].kind or (kind is int and OPTIONS[name].kind is float)
        assert (value_problem(name, value) == "") is fits, (name, value)
    assert value_problem(name, None)
    assert value_problem(name, "a\0b")
