from __future__ import annotations

import pytest

from devicehub.export.output import Begun, Counted, Ended
from devicehub.export.progress import Pace
from devicehub.export.stages import Stage, stage_after, stages_of

PLAN = stages_of(["--hqq"])


def test_calibration_is_a_stage_only_where_it_is_asked_for() -> None:
    assert Stage.CALIBRATE not in PLAN
    assert stages_of(["--awq", "--quant_bit", "4"]) == tuple(Stage)


@pytest.mark.parametrize(
    ("ended", "then"),
    [
        ("load", "onnx"),
        ("onnx", "convert"),
        ("convert", "quantize"),
        ("quantize", "quantize"),
        ("config", "config"),
    ],
)
def test_what_belongs_to_the_time_after_a_stage(ended: str, then: str) -> None:
    assert stage_after(Stage(ended), PLAN) is Stage(then)


def test_nothing_is_foretold_before_a_stage_is_over() -> None:
    assert Pace(PLAN, now_s=100.0).at(107.0).left_s is None


def test_a_slow_host_takes_long_for_the_other_stages_too() -> None:
    quick, slow = Pace(PLAN, now_s=0.0), Pace(PLAN, now_s=0.0)
    quick.apply(Ended(Stage.LOAD), now_s=5.0)
    slow.apply(Ended(Stage.LOAD), now_s=50.0)
    assert quick.at(5.0).left_s == pytest.approx((slow.at(50.0).left_s or 0) / 10)


def test_counted_weights_tell_more_than_the_usual_shares() -> None:
    pace = Pace(PLAN, now_s=0.0)
    pace.apply(Ended(Stage.LOAD), now_s=1.0)
    pace.apply(Begun(Stage.QUANTIZE), now_s=2.0)
    pace.apply(Counted(Stage.QUANTIZE, "Quant weights", 1, 10, 0.1), now_s=102.0)
    progress = pace.at(102.0)
    assert progress.stage_share == pytest.approx(0.1)
    assert progress.left_s is not None
    assert 900 <= progress.left_s < 1000


def test_the_share_never_shrinks() -> None:
    pace = Pace(PLAN, now_s=0.0)
    pace.apply(Ended(Stage.LOAD), now_s=1.0)
    pace.apply(Begun(Stage.QUANTIZE), now_s=2.0)
    before = pace.at(3.0).share
    pace.apply(Counted(Stage.QUANTIZE, "Quant weights", 1, 1000, 0.001), now_s=30.0)
    assert pace.at(30.0).share >= before


def test_a_model_that_sees_passes_two_stages_twice() -> None:
    pace = Pace(PLAN, now_s=0.0)
    for at_s, stage in enumerate(("load", "onnx", "convert"), start=1):
        pace.apply(Ended(Stage(stage)), now_s=float(at_s))
    pace.apply(Begun(Stage.ONNX), now_s=4.0)
    for at_s, stage in enumerate(("onnx", "convert"), start=5):
        pace.apply(Ended(Stage(stage)), now_s=float(at_s))
    assert pace.stage is Stage.QUANTIZE
    took_s = pace.took_s(now_s=7.0)
    assert took_s[Stage.ONNX] == 2.0
    assert took_s[Stage.CONVERT] == 2.0
    assert sum(took_s.values()) == 7.0
