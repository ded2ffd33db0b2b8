"""Demands as people write them, and what is said of those that make no sense."""

from __future__ import annotations

import math

import pytest

from devicehub.campaign.limits import keeps, parse_demand, worst_log
from devicehub.campaign.planned import Limit


def _limit(text: str) -> Limit:
    limit = parse_demand(text)
    assert isinstance(limit, Limit), limit
    return limit


@pytest.mark.parametrize(
    ("text", "figure", "bound", "worse_by"),
    [
        ("decode_tok_s >= 20", "decode_tok_s", 20.0, None),
        ("load_ms<=1.5e3", "load_ms", 1500.0, None),
        (" decode_tok_s  no worse  than 5 % ", "decode_tok_s", None, 0.05),
        ("peak_memory_mib no worse than 2.5%", "peak_memory_mib", None, 0.025),
        ("fidelity >= 95 %", "fidelity", 0.95, None),
        ("suite >= 1", "suite", 1.0, None),
        ("accuracy >= 0.4", "accuracy", 0.4, None),
        ("perplexity <= 12", "perplexity", 12.0, None),
        ("joules_per_token <= .3", "joules_per_token", 0.3, None),
    ],
)
def test_demand(text: str, figure: str, bound: float | None, worse_by: float | None) -> None:
    limit = _limit(text)
    assert (limit.figure, limit.bound, limit.worse_by) == (figure, bound, worse_by)
    assert limit.text == text.strip()
    assert limit.is_relative == (worse_by is not None)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "is no demand"),
        ("decode_tok_s", "is no demand"),
        ("decode_tok_s > 20", "is no demand"),
        ("decode_tok_s >= 20 tok/s", "is no demand"),
        ("speed >= 20", "no figure 'speed'"),
        ("decode_tok_s >= fast", "'fast' is no number"),
        ("decode_tok_s >= nan", "'nan' is no number"),
        ("decode_tok_s <= 20", "write `decode_tok_s >= 20`"),
        ("load_ms >= 900", "write `load_ms <= 900`"),
        ("decode_tok_s >= 20 %", "no share"),
        ("decode_tok_s >= 0", "above 0"),
        ("fidelity >= 95", "from 0 to 100 %"),
        ("decode_tok_s no worse than 5", "write by how many percent"),
        ("decode_tok_s no worse than 0 %", "more than 0"),
        ("decode_tok_s no worse than 100 %", "less than 100"),
        ("fidelity no worse than 5 %", "cannot be held against the baseline"),
        ("joules_per_token no worse than 5 %", "cannot be held against the baseline"),
    ],
)
def test_what_is_wrong_is_said(text: str, problem: str) -> None:
    found = parse_demand(text)
    assert isinstance(found, str)
    assert problem in found


def test_worst_ratio_counts_the_way_in_which_a_figure_gets_worse() -> None:
    assert worst_log(_limit("decode_tok_s no worse than 5 %")) == pytest.approx(math.log(0.95))
    assert worst_log(_limit("load_ms no worse than 5 %")) == pytest.approx(-math.log(1.05))


def test_bound_itself_is_within() -> None:
    assert keeps(_limit("decode_tok_s >= 20"), 20.0)
    assert not keeps(_limit("decode_tok_s >= 20"), 19.9)
    assert keeps(_limit("load_ms <= 900"), 900.0)
    assert not keeps(_limit("load_ms <= 900"), 900.1)
