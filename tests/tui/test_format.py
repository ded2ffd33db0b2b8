import pytest

from devicehub.api.model import JobView
from devicehub_tui import format as show
from devicehub_tui.state import History
from tests.tui.scripted import WALL_S, device, figures, run, sample


def history(*temps_mc: int | None, step_s: float = 10.0) -> History:
    kept = History()
    for number, temp_mc in enumerate(temps_mc):
        kept.add(sample("a", wall_s=WALL_S + number * step_s, temp_mc=temp_mc))
    return kept


@pytest.mark.parametrize(
    ("percent", "charging", "cell"),
    [
        (97, True, ("97%+", "good")),
        (97, False, ("97% ", "")),
        (20, None, ("20%!", "warn")),
        (5, True, ("5%+", "good")),
    ],
)
def test_a_battery_that_is_charged_needs_no_attention(
    percent: int, charging: bool | None, cell: show.Cell
) -> None:
    reading = sample("a", battery_percent=percent, charging=charging)
    assert show.battery(device("a"), reading) == cell


def test_without_a_sample_what_adb_told_stands() -> None:
    assert show.battery(device("a", battery=50), None) == ("50% ", "")
    assert show.temperature(device("a", temp_c=31.25), None, None) == ("31.2°  ", "")
    assert show.battery(device("a", battery=None), None) == show.NONE


@pytest.mark.parametrize(
    ("temps_mc", "sign"),
    [
        ((30_000, 30_200, 30_400), "→"),
        ((30_000, 30_200, 31_000), "↗"),
        ((33_000, 32_000, 31_000), "↘"),
        ((30_000,), " "),
        ((None, 31_000, None), " "),
        ((), " "),
    ],
)
def test_a_trend_needs_a_quarter_of_a_minute(temps_mc: tuple[int | None, ...], sign: str) -> None:
    assert show.trend(history(*temps_mc)) == sign


def test_heat_has_a_sign_beside_its_colour() -> None:
    assert show.temperature(device("a"), sample("a", temp_mc=46_000), None) == ("46.0° !", "bad")
    assert show.temperature(device("a"), sample("a", temp_mc=41_000), None) == ("41.0°  ", "warn")
    throttled = sample("a", temp_mc=30_000, thermal_status=3)
    assert show.temperature(device("a"), throttled, None) == ("30.0° !", "bad")


def test_bars_of_a_steady_temperature_do_not_exaggerate() -> None:
    assert show.trend_bars(history(30_000, 30_100, 30_000), 3) == ("▁▁▁", "dim")
    assert show.trend_bars(history(30_000, 32_000), 4) == ("  ▁█", "dim")
    assert show.trend_bars(history(30_000), 4) == ("", "dim")


@pytest.mark.parametrize(
    ("value", "trusted", "cell"),
    [
        (21.37, True, ("21.4 ", "figure")),
        (21.37, False, ("21.4?", "warn")),
        (999.96, True, ("1000 ", "figure")),
        (None, True, show.NONE),
    ],
)
def test_a_figure_that_is_not_trusted_says_so(value: float | None, trusted: bool, cell: show.Cell) -> None:
    assert show.rate(value, trusted=trusted) == cell


def test_fidelity_is_rounded_down() -> None:
    assert show.fidelity(figures("r", fidelity=0.9999)) == ("99% ", "good")
    assert show.fidelity(figures("r", fidelity=1.0)) == ("100% ", "good")
    assert show.fidelity(figures("r", fidelity=0.5)) == ("50%!", "warn")
    assert show.fidelity(None) == show.NONE


@pytest.mark.parametrize(
    ("done", "total", "bar"),
    [(0, 10, "    "), (5, 10, "██  "), (10, 10, "████"), (11, 10, "████"), (1, 32, "▏   "), (1, 0, "    ")],
)
def test_a_bar_never_leaves_its_room(done: int, total: int, bar: str) -> None:
    assert show.bar(done, total, 4) == bar


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(-1, "0 ms"), (0.87, "870 ms"), (13.5, "13.5 s"), (245, "4 min 05 s"), (7380, "2 h 03 min")],
)
def test_durations(seconds: float, text: str) -> None:
    assert show.duration(seconds) == text


def test_a_time_out_of_this_world_is_a_question_mark() -> None:
    assert show.clock_time(1e20, 0) == "?"
    assert show.day_time(0, 3600) == "01-01 01:00"


def test_a_run_that_succeeded_and_is_not_trusted_is_not_green() -> None:
    assert show.verdict(run("r", state="succeeded", trusted=True)) == ("✓ succeeded", "good")
    assert show.verdict(run("r", state="succeeded", trusted=False)) == ("✓ untrusted", "warn")
    assert show.verdict(run("r", state="failed", cause="segfault")) == ("✗ failed: segfault", "bad")
    assert show.verdict(run("r", state="new_state")) == ("new_state", "")


def test_a_job_that_failed_says_why() -> None:
    job = JobView(id="j", kind="push", state="failed", label="push m", serial="a", error="no space")
    assert show.job_line(job, 0, 0) == ("✗ push m on a: no space", "bad")


@pytest.mark.parametrize("word", [*show.STATES, *show.RUN_STATES])
def test_every_state_has_a_sign_of_its_own_or_a_word(word: str) -> None:
    text, _ = {**show.STATES, **show.RUN_STATES}[word]
    assert not text[0].isalnum()
    assert len(text) > 2
