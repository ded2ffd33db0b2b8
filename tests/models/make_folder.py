"""Writes folders that look like an exported model; no engine would load them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

CONFIG = {"llm_model": "llm.mnn", "llm_weight": "llm.mnn.weight", "tokenizer_file": "tokenizer.mtok"}
TIED = {"hidden_size": 128, "tie_embeddings": [500, 900, 100, 8, 64]}
UNTIED = {"hidden_size": 128}


def make_model(
    folder: Path, config: dict[str, Any] | None = None, llm_config: dict[str, Any] | None = None
) -> Path:
    """A tied model, whole unless told otherwise."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "config.json").write_text(json.dumps(CONFIG if config is None else config))
    (folder / "llm_config.json").write_text(json.dumps(TIED if llm_config is None else llm_config))
    (folder / "llm.mnn").write_bytes(b"graph")
    (folder / "llm.mnn.weight").write_bytes(bytes(1000))
    (folder / "tokenizer.mtok").write_bytes(b"tokens")
    return folder
