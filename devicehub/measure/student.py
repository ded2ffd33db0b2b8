"""Student's t distribution: its distribution function and its quantiles. Pure."""

from __future__ import annotations

import math
from functools import lru_cache
from typing import Final

_SMALLEST: Final = 1e-300
_PRECISION: Final = 1e-15
_MOST_TERMS: Final = 1000
_HALVINGS: Final = 200


def t_cdf(t: float, df: float) -> float:
    """The probability that a value of Student's t is at most `t`.

    By the incomplete beta function: 1 - I_x(df/2, 1/2) / 2 with x = df / (df + t^2) for t above 0
    (Abramowitz and Stegun 26.5.27 and 26.7.1).

    Args:
        t: any finite number.
        df: degrees of freedom, at least 1; need not be whole.

    Raises:
        ValueError: `df` is below 1.
    """
    if df < 1:
        raise ValueError(f"{df} degrees of freedom")
    square = t * t
    if square < df:  # the other way round, a small t would be lost in the rounding
        return 0.5 + math.copysign(_incomplete_beta(square / (df + square), 0.5, df / 2) / 2, t)
    tail = _incomplete_beta(df / (df + square), df / 2, 0.5) / 2
    return 1 - tail if t > 0 else tail


@lru_cache(maxsize=1024)
def t_quantile(share: float, df: float) -> float:
    """The value that a share of Student's t lies below, to 1e-9 of itself.

    Args:
        share: above 0 and below 1.
        df: degrees of freedom, at least 1; need not be whole.

    Raises:
        ValueError: the share or `df` is out of its range.
    """
    if not 0 < share < 1:
        raise ValueError(f"a share of {share}")
    if share < 0.5:
        return -t_quantile(1 - share, df)
    low, high = 0.0, 1.0
    while t_cdf(high, df) < share:
        low, high = high, high * 2
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        if middle in (low, high):
            break
        low, high = (middle, high) if t_cdf(middle, df) < share else (low, middle)
    return (low + high) / 2


def _incomplete_beta(x: float, a: float, b: float) -> float:
    """The regularised incomplete beta function I_x(a, b) for 0 <= x <= 1 (DLMF 8.17.22 and 8.17.4)."""
    if x <= 0 or x >= 1:
        return float(x >= 1)
    if x > (a + 1) / (a + b + 2):  # beyond, the fraction converges slowly
        return 1 - _incomplete_beta(1 - x, b, a)
    front = math.exp(
        a * math.log(x) + b * math.log1p(-x) + math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b)
    )
    return front / (a * _fraction(x, a, b))


def _fraction(x: float, a: float, b: float) -> float:
    """The continued fraction 1 + d1/(1 + d2/(1 + ...)) of the function, by the method of Lentz."""
    value = c = 1.0
    d = 0.0
    for term in range(1, _MOST_TERMS):
        m = term // 2
        if term % 2:
            step = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1))
        else:
            step = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m))
        d = 1 / _apart(1 + step * d)
        c = _apart(1 + step / c)
        value *= c * d
        if abs(c * d - 1) < _PRECISION:
            break
    return value


def _apart(value: float) -> float:
    """The value, or next to 0 where it is 0."""
    return value if abs(value) > _SMALLEST else _SMALLEST
