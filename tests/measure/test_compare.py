"""What two runs say of each other: pairs, ratios, conclusions."""

from __future__ import annotations

import math

import pytest
from msgspec.structs import replace

from devicehub.measure.compare import Comparison, compare_records
from tests.measure.halves import halves

# A, B, B, A, A, B, B, A: B is a tenth slower, give or take.
_SLOWER = [100.0, 90.1, 89.9, 100.2, 99.8, 90.3, 90.0, 99.9]


def _compare(decode: list[float], margin: float = 0.05) -> Comparison:
    a, b = halves([{"decode_tok_s": value} for value in decode])
    return compare_records(a, b, margin=margin)


def test_ratio_is_the_geometric_mean_of_the_pairs() -> None:
    figure = _compare(_SLOWER).figures["decode_tok_s"]
    expected = math.exp(
        sum(math.log(b / a) for a, b in [(100, 90.1), (100.2, 89.9), (99.8, 90.3), (99.9, 90)]) / 4
    )
    assert figure.pairs == 4
    assert figure.ratio == pytest.approx(expected)
    assert figure.low is not None
    assert figure.high is not None
    assert figure.low < expected < figure.high < 1
    assert figure.conclusion == "slower"


def test_the_other_way_round_is_the_inverse() -> None:
    a, b = halves([{"decode_tok_s": value} for value in _SLOWER])
    there = compare_records(a, b).figures["decode_tok_s"]
    back = compare_records(b, a).figures["decode_tok_s"]
    assert back.conclusion == "faster"
    assert (there.ratio, there.low) == pytest.approx((1 / (back.ratio or 0), 1 / (back.high or 0)))


def test_less_load_time_is_faster() -> None:
    a, b = halves([{"load_ms": value} for value in _SLOWER])
    figure = compare_records(a, b).figures["load_ms"]
    assert (figure.ratio or 0) < 1
    assert figure.conclusion == "faster"


def test_runs_that_were_not_interleaved_get_no_claim() -> None:
    a, b = halves([{"decode_tok_s": value} for value in _SLOWER])
    found = compare_records(a, replace(b, comparison=None))
    figure = found.figures["decode_tok_s"]
    assert not found.paired
    assert "did not alternate" in (found.unpaired_reason or "")
    assert (figure.conclusion, figure.low, figure.pairs) == (None, None, 0)
    assert figure.ratio == pytest.approx(90.05 / 99.95)


@pytest.mark.parametrize("wild", [1e-300, 1e300])
def test_wild_figures_make_no_number_that_json_cannot_hold(wild: float) -> None:
    for count in (2, 6):
        found = _compare([100.0, wild, 100.0, 100.0] * (count // 2))
        figure = found.figures["decode_tok_s"]
        assert figure.conclusion == "inconclusive"
        known = (figure.ratio, figure.low, figure.high)
        assert all(value is not None and math.isfinite(value) for value in known)


@pytest.mark.parametrize("nothing", [0.0, -1.0])
def test_figure_that_is_no_speed_forms_no_pair(nothing: float) -> None:
    a, b = halves([{"decode_tok_s": 20.0}, {"decode_tok_s": nothing}])
    figure = compare_records(a, b).figures["decode_tok_s"]
    assert (figure.pairs, figure.ratio, figure.conclusion) == (0, None, "inconclusive")
    alone = compare_records(a, replace(b, comparison=None)).figures["decode_tok_s"]
    assert (alone.b, alone.ratio) == (nothing, None)


def test_figure_of_one_run_alone_is_shown_without_a_ratio() -> None:
    a, b = halves([{"decode_tok_s": 20.0, "load_ms": 900.0}, {"decode_tok_s": 20.0}])
    figure = compare_records(a, b).figures["load_ms"]
    assert (figure.a, figure.b, figure.ratio, figure.conclusion) == (900.0, None, None, "inconclusive")
