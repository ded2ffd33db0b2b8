"""What the virtual tools and native ones are given where they are compared."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

_MODEL: Final = ("-m", "m/config.json")
_ONE: Final = (*_MODEL, "-t", "1", "-p", "8", "-n", "4", "-rep", "2")
ARGUMENTS: Final = (
    (*_ONE, "-j"),
    (*_ONE, "-kv", "true", "-j", "out.json"),
    (*_ONE, "-a", "opencl", "-load", "true"),
    (*_ONE, "-pg", "8,4", "-j"),
    (*_ONE, "-load", "true", "-j"),
    (*_ONE, "-fp", "out.md"),
    (*_ONE, "-fp", "/nonexistent/out.md"),
    (*_ONE, "-j", "/nonexistent/out.json"),
    (*_ONE, "-c", "0,1,7", "--memory", "0,2", "-j"),
    (*_ONE, "--power", "1,2"),
    (*_ONE, "-dyo", "8"),
    (*_ONE, "-dyo", "0,8"),
    (*_ONE, "-qa", "2"),
    (*_ONE, "-qatten", "1,2", "-fa", "1,0"),
    (*_ONE, "-scn", "1", "-mr", "49"),
    (*_ONE, "-mmp", "1"),
    (*_ONE, "-a", "vulkan"),
    (*_ONE, "-a", "metal"),
    (*_ONE, "--profile"),
    (*_MODEL, "-t", "1", "-p", "4", "-n", "0", "-rep", "0"),
    (*_MODEL, "-t", "1", "-p", "0", "-n", "2", "-rep", "1"),
    (*_MODEL, "-t", "1", "-p", "0", "-n", "0", "-j"),
    (*_MODEL, "-t", "1", "-p", "-3", "-n", "0"),
    (*_MODEL, "-t", "1", "--n_prompt", "2,3", "--n-gen", "1x,,2", "-rep", "1,9"),
    (*_MODEL, "-pg", "x,y"),
    (*_MODEL, "-pg", "99999999999,1"),
    (*_MODEL, "-pg", "4"),
    (*_ONE, "-mmp", ""),
    (*_ONE, "-kv", ""),
    ("-m", "m", "-t", "1"),
    ("-m", "none", "-t", "1", "-p", "4", "-n", "2", "-rep", "1"),
    ("-m", "none/config.json", "-t", "1", "-p", "4", "-n", "2", "-rep", "1"),
    ("-t", "1", "-p", "4", "-n", "2", "-rep", "1"),
    ("-m", "m/config.json,none/config.json", "-t", "1", "-p", "4", "-n", "0", "-rep", "1"),
    ("--frob",),
    ("-p",),
    ("-h",),
    (*_ONE, "--help"),
)
"""The first three are given to every model of `MODELS`."""


CONFIGS: Final[dict[str, dict[str, Any]]] = {
    "OpenCL": {"backend_type": "opencl"},
    "Vulkan": {"backend_type": "vulkan"},
    "an unknown backend": {"backend_type": "gpu"},
    "a missing MTP model": {"speculative_type": "mtp"},
    "a missing Eagle model": {"speculative_type": "eagle"},
    "a missing DFlash model": {"speculative_type": "dflash"},
    "lookahead": {"speculative_type": "lookahead"},
    "a draft model": {"speculative_type": "draftmodel"},
    "attention mode 99": {"attention_mode": 99},
    "mmap": {"use_mmap": True},
    "chunk": {"chunk": 4},
    "chunk limits": {"chunk_limits": [128, 1]},
    "chunk limits that are no list": {"chunk_limits": 3},
    "top_k 0": {"sampler_type": "mixed", "top_k": 0},
    "no samplers": {"sampler_type": "mixed", "mixed_samplers": []},
}
"""Values over llm_demo's configuration."""


def change_config(model: Path, **values: object) -> None:
    file = model / "config.json"
    file.write_text(json.dumps({**json.loads(file.read_bytes()), **values}), encoding="utf-8")


def _cut(file: Path, size: int) -> None:
    os.truncate(file, size)


MODELS: Final[dict[str, Callable[[Path], object]]] = {
    "good": lambda model: None,
    "no weights": lambda model: (model / "llm.mnn.weight").unlink(),
    "no graph": lambda model: (model / "llm.mnn").unlink(),
    "no tokenizer": lambda model: (model / "tokenizer.mtok").unlink(),
    "no llm_config": lambda model: (model / "llm_config.json").unlink(),
    "empty weights": lambda model: _cut(model / "llm.mnn.weight", 0),
    "cut weights": lambda model: _cut(model / "llm.mnn.weight", 1000),
    "cut graph": lambda model: _cut(model / "llm.mnn", 100),
    "config is no JSON": lambda model: (model / "config.json").write_text("{ // x\n}"),
    "config is a list": lambda model: (model / "config.json").write_text("[1]"),
    "config is empty": lambda model: (model / "config.json").write_text(""),
    "other weight name": lambda model: change_config(model, llm_weight="w.bin"),
    "no sampler": lambda model: change_config(model, top_k=0),
    "chunk limits": lambda model: change_config(model, chunk_limits=3),
}
