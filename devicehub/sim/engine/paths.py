"""Phone paths inside a configuration, for an engine that sees the host's file system."""

from __future__ import annotations

import contextlib
import json
import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT_VARIABLE: Final = "DEVICEHUB_SIM_ROOT"
"""Where a portable phone keeps its file system; unset on a confined one."""


@contextlib.contextmanager
def host_config(path: str) -> Iterator[str]:
    """The configuration to read in place of `path`: itself, or a copy whose `base_dir` is the host's path.

    A portable phone's shell maps the paths of a command line; those within files are left to their reader.
    """
    root = os.environ.get(ROOT_VARIABLE)
    config = _read(path) if root else {}
    base = config.get("base_dir")
    if not root or not isinstance(base, str) or not base.startswith("/") or base.startswith(f"{root}/"):
        yield path
        return
    weight = config.get("llm_weight")
    if isinstance(weight, str) and weight.startswith("../"):
        config["llm_weight"] = os.path.relpath(host_path(f"{root}{base}{weight}"), f"{root}{base}")
    with tempfile.TemporaryDirectory(prefix="config-", dir=Path(path).parent) as folder:
        copy = Path(folder, "config.json")
        copy.write_text(json.dumps({**config, "base_dir": root + base}))
        yield str(copy)


def host_path(path: str) -> str:
    """The path, in which `..` leads no further than a portable phone's root; elsewhere as it is."""
    root = os.environ.get(ROOT_VARIABLE)
    if not root or not path.startswith(f"{root}/"):
        return path
    return root + os.path.normpath(path.removeprefix(root))


def _read(path: str) -> dict[str, Any]:
    """The object in the file; nothing where there is none, which the engine itself will tell."""
    with contextlib.suppress(OSError, ValueError):
        config = json.loads(Path(path).read_bytes())
        if isinstance(config, dict):
            return config
    return {}
