"""Looks at what generate_llm_qnn.py has made, and at the model that phones will be given."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from devicehub.errors import InputError
from devicehub.export.npu.steps import CHUNK, NPU_CONFIG
from devicehub.manifest import unreadable
from devicehub.models.check import check_model, read_object, require_content

if TYPE_CHECKING:
    from pathlib import Path

_MODEL: Final = "qnn/llm.mnn"
_EXPECTED: Final = {"llm_model": _MODEL, "llm_weight": "llm.mnn.weight", "chunk_limits": [CHUNK, 1]}
_GRAPH: Final = re.compile(rb"qnn/graphllm[0-9_]+\.bin")
"""How the compiled graphs are named within qnn/llm.mnn, a flatbuffer: compilefornpu.cpp puts `path` so."""
_AGAIN: Final = "the log tells what the tools said; the same command makes the graphs anew"
_SIZE_LIMIT: Final = 1 << 30


def check_graphs(folder: Path) -> tuple[str, ...]:
    """The compiled graphs of a model, as relative paths: all that its graph for the CPU names.

    Raises:
        InputError: config_qnn.json is not as it should be, or a graph is missing or empty.
    """
    config = read_object(folder / NPU_CONFIG)
    for key, expected in _EXPECTED.items():
        if config.get(key) != expected:
            problem = f"{key} is {config.get(key)!r}, not {expected!r}"
            raise InputError(folder / NPU_CONFIG, problem, remedy=_AGAIN)
    named = _named_graphs(folder / _MODEL)
    if not named:
        raise InputError(
            folder / _MODEL, "names no compiled graph: nothing was given to the NPU", remedy=_AGAIN
        )
    for name in named:
        if not (folder / name).is_file():
            raise InputError(folder / name, f"is missing, and {_MODEL} names it", remedy=_AGAIN)
        require_content(folder / name)
    return named


def check_ready(folder: Path) -> None:
    """See that a finished model is one that `run` can use: its config.json is that of the NPU.

    Raises:
        InputError: says what keeps it from answering.
    """
    check_graphs(folder)
    checked = check_model(folder)
    if checked.config != read_object(folder / NPU_CONFIG):
        raise InputError(folder / "config.json", f"differs from {NPU_CONFIG}", remedy=_AGAIN)


def _named_graphs(file: Path) -> tuple[str, ...]:
    require_content(file)
    try:
        with file.open("rb") as stream:
            data = stream.read(_SIZE_LIMIT)
    except OSError as error:
        raise unreadable(file, error) from error
    return tuple(sorted({found.decode() for found in _GRAPH.findall(data)}))
