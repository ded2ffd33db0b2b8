"""The difference between two kinds of launches of one list beside what drifted meanwhile. Pure.

A phone that warms up slows down gradually, or in a step when a clock is capped. Alternating launches let a
gradual drift cancel, but a step within a pair shifts that pair: of 6 pairs at 2 % noise, a difference of 5 %
is then found in 60 % instead of 92 %. So one shape of drift is fitted along with the difference: a line, a
step before one launch or one of three exponentials, whichever leaves least.

Choosing it costs degrees of freedom beyond its own, as many as simulation of 6 pairs asks for: without a
drift, and with one of 8 % (line, exponential, step anywhere, stairs, random walk), equal arms at 5 % noise
are called different in 3 to 5 %, also where noise is skewed, has outliers or hangs together. The 5 %
are found in 91 % beside no, a linear or an exponential drift, in 83 to 90 % beside a step, in 74 to 85 %
beside stairs. Taking out the order within pairs instead finds less and does not help against steps.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

LEAST_PAIRS: Final = 6
"""With fewer, the degrees of freedom that a shape costs weigh more than what it explains."""

_DECAYS: Final = (1.0, 2.0, 4.0)
"""Of the exponentials, in launches."""
_CHOICE: Final = 0.7
"""Degrees of freedom for the choice among twice as many shapes."""
_FITTED: Final = 3
"""Level, difference, drift."""
_SMALLEST: Final = 1e-9


@dataclass(frozen=True)
class Point:
    """One launch.

    Attributes:
        place: its number in the list.
        is_b: which of the two kinds it is of.
        value: the logarithm of its figure.
    """

    place: int
    is_b: bool
    value: float


@dataclass(frozen=True)
class Fit:
    """What the launches say of the difference.

    Attributes:
        difference: of B from A.
        spread: the standard deviation of one launch.
        error: the standard error of the difference.
    """

    difference: float
    spread: float
    error: float


def degrees(pairs: int) -> float:
    """Degrees of freedom that so many pairs leave."""
    launches = 2 * pairs
    shapes = 1 + len(_DECAYS) + launches - 1
    return launches - _FITTED - _CHOICE * math.log2(shapes)


def fit_difference(points: Sequence[Point]) -> Fit:
    """Fit level, difference and the best shape of drift by least squares.

    Args:
        points: of at least `LEAST_PAIRS` pairs, in the order of their places.
    """
    kinds = _centred([float(point.is_b) for point in points])
    values = _centred([point.value for point in points])
    best: tuple[float, float, float] | None = None
    for shape in _shapes([point.place for point in points]):
        found = _solve(kinds, shape, values)
        if found is not None and (best is None or found[0] < best[0]):
            best = found
    assert best is not None
    left, difference, weight = best
    spread = math.sqrt(left / degrees(len(points) // 2))
    return Fit(difference, spread, spread * math.sqrt(weight))


def _shapes(places: Sequence[int]) -> Iterator[list[float]]:
    """Each shape at these places, centred."""
    first = places[0]
    yield _centred([float(place) for place in places])
    for decay in _DECAYS:
        yield _centred([math.exp((first - place) / decay) for place in places])
    for start in places[1:]:
        yield _centred([float(place >= start) for place in places])


def _solve(
    kinds: Sequence[float], shape: Sequence[float], values: Sequence[float]
) -> tuple[float, float, float] | None:
    """The squares left, the difference, and its variance over that of one launch; None for a shape like it.

    The normal equations of two centred columns.
    """
    kk, ss, ks = _dot(kinds, kinds), _dot(shape, shape), _dot(kinds, shape)
    kv, sv = _dot(kinds, values), _dot(shape, values)
    determinant = kk * ss - ks * ks
    if determinant <= _SMALLEST * kk * ss:
        return None
    difference = (ss * kv - ks * sv) / determinant
    drift = (kk * sv - ks * kv) / determinant
    left = _dot(values, values) - difference * kv - drift * sv
    return max(left, 0.0), difference, ss / determinant


def _centred(column: Sequence[float]) -> list[float]:
    mean = math.fsum(column) / len(column)
    return [value - mean for value in column]


def _dot(a: Sequence[float], b: Sequence[float]) -> float:
    return sum(x * y for x, y in zip(a, b, strict=True))
