"""Student's t against published tables and against closed forms."""

from __future__ import annotations

import math

import pytest

from devicehub.measure.student import t_cdf, t_quantile

# Two-sided 95 % and 99 %, one-sided 80 % and 95 %, as printed in tables of the distribution.
_TABLE = [
    (0.975, 1, 12.7062047),
    (0.975, 2, 4.3026527),
    (0.975, 3, 3.1824463),
    (0.975, 4, 2.7764451),
    (0.975, 5, 2.5705818),
    (0.975, 6, 2.4469119),
    (0.975, 9, 2.2621572),
    (0.975, 10, 2.2281389),
    (0.975, 30, 2.0422725),
    (0.975, 120, 1.9799304),
    (0.995, 5, 4.0321430),
    (0.995, 11, 3.1058065),
    (0.95, 5, 2.0150484),
    (0.8, 5, 0.9195438),
    (0.8, 11, 0.8755300),
]


@pytest.mark.parametrize(("share", "df", "value"), _TABLE)
def test_quantile_is_the_tables(share: float, df: int, value: float) -> None:
    assert t_quantile(share, df) == pytest.approx(value, abs=1e-6)
    assert t_quantile(1 - share, df) == pytest.approx(-value, abs=1e-6)
    assert t_cdf(value, df) == pytest.approx(share, abs=1e-7)


@pytest.mark.parametrize("t", [-50.0, -2.5, -0.3, 0.0, 1e-9, 0.7, 3.0, 1e4])
def test_closed_forms_of_one_and_two_degrees(t: float) -> None:
    assert t_cdf(t, 1) == pytest.approx(0.5 + math.atan(t) / math.pi, abs=1e-12)
    assert t_cdf(t, 2) == pytest.approx(0.5 + t / (2 * math.sqrt(2 + t * t)), abs=1e-12)


def test_many_degrees_come_near_the_normal_distribution() -> None:
    assert t_quantile(0.975, 100_000) == pytest.approx(1.959988, abs=1e-5)


def test_what_is_out_of_range_is_an_error() -> None:
    with pytest.raises(ValueError, match="0 degrees"):
        t_cdf(1.0, 0)
    with pytest.raises(ValueError, match="share of 1"):
        t_quantile(1.0, 5)
