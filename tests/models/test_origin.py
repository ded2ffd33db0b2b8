"""What a model's folder tells of where it comes from."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from devicehub.models.origin import Origin, read_origin
from devicehub.models.pulled import RECORD, PullRecord

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(
    ("args", "origin"),
    [
        (
            {"path": "/data/Qwen3-0.6B/", "quant_bit": 4, "quant_block": 64},
            Origin("Qwen3-0.6B", None, "4 bit, block 64"),
        ),
        (
            {"path": "Qwen/Qwen3-0.6B", "quant_bit": 8, "quant_block": 0},
            Origin("Qwen3-0.6B", None, "8 bit, per channel"),
        ),
        ({"path": "D:\\models\\Qwen3-0.6B", "quant_bit": 16}, Origin("Qwen3-0.6B", None, "16 bit")),
        ({"path": 7, "quant_bit": "4", "quant_block": True}, Origin()),
        ({"path": "/"}, Origin()),
        ([], Origin()),
    ],
)
def test_exporters_arguments(tmp_path: Path, args: Any, origin: Origin) -> None:
    (tmp_path / "export_args.json").write_text(json.dumps(args))
    assert read_origin(tmp_path) == origin


@pytest.mark.parametrize("text", [b"", b"{", b"\xff", b"[" * 100_000])
def test_nonsense_says_nothing(tmp_path: Path, text: bytes) -> None:
    (tmp_path / "export_args.json").write_bytes(text)
    (tmp_path / RECORD).write_bytes(text)
    assert read_origin(tmp_path) == Origin()


def test_pulled_folder_names_its_repository(tmp_path: Path) -> None:
    record = PullRecord(source="hf:org/tiny-MNN", revision="1", kind="model", files=(), pulled_s=0)
    (tmp_path / RECORD).write_bytes(msgspec.json.encode(record))
    assert read_origin(tmp_path) == Origin(pulled="hf:org/tiny-MNN")
