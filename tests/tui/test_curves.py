from devicehub.api.model import RunEventView
from devicehub_tui.curves import charts, named_marks, phase_marks, time_ticks, value_axis
from tests.tui.scripted import WALL_S, sample


def event(state: str, at_s: float) -> RunEventView:
    return RunEventView(seq=1, attempt=1, wall_s=WALL_S + at_s, kind="x", state=state, detail="")


def test_times_count_back_from_the_newest_sample() -> None:
    points = [sample("a", wall_s=WALL_S + at_s, temp_mc=30_000 + at_s) for at_s in (0, 5, 10)]
    (curve,) = charts(points)[0].curves
    assert curve.times_s == (-10, -5, 0)
    assert curve.values[0] == 30.0


def test_what_was_never_read_is_a_chart_without_curves() -> None:
    assert [len(chart.curves) for chart in charts([sample("a")])] == [0] * 6


def test_a_gap_in_one_reading_leaves_the_others_alone() -> None:
    points = [sample("a", cpu_percent=10.0), sample("a", wall_s=WALL_S + 1, gpu_percent=5.0)]
    load = charts(points)[2]
    assert [(curve.name, curve.times_s) for curve in load.curves] == [("cpu", (-1.0,)), ("gpu", (0.0,))]


def test_each_cluster_has_its_clock_and_its_cap() -> None:
    points = [sample("a", clocks_khz={"policy0": 1_800_000}, caps_khz={"policy0": 2_000_000})]
    clocks = charts(points)[1].curves
    assert [(curve.name, curve.values, curve.capped) for curve in clocks] == [
        ("policy0", (1800.0,), False),
        ("policy0 cap", (2000.0,), True),
    ]


def test_phases_are_marked_once_and_within_the_span() -> None:
    events = [event("checking", -400), event("running", -30), event("running", -20), event("succeeded", -1)]
    assert phase_marks(events, WALL_S, 300) == [(-30, "running")]


def test_a_name_without_room_on_the_right_stands_on_the_left_or_not_at_all() -> None:
    marks = [(-40.0, "checking"), (-38.0, "starting"), (-2.0, "running")]
    assert named_marks(marks, 60, 60) == [(-37.0, "starting"), (-11.0, "running")]


def test_noise_looks_like_noise() -> None:
    points = [sample("a", wall_s=WALL_S + at_s, temp_mc=30_000 + at_s) for at_s in (0, 5, 10)]
    low, high = value_axis(charts(points)[0])
    assert low == 30.0
    assert high >= 34.0


def test_the_time_axis_has_whole_moments() -> None:
    assert time_ticks(30) == ([-30, -20, -10, 0], ["-30 s", "-20 s", "-10 s", "now"])
    assert time_ticks(295) == ([-240, -120, 0], ["-4 min", "-2 min", "now"])
