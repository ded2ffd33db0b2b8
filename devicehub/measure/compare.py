"""Compares two runs: refuses what is unlike, and says of each figure which run is faster. Pure.

The launch is the unit, not its repeats: these share whatever befell the launch. What is compared, and what
follows from the factor that may differ, stands in `likeness`; which launches form pairs, in `pairs`; how the
interval is had, in `interval`.
"""

from __future__ import annotations

import statistics
from typing import TYPE_CHECKING, Final, Literal, get_args

import msgspec

from devicehub.measure.interval import POWER, Finding, PairFigures, estimate, more_pairs
from devicehub.measure.likeness import (
    differs_in,
    find_conditions,
    find_factor,
    find_shown,
    find_unknown,
    find_unlike,
)
from devicehub.measure.pairs import Pair, chosen, interleaved, make_pairs
from devicehub.measure.thing import Facet
from devicehub.runs.model import Fidelity, FigureName, RunRecord, figure_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from devicehub.runs.model import Launch

MARGIN: Final = 0.05
"""A ratio this near to 1 does not matter."""

Conclusion = Literal["faster", "slower", "no_difference", "inconclusive"]


class Figure(msgspec.Struct, frozen=True, kw_only=True):
    """One figure of both runs, B's beside A's.

    Attributes:
        a: the median over A's launches that count; so is b.
        launches_a: how many these are; so is launches_b.
        pairs: how many pairs have the figure on both sides; 0 where the runs are not paired.
        ratio: B over A: of the pairs beside their drift, else of the medians.
        low: of the ratio's 95 % interval; None where there is none; so is high.
        conclusion: whether B is faster or slower than A, which is the other way round for load_ms: less
            time is faster. None without pairs: nothing is claimed.
        margin: the difference that does not matter, as a share.
        more_pairs: of an inconclusive figure: how many more pairs would decide, see `power`; None where
            that cannot be told.
        power: with what chance, if those pairs are as these were.
    """

    a: float | None
    b: float | None
    launches_a: int
    launches_b: int
    pairs: int = 0
    ratio: float | None = None
    low: float | None = None
    high: float | None = None
    conclusion: Conclusion | None = None
    margin: float = MARGIN
    more_pairs: int | None = None
    power: float | None = None


class Comparison(msgspec.Struct, frozen=True, kw_only=True):
    """What two runs say of each other.

    Attributes:
        a: the first run's id; b the second's.
        by: the factor that may differ: engine, model, profile or phone; None where nothing does.
        differs: whether the runs differ in it; two that do not are compared like with like.
        unlike: what forbids to compare them; then there are no figures.
        shown: what else differs, with what follows from the factor.
        conditions: what the figures depend on, whether it differs or not.
        unknown: what is compared and known of neither.
        paired: whether their launches alternated in one list, or ran at once on two phones.
        unpaired_reason: why not; None where they did.
        pairs: complete ones.
        left_out: launches that form no pair or do not count, a sentence each.
        figures: prefill_tok_s, decode_tok_s, load_ms, as far as either run has them.
        fidelity_a: how far A answers the fixture as the host does; so is fidelity_b.
        virtual: the figures are not a phone's.
    """

    a: str
    b: str
    by: str | None
    differs: bool = True
    unlike: list[Facet] = []
    shown: list[Facet] = []
    conditions: list[Facet] = []
    unknown: list[str] = []
    paired: bool = False
    unpaired_reason: str | None = None
    pairs: int = 0
    left_out: list[str] = []
    figures: dict[FigureName, Figure] = {}
    fidelity_a: Fidelity = Fidelity(share=None)
    fidelity_b: Fidelity = Fidelity(share=None)
    virtual: bool = False


def compare_records(
    a: RunRecord, b: RunRecord, *, by: str | None = None, margin: float = MARGIN
) -> Comparison:
    """Hold two runs against each other.

    Args:
        a: the run that the other is held against.
        b: the other; a ratio is its figure over A's.
        by: the factor that may differ; None takes the one of their comparison, else the one that differs.
        margin: above 0; a difference of that share or less does not matter.
    """
    paired = interleaved(a, b)
    if by is None:
        by = a.comparison.by if paired and a.comparison else find_factor(a, b)
    unlike = find_unlike(a, b, by)
    pairs = make_pairs(a, b) if paired else []
    return Comparison(
        a=a.id,
        b=b.id,
        by=by,
        differs=by is not None and differs_in(a, b, by),
        unlike=unlike,
        shown=find_shown(a, b, unlike),
        conditions=find_conditions(a, b),
        unknown=find_unknown(a, b, by),
        paired=paired,
        unpaired_reason=None if paired else unpaired_reason(a, b),
        pairs=len(pairs),
        left_out=[] if unlike else left_out(a, b, pairs if paired else None),
        figures={} if unlike else _figures(a, b, pairs if paired else None, margin),
        fidelity_a=a.answered,
        fidelity_b=b.answered,
        virtual=a.virtual or b.virtual,
    )


def unpaired_reason(a: RunRecord, b: RunRecord) -> str:
    """Why the launches of two runs form no pairs; asked only where they form none."""
    if a.id == b.id:
        return "they are one run"
    if a.comparison is None or b.comparison is None:
        alone = "neither" if a.comparison is b.comparison else "only one"
        return f"{alone} was made for a comparison: their launches did not alternate"
    return "they were made for different comparisons: their launches did not alternate"


def _figures(
    a: RunRecord, b: RunRecord, pairs: Sequence[Pair] | None, margin: float
) -> dict[FigureName, Figure]:
    found = {}
    for name in get_args(FigureName):
        figures_a, figures_b = _known(chosen(a), name), _known(chosen(b), name)
        if figures_a or figures_b:
            found[name] = _figure(name, figures_a, figures_b, pairs, margin)
    return found


def _figure(
    name: FigureName, a: Sequence[float], b: Sequence[float], pairs: Sequence[Pair] | None, margin: float
) -> Figure:
    plain = Figure(
        a=statistics.median(a) if a else None,
        b=statistics.median(b) if b else None,
        launches_a=len(a),
        launches_b=len(b),
        margin=margin,
    )
    if pairs is None:
        if plain.a is None or plain.b is None or plain.a <= 0 or plain.b <= 0:
            return plain
        return msgspec.structs.replace(plain, ratio=estimate([PairFigures(plain.a, plain.b, 0, 0)]).ratio)
    complete = [both for pair in pairs if (both := _both(pair, name)) is not None]
    if not complete:
        return msgspec.structs.replace(plain, conclusion="inconclusive")
    found = estimate(complete)
    finding = found.finding(margin)
    more = more_pairs(found, margin) if finding == "inconclusive" else None
    low, high = found.bounds
    return msgspec.structs.replace(
        plain,
        pairs=found.pairs,
        ratio=found.ratio,
        low=low,
        high=high,
        conclusion=_conclude(finding, name),
        more_pairs=more,
        power=None if more is None else POWER,
    )


def _conclude(finding: Finding, name: FigureName) -> Conclusion:
    if finding == "no_difference" or finding == "inconclusive":
        return finding
    return "faster" if (finding == "more") == (name != "load_ms") else "slower"


def _both(pair: Pair, name: FigureName) -> PairFigures | None:
    a, b = figure_of(pair.a, name), figure_of(pair.b, name)
    if a is None or b is None or a <= 0 or b <= 0:
        return None
    return PairFigures(a, b, *pair.places)


def _known(launches: Sequence[Launch], name: FigureName) -> list[float]:
    return [value for launch in launches if (value := figure_of(launch, name)) is not None]


def left_out(a: RunRecord, b: RunRecord, pairs: Sequence[Pair] | None) -> list[str]:
    """Which measured launches have no part in the result, and why."""
    in_pairs = {id(launch) for pair in pairs or () for launch in (pair.a, pair.b)}
    found = []
    for letter, record in (("A", a), ("B", b)):
        good = {id(launch) for launch in chosen(record)}
        for launch in record.launches:
            if launch.kind != "measured" or id(launch) in in_pairs:
                continue
            if id(launch) not in good:
                found.append(f"launch {launch.number} of {letter}: {why_not(launch)}")
            elif pairs is not None:
                found.append(f"launch {launch.number} of {letter}: its neighbour is missing")
    return found


def why_not(launch: Launch) -> str:
    """Why a measured launch does not count; asked only of one that does not."""
    if launch.verdict != "succeeded":
        return launch.cause or launch.verdict or "without a verdict"
    return launch.doubts[0] if launch.doubts else "cold"
