"""History over campaigns: a planted jump is marked, noise is not."""

from __future__ import annotations

import random
import statistics
from typing import Any

import pytest
from msgspec.structs import replace

from devicehub.campaign.history import PhonePoint, Thing, history, points_of
from devicehub.campaign.result import FigureSummary, History, HistoryPoint
from tests.campaign.synthetic import make_result

_THING = Thing(soc="SM8650", model="qwen3-0.6b", engine="mnn", profile="default", workload="bench")


def _point(campaign: int, decode: float, *, spread: float = 0.01, **changed: Any) -> PhonePoint:
    figure = FigureSummary(
        median=decode, lowest=decode * (1 - spread), highest=decode * (1 + spread), launches=5
    )
    fields: dict[str, Any] = {"thing": _THING, "phone": "P1", "sound": True} | changed
    return PhonePoint(
        **fields,
        point=HistoryPoint(
            campaign=f"c{campaign}",
            name="nightly",
            created=float(campaign),
            state="passed",
            engine_id=f"e{campaign}",
            figures={"decode_tok_s": figure},
        ),
    )


def _one(points: list[PhonePoint]) -> History:
    (found,) = history(points)
    return found


def test_planted_jump_is_marked_once_where_it_happened() -> None:
    speeds = [20.0, 20.2, 19.9, 20.1, 20.0, 17.8, 17.9, 17.7]
    found = _one([_point(number, speed) for number, speed in enumerate(speeds)])
    (jump,) = found.jumps
    assert (jump.campaign, jump.figure) == ("c5", "decode_tok_s")
    assert jump.before == pytest.approx(20.04, abs=0.01)
    assert jump.after == 17.8
    assert jump.ratio == pytest.approx(17.8 / jump.before)
    assert [point.campaign for point in found.points] == [f"c{number}" for number in range(8)]


def test_way_back_is_a_jump_too() -> None:
    speeds = [20.0, 20.1, 19.9, 15.0, 20.0]
    found = _one([_point(number, speed) for number, speed in enumerate(speeds)])
    assert [jump.campaign for jump in found.jumps] == ["c3", "c4"]
    assert found.jumps[1].ratio > 1


def test_large_jump_is_marked_beside_a_single_earlier_campaign() -> None:
    assert [jump.campaign for jump in _one([_point(0, 20.0), _point(1, 17.0)]).jumps] == ["c1"]
    assert _one([_point(0, 20.0), _point(1, 19.0)]).jumps == []


def test_launches_that_spread_explain_a_change() -> None:
    steady = [_point(number, 20.0) for number in range(5)]
    assert _one([*steady, _point(5, 17.5)]).jumps
    assert _one([*steady, _point(5, 17.5, spread=0.2)]).jumps == []


def test_phone_that_always_moves_needs_more() -> None:
    restless = [_point(number, 20.0 * (1.08 if number % 2 else 0.93)) for number in range(8)]
    found = _one([*restless, _point(8, 17.0)])
    assert {jump.campaign for jump in found.jumps} <= {"c1", "c2"}


def test_noise_alone_is_seldom_a_jump() -> None:
    """300 figures over 10 campaigns each, moving by 2 % between campaigns and 1 % between launches."""
    draw = random.Random(5)
    marked = points = 0
    for _ in range(300):
        series = []
        for number in range(10):
            level = 20 * (1 + draw.gauss(0, 0.02))
            launches = [level * (1 + draw.gauss(0, 0.01)) for _ in range(5)]
            figure = FigureSummary(
                median=statistics.median(launches), lowest=min(launches), highest=max(launches), launches=5
            )
            made = _point(number, 1.0)
            series.append(replace(made, point=replace(made.point, figures={"decode_tok_s": figure})))
        marked += len(_one(series).jumps)
        points += 9
    assert marked <= 0.01 * points, marked


def test_jump_of_a_tenth_is_mostly_found_after_five_campaigns() -> None:
    draw = random.Random(6)
    found = 0
    for _ in range(100):
        speeds = [20 * (1 + draw.gauss(0, 0.01)) for _ in range(5)] + [18 * (1 + draw.gauss(0, 0.01))]
        jumps = _one([_point(number, speed) for number, speed in enumerate(speeds)]).jumps
        found += "c5" in {jump.campaign for jump in jumps}
    assert found >= 85


def test_throttled_figures_are_shown_and_mark_nothing() -> None:
    points = [_point(0, 20.0), _point(1, 20.1), _point(2, 9.0, sound=False), _point(3, 20.0)]
    found = _one(points)
    assert found.jumps == []
    assert [point.figures["decode_tok_s"].median for point in found.points] == [20.0, 20.1, 9.0, 20.0]


def test_another_phone_of_the_soc_is_no_jump() -> None:
    """A faster phone joins, and the other leaves: neither has moved."""
    points = [_point(number, 20.0) for number in range(3)]
    points += [_point(number, 25.0, phone="P2") for number in range(2, 5)]
    found = _one(points)
    assert found.jumps == []
    assert [point.figures["decode_tok_s"].median for point in found.points] == [20.0, 20.0, 22.5, 25.0, 25.0]
    assert found.points[2].figures["decode_tok_s"].launches == 10


def test_of_two_phones_that_jump_the_farther_one_tells_how_far() -> None:
    points = [_point(number, 20.0, phone=phone) for number in range(4) for phone in ("P1", "P2", "P3")]
    points += [_point(4, 16.0, phone="P1"), _point(4, 14.0, phone="P2"), _point(4, 15.0, phone="P3")]
    (jump,) = _one(points).jumps
    assert jump.after == 14.0


def test_points_come_in_any_order_and_only_of_things_that_are_asked_for() -> None:
    points = [_point(2, 20.0), _point(0, 20.0), _point(1, 20.0)]
    other = Thing(soc="MT6989", model="m", engine=None, profile="default", workload="demo")
    points += [_point(number, 5.0, thing=other) for number in range(2)]
    assert [point.campaign for point in _one(points[:3]).points] == ["c0", "c1", "c2"]
    assert len(history(points)) == 2
    assert [found.soc for found in history(points, things={_THING})] == ["SM8650"]
    assert history(points[:1]) == []


def test_points_of_a_campaign() -> None:
    result = make_result(cells=8)
    points = points_of(result)
    by_cell = {cell.cell.number: cell for cell in result.cells}
    assert {point.thing.soc for point in points} >= {"SM8650", "MT6989"}
    assert len(points) == sum(bool(cell.figures) for cell in result.cells)
    assert [point.sound for point in points] == [
        cell.reason not in ("wrong_output", "segfault", "throttled") for cell in result.cells if cell.figures
    ]
    assert points[0].point.figures == by_cell[1].figures
    assert points[0].thing.engine == "mnn-3.6.1"


def test_engine_that_became_slower_everywhere_is_marked_in_the_campaign_where_it_did() -> None:
    result = make_result(cells=12, kinds=["good"], earlier=6)
    decode = [jump for found in result.history for jump in found.jumps if jump.figure == "decode_tok_s"]
    assert {len(found.points) for found in result.history} == {7}
    assert {jump.campaign for jump in decode} == {"c0ffee01-1"}
    assert len(decode) == len(result.history) == 12
    assert all(jump.ratio < 0.9 for jump in decode)
