"""What a run is asked to be, and who listens to it."""

from __future__ import annotations

import typing
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from devicehub.deploy.targets import Ground
from devicehub.runs.retry import RetryPolicy

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from devicehub.engines.catalog import Engine
    from devicehub.models.catalog import Model
    from devicehub.profiles.custom import Custom
    from devicehub.profiles.load import RunProfile
    from devicehub.runner.contract import Limits
    from devicehub.runs.lifecycle import RunState
    from devicehub.runs.model import ComparisonRef, Protocol
    from devicehub.workloads.ceval import EvalAsked
    from devicehub.workloads.llm_bench import BenchOptions
    from devicehub.workloads.mnn_chat_plan import AppPlan
    from devicehub.workloads.suite import Suite


@dataclass(frozen=True)
class MediaFile:
    """A picture or a sound that goes to the phone with the run."""

    name: str
    """In the run's folder there."""
    content: bytes


@dataclass(frozen=True)
class RunRequest:
    """One workload with one engine, model and configuration.

    Attributes:
        engine: None for workload app, which brings its own; so is the profile.
        prompts: the prompt file as llm_demo reads it, one prompt a line; empty where the workload takes none.
        suite: of which each launch has a prompt of its own; `prompts` is then what it warms up with.
        asked_eval: the files of workload eval; `prompts` is then the text of which the perplexity is asked.
        overrides: keys of config.json that win over the profile's.
        bench: what llm_bench is asked, for that workload.
        app: what the app is asked, for that workload.
        custom: the command of workload custom, and what its output means.
        media: the files of this host that the prompts name, by their paths as they stand there.
        protocol: how the figures are made; None makes so many launches, one after the other.
        launches: how often the process is started where there is no protocol.
        steady: ask the phone for clocks that it can hold; so does a protocol.
        energy: measure what a token takes from the battery.
        measure_cost: let launches with and without sampling alternate, to learn what sampling costs.
        verify_output: let the model answer its fixture although it has answered it before.
        comparison: of which comparison it is one half.
        limits: what ends the run on the phone; None for no such limit.
        strict: refuse to start where the hub would only warn.
        retries: when it is tried again.
        patience_s: how long its phone may be out of reach before this process gives the run into the phone's
            own care.
        ground: where its device keeps engine, model and the run itself.
    """

    run_id: str
    model: Model
    engine: Engine | None = None
    profile: RunProfile | None = None
    prompts: bytes = b""
    media: Mapping[str, MediaFile] = field(default_factory=dict)
    suite: Suite | None = None
    asked_eval: EvalAsked | None = None
    workload: str = "demo"
    overrides: Mapping[str, Any] = field(default_factory=dict)
    no_think: bool = False
    bench: BenchOptions | None = None
    app: AppPlan | None = None
    custom: Custom | None = None
    protocol: Protocol | None = None
    launches: int = 1
    steady: bool = False
    energy: bool = False
    measure_cost: bool = False
    verify_output: bool = False
    comparison: ComparisonRef | None = None
    limits: Limits | None = None
    sample_hz: float = 1.0
    strict: bool = False
    retries: RetryPolicy = field(default_factory=RetryPolicy)
    patience_s: float = 120.0
    ground: Ground = field(default_factory=Ground)


class RunListener(typing.Protocol):
    """Is told what happens to a run, as it happens."""

    def on_state(self, state: RunState) -> None:
        """The run moved on."""

    def on_transfer(self, label: str, total: int) -> Callable[[int], None]:
        """Something of `total` bytes is about to be pushed; the answer is told each piece's size."""

    def on_text(self, text: str) -> None:
        """The model said more."""

    def on_note(self, text: str) -> None:
        """Something happened that a person wants to know: a caution, a retry."""

    def on_samples(self, data: bytes) -> None:
        """The phone's sampler wrote more, in pieces of any size."""


class SilentListener:
    """Listens and says nothing."""

    def on_state(self, state: RunState) -> None:
        """Pass."""

    def on_transfer(self, label: str, total: int) -> Callable[[int], None]:
        """Pass."""
        return lambda size: None

    def on_text(self, text: str) -> None:
        """Pass."""

    def on_note(self, text: str) -> None:
        """Pass."""

    def on_samples(self, data: bytes) -> None:
        """Pass."""
