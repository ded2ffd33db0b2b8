"""The page's lower part: figures of all cells, ratios to the baseline, each cell with its launches. Pure."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Final

from devicehub.campaign.planned import LESS_IS_BETTER, SPEEDS
from devicehub.report.numbers import SHOWN, change, interval, number, percent
from devicehub.report.page.chart import draw_course, draw_ratio, ratio_scale
from devicehub.report.page.head import badge
from devicehub.report.page.text import figure, table, text
from devicehub.report.summary import phone_of
from devicehub.report.words import FIGURE_WORDS

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from devicehub.campaign.outcome import Arm, CellOutcome, LaunchFigures
    from devicehub.campaign.planned import LimitFigure, PhoneRef
    from devicehub.campaign.result import CampaignResult, CellResult
    from devicehub.runs.answers import SuiteAnswer

_ALWAYS: Final = ("prefill_tok_s", "decode_tok_s")
"""Ratios that are drawn also where no limit holds for them."""
_NAMED: Final = frozenset({"engine", "model", "profile", "phone", "workload", "virtual", "SoC"})
"""Conditions that a cell's name tells already."""
_MOST_ANSWER: Final = 100
_MOST_RIGHT: Final = 60
"""Of an answer that passed."""
_RAW: Final = (
    ("prefill_tok_s", "prefill"), ("decode_tok_s", "decode"), ("load_ms", "load ms"), ("ttft_ms", "first ms"),
    ("peak_memory_mib", "MiB"), ("temp_c", "°C"), ("at_s", "at s"),
)  # fmt: skip


def render_figures(result: CampaignResult) -> Iterator[str]:
    """The medians of every cell that has any."""
    told = [cell for cell in result.cells if cell.figures]
    if told:
        yield "<h2 id=figures>Figures</h2>\n<p><small>Medians over the launches that count.</small>\n"
        shown = [each for each in SHOWN if any(each[0] in cell.figures for cell in told)]
        units = (f"{word.capitalize()} <small>{unit}</small>" for _, word, unit in shown)
        heads = ["Cell", "Name", "State", *units, "Fidelity"]
        names = [name for name, _, _ in shown]
        yield table(heads, (_figure_row(cell, names) for cell in told), "sort wide", searched=True)


def _figure_row(cell: CellResult, names: Sequence[str]) -> Iterator[str]:
    yield _number_of(cell)
    yield text(cell.cell.name)
    yield f"<td class=k>{badge(cell.state)}"
    for name in names:
        known = cell.figures.get(name)
        yield figure(number(known.median if known else None))
    arm = cell.outcome.arm if cell.outcome else None
    yield figure(percent(arm.fidelity if arm else None))


def _number_of(cell: CellResult) -> str:
    return figure(f'<a href="#c{cell.cell.number}">{cell.cell.number}</a>')


def render_ratios(result: CampaignResult) -> Iterator[str]:
    """Every ratio to a baseline with its interval, and what its limit allows."""
    chosen = [
        (cell, name, bound)
        for cell in result.cells
        for name in SPEEDS
        if (bound := _bound(result, cell, name)) is not None or name in _ALWAYS
        if name in cell.figures and cell.figures[name].ratio is not None
    ]
    if not chosen:
        return
    known = [cell.figures[name] for cell, name, _ in chosen]
    scale = ratio_scale(end for each in known for end in (each.ratio, each.low, each.high) if end)
    rows = []
    for (cell, name, bound), each in zip(chosen, known, strict=True):
        assert each.ratio is not None
        span = interval(each).partition(" (")[2].rstrip(")")
        rows.append(
            [
                _number_of(cell),
                text(cell.cell.name),
                f"<td class=k>{FIGURE_WORDS[name]}",
                figure(change(each.ratio)),
                f"<td class=k>{span}{' %' if span else ''}",
                f"<td>{draw_ratio(scale, each.ratio, each.low, each.high, bound)}",
            ]
        )
    yield (
        "<h2 id=ratios>Beside the baseline</h2>\n"
        "<p><small>Ratios of launches in pairs with their 95 % intervals. The whole line is no change, "
        "the dashed one the worst that the limit allows; less of load, first token and memory is better."
        "</small>\n"
    )
    heads = ["Cell", "Name", "Figure", "Change", "95 % interval", "Ratio"]
    yield table(heads, rows, "sort wide", searched=True)


def _bound(result: CampaignResult, cell: CellResult, name: LimitFigure) -> float | None:
    """The worst ratio that a limit of the cell allows."""
    for place in cell.cell.limits:
        limit = result.plan.limits[place]
        if limit.figure == name and limit.worse_by is not None:
            return 1 + limit.worse_by if name in LESS_IS_BETTER else 1 - limit.worse_by
    return None


# each cell


def render_cells(result: CampaignResult) -> Iterator[str]:
    """Every cell: limits, course, conditions, raw launches."""
    shared = _shared_conditions(result)
    yield "<h2 id=cells>Each cell</h2>\n"
    yield from _phones(result, shared)
    configs = _configs(result)
    for cell in result.cells:
        yield from _cell(cell, shared, configs)
    yield "<h2 id=configs>Configurations</h2>\n"
    for number_of, (sha, config) in enumerate(configs.items(), 1):
        lines = "\n".join(text(f"{key}: {value}") for key, value in config.items())
        summary = f"<summary>k{number_of}, SHA-256 {sha[:12]}</summary>"
        yield f"<details id=k{number_of}>{summary}<pre>{lines}</pre></details>\n"


def _cell(
    cell: CellResult, shared: Mapping[str, Mapping[str, str]], configs: Mapping[str, object]
) -> Iterator[str]:
    yield (
        f"<details id=c{cell.cell.number} data-find><summary>{badge(cell.state)} {cell.cell.number}. "
        f"{text(cell.cell.name)}</summary><p>{text(cell.sentence)}"
    )
    if cell.limits:
        rows = (
            (f"<td>{badge(limit.state)}", f"<b>{text(limit.text)}</b><br>{text(limit.sentence)}")
            for limit in cell.limits
        )
        yield table(["State", "Limit, and what was found"], rows)
    outcome = cell.outcome
    if outcome is not None:
        if outcome.moved:
            yield f"<p>It ran on {text(outcome.phone.serial)}, since its own phone had left."
        yield from _answers(outcome)
        for role, arm in (("cell", outcome.arm), ("baseline", outcome.base)):
            if arm is not None:
                yield _about(role, arm, shared.get(phone_of(cell).serialno, {}), configs)
        if outcome.arm is not None:
            yield _course(cell, outcome.arm, outcome.base)
            yield from _raw(outcome.arm, outcome.base)
    yield "</details>\n"


def _answers(outcome: CellOutcome) -> Iterator[str]:
    """What was answered to a prompt suite, and to questions with choices."""
    if outcome.suite is not None:
        rows = (
            (text(each.id), "passed" if each.passed else "not passed", text(each.why or ""), _answer(each))
            for each in outcome.suite.answers
        )
        yield table(["Prompt", "Judged", "What it lacks", "Answer"], rows)
    found = outcome.evaluation
    if found is None:
        return
    if found.accuracy is not None:
        span = f" (95 %: {percent(found.low)} to {percent(found.high)})" if found.low is not None else ""
        yield f"<p>Accuracy {percent(found.accuracy)}{span}: {found.right} of {found.of} right"
    if found.perplexity is not None:
        yield f"<p>Perplexity {number(found.perplexity)}"
    if found.subjects:
        subjects = (
            (text(name), figure(f"{score.right} of {score.of}"), text(", ".join(score.unanswered)))
            for name, score in found.subjects.items()
        )
        yield table(["Subject", "Right", "Without an answer"], subjects)


def _answer(answer: SuiteAnswer) -> str:
    """Its begin; a model that never stops must not make a report too large for a mail."""
    words, most = answer.text or "", _MOST_RIGHT if answer.passed else _MOST_ANSWER
    return text(words if len(words) <= most else f"{words[:most]}...")


def _course(cell: CellResult, arm: Arm, base: Arm | None) -> str:
    """Speed against temperature over time."""
    for name in ("decode_tok_s", "prefill_tok_s"):
        drawn = draw_course(arm, base, name)
        if drawn is not None:
            return f"<h3>{FIGURE_WORDS[name]} over time</h3>{drawn}{_legend(arm, base)}"
    return ""


def _legend(arm: Arm, base: Arm | None) -> str:
    parts = ["round: the cell's launches"]
    parts += ["square: the baseline's"] if base is not None else []
    parts += ["dashed: temperature of the skin"] if arm.trace.temp_c else []
    return f"<p><small>{'; '.join(parts)}</small>"


def _about(role: str, arm: Arm, shared: Mapping[str, str], configs: Mapping[str, object]) -> str:
    """A run in a line, and the conditions in which it was not as its phone's others."""
    engine = arm.variant.engine.name if arm.variant.engine else "the app's engine"
    place = list(configs).index(arm.config_sha256) + 1 if arm.config_sha256 in configs else None
    config = f'; configuration <a href="#k{place}">k{place}</a>' if place else ""
    fidelity = "" if arm.fidelity is None else f"; fidelity {percent(arm.fidelity)}"
    line = f"<p>{role.capitalize()}: run {text(arm.run)}, {text(engine)}{fidelity}{config}"
    own = [f"{what} {value}" for what, value in _conditions(arm) if shared.get(what) != value]
    line += f"<br><small>{text('; '.join(own))}</small>" if own else ""
    return line + "".join(f"<br><small>! {text(flag)}</small>" for flag in arm.flags)


def _raw(arm: Arm, base: Arm | None) -> Iterator[str]:
    """Every launch as it was measured, those of both runs in the order of the phone's list."""
    launches = [("baseline", launch) for launch in (base.launches if base else ())]
    launches += [("cell", launch) for launch in arm.launches]
    if not launches:
        return
    launches.sort(key=lambda item: item[1].order)
    yield f"<details><summary>{len(launches)} raw launches</summary>"
    heads = ["#", *(["Run"] if base else []), *(word for _, word in _RAW), "Counts"]
    yield table(heads, (_raw_row(role, launch, both=base is not None) for role, launch in launches))
    yield "</details>"


def _raw_row(role: str, launch: LaunchFigures, *, both: bool) -> Iterator[str]:
    yield str(launch.order)
    if both:
        yield role
    for name, _ in _RAW:
        value: float | None = getattr(launch, name)
        yield number(value)
    yield "yes" if launch.counts else text(launch.why_not or "no")


# what cells share


def _conditions(arm: Arm) -> Iterator[tuple[str, str]]:
    return ((what, value) for what, value in arm.conditions.items() if what not in _NAMED)


def _arms(result: CampaignResult) -> Iterator[tuple[PhoneRef, Arm]]:
    for cell in result.cells:
        for arm in (cell.outcome.arm, cell.outcome.base) if cell.outcome else ():
            if arm is not None:
                yield phone_of(cell), arm


def _shared_conditions(result: CampaignResult) -> dict[str, dict[str, str]]:
    """By phone: what most of its runs had in common, so that a cell tells only what was other in it."""
    counts: dict[str, dict[str, Counter[str]]] = {}
    for phone, arm in _arms(result):
        for what, value in _conditions(arm):
            counts.setdefault(phone.serialno, {}).setdefault(what, Counter())[value] += 1
    return {
        serialno: {what: values.most_common(1)[0][0] for what, values in known.items()}
        for serialno, known in counts.items()
    }


def _phones(result: CampaignResult, shared: Mapping[str, Mapping[str, str]]) -> Iterator[str]:
    yield "<p><small>Conditions of each phone; a cell tells those in which it was otherwise.</small>\n"
    for phone in result.plan.phones:
        known = shared.get(phone.serialno)
        if known:
            name = " ".join(part for part in (phone.soc, phone.product, phone.serial) if part)
            yield f"<details><summary>Conditions on {text(name)}</summary>"
            yield table(["What", "How"], ((text(what), text(value)) for what, value in known.items()))
            yield "</details>\n"


def _configs(result: CampaignResult) -> dict[str, dict[str, object]]:
    """Every configuration once, by its hash."""
    return {arm.config_sha256: arm.config for _, arm in _arms(result) if arm.config_sha256 and arm.config}
