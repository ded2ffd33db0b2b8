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
from functools import lru_cache
from operator import mul
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


@dataclass(frozen=True)
class _Column:
    """One shape of drift at the launches' places, centred, with what a fit needs of it.

    Attributes:
        squares: the sum of its squares; `cross` that of its products with the kinds.
        determinant: of the normal equations of kinds and shape.
    """

    values: tuple[float, ...]
    squares: float
    cross: float
    determinant: float


def fit_difference(points: Sequence[Point]) -> Fit:
    """Fit level, difference and the best shape of drift by least squares.

    Args:
        points: of at least `LEAST_PAIRS` pairs, in the order of their places.
    """
    kinds, columns = _design(tuple(point.place for point in points), tuple(point.is_b for point in points))
    values = _centred([point.value for point in points])
    total, kk, kv = _dot(values, values), _dot(kinds, kinds), _dot(kinds, values)
    best: tuple[float, float, float] | None = None
    for column in columns:
        sv = _dot(column.values, values)
        difference = (column.squares * kv - column.cross * sv) / column.determinant
        drift = (kk * sv - column.cross * kv) / column.determinant
        left = max(total - difference * kv - drift * sv, 0.0)
        if best is None or left < best[0]:
            best = left, difference, column.squares / column.determinant
    assert best is not None
    left, difference, weight = best
    spread = math.sqrt(left / degrees(len(points) // 2))
    return Fit(difference, spread, spread * math.sqrt(weight))


@lru_cache(maxsize=64)
def _design(
    places: tuple[int, ...], are_b: tuple[bool, ...]
) -> tuple[tuple[float, ...], tuple[_Column, ...]]:
    """The centred kinds, and the shapes that are not like them; most campaigns know few orders."""
    kinds = _centred([float(is_b) for is_b in are_b])
    kk = _dot(kinds, kinds)
    columns = []
    for shape in _shapes(places):
        ss, ks = _dot(shape, shape), _dot(kinds, shape)
        determinant = kk * ss - ks * ks
        if determinant > _SMALLEST * kk * ss:
            columns.append(_Column(tuple(shape), ss, ks, determinant))
    return tuple(kinds), tuple(columns)


def _shapes(places: Sequence[int]) -> Iterator[list[float]]:
    """Each shape at these places, centred."""
    first = places[0]
    yield _centred([float(place) for place in places])
    for decay in _DECAYS:
        yield _centred([math.exp((first - place) / decay) for place in places])
    for start in places[1:]:
        yield _centred([float(place >= start) for place in places])


def _centred(column: Sequence[float]) -> list[float]:
    mean = math.fsum(column) / len(column)
    return [value - mean for value in column]


def _dot(a: Sequence[float], b: Sequence[float]) -> float:
    total: float = sum(map(mul, a, b))
    return total
