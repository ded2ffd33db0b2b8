"""What clients are shown of jobs: pushes, fixtures, exports. Pure."""

from __future__ import annotations

from typing import Any

import msgspec

from devicehub.findings import Finding


class StageView(msgspec.Struct, frozen=True, kw_only=True):
    """Where an export is.

    Attributes:
        recipe: which of the recipes is under way.
        stage: a stable word: load, calibrate, onnx, convert, quantize, tokenizer, config, accept.
        title: what a person reads.
        number: which of `of` stages that is, from 1.
        stage_share: how much of it is done, 0 to 1; None where the exporter does not tell.
        share: how much of the whole is done, 0 to 1.
        left_s: how long it will take still; None before there is anything to tell it from.
    """

    recipe: str
    stage: str
    title: str
    number: int
    of: int
    stage_share: float | None
    share: float
    elapsed_s: float
    left_s: float | None


def step_view(
    subject: str, title: str, *, number: int, of: int, step_share: float | None, elapsed_s: float
) -> StageView:
    """Where a piece of work is whose steps count alike and tell no time that is left."""
    return StageView(
        recipe=subject,
        stage=str(number),
        title=title,
        number=number,
        of=of,
        stage_share=step_share,
        share=(number - 1 + (step_share or 0)) / of,
        elapsed_s=elapsed_s,
        left_s=None,
    )


class EngineOnPhoneView(msgspec.Struct, frozen=True, kw_only=True):
    """An engine held against a phone.

    Attributes:
        pushed: its files that the phone needs.
        left_out: those that it has no use for, with the reasons.
        probes: what the engine did there, as `dispatch.engine_probe.EngineProbe` has it.
    """

    serial: str
    findings: list[Finding] = []
    pushed: list[str] = []
    left_out: dict[str, str] = {}
    probes: list[dict[str, Any]] = []


class EngineCheckView(msgspec.Struct, frozen=True, kw_only=True):
    """What was found out about an engine, the result of `engines.check`.

    Attributes:
        place: an id of the catalogue, or a path.
        ok: nothing forbids it, on any of the phones either.
        features: as `engines.features.EngineFeatures` has them.
        programs: that it brings.
    """

    place: str
    ok: bool
    features: dict[str, Any] = {}
    programs: list[str] = []
    findings: list[Finding] = []
    phones: list[EngineOnPhoneView] = []


class ModelCheckView(msgspec.Struct, frozen=True, kw_only=True):
    """What was found out about a model, the result of `models.check`.

    Attributes:
        place: its folder.
        ok: its files are as they were, nothing forbids a run, and it has answered where it was asked.
        model: its entry of the catalogue, a `ModelView`; None where it has none.
        problems: the files that are not as they were when it was added, one sentence each.
        findings: what is wrong with its folder and settings, the worst first.
        mended: what was written to its files, each with the file's name.
        made: whether it has answered its fixture; None where it was not asked.
    """

    place: str
    ok: bool
    model: dict[str, Any] | None = None
    problems: list[str] = []
    findings: list[Finding] = []
    mended: list[str] = []
    made: bool | None = None


class BuildPlanView(msgspec.Struct, frozen=True, kw_only=True):
    """What a build of an engine would do.

    Attributes:
        source: MNN's version and commit.
        folder: of the build.
        findings: what the host lacks; an error among them forbids it.
        commands: as lines for a shell.
    """

    profile: str
    source: str
    folder: str
    findings: list[Finding] = []
    commands: list[str] = []


class SettledView(msgspec.Struct, frozen=True, kw_only=True):
    """What a run profile comes to on a phone.

    Attributes:
        model: whose own values stand below; None where none was named.
        config: of the run, apart from where the model lies.
        origins: of each key: model, profile, what of the phone decided, command line, devicehub.
        defaults: what the engine takes for keys that nothing sets.
        left: the keys that the phone would decide and does not, with the reasons.
        why: reasons for values, by key.
        refused: why it cannot be run so, with the way out; None where it can.
    """

    profile: str
    serial: str
    model: str | None
    config: dict[str, Any]
    origins: dict[str, str]
    defaults: dict[str, Any] = {}
    left: dict[str, str] = {}
    why: dict[str, str] = {}
    refused: str | None = None


class ExportPlanView(msgspec.Struct, frozen=True, kw_only=True):
    """What an export by one recipe would make.

    Attributes:
        options: of llmexport.
        size: of the model, estimated, in bytes.
        ram: that it takes, estimated, in bytes.
        disk: that it takes while it is made, in bytes.
        commands: that a recipe has other tools execute, as lines for a shell.
        refused: why it would not be made, with the way out; None where it would.
    """

    recipe: str
    name: str
    options: dict[str, Any] = {}
    notes: list[str] = []
    warnings: list[str] = []
    size: int | None = None
    bits_per_weight: float | None = None
    ram: int | None = None
    disk: int | None = None
    commands: list[str] = []
    refused: str | None = None


class LogPage(msgspec.Struct, frozen=True, kw_only=True):
    """A part of a log; `next` is where it goes on."""

    file: str
    text: str
    next: int


class JobView(msgspec.Struct, frozen=True, kw_only=True):
    """Something that takes a while and is no run: a push, a fixture; its progress comes as events.

    Attributes:
        state: running, done, failed, cancelled.
        result: what came of it; of a push the rows that `push --json` prints.
        error: why it failed.
        told: what a person should know of it so far, a sentence each.
        stage: of an export; `done` and `total` are thousandths then.
    """

    id: str
    kind: str
    state: str
    label: str = ""
    serial: str | None = None
    done: int = 0
    total: int = 0
    result: Any = None
    error: str | None = None
    error_kind: str = ""
    """The class name of the hub's error."""
    told: list[str] = []
    stage: StageView | None = None
