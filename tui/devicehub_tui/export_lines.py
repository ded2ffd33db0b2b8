"""The lines of an export: what it makes, how far it is, what came of it. Knows no Textual."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from devicehub.units import format_bytes
from devicehub_tui.run_lines import fact, heading

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from devicehub.api.model import ExportPlanView, JobView, StageView
    from devicehub_tui.format import Cell, Meaning
    from devicehub_tui.run_lines import Lines

_BAR: Final = 24
_MINUTE_S: Final = 60
_STATES: Final[Mapping[str, Cell]] = {
    "running": ("▶ exporting", "busy"),
    "done": ("✓ done", "good"),
    "failed": ("✗ failed", "bad"),
    "cancelled": ("✗ cancelled", "warn"),
}


@dataclass
class Stages:
    """The stages that one export has come to, by recipe."""

    seen: dict[str, dict[int, str]] = field(default_factory=dict)
    now: StageView | None = None

    def take(self, stage: StageView | None) -> None:
        """It is there now."""
        if stage is not None:
            self.seen.setdefault(stage.recipe, {})[stage.number] = stage.title
            self.now = stage


def head_lines(job: JobView, stages: Stages) -> Lines:
    """What is exported, and how far the whole of it is."""
    # At the end the label is that of its last part.
    names = ", ".join(str(one.get("name")) for one in _told(job, "variants"))
    first: list[Cell] = [_STATES.get(job.state, (job.state, "")), (f"  {names or job.label}", "")]
    if job.state != "running":
        return [first, [(job.error, "bad" if job.state == "failed" else "warn")]] if job.error else [first]
    now = stages.now if job.stage is not None else None
    if now is None:
        return [first, [("beginning", "dim")]]
    left = f"about {_time(now.left_s)} left" if now.left_s is not None else "time left not known yet"
    return [
        first,
        [
            (_bar(now.share), "figure"),
            (f" {now.share:4.0%}  {now.recipe}: {_time(now.elapsed_s)}, {left}", ""),
        ],
    ]


def stage_lines(job: JobView, stages: Stages) -> Lines:
    """Each recipe's stages, those done, the one under way and how many are to come."""
    lines: Lines = []
    for recipe, seen in stages.seen.items():
        lines.append(heading(recipe))
        is_now = stages.now is not None and stages.now.recipe == recipe
        for number, title in sorted(seen.items()):
            lines.append(_stage(number, title, stages.now if is_now else None, is_over=job.state == "done"))
        if is_now and stages.now and job.state == "running" and (more := stages.now.of - stages.now.number):
            lines.append([(f"· {more} more", "dim")])
    return lines or [[("No stage yet.", "dim")]]


def said_lines(job: JobView) -> Lines:
    """What a person should know of it, and at its end what came of it."""
    lines: Lines = []
    variants = _told(job, "variants")
    if variants:
        width = max(len(str(one.get("name", ""))) for one in variants)
        titles = f"{'':<{width}}  {'size':>10}  {'bits/w':>6}  {'cosine':>6}  {'perpl.':>7}  {'tok/s':>7}"
        lines.append([(titles, "dim")])
        lines += [_variant(one, width) for one in variants]
    for one in _told(job, "skipped"):
        lines.append([(f"✗ {one.get('recipe')}: ", "warn"), (str(one.get("reason")), "")])
    lines += [[(said, "warn" if "warning:" in said else "")] for said in job.told]
    return lines or [[("Nothing yet.", "dim")]]


def plan_lines(plans: Mapping[str, ExportPlanView], recipe: str) -> Lines:
    """What a recipe would make of the source, or why it would not."""
    plan = plans.get(recipe)
    if plan is None:
        return [[("", "")]]
    if plan.refused is not None:
        return [[(f"✗ {plan.refused}", "bad")]]
    about = f"about {format_bytes(plan.size or 0)}, {plan.bits_per_weight or 0:.2f} bits per weight"
    lines: Lines = [
        [(about, "figure")],
        fact("takes", f"{format_bytes(plan.ram or 0)} memory, {format_bytes(plan.disk or 0)} disk"),
    ]
    lines += [[(f"! {said}", "warn")] for said in plan.warnings]
    lines += [[(said, "dim")] for said in plan.notes]
    return lines


def _told(job: JobView, what: str) -> Sequence[Mapping[str, Any]]:
    return (job.result.get(what) or []) if isinstance(job.result, dict) else []


def _stage(number: int, title: str, now: StageView | None, *, is_over: bool) -> list[Cell]:
    if is_over or now is None or number < now.number:
        return [("✓ ", "good"), (title, "")]
    share = "" if now.stage_share is None else f"  {now.stage_share:.0%}"
    return [("▶ ", "busy"), (f"{title}{share}", "")]


def _variant(one: Mapping[str, Any], width: int) -> list[Cell]:
    figures = [("bits_per_weight", 6, 2), ("cosine", 6, 4), ("perplexity", 7, 2), ("decode_tok_s", 7, 1)]
    size = one.get("size")
    cells = [f"{format_bytes(size) if isinstance(size, int) else '·':>10}"]
    cells += [_number(one.get(name), room, digits) for name, room, digits in figures]
    best: Meaning = "good" if one.get("pareto") else ""
    return [(f"{one.get('name', '')!s:<{width}}  ", best), ("  ".join(cells), "figure")]


def _number(value: object, room: int, digits: int) -> str:
    return f"{value:>{room}.{digits}f}" if isinstance(value, int | float) else f"{'·':>{room}}"


def _bar(share: float) -> str:
    full = round(min(max(share, 0.0), 1.0) * _BAR)
    return "█" * full + "░" * (_BAR - full)


def _time(seconds: float) -> str:
    whole = round(seconds)
    return f"{whole} s" if whole < _MINUTE_S else f"{whole // _MINUTE_S} min {whole % _MINUTE_S} s"
