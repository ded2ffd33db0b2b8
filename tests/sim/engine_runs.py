"""Runs the virtual llm_demo in a folder with a copy of the demo model."""

from __future__ import annotations

import json
import os
import shutil
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pytest

from devicehub import procs
from devicehub.demo_model import demo_model_dir

if TYPE_CHECKING:
    from devicehub.procs import Completed

needs_demo_model: Final = pytest.mark.skipif(
    not (demo_model_dir() / "llm.mnn.weight").is_file(), reason="the demo model has not been made"
)


@dataclass
class Bench:
    """A folder with `model/`, its greedy one-thread config and `p.txt`, where llm_demo is run."""

    folder: Path
    prompts: bytes = b"What is DeviceHub?\nWhat does it measure?\n"
    config: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        shutil.copytree(demo_model_dir(), self.model)
        self.config = json.loads((self.model / "config.json").read_bytes())
        self.config |= {"sampler_type": "greedy", "thread_num": 1}
        self.write()

    @property
    def model(self) -> Path:
        """The copy of the demo model."""
        return self.folder / "model"

    def write(self, **values: Any) -> None:
        """Write config and prompts; values go over the configuration."""
        self.config |= values
        (self.model / "config.json").write_text(json.dumps(self.config), encoding="utf-8")
        (self.folder / "p.txt").write_bytes(self.prompts)

    async def run(
        self, *arguments: str, config: str = "model/config.json", options: tuple[str, ...] = (), **env: str
    ) -> Completed:
        """Run llm_demo with arguments after the config; stdout is a pipe."""
        argv = [sys.executable, "-m", "devicehub.sim.engine", *options, "llm_demo", config, *arguments]
        environ = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2]), **env}
        return await procs.run(argv, timeout_s=120, cwd=self.folder, env=environ)


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    """A fresh bench."""
    return Bench(tmp_path)
