"""Random checkpoints to export, made where torch is: tests of the exporter skip elsewhere and say why."""

from __future__ import annotations

import asyncio
import importlib.util
import json
import os
import shutil
import sys
from pathlib import Path
from typing import Final

import pytest

from devicehub import procs

PYTHON: Final = os.environ.get("DEVICEHUB_EXPORT_PYTHON", sys.executable)
"""The interpreter that has the extra; by default the one of the tests."""

MISSING: Final = [
    name
    for name in ("torch", "transformers", "llmexport")
    if sys.executable == PYTHON and importlib.util.find_spec(name) is None
]

needs_exporter = pytest.mark.skipif(
    bool(MISSING), reason=f"{', '.join(MISSING)} missing: pip install -e '.[export]'"
)

_SOURCE_MAKER: Final = Path(__file__).with_name("make_source.py")
_COMPANION_MAKER: Final = Path(__file__).with_name("make_companion.py")


def make_source(folder: Path, **shape: object) -> Path:
    """A Qwen3 with random weights, or of another `kind`; `shape` changes its configuration."""
    return _make(folder, _SOURCE_MAKER, folder, json.dumps(shape))


def make_companion(kind: str, source: Path, folder: Path) -> Path:
    """What is given beside a source: a random `lora`, its layers as `gptq`, an `eagle` head."""
    return _make(folder, _COMPANION_MAKER, kind, source, folder)


def _make(folder: Path, *words: str | Path) -> Path:
    done = asyncio.run(procs.run([PYTHON, *words], timeout_s=200))
    assert done.status == 0, done.stderr.decode(errors="replace")[-2000:]
    return folder


def copy_of(source: Path, folder: Path) -> Path:
    shutil.copytree(source, folder)
    return folder
