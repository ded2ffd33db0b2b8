"""The model that ships with DeviceHub: small enough for the repository, real enough to answer."""

from __future__ import annotations

from pathlib import Path
from typing import Final

DEFAULT_PROMPT: Final = "What is DeviceHub?"


def demo_model_dir() -> Path:
    """The folder of the exported model; llm_demo is given its config.json."""
    return Path(__file__).parent / "model"


def demo_fixture_file() -> Path:
    """What that model must answer, made as `devicehub models check --fixture` makes it."""
    return Path(__file__).with_name("fixture.json")
