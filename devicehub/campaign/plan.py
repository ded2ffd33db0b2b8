"""From a campaign's file to its cells, their order and what is left out. Pure: it asks what the hub knows.

On each phone the variants of one question (a model and a workload or suite) stand one after the other, so
that what is compared by eye was measured close together; with a baseline the launches alternate within each
cell. The rest of the order is drawn by the plan's seed: what drifts over hours must not meet one model more
than another.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from itertools import product
from typing import TYPE_CHECKING, Any, Final, Protocol

from msgspec.structs import replace

from devicehub.campaign.file import WORKLOADS, parse_duration_s
from devicehub.campaign.planned import Against, Cell, Plan, Push, ThingRef, Variant
from devicehub.campaign.sweep_grid import grid

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from devicehub.campaign.file import CampaignFile
    from devicehub.campaign.planned import Limit, PhoneRef

EVAL: Final = "eval"
_COMPARED: Final = frozenset(WORKLOADS)
"""Workloads with speeds; a suite's answers and an accuracy have limits, but no baseline."""
_PUSH_BYTES_S: Final = 30e6
"""USB 2, as most cables are."""


@dataclass(frozen=True)
class Column:
    """A workload, or a prompt suite by its name, with workload demo."""

    workload: str
    suite: str | None = None

    @property
    def key(self) -> str:
        """Names it within its campaign."""
        return f"suite:{self.suite}" if self.suite else self.workload

    @property
    def words(self) -> str:
        """For a person."""
        return self.suite or self.workload


@dataclass(frozen=True)
class Refusal:
    """Why something is not run: a slug, and a sentence."""

    slug: str
    sentence: str


class Host(Protocol):
    """What the hub's host knows of its phones and its catalogue."""

    def engine(self, phone: PhoneRef, name: str | None) -> ThingRef | Refusal:
        """The engine of that name, or the one that the phone takes."""

    def profile_config(self, name: str) -> Mapping[str, Any]:
        """What a run profile sets on any phone."""

    def refusal(self, phone: PhoneRef, variant: Variant, column: Column) -> Refusal | None:
        """Why a variant cannot be run there; None where it can."""

    def against(self, phone: PhoneRef, variant: Variant, column: Column) -> Against | None:
        """What a saved baseline has for a cell; None where the campaign names none, or it has nothing."""

    def matches(self, phone: PhoneRef, selectors: Sequence[str]) -> bool:
        """Whether any of the selectors means the phone."""

    def estimate_s(self, phone: PhoneRef, variant: Variant, column: Column, launches: int) -> float:
        """How long so many launches will take."""

    def pushes(self, phone: PhoneRef, variant: Variant) -> list[Push]:
        """What the phone lacks of a variant, as far as that is known."""


@dataclass(frozen=True)
class Asked:
    """A campaign's file with what its names stand for.

    Attributes:
        suites: by file, each suite's own name.
        launches: measured ones of a cell, by column key; of a comparison for each of the two.
    """

    file: CampaignFile
    text: str
    phones: Sequence[PhoneRef]
    models: Mapping[str, ThingRef]
    suites: Mapping[str, str]
    launches: Mapping[str, int]

    def columns(self) -> list[Column]:
        """The workloads and suites, in the order of the file."""
        found = [Column(workload) for workload in self.file.columns()]
        found += [Column("demo", suite=self.suites[name]) for name in self.file.suites]
        return found + ([Column(EVAL)] if self.file.evaluation else [])


def make_plan(
    asked: Asked,
    host: Host,
    *,
    plan_id: str,
    name: str,
    created: float,
    seed: int,
    missing: str | None = None,
    max_duration_s: float | None = None,
) -> Plan:
    """The whole plan.

    Args:
        asked: the file, checked.
        host: what is known of phones and catalogue.
        plan_id: of the campaign.
        name: of the campaign, where its file has none.
        created: seconds since the epoch.
        seed: of the order, where the file has none.
        missing: which phones are meant as well and cannot be used, with the reasons.
        max_duration_s: in place of the file's.
    """
    file = asked.file
    seed = seed if file.seed is None else file.seed
    cells = tuple(_cells(asked, host))
    order = {phone.serialno: _order(phone, cells, seed) for phone in asked.phones}
    by_number = {cell.number: cell for cell in cells}
    pushes = _pushes(cells, host)
    times = {serial: sum(by_number[one].estimate_s for one in numbers) for serial, numbers in order.items()}
    for push in pushes:
        times[push.serialno] += push.size / _PUSH_BYTES_S
    return Plan(
        id=plan_id,
        name=file.name or name,
        file=asked.text,
        created=created,
        seed=seed,
        phones=tuple(asked.phones),
        cells=cells,
        limits=tuple(file.limits()),
        launches=dict(asked.launches),
        order=order,
        pushes=tuple(pushes),
        move=file.move,
        wait_for_phone_s=parse_duration_s(file.wait_for_phone) or 0.0,
        max_duration_s=max_duration_s or parse_duration_s(file.max_duration or ""),
        estimate_s=max(times.values(), default=0.0),
        notes=(*([f"left out: {missing}"] if missing else []), *_notes(asked, cells)),
        virtual=any(phone.virtual for phone in asked.phones),
    )


def _cells(asked: Asked, host: Host) -> Iterator[Cell]:
    file = asked.file
    base = file.baseline
    models = _without(file.models, base.model if base else None)
    engines = _without(file.engines, base.engine if base else None) or (None,)
    profiles = _without(file.profiles, base.profile if base else None)
    settings = {profile: _settings(file, host, profile) for profile in profiles}
    combined = (
        (*one, setting)
        for one in product(asked.phones, models, engines, profiles, asked.columns())
        for setting in settings[one[3]]
    )
    for number, (phone, model, engine_name, profile, column, setting) in enumerate(combined, 1):
        engine = None if column.workload == "app" else host.engine(phone, engine_name)
        variant = Variant(
            model=asked.models[model],
            engine=engine if isinstance(engine, ThingRef) else _unknown(engine_name),
            profile=profile,
            settings=setting,
        )
        refusal = engine if isinstance(engine, Refusal) else host.refusal(phone, variant, column)
        against = None
        if refusal is None and column.workload in _COMPARED and column.suite is None:
            against = _against(asked, host, phone, variant, column)
        runs = 1 if against is None or against.problem else 2
        launches = asked.launches[column.key] * runs
        words = [_phone_words(phone), model, variant.engine.name if variant.engine else "app", profile]
        # A setting's speeds are looked at round by round; suites and questions are asked once.
        is_swept = file.sweep is not None and column.workload in _COMPARED and column.suite is None
        group = "/".join([phone.serialno, *words[1:], column.key]) if is_swept else None
        words += [column.words, *([_setting_words(setting)] if setting else [])]
        yield Cell(
            number=number,
            name=" / ".join(words),
            phone=phone,
            variant=variant,
            workload=column.workload,
            suite=column.suite,
            against=against,
            left_out=refusal.slug if refusal else None,
            left_out_why=refusal.sentence if refusal else None,
            limits=tuple(_limits(file, host, phone, variant, column)),
            estimate_s=0.0 if refusal else host.estimate_s(phone, variant, column, launches),
            group=group,
        )


def _settings(file: CampaignFile, host: Host, profile: str) -> list[dict[str, Any]]:
    """The settings of a sweep over a run profile, which may name the backend that they are for.

    Where none of them makes a difference over it, what the profile itself sets is measured.
    """
    if file.sweep is None:
        return [{}]
    found = grid(file.sweep, {**host.profile_config(profile), **file.overrides})
    return [{}] if isinstance(found, str) else found


def _without(names: tuple[str, ...], baseline: str | None) -> tuple[str, ...]:
    """The names without the baseline's, which runs beside each of them; alone it stays, against itself."""
    return tuple(name for name in names if name != baseline) or names


def _unknown(name: str | None) -> ThingRef:
    return ThingRef(name=name or "none fits", id="")


def _phone_words(phone: PhoneRef) -> str:
    return f"{phone.soc or phone.product or 'phone'} {phone.serial}"


def _setting_words(setting: Mapping[str, object]) -> str:
    return " ".join(f"{key}={value}" for key, value in setting.items())


def _against(asked: Asked, host: Host, phone: PhoneRef, variant: Variant, column: Column) -> Against | None:
    base = asked.file.baseline
    if base is None:
        return None
    if base.model:
        found = Against(by="model", variant=replace(variant, model=asked.models[base.model]))
    elif base.profile:
        found = Against(by="profile", variant=replace(variant, profile=base.profile))
    elif base.engine:
        engine = host.engine(phone, base.engine)
        if isinstance(engine, Refusal):
            return Against(by="engine", variant=variant, problem=engine.slug, sentence=engine.sentence)
        found = Against(by="engine", variant=replace(variant, engine=engine))
    else:
        saved = host.against(phone, variant, column)
        if saved is None or saved.problem:
            return saved
        found = saved
    refusal = host.refusal(phone, found.variant, column)
    if refusal is None:
        return found
    sentence = f"the baseline cannot run there: {refusal.sentence}"
    return replace(found, problem="baseline_unfit", sentence=sentence)


def _limits(
    file: CampaignFile, host: Host, phone: PhoneRef, variant: Variant, column: Column
) -> Iterator[int]:
    """The places of the limits that hold for a cell."""
    for place, (table, limit) in enumerate(zip(file.limit, file.limits(), strict=True)):
        named = (
            (table.models, {variant.model.name}),
            (table.engines, {variant.engine.name, variant.engine.id} if variant.engine else set()),
            (table.profiles, {variant.profile}),
            (table.workloads, {column.workload if column.suite is None else column.suite}),
        )
        if table.phones and not host.matches(phone, table.phones):
            continue
        if _has_figure(column, limit) and all(
            not names or found.intersection(names) for names, found in named
        ):
            yield place


def _has_figure(column: Column, limit: Limit) -> bool:
    """Whether a workload gives the figure: only questions an accuracy, only suites their share, and so on."""
    if limit.figure in ("accuracy", "perplexity"):
        return column.workload == EVAL
    if limit.figure == "suite":
        return column.suite is not None
    return column.suite is None and column.workload != EVAL


def _order(phone: PhoneRef, cells: Sequence[Cell], seed: int) -> list[int]:
    mine = [cell for cell in cells if cell.phone == phone and cell.left_out is None]
    questions: dict[tuple[str, str, str | None], list[Cell]] = {}
    for cell in mine:
        questions.setdefault((cell.variant.model.id, cell.workload, cell.suite), []).append(cell)
    ordered: list[int] = []
    for question in sorted(questions, key=lambda each: _draw(seed, phone.serialno, each)):
        variants = sorted(questions[question], key=lambda cell: _draw(seed, phone.serialno, cell.number))
        ordered += [cell.number for cell in variants]
    return ordered


def _draw(seed: int, *what: object) -> bytes:
    """As good as chance, and the same whenever it is asked for."""
    return hashlib.sha256(repr((seed, *what)).encode("utf-8", "surrogatepass")).digest()


def _pushes(cells: Sequence[Cell], host: Host) -> list[Push]:
    """What the phones lack, each thing once a phone."""
    found: dict[tuple[str, str, str], Push] = {}
    for cell in cells:
        if cell.left_out is not None:
            continue
        variants = [cell.variant]
        if cell.against is not None and cell.against.problem is None:
            variants.append(cell.against.variant)
        for variant in variants:
            for push in host.pushes(cell.phone, variant):
                found.setdefault((push.serialno, push.kind, push.name), push)
    return list(found.values())


def _notes(asked: Asked, cells: Sequence[Cell]) -> Iterator[str]:
    base = asked.file.baseline
    for kind, name, names in (
        ("engine", base and base.engine, asked.file.engines),
        ("model", base and base.model, asked.file.models),
        ("profile", base and base.profile, asked.file.profiles),
    ):
        if name in names and len(names) > 1:
            yield f"{kind} {name} is the baseline: it runs beside each of the others, and has no cell"
    held = {place for cell in cells for place in cell.limits}
    for place, limit in enumerate(asked.file.limits()):
        if place not in held:
            yield f"no cell has the figure of, or is meant by, the limit {limit.text}"
    saved = base is not None and (base.name or base.file)
    if saved and (lacking := [c for c in cells if c.left_out is None and c.against is None]):
        yield f"the baseline has nothing for {len(lacking)} cells, {lacking[0].name} the first"
