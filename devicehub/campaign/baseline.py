"""Saved baselines: what a campaign measured, as a file for git; what a cell is held against. Pure.

A saved figure is only shown, as history: judging runs the variant again, beside the cell's own. So a baseline
names it by the content of engine and model, and tells by the hash of its configuration whether a later run of
it is the same.
"""

from __future__ import annotations

import statistics
from typing import TYPE_CHECKING, Any, Final

import msgspec

from devicehub.campaign.planned import SPEEDS, Against, PhoneRef, ThingRef, Variant
from devicehub.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from devicehub.campaign.outcome import Arm, CellOutcome
    from devicehub.campaign.planned import Cell, Plan

FORMAT: Final = 1
MISSING: Final = "baseline_missing"
DIFFERS: Final = "baseline_differs"
_LAUNCH_FIELDS: Final = (
    "number", "cold", "prefill_tok_s", "decode_tok_s", "load_ms", "ttft_ms", "peak_memory_mib", "temp_c",
)  # fmt: skip


class BaselineLaunch(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One launch that counted, raw."""

    number: int
    cold: bool | None = None
    prefill_tok_s: float | None = None
    decode_tok_s: float | None = None
    load_ms: float | None = None
    ttft_ms: float | None = None
    peak_memory_mib: float | None = None
    temp_c: float | None = None


class BaselineEntry(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What one cell measured.

    Attributes:
        engine: with its content's id, as the model; None for the app, which brings its own.
        config_sha256: of the final configuration.
        medians: over the launches, by figure; and what the run has as a whole.
        conditions: what the figures depend on, in words.
    """

    phone: PhoneRef
    model: ThingRef
    engine: ThingRef | None
    profile: str
    settings: dict[str, Any] = {}
    workload: str
    suite: str | None = None
    config_sha256: str
    medians: dict[str, float]
    conditions: dict[str, str]
    launches: list[BaselineLaunch]


class Baseline(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A saved baseline.

    Attributes:
        campaign: the id of the one that measured it.
        without: its cells that gave nothing to hold others against, by name, and why.
    """

    format: int
    name: str
    campaign: str
    campaign_name: str
    created: float
    entries: list[BaselineEntry]
    without: dict[str, str] = {}


def make_baseline(name: str, plan: Plan, outcomes: Mapping[int, CellOutcome], *, created: float) -> Baseline:
    """What a campaign measured, of each cell that went well.

    Args:
        name: of the baseline.
        plan: of the campaign.
        outcomes: of its cells, by number.
        created: seconds since the epoch.
    """
    entries, without = [], {}
    for cell in plan.cells:
        outcome = outcomes.get(cell.number)
        if why := _why_without(cell, outcome):
            without[cell.name] = why
        elif outcome is not None and outcome.arm is not None:
            entries.append(_entry(cell, outcome, outcome.arm))
    return Baseline(
        format=FORMAT,
        name=name,
        campaign=plan.id,
        campaign_name=plan.name,
        created=created,
        entries=entries,
        without=without,
    )


def _why_without(cell: Cell, outcome: CellOutcome | None) -> str | None:
    if cell.left_out is not None:
        return cell.left_out
    if outcome is None or outcome.arm is None:
        return (outcome.problem if outcome else None) or "not_run"
    if outcome.problem is not None:
        return outcome.problem
    if outcome.arm.verdict != "succeeded":
        return outcome.arm.cause or outcome.arm.state
    if not outcome.arm.trusted:
        return "untrusted"
    return None


def _entry(cell: Cell, outcome: CellOutcome, arm: Arm) -> BaselineEntry:
    counted = [launch for launch in arm.launches if launch.counts]
    launches = [
        BaselineLaunch(**{field: getattr(launch, field) for field in _LAUNCH_FIELDS}) for launch in counted
    ]
    medians = {}
    for figure in SPEEDS:
        values = [value for launch in counted if (value := getattr(launch, figure)) is not None]
        if values:
            medians[str(figure)] = statistics.median(values)
    found = outcome.evaluation
    whole = {
        "joules_per_token": arm.joules_per_token,
        "fidelity": arm.fidelity,
        "suite": outcome.suite.passed / outcome.suite.of if outcome.suite and outcome.suite.of else None,
        "accuracy": found.accuracy if found else None,
        "perplexity": found.perplexity if found else None,
    }
    return BaselineEntry(
        phone=outcome.phone,
        model=cell.variant.model,
        engine=cell.variant.engine,
        profile=cell.variant.profile,
        settings=cell.variant.settings,
        workload=cell.workload,
        suite=cell.suite,
        config_sha256=arm.config_sha256,
        medians=medians | {figure: value for figure, value in whole.items() if value is not None},
        conditions=arm.conditions,
        launches=launches,
    )


def write_baseline(baseline: Baseline) -> bytes:
    """The file: one value a line, in an order that stays, so that git shows what changed."""
    return msgspec.json.format(msgspec.json.encode(baseline, order="sorted"), indent=1) + b"\n"


def read_baseline(text: str | bytes, place: str) -> Baseline:
    """Read a saved baseline.

    Args:
        text: of the file.
        place: what to call it in a message.

    Raises:
        InputError: it is none, or another version's.
    """
    remedy = "save it again with `devicehub campaign baseline save`"
    try:
        baseline = msgspec.json.decode(text, type=Baseline)
    except (msgspec.MsgspecError, UnicodeError, RecursionError) as error:
        raise InputError(place, f"is not a saved baseline: {error}", remedy=remedy) from None
    if baseline.format != FORMAT:
        problem = f"is a baseline of format {baseline.format}, and this version reads format {FORMAT}"
        raise InputError(place, problem, remedy=remedy)
    return baseline


def match(
    baseline: Baseline,
    phone: PhoneRef,
    variant: Variant,
    workload: str,
    suite: str | None,
    *,
    models: Collection[str],
    engines: Collection[str],
) -> Against | None:
    """What of a saved baseline a cell is held against; None where it has nothing on its like.

    Its like is the same SoC, model name, run profile, settings, workload and suite. Of several the one of the
    same phone is taken, then the one of the engine with the same name.

    Args:
        baseline: as it was saved.
        phone: the cell's.
        variant: the cell's.
        workload: the cell's.
        suite: the cell's.
        models: the ids of the models in the catalogue.
        engines: likewise.
    """
    alike = [
        entry
        for entry in baseline.entries
        if _kind_of(entry.phone) == _kind_of(phone)
        and (entry.model.name, entry.profile) == (variant.model.name, variant.profile)
        and (entry.workload, entry.suite) == (workload, suite)
        and entry.settings == variant.settings
    ]
    if not alike:
        return None
    entry = min(alike, key=lambda entry: _distance(entry, phone, variant))
    return _against(baseline, entry, phone, variant, models, engines)


def _kind_of(phone: PhoneRef) -> str:
    """What figures are of: a SoC; of phones that do not tell theirs the product."""
    return phone.soc or phone.product or phone.serialno


def _distance(entry: BaselineEntry, phone: PhoneRef, variant: Variant) -> tuple[bool, bool, bool]:
    def of(thing: ThingRef | None) -> tuple[str | None, str | None]:
        return (thing.name, thing.id) if thing else (None, None)

    (name, content), (own_name, own_content) = of(entry.engine), of(variant.engine)
    return entry.phone.serialno != phone.serialno, name != own_name, content != own_content


def _against(
    baseline: Baseline,
    entry: BaselineEntry,
    phone: PhoneRef,
    variant: Variant,
    models: Collection[str],
    engines: Collection[str],
) -> Against:
    other_model = entry.model.id != variant.model.id
    other_engine = (entry.engine and entry.engine.id) != (variant.engine and variant.engine.id)
    problem, sentence = None, None
    if missing := _missing(entry, models, engines):
        problem, sentence = MISSING, f"baseline {baseline.name} was measured with {missing}"
    elif other_engine and (entry.engine is None or variant.engine is None):
        problem = DIFFERS
        sentence = f"of the cell and baseline {baseline.name} only one was measured with an engine of its own"
    elif other_engine and other_model:
        problem = DIFFERS
        sentence = f"engine and model are both others than those of baseline {baseline.name}"
    by_engine = other_engine or (not other_model and variant.engine is not None)
    same_phone = entry.phone.serialno == phone.serialno
    return Against(
        by="model" if other_model and not other_engine else "engine" if by_engine else "profile",
        variant=Variant(
            model=entry.model, engine=entry.engine, profile=entry.profile, settings=entry.settings
        ),
        name=baseline.name,
        problem=problem,
        sentence=sentence,
        stored=entry.medians,
        # The configuration names the model's folder, and differs where another phone settled it.
        config_sha256=entry.config_sha256 if same_phone and not other_model else None,
    )


def _missing(entry: BaselineEntry, models: Collection[str], engines: Collection[str]) -> str | None:
    """What of an entry is not in the catalogue, in words."""
    lacks = []
    if entry.engine is not None and entry.engine.id not in engines:
        lacks.append(f"engine {entry.engine.name} ({entry.engine.id[:12]})")
    if entry.model.id not in models:
        lacks.append(f"model {entry.model.name} ({entry.model.id[:12]})")
    if not lacks:
        return None
    return f"{' and '.join(lacks)}, which {'is' if len(lacks) == 1 else 'are'} not in the catalogue"
