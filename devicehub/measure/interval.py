"""The ratio of paired figures with its interval, and how many pairs would decide. Pure.

Neighbours in a list are analysed as `drift` says where they are enough; fewer, and launches of two phones at
once, by Student's t of the pairs' logarithms: their drift cancels, or counts as spread, which is careful.
"""

from __future__ import annotations

import math
import statistics
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

from devicehub.measure.drift import LEAST_PAIRS, Point, degrees, fit_difference
from devicehub.measure.student import t_quantile

if TYPE_CHECKING:
    from collections.abc import Sequence

CONFIDENCE: Final = 0.95
POWER: Final = 0.8
"""About the chance with which so many more pairs decide."""
MOST_PAIRS: Final = 200
"""More pairs than this are not proposed."""

_LARGEST_LOG: Final = 700.0
"""The largest float is the exponential of 709.8; an interval of two wild pairs goes beyond."""

Finding = Literal["more", "less", "no_difference", "inconclusive"]


@dataclass(frozen=True)
class PairFigures:
    """One figure of the two launches of a pair, above 0.

    Attributes:
        place_a: the launch's number in the list; so is place_b. Launches at once have the same.
    """

    a: float
    b: float
    place_a: int
    place_b: int


@dataclass(frozen=True)
class Estimate:
    """What pairs say of the logarithm of a ratio.

    Attributes:
        pairs: how many.
        centre: the logarithm.
        spread: standard deviation of one pair's logarithm beside the drift; None where there is none.
        half: half the width of the interval; None where there is none.
        in_list: they are neighbours in one list.
    """

    pairs: int
    centre: float
    spread: float | None
    half: float | None
    in_list: bool

    @property
    def ratio(self) -> float:
        """The ratio itself."""
        return _ratio(self.centre)

    @property
    def bounds(self) -> tuple[float, float] | tuple[None, None]:
        """The ends of its interval; None where there is none."""
        if self.half is None:
            return None, None
        return _ratio(self.centre - self.half), _ratio(self.centre + self.half)

    @property
    def freedom(self) -> float:
        """The degrees of freedom of its standard error."""
        return self.freedom_of(self.pairs)

    def freedom_of(self, pairs: int) -> float:
        """The degrees of freedom were there so many pairs."""
        return _freedom(pairs, in_list=self.in_list)

    @property
    def error(self) -> float | None:
        """The logarithm's standard error; None where there is none."""
        return None if self.half is None else self.half / t_quantile((1 + CONFIDENCE) / 2, self.freedom)

    def finding(self, margin: float) -> Finding:
        """What the interval says.

        An interval that lies within the margin is `no_difference` even where it leaves out a ratio of 1: so
        small a difference does not matter to whoever set the margin, and the order of files on a disk or in
        memory makes as much.

        Args:
            margin: the largest ratio, less 1, that does not matter.
        """
        if self.half is None:
            return "inconclusive"
        if abs(self.centre) + self.half <= math.log1p(margin):
            return "no_difference"
        if abs(self.centre) <= self.half:
            return "inconclusive"
        return "more" if self.centre > 0 else "less"


def _ratio(logarithm: float) -> float:
    return math.exp(max(-_LARGEST_LOG, min(logarithm, _LARGEST_LOG)))


def estimate(pairs: Sequence[PairFigures]) -> Estimate:
    """The logarithm of the ratio of B's figures to A's, with Student's interval.

    Args:
        pairs: at least one.
    """
    count = len(pairs)
    in_list = all(pair.place_a != pair.place_b for pair in pairs)
    if in_list and count >= LEAST_PAIRS:
        fit = fit_difference(_points(pairs))
        half = t_quantile((1 + CONFIDENCE) / 2, degrees(count)) * fit.error
        return Estimate(count, fit.difference, fit.spread * math.sqrt(2), half, in_list)
    logs = [math.log(pair.b) - math.log(pair.a) for pair in pairs]
    if count < 2:
        return Estimate(count, logs[0], None, None, in_list)
    spread = statistics.stdev(logs)
    return Estimate(count, statistics.fmean(logs), spread, _half(spread, count, in_list=in_list), in_list)


def _points(pairs: Sequence[PairFigures]) -> list[Point]:
    points = [Point(pair.place_a, False, math.log(pair.a)) for pair in pairs]
    points += [Point(pair.place_b, True, math.log(pair.b)) for pair in pairs]
    return sorted(points, key=lambda point: point.place)


def more_pairs(found: Estimate, margin: float) -> int | None:
    """How many more pairs would decide with a chance of about `POWER`; None where too many.

    Supposed is that the next comparison's pairs have the ratio and the spread of these.

    Args:
        found: what is inconclusive.
        margin: as in `Estimate.finding`.
    """
    if found.spread is None:
        return None
    for count in range(found.pairs + 1, MOST_PAIRS + 1):
        if _chance(found, count, math.log1p(margin)) >= POWER:
            return count - found.pairs
    return None


def _half(spread: float, count: int, *, in_list: bool) -> float:
    """Half the interval of so many pairs of this spread."""
    return t_quantile((1 + CONFIDENCE) / 2, _freedom(count, in_list=in_list)) * spread / math.sqrt(count)


def _freedom(count: int, *, in_list: bool) -> float:
    return degrees(count) if in_list and count >= LEAST_PAIRS else count - 1


def _chance(found: Estimate, count: int, limit: float) -> float:
    """That so many pairs decide: their mean is beyond half an interval from 0, or so far within the limit."""
    assert found.spread is not None
    error = found.spread / math.sqrt(count)
    if error == 0:
        return 1.0
    half = _half(found.spread, count, in_list=found.in_list)
    means = statistics.NormalDist(found.centre, error)

    def within(bound: float) -> float:
        return means.cdf(bound) - means.cdf(-bound)

    inner = max(0.0, limit - half)
    return within(inner) + 1 - within(max(half, inner))
