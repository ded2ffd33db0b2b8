"""What a run is asked to be, and who listens to it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from devicehub.engines.catalog import Engine
    from devicehub.models.catalog import Model
    from devicehub.profiles.load import RunProfile
    from devicehub.runs.lifecycle import RunState


@dataclass(frozen=True)
class RunRequest:
    """One workload with one engine, model and configuration."""

    run_id: str
    engine: Engine
    model: Model
    profile: RunProfile
    prompts: bytes
    """The prompt file as llm_demo reads it: one prompt a line."""
    overrides: Mapping[str, Any] = field(default_factory=dict)
    """Keys of config.json that win over the profile's."""
    no_think: bool = False


class RunListener(Protocol):
    """Is told what happens to a run, as it happens."""

    def on_state(self, state: RunState) -> None:
        """The run moved on."""

    def on_transfer(self, label: str, total: int) -> Callable[[int], None]:
        """Something of `total` bytes is about to be pushed; the answer is told each piece's size."""

    def on_text(self, text: str) -> None:
        """The model said more."""


class SilentListener:
    """Listens and says nothing."""

    def on_state(self, state: RunState) -> None:
        """Pass."""

    def on_transfer(self, label: str, total: int) -> Callable[[int], None]:
        """Pass."""
        return lambda size: None

    def on_text(self, text: str) -> None:
        """Pass."""
