from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from devicehub.errors import InputError
from devicehub.export.companions import (
    read_adapter,
    read_companions,
    read_eagle,
    read_gptq,
    read_lines,
)
from tests.export.checkpoints import write_safetensors

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

POINTER = b"version https://git-lfs.github.com/spec/v1\n"


def refused(read: Callable[[Path], object], place: Path, sentence: str) -> None:
    with pytest.raises(InputError) as caught:
        read(place)
    assert sentence in str(caught.value)
    assert caught.value.remedy


def write_json(file: Path, value: object) -> None:
    file.write_text(json.dumps(value), encoding="utf-8")


def test_adapter_tells_which_layers_it_changes(tmp_path: Path) -> None:
    write_json(tmp_path / "adapter_config.json", {"peft_type": "lora", "base_model_name_or_path": "org/base"})
    at = "base_model.model.model.layers.0.self_attn.q_proj"
    shapes = {f"{at}.lora_A.weight": (8, 64), f"{at}.lora_B.weight": (128, 8), "x.lora_A.weight": (8, 64)}
    write_safetensors(tmp_path / "adapter_model.safetensors", shapes)
    found = read_adapter(tmp_path)
    assert (found.base, found.kind) == ("org/base", "LORA")
    assert found.widths == {"model.layers.0.self_attn.q_proj": (64, 128)}


def test_adapter_that_is_not_whole(tmp_path: Path) -> None:
    refused(read_adapter, tmp_path / "absent", "absent")
    refused(read_adapter, tmp_path, "adapter_config.json")
    write_json(tmp_path / "adapter_config.json", {})
    refused(read_adapter, tmp_path, "adapter_model.safetensors")
    (tmp_path / "adapter_model.safetensors").write_bytes(POINTER)
    refused(read_adapter, tmp_path, "git-lfs pointer")


def test_gptq_by_either_configuration(tmp_path: Path) -> None:
    write_safetensors(
        tmp_path / "model.safetensors", {"model.layers.3.mlp.up_proj.qweight": (8, 96)}, dtype="I32"
    )
    settings = {"bits": 4, "group_size": 128, "desc_act": True, "sym": False}
    write_json(tmp_path / "config.json", {"quantization_config": {**settings, "quant_method": "gptq"}})
    by_config = read_gptq(tmp_path)
    assert (by_config.bits, by_config.group, by_config.symmetric, by_config.act_order) == (
        4,
        128,
        False,
        True,
    )
    assert by_config.shapes == {"model.layers.3.mlp.up_proj": (8, 96)}
    write_json(tmp_path / "quantize_config.json", {"bits": 8, "group_size": -1})
    by_file = read_gptq(tmp_path)
    assert (by_file.bits, by_file.group, by_file.symmetric, by_file.act_order) == (8, 0, True, False)


@pytest.mark.parametrize(
    "settings",
    [{}, {"bits": 4}, {"bits": True, "group_size": 64}, {"bits": 4, "group_size": 64, "quant_method": "awq"}],
)
def test_gptq_that_does_not_say_how(tmp_path: Path, settings: dict[str, object]) -> None:
    write_json(tmp_path / "quantize_config.json", settings)
    refused(read_gptq, tmp_path, "does not say how GPTQ quantised")


def test_gptq_without_weights(tmp_path: Path) -> None:
    write_json(tmp_path / "quantize_config.json", {"bits": 4, "group_size": 64})
    refused(read_gptq, tmp_path, "no weights in safetensors")
    (tmp_path / "model.safetensors").write_bytes(POINTER)
    refused(read_gptq, tmp_path, "git-lfs pointer")


def test_eagle_head(tmp_path: Path) -> None:
    write_json(tmp_path / "config.json", {"hidden_size": 64, "vocab_size": 512})
    refused(read_eagle, tmp_path, "no EAGLE-3 head")
    write_json(tmp_path / "config.json", {"hidden_size": 64, "vocab_size": 512, "draft_vocab_size": 128})
    refused(read_eagle, tmp_path, "neither model.safetensors nor pytorch_model.bin")
    (tmp_path / "pytorch_model.bin").touch()
    assert (read_eagle(tmp_path).hidden, read_eagle(tmp_path).vocab) == (64, 512)


def test_calibration_text_counts_lines_that_hold_something(tmp_path: Path) -> None:
    file = tmp_path / "text"
    file.write_text("one\n\n  \r\nzwei ü\n", encoding="utf-8")
    assert len(read_lines(file)) == 2


def test_calibration_text_that_cannot_be_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "text"
    refused(read_lines, file, "cannot be read")
    refused(read_lines, tmp_path, "cannot be read")
    for data, sentence in (
        (b"", "holds no text"),
        (b" \n\t\n", "holds no text"),
        (b"\xff\xfe", "is not UTF-8"),
    ):
        file.write_bytes(data)
        refused(read_lines, file, sentence)
    file.write_bytes(POINTER)
    refused(read_lines, file, "git-lfs pointer")
    monkeypatch.setattr("devicehub.export.companions._MOST_TEXT", 10)
    refused(read_lines, file, "more than 256 MiB")


def test_nothing_given_is_nothing_read() -> None:
    found = read_companions({"quant_bit": 4, "hqq": True})
    assert (found.adapter, found.gptq, found.eagle, found.quant_config) == (None, None, None, None)
    assert found.calibration_lines == 0
