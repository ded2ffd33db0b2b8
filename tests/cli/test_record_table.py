"""The table of figures at 80 columns, and `runs show` of a run with all that one can have."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import msgspec
import pytest
from msgspec.structs import replace

from devicehub.cli.record_table import print_records
from devicehub.columns import text_width
from devicehub.runs.answers import SuiteAnswer, SuiteResult
from devicehub.runs.lifecycle import RunState
from devicehub.runs.model import Answer, Fidelity, RunHeader, RunRecord
from tests.cli.hub_fixture import hub, run, store
from tests.cli.samples import bench_launch, rich_record
from tests.store.samples import launch, record, run_row

if TYPE_CHECKING:
    from devicehub.store.store import Store

__all__ = ["hub", "store"]


@pytest.fixture(autouse=True)
def _eighty(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setenv("TZ", "UTC")


def printed(capsys: pytest.CaptureFixture[str], *records: RunRecord) -> str:
    print_records(records)
    out = capsys.readouterr().out
    assert max(map(text_width, out.splitlines())) <= 80
    return out


def shown(store: Store, capsys: pytest.CaptureFixture[str], made: RunRecord) -> str:
    header = RunHeader(**{name: getattr(made, name) for name in RunHeader.__struct_fields__})
    store.add_run(run_row(made.id, request=msgspec.json.encode(header), virtual=False))
    store.finish(made.id, made, wall_s=130.0)
    assert run("runs", "show", made.id) == 0
    out = capsys.readouterr().out
    assert max(map(text_width, out.splitlines())) <= 80
    return out


def test_figures_stand_with_what_they_depend_on(capsys: pytest.CaptureFixture[str]) -> None:
    lines = printed(capsys, rich_record()).splitlines()
    table = {line[:16].strip(): line[16:] for line in lines if line[16:]}
    assert table["decode tok/s"] == "9.30 (9.21 to 9.40)"
    assert table["fidelity"] == "35.7 % as on the host, source unchecked"
    assert table["launches"] == "3 launches, warm, after 1 warm-up"
    assert table["protocol"] == "standard, changed: launches"
    assert table["throttled"] == "yes"
    assert table["backend"] == "cpu, 4 threads"
    assert table["temperature"] == "29.6 °C to 31.0 °C, at most 45.3 °C"
    place = [line.split("  ")[0] for line in lines]
    assert place.index("fidelity") == place.index("decode tok/s") + 1


def test_run_without_launches_still_tells_that_nothing_is_known(capsys: pytest.CaptureFixture[str]) -> None:
    out = printed(capsys, record("cancelled", cause="stopped"))
    assert "tok/s" not in out
    assert "r1 cancelled: stopped" in out


def test_phones_that_do_not_fit_follow_below(capsys: pytest.CaptureFixture[str]) -> None:
    five = [rich_record(run_id=f"r{n}") for n in range(5)]
    out = printed(capsys, *five)
    assert out.count("\ndecode tok/s") == 3
    assert out.count("9.30 (9.21 to 9.40)") == 5


def test_flags_of_several_runs_name_their_run(capsys: pytest.CaptureFixture[str]) -> None:
    out = printed(capsys, rich_record(run_id="r1"), rich_record(run_id="r2"))
    assert out.index("r1: to know beside the figures") < out.index("r2: to know beside the figures")
    assert out.count("launches 3, 4: the gate's time was up") == 2


def test_show_of_a_whole_run_fits_80_columns(store: Store, capsys: pytest.CaptureFixture[str]) -> None:
    out = shown(store, capsys, rich_record())
    for part in (
        "protocol    standard, changed: launches",
        "A of a comparison by engine",
        "3  measured  3.5 s  warm   600 s, in vain  39.1 °C  120.50    9.40  410.0",
        "of skin when the launch began",
        "3 of 12 pieces as on the host",
        r"on the host   Red,\ngreen and blue",
        r"on the phone  Red,\ngreen and yellow",
        "per token   0.412 J per token",
        "first read  current_now -812345, voltage_now 4012000, status Discharging",
    ):
        assert re.sub(" +", " ", part) in re.sub(" +", " ", out)


def test_show_tells_why_a_launch_failed_in_its_row(store: Store, capsys: pytest.CaptureFixture[str]) -> None:
    bad = replace(launch("failed", "segfault", 2), exit_status=139)
    out = shown(store, capsys, record("failed", "r1", cause="segfault", launches=[launch(), bad]))
    rows = [line.split() for line in out.splitlines() if "measured" in line.split()]
    assert [row[2:4] for row in rows] == [["succeeded", "-"], ["segfault", "139"]]


def test_show_tells_which_launches_went_without_sampling(
    store: Store, capsys: pytest.CaptureFixture[str]
) -> None:
    both = [bench_launch(1, 9.0, gate=None), bench_launch(2, 9.1, gate=None, sampled=False)]
    out = shown(store, capsys, rich_record(launches=both))
    rows = [line.split() for line in out.splitlines() if line.split()[1:2] == ["measured"]]
    assert [row[5] for row in rows] == ["yes", "no"]
    assert "sampled" not in printed(capsys, rich_record())


def test_text_of_a_model_cannot_pose_as_a_line_of_the_report(
    store: Store, capsys: pytest.CaptureFixture[str]
) -> None:
    forged = "x\n100 % as on the host\x1b[2K"
    answers = [Answer(prompt=forged, expected="y", text=forged, matched=0, of=1)]
    out = shown(store, capsys, rich_record(answered=Fidelity(share=0.0, answers=answers)))
    assert "\x1b" not in out
    assert "\n100 % as on the host" not in out


def test_fixture_launch_that_gave_nothing_says_so(store: Store, capsys: pytest.CaptureFixture[str]) -> None:
    answers = [Answer(prompt="Hi", expected="Hello", text=None, matched=0, of=1, cause="segfault")]
    out = shown(store, capsys, rich_record(answered=Fidelity(share=0.0, answers=answers)))
    assert "0 of 1 pieces as on the host; the launch failed: segfault" in out
    assert re.search(r"^on the phone +nothing$", out, re.MULTILINE)


def test_prompts_of_a_suite_are_told_with_what_their_answers_lack(capsys: pytest.CaptureFixture[str]) -> None:
    answers = [
        SuiteAnswer(id="capital", text="Paris", passed=True),
        SuiteAnswer(id="a" * 40, text="5", passed=False, why='the answer is "5", not "4"; ' + "x" * 60),
    ]
    suite = SuiteResult(name="basics", answers=answers, passed=1, of=2)
    failed = replace(record(), state=RunState.FAILED, verdict="failed", cause="suite_failed", suite=suite)
    out = printed(capsys, failed)
    assert re.search(r"^verdict +failed: suite_failed$", out, re.MULTILINE)
    assert re.search(r"^suite +1 of 2 passed \(basics\)$", out, re.MULTILINE)
    assert re.search(r"^capital +yes$", out, re.MULTILINE)
    assert re.search(r'^a{40} +no +the answer is "5"', out, re.MULTILINE)
    assert "read the answers with `devicehub runs show`" in out
    assert "suite" not in printed(capsys, record())
