from __future__ import annotations

import math

from tests.bench.results import Result, table


def test_a_target_is_missed_on_its_own_side_alone() -> None:
    assert Result("hub", "CPU", 41, "%", most=40).verdict == "MISSED"
    assert Result("hub", "CPU", 40, "%", most=40).verdict == "holds"
    assert Result("push", "speed", 0.8, "x", least=0.9).verdict == "MISSED"
    assert Result("push", "speed", 2, "x", least=0.9).verdict == "holds"
    assert Result("shell", "median", 3, "ms").verdict == ""


def test_what_could_not_be_measured_does_not_hold() -> None:
    assert Result("hub", "CPU", math.nan, "%", most=40).missed


def test_the_table_is_aligned() -> None:
    lines = table([Result("hub", "CPU", 9, "%", most=40), Result("store", "a page", 123.45, "ms")]).split(
        "\n"
    )
    assert lines[1].index("9.0 %") + len("9.0 %") <= lines[0].index("measured") + len("measured")
    assert lines[1].endswith("at most 40  holds")
    assert lines[2].endswith("123.5 ms")
