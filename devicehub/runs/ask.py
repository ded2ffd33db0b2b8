"""What a client asks to be run, by names alone, before any phone or file was looked at. Pure."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec

from devicehub.workloads.suite import Suite

Factor = Literal["engine", "model", "profile", "phone"]
"""What the two runs of a comparison may differ in."""

_Launches = Annotated[int, msgspec.Meta(ge=1, le=100)]
_Repeats = Annotated[int, msgspec.Meta(ge=1, le=1000)]
_Retries = Annotated[int, msgspec.Meta(ge=0, le=10)]
_SampleHz = Annotated[float, msgspec.Meta(ge=0.2, le=10)]
_Seconds = Annotated[float, msgspec.Meta(ge=0)]
_Count = Annotated[int, msgspec.Meta(ge=0)]
_EvalText = Annotated[str, msgspec.Meta(min_length=1, max_length=4 << 20)]


class RunAsk(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One workload on each of some phones, or on any one of them.

    Attributes:
        model: a name of the catalogue.
        selectors: the words after `--on`, any of which may mean a phone; none means the one that is ready.
        spread: `each` asks for one run on every phone that is meant, `any` for one run on whichever of them
            is free first.
        engine: a name or an id; None for the one that fits the phone. The app brings its own.
        profile: a run profile; None for the workload's default.
        protocol: how the figures are made; `none` for plain launches, None for the workload's default.
        gate: what changes the protocol's gate, each `temp=CELSIUS`, `zone=NAME`, `cap=SECONDS` or `off`.
        overrides: keys of config.json that win over the profile's.
        prompt: what the model is asked, one prompt.
        prompts: in place of `prompt`, the text of a prompt file, one prompt a line.
        prompts_file: in place of both, a file of the hub's host.
        suite: in place of all three, prompts of which each has a launch of its own, and what answers must be.
        eval_files: of workload eval: the text of files of questions with choices, in MNN's C-Eval layout, by
            their names.
        perplexity_text: of workload eval: what the perplexity is measured on.
        join_lines: make one prompt of all lines.
        media_folder: a folder of the hub's host: there lie the pictures and sounds that the prompts name.
        limits: what ends the run on the phone: wall_s, temp_mc, battery_percent, free_mib.
        start_below_c: pass over phones whose skin is warmer when the run would begin.
        patience_s: how long its phone may be out of reach before the run is left to the phone.
    """

    model: str
    selectors: tuple[str, ...] = ()
    spread: Literal["each", "any"] = "each"
    workload: str = "demo"
    engine: str | None = None
    profile: str | None = None
    protocol: str | None = None
    gate: tuple[str, ...] = ()
    launches: _Launches | None = None
    prompt_tokens: _Count | None = None
    decode_tokens: _Count | None = None
    repeats: _Repeats | None = None
    overrides: dict[str, Any] = {}
    prompt: str | None = None
    prompts: str | None = None
    prompts_file: str | None = None
    suite: Suite | None = None
    eval_files: dict[str, _EvalText] = {}
    perplexity_text: _EvalText | None = None
    join_lines: bool = False
    media_folder: str | None = None
    no_think: bool = False
    limits: dict[str, _Count] = {}
    sample_hz: _SampleHz = 1.0
    retries: _Retries = 1
    steady: bool = False
    energy: bool = False
    measure_cost: bool = False
    verify_output: bool = False
    strict: bool = False
    start_below_c: float | None = None
    patience_s: _Seconds = 120.0


class CompareAsk(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Two runs under one claim that differ in one factor.

    Attributes:
        by: the factor.
        a: its value in the first run: a name, or of a phone a selector; so is b.
        run: all that is the same; its own value of the factor is not read.
    """

    by: Factor
    a: str
    b: str
    run: RunAsk
