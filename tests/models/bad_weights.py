"""Spoils a model's weights as bad exports do: it loads, runs at full speed, and says something else."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

_HALF: Final = 4
"""Bytes of a block's lowest value; its step follows."""


def spoil(folder: Path) -> None:
    """Take each block's lowest value for its step and the other way round: nothing of the answers is left."""
    _rewrite(folder, lambda blocks: [block[_HALF:] + block[:_HALF] for block in blocks])


def wear(folder: Path) -> None:
    """Give all blocks the scale of the first: answers begin well and go astray."""
    _rewrite(folder, lambda blocks: [blocks[0]] * len(blocks))


def _rewrite(folder: Path, change: Callable[[list[bytes]], list[bytes]]) -> None:
    """Change the scales of the tied embedding, block by block; sizes stay."""
    tie = json.loads((folder / "llm_config.json").read_bytes())["tie_embeddings"]
    start, size = tie[1], tie[2]
    weight = bytearray((folder / "llm.mnn.weight").read_bytes())
    blocks = [bytes(weight[at : at + 2 * _HALF]) for at in range(start, start + size, 2 * _HALF)]
    weight[start : start + size] = b"".join(change(blocks))
    (folder / "llm.mnn.weight").write_bytes(weight)
