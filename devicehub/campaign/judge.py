"""From outcomes to the results of cells, and to that of the whole campaign. Pure.

First comes whether a cell ran, then whether it worked and answered rightly, then the conditions, and last
speed. `judge_cell` looks at one cell, and at a limit against the baseline as if it were the only one;
`conclude` looks at all and takes back what may be chance among so many.
"""

from __future__ import annotations

import statistics
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from devicehub.campaign.absolute import LEAST_LAUNCHES, judge_absolute, launch_values
from devicehub.campaign.planned import SHARES, SPEEDS
from devicehub.campaign.relative import FALSE_SHARE, judge_relative, largest_chance
from devicehub.campaign.result import (
    CELL_STATES,
    NOT_JUDGED,
    CampaignResult,
    CellResult,
    FigureSummary,
    LimitResult,
)
from devicehub.campaign.standing import (
    UNTRUSTED_CAUSES,
    WRONG_OUTPUT,
    Standing,
    end_of,
    incomparable,
    obstacle,
    without_run,
)
from devicehub.measure.interval import Estimate, PairFigures, estimate
from devicehub.measure.suites import suite_lines
from devicehub.runs.answers import SUITE_FAILED

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence

    from devicehub.campaign.outcome import CellOutcome
    from devicehub.campaign.planned import Cell, Limit, LimitFigure, Plan
    from devicehub.campaign.result import CellState, Front, History

_WORST_FIRST: Final[tuple[CellState, ...]] = ("failed", "not_comparable", "inconclusive", "passed", "not_run")
_OF_ANSWERS: Final = SHARES | {"perplexity"}
"""Figures that no heat and no clock spoils."""
GIVEN_UP: Final = "slower"
"""A sweep stopped a setting since others are better: its limits need no more launches to be decided."""
_MOST_PROOF: Final = 12
_NO_BASELINE: Final = Standing("not_comparable", "no_baseline", "the cell has no baseline")


@dataclass(frozen=True)
class _Seen:
    """A cell that ran, as its limits are held against it.

    Attributes:
        against: why it is not compared with its baseline; None where it is.
        obstacle: why its own speed is not judged; None where it is.
    """

    outcome: CellOutcome
    ratios: Mapping[LimitFigure, Estimate]
    against: Standing | None
    obstacle: Standing | None
    alpha: float


def judge_cell(
    plan: Plan,
    cell: Cell,
    outcome: CellOutcome | None,
    *,
    alpha: float = FALSE_SHARE,
    missing: str = "waiting",
) -> CellResult:
    """What is concluded of one cell, of limits against the baseline as if it were the only one.

    Args:
        plan: of the campaign.
        cell: one of its cells.
        outcome: what its runs came to; None where there is nothing yet.
        alpha: the largest chance at which a mean that is worse than the baseline's counts as no chance.
        missing: why there is no outcome, a slug.
    """
    if found := without_run(cell, outcome, missing):
        return _result(cell, outcome, [found])
    assert outcome is not None
    assert outcome.arm is not None
    ratios = _ratios(outcome)
    figures = _figures(outcome, ratios)
    if found := end_of(outcome.arm):
        return _result(cell, outcome, [found], figures=figures)
    against = incomparable(cell, outcome) if cell.against is not None else _NO_BASELINE
    seen = _Seen(outcome, ratios, against, obstacle(outcome.arm), alpha)
    limits = [_hold(plan.limits[place], place, seen) for place in cell.limits]
    parts = [*_of_run(cell, seen), *_of_suite(plan, cell, outcome)]
    parts += [
        part for _, part in limits if not (part.state == "inconclusive" and outcome.stopped == GIVEN_UP)
    ]
    return _result(cell, outcome, parts, limits=[result for result, _ in limits], figures=figures)


def judge_campaign(
    plan: Plan,
    outcomes: Mapping[int, CellOutcome],
    *,
    state: str,
    stopped_reason: str | None = None,
    ended: float | None = None,
) -> CampaignResult:
    """What is concluded of a campaign whose cells have these outcomes, by their numbers."""
    results = [judge_cell(plan, cell, outcomes.get(cell.number)) for cell in plan.cells]
    return conclude(plan, results, state=state, stopped_reason=stopped_reason, ended=ended)


def conclude(
    plan: Plan,
    results: Sequence[CellResult],
    *,
    state: str,
    stopped_reason: str | None = None,
    ended: float | None = None,
    fronts: Sequence[Front] = (),
    history: Sequence[History] = (),
) -> CampaignResult:
    """What is concluded of a campaign.

    Args:
        plan: of the campaign.
        results: of its cells, as `judge_cell` gives them, one each.
        state: running, stopped or ended.
        stopped_reason: why what is missing will not be run, a slug: stopped, max_duration.
        ended: when; None while it runs.
        fronts: of its sweeps.
        history: of what it measured.
    """
    alpha = largest_chance(limit.p for result in results for limit in result.limits if limit.p is not None)
    missing = "waiting" if state == "running" else stopped_reason or "stopped"
    cells = [
        judge_cell(plan, result.cell, result.outcome, alpha=alpha, missing=missing)
        if _is_unsettled(result, alpha, missing, is_running=state == "running")
        else result
        for result in results
    ]
    counts = Counter(result.state for result in cells)
    return CampaignResult(
        plan=plan,
        state=state,
        cells=cells,
        counts={name: counts[name] for name in CELL_STATES},
        sentence=describe(counts),
        exit=exit_of(counts),
        fronts=list(fronts),
        history=list(history),
        ended=ended,
    )


def _is_unsettled(result: CellResult, alpha: float, missing: str, *, is_running: bool) -> bool:
    """Whether it is another beside all other cells: a chance of so many, or a cell that never ran.

    While the campaign runs this is asked at every change, and how many more pairs would decide stays.
    """
    if result.outcome is None:
        return result.cell.left_out is None and result.reason != missing
    if alpha >= FALSE_SHARE:
        return False
    chances = [limit for limit in result.limits if limit.p is not None and limit.state != "passed"]
    if is_running:
        chances = [limit for limit in chances if limit.state == "failed" and (limit.p or 0.0) > alpha]
    return bool(chances)


def exit_of(counts: Mapping[CellState, int], accepted: Collection[str] = ()) -> int:
    """The exit status: 0 every cell passed, 1 any failed, 5 none failed and some were not judged.

    Args:
        counts: cells by state.
        accepted: states that count as passed.
    """
    if counts.get("failed", 0) and "failed" not in accepted:
        return 1
    return 5 if any(counts.get(name, 0) for name in NOT_JUDGED if name not in accepted) else 0


def describe(counts: Mapping[CellState, int]) -> str:
    """How the cells of a campaign stand, in one sentence."""
    total = sum(counts.values())
    passed, failed = counts.get("passed", 0), counts.get("failed", 0)
    if passed == total:
        return f"all {total} cells passed" if total != 1 else "the one cell passed"
    parts = [f"{passed} of {total} cells passed", f"{failed} failed"]
    if count := counts.get("inconclusive", 0):
        parts.append(f"{count} {'is' if count == 1 else 'are'} inconclusive")
    if count := counts.get("not_comparable", 0):
        parts.append(f"{count} {'is' if count == 1 else 'are'} not comparable")
    if count := counts.get("not_run", 0):
        parts.append(f"{count} {'was' if count == 1 else 'were'} not run")
    unjudged = sum(counts.get(name, 0) for name in NOT_JUDGED)
    judged = f": {unjudged} of {total} not judged" if unjudged else ""
    return ", ".join(parts) + judged


# parts of a cell


def _of_run(cell: Cell, seen: _Seen) -> Iterator[Standing]:
    """What the run says apart from limits: it worked, under conditions in which it can be judged."""
    assert seen.outcome.arm is not None
    if cell.against is not None and seen.against is not None:
        yield seen.against
    elif seen.obstacle is not None and seen.obstacle.reason in UNTRUSTED_CAUSES:
        yield seen.obstacle
    counted = [launch for launch in seen.outcome.arm.launches if launch.counts]
    said = f"{len(counted)} launch{'' if len(counted) == 1 else 'es'} succeeded"
    if seen.outcome.stopped == GIVEN_UP:
        said += ", then given up: clearly slower than other settings"
    share = seen.outcome.arm.fidelity
    yield Standing("passed", None, said if share is None else f"{said}, fidelity {share * 100:.3g} %")


def _of_suite(plan: Plan, cell: Cell, outcome: CellOutcome) -> Iterator[Standing]:
    """A suite without a limit of its own asks that every prompt passes."""
    suite = outcome.suite
    if suite is None:
        return
    said = f"{suite.passed} of {suite.of} prompts of {suite.name} passed"
    if suite.passed == suite.of or any(plan.limits[place].figure == "suite" for place in cell.limits):
        yield Standing("passed", None, said)
    else:
        yield Standing("failed", SUITE_FAILED, said, suite_lines(suite))


def _hold(limit: Limit, place: int, seen: _Seen) -> tuple[LimitResult, Standing]:
    """One limit's result, and what it means for the cell."""
    in_the_way = seen.against if limit.is_relative else seen.obstacle
    if in_the_way is not None and limit.figure not in _OF_ANSWERS:
        result = LimitResult(
            limit=place, text=limit.text, state=in_the_way.state, sentence=in_the_way.sentence
        )
        return result, in_the_way
    if limit.is_relative:
        result = judge_relative(place, limit, seen.ratios.get(limit.figure), alpha=seen.alpha)
    else:
        result = judge_absolute(place, limit, seen.outcome)
    suite = seen.outcome.suite
    proof = suite_lines(suite) if suite and limit.figure == "suite" and result.state == "failed" else ()
    return result, Standing(result.state, _reason(limit, result, seen), result.sentence, proof)


def _reason(limit: Limit, result: LimitResult, seen: _Seen) -> str | None:
    if result.state == "passed":
        return None
    if result.state == "failed":
        return {"fidelity": WRONG_OUTPUT, "suite": SUITE_FAILED}.get(limit.figure, "limit")
    if limit.is_relative:
        return "undecided" if result.p is not None else "too_few_pairs"
    if limit.figure in SPEEDS:
        count = len(launch_values(seen.outcome, limit.figure))
        return "undecided" if count >= LEAST_LAUNCHES else "too_few_launches"
    return "undecided" if result.value is not None else "not_measured"


def _result(
    cell: Cell,
    outcome: CellOutcome | None,
    parts: Sequence[Standing],
    *,
    limits: Sequence[LimitResult] = (),
    figures: Mapping[str, FigureSummary] | None = None,
) -> CellResult:
    """A cell is as its worst part; where parts are alike, the first gives the reason."""
    worst = min(parts, key=lambda part: _WORST_FIRST.index(part.state))
    alike = [part for part in parts if part.state == worst.state]
    return CellResult(
        cell=cell,
        state=worst.state,
        reason=worst.reason,
        sentence="; ".join(_sentences(alike, limits)),
        proof=list(dict.fromkeys(line for part in alike for line in part.proof))[:_MOST_PROOF],
        remedy=next((part.remedy for part in alike if part.remedy), None),
        limits=list(limits),
        figures=dict(figures or {}),
        outcome=outcome,
    )


def _sentences(parts: Sequence[Standing], limits: Sequence[LimitResult]) -> list[str]:
    """What the parts say; limits that are kept are only counted."""
    kept = {limit.sentence for limit in limits if limit.state == "passed"}
    said = list(dict.fromkeys(part.sentence for part in parts if part.sentence not in kept))
    if parts[0].state == "passed" and kept:
        said.append(f"{len(kept)} limits kept" if len(kept) > 1 else next(iter(kept)))
    return said


# figures


def _ratios(outcome: CellOutcome) -> dict[LimitFigure, Estimate]:
    """Of each figure that pairs have: its ratio to the baseline's."""
    if outcome.compared is None or outcome.compared.unlike:
        return {}
    found = {}
    for figure in SPEEDS:
        pairs = outcome.compared.pairs.get(figure, [])
        known = [
            PairFigures(pair.base, pair.cell, pair.place_base, pair.place_cell)
            for pair in pairs
            if pair.base > 0 and pair.cell > 0
        ]
        if known:
            found[figure] = estimate(known)
    return found


def _figures(outcome: CellOutcome, ratios: Mapping[LimitFigure, Estimate]) -> dict[str, FigureSummary]:
    """What the launches that count gave, by figure."""
    found: dict[str, FigureSummary] = {}
    for figure in SPEEDS:
        values = launch_values(outcome, figure)
        if not values:
            continue
        ratio = ratios.get(figure)
        low, high = ratio.bounds if ratio else (None, None)
        found[figure] = FigureSummary(
            median=statistics.median(values),
            lowest=min(values),
            highest=max(values),
            launches=len(values),
            base=_base_median(outcome, figure),
            ratio=ratio.ratio if ratio else None,
            low=low,
            high=high,
        )
    joules = outcome.arm.joules_per_token if outcome.arm else None
    if joules is not None:
        found["joules_per_token"] = FigureSummary(median=joules, lowest=joules, highest=joules, launches=1)
    return found


def _base_median(outcome: CellOutcome, figure: LimitFigure) -> float | None:
    if outcome.base is None:
        return None
    launches = [launch for launch in outcome.base.launches if launch.counts]
    values = [value for launch in launches if (value := getattr(launch, figure)) is not None]
    return statistics.median(values) if values else None
