"""`devicehub runs list`, `show` and `export`: what a person and what a program sees of the database."""

from __future__ import annotations

import csv
import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from devicehub.cli import runs_list
from devicehub.dispatch.journal import own_process
from devicehub.runs.model import Caution, Conditions, Fidelity, Protocol, RunHeader, summarize
from devicehub.settings import Home
from devicehub.store.model import Excerpt
from tests.cli.hub_fixture import hub, hub_in_thread, store
from tests.cli.hub_fixture import run as run_command
from tests.store.samples import launch, record, run_row

if TYPE_CHECKING:
    from devicehub.store.store import Store
NOW_S = 1_790_000_000.0
SAMPLES = (
    b"head\tup=10.00\twall=5.0\tup2=10.01\tperiod=1\n"
    b"fast\tup=11.00\twall=6.0\tup2=11.01\tmem_kb=8164000\tzone.skin=31800\n"
    b"fast\tup=13.00\twall=8.0\tup2=13.01\tmem_kb=8100000\tzone.skin=36400\tgpu.busy=37 %\n"
)


__all__ = ["hub", "store"]

pytestmark = pytest.mark.usefixtures("hub")


@pytest.fixture(autouse=True)
def _zone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "UTC")


def run(*argv: str | Path) -> int:
    return run_command("runs", *argv)


def begin(store: Store, run_id: str, number: int = 0, **changed: Any) -> None:
    whole = record(run_id=run_id)
    fields = {name: getattr(whole, name) for name in RunHeader.__struct_fields__}
    header = RunHeader(**fields | {"cautions": [Caution(slug="x", sentence="it is hot", remedy="cool it")]})
    at = NOW_S + 60 * number
    store.add_run(
        run_row(run_id, created=at, started=at, request=msgspec.json.encode(header), **changed)
    )  # fmt: skip


def three_runs(store: Store) -> None:
    """One that went well, one that failed, and one that nobody carries."""
    begin(store, "aa-good", 0)
    store.add_samples("aa-good", 1, 0, SAMPLES)
    store.finish("aa-good", record(run_id="aa-good"), wall_s=NOW_S + 31)
    begin(store, "ab-bad", 1, serial="S2")
    evidence = [Excerpt(launch=1, source="evidence", lines=["a line that proves it"])]
    bad = record("failed", "ab-bad", cause="segfault")
    store.finish("ab-bad", bad, wall_s=NOW_S + 91, excerpts=evidence)
    begin(store, "b-left", 2)
    store.advance("b-left", "running", "started", wall_s=NOW_S + 121)


def test_list_of_a_new_user_says_how_to_begin(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("list") == 0
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err == "no runs yet: devicehub run MODEL --prompt TEXT\n"
    assert run("list", "--json") == 0
    assert capsys.readouterr().out == "[]\n"


def test_list_shows_all_columns_where_asked(store: Store, capsys: pytest.CaptureFixture[str]) -> None:
    three_runs(store)
    assert run("list", "--wide") == 0
    captured = capsys.readouterr()
    header, *lines = captured.out.splitlines()
    assert [name.strip() for name in header.split("  ") if name] == [
        name for name, _, _ in runs_list._COLUMNS
    ]
    assert [line.split()[0] for line in lines] == ["b-left", "ab-bad", "aa-good"]
    assert "running (left)" in lines[0]
    assert "failed: segfault" in lines[1]
    assert lines[2].endswith("9.25 (virtual)  unknown")
    assert captured.err == ("left: nobody carries it; the hub takes it up when its phone is there\n")


@pytest.mark.parametrize(
    ("columns", "shown"),
    [
        (30, ["id", "state"]),
        (45, ["id", "state", "decode tok/s"]),
        (80, ["id", "state", "model", "protocol", "launches", "decode tok/s", "fidelity"]),
        (300, [header for header, _, _ in runs_list._COLUMNS]),
    ],
)
def test_list_leaves_out_what_there_is_no_room_for(
    store: Store,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    columns: int,
    shown: list[str],
) -> None:
    three_runs(store)
    monkeypatch.setenv("COLUMNS", str(columns))
    assert run("list") == 0
    header, *lines = capsys.readouterr().out.splitlines()
    assert [name.strip() for name in header.split("  ") if name] == shown
    assert max(len(line) for line in (header, *lines)) <= max(columns, 31)


def test_list_shows_a_speed_beside_its_fidelity_launches_and_protocol(
    store: Store, capsys: pytest.CaptureFixture[str]
) -> None:
    begin(store, "r1")
    made = record(
        run_id="r1",
        fidelity=0.9989,
        answered=Fidelity(share=0.9989),
        launches=[launch(number=number) for number in (1, 2)],
        summary=summarize([launch(number=number) for number in (1, 2)]),
        protocol=Protocol(id="standard", summary="s", workload="bench"),
    )
    store.finish("r1", made, wall_s=NOW_S)
    assert run("list") == 0
    _, line = capsys.readouterr().out.splitlines()
    assert line.split()[-6:] == ["standard", "2", "9.25", "(virtual)", "99.8", "%"]
    assert run("list", "--json") == 0
    [row] = json.loads(capsys.readouterr().out)
    assert (row["fidelity"], row["protocol"], row["launches"]) == (0.9989, "standard", 2)


def test_list_never_shows_a_speed_without_its_fidelity(
    store: Store, capsys: pytest.CaptureFixture[str]
) -> None:
    begin(store, "20261123-055745-6bb0b2")
    stopped = record("cancelled", "20261123-055745-6bb0b2", cause="stopped", launches=[launch()])
    stopped = msgspec.structs.replace(stopped, summary=summarize([launch()]), answered=Fidelity(share=None))
    store.finish("20261123-055745-6bb0b2", stopped, wall_s=NOW_S)
    assert run("list") == 0
    header, *lines = capsys.readouterr().out.splitlines()
    assert "decode tok/s" in header
    assert header.endswith("fidelity")
    assert lines[0].endswith("unknown")
    assert max(map(len, [header, *lines])) <= 80


def test_list_as_json_holds_what_is_agreed(store: Store, capsys: pytest.CaptureFixture[str]) -> None:
    three_runs(store)
    assert run("list", "--json") == 0
    left, bad, good = json.loads(capsys.readouterr().out)
    agreed = {"id", "state", "verdict", "cause", "serial", "model", "engine", "profile", "started"}
    assert agreed <= set(good)
    assert (good["verdict"], good["trusted"], good["decode_tok_s"]) == ("succeeded", True, 9.25)
    assert (bad["state"], bad["cause"], bad["serial"]) == ("failed", "segfault", "S2")
    assert (left["state"], left["verdict"], left["left"]) == ("running", None, True)


def test_list_is_filtered_and_paged(store: Store, capsys: pytest.CaptureFixture[str]) -> None:
    three_runs(store)

    def ids(*argv: str) -> list[str]:
        assert run("list", "--json", *argv) == 0
        return [row["id"] for row in json.loads(capsys.readouterr().out)]

    assert ids("--state", "open") == ["b-left"]
    assert ids("--state", "ended") == ["ab-bad", "aa-good"]
    assert ids("--state", "failed", "--state", "running") == ["b-left", "ab-bad"]
    assert ids("--serial", "S2") == ["ab-bad"]
    assert ids("--before", "ab") == ["aa-good"]
    assert ids("--model", "other") == ids("--since", "2100-01-01") == []
    assert len(ids("--since", "2020-01-01T10:00")) == 3
    assert run("list", "--limit", "2") == 0
    captured = capsys.readouterr()
    assert captured.out.count("\n") == 3
    assert "there are older ones: --before ab-bad, or --all\n" in captured.err
    assert len(ids("--limit", "1", "--all")) == 3
    assert run("list", "--state", "lost") == 0
    assert capsys.readouterr().err == "no run fits\n"


def test_since_that_is_no_time_is_a_usage_error(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("list", "--since", "yesterday") == 2
    assert "write 90m, 12h, 3d or 2026-01-31" in capsys.readouterr().err


def test_run_of_a_living_process_is_not_left(store: Store, capsys: pytest.CaptureFixture[str]) -> None:
    pid, began_s = own_process()
    begin(store, "mine", owner_pid=pid, owner_started=began_s)
    begin(store, "later process of the same pid", 1, owner_pid=pid, owner_started=began_s - 60)
    assert run("list", "--json") == 0
    assert [row["left"] for row in json.loads(capsys.readouterr().out)] == [True, False]


@pytest.mark.parametrize("command", ["show", "export"])
@pytest.mark.parametrize(
    ("run_id", "problem"),
    [("zz", "zz: there is no such run; "), ("a", "a: several runs begin so: ab-bad, aa-good; ")],
)
def test_id_that_is_unknown_or_too_short_is_one_sentence(
    store: Store, capsys: pytest.CaptureFixture[str], command: str, run_id: str, problem: str
) -> None:
    three_runs(store)
    assert run(command, run_id) == 4
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith(f"devicehub: {problem}")
    assert captured.err.count("\n") == 1


def test_show_tells_a_failed_run_whole(store: Store, capsys: pytest.CaptureFixture[str]) -> None:
    three_runs(store)
    assert run("show", "ab") == 0
    out = capsys.readouterr().out
    assert out.startswith("ab-bad  failed: segfault\n")
    for part in ("a line that proves it", "The sky is blue.", "no: the run is failed"):
        assert part in out
    assert out.count("The sky is blue.") == 1
    assert out.splitlines()[-1].split()[2:] == ["end", "failed", "segfault"]


def test_show_tells_each_launch(store: Store, capsys: pytest.CaptureFixture[str]) -> None:
    begin(store, "r1")
    launches = [launch(number=number) for number in (1, 2, 3)]
    store.add_samples("r1", 1, 0, SAMPLES)
    store.finish("r1", record(run_id="r1", launches=launches), wall_s=NOW_S + 31)
    assert run("show", "r1") == 0
    out = capsys.readouterr().out
    assert [line.split() for line in out.splitlines() if "measured" in line.split()] == [
        [str(number), "measured", "3.5", "s", "120.50", "9.25", "410.0"] for number in (1, 2, 3)
    ]
    assert "3 over 3 s, hottest 36.4 °C\ndevicehub runs export --samples r1\n" in out


def test_show_tells_no_figure_that_is_not_known(store: Store, capsys: pytest.CaptureFixture[str]) -> None:
    begin(store, "r1")
    begin(store, "r2")
    part = Conditions(temp_mc_start=29600, battery_percent_start=80)
    whole = Conditions(
        temp_mc_start=29600,
        temp_mc_end=31000,
        temp_mc_highest=45300,
        battery_percent_start=80,
        battery_percent_end=79,
        mem_available_kib_lowest=2048,
    )
    store.finish("r1", record("cancelled", "r1", conditions=part), wall_s=NOW_S)
    store.finish("r2", record("cancelled", "r2", conditions=whole), wall_s=NOW_S)
    assert run("show", "r1") == 0
    conditions = capsys.readouterr().out.split("conditions\n")[1]
    assert re.search(r"^temperature +29.6 °C at the start$", conditions, re.MULTILINE)
    assert re.search(r"^battery +80 % at the start$", conditions, re.MULTILINE)
    assert re.search(r"^not known +skin, throttled, thermal status, ", conditions, re.MULTILINE)
    assert "None" not in conditions
    assert run("show", "r2") == 0
    conditions = capsys.readouterr().out.split("conditions\n")[1]
    for label, text in (
        ("temperature", "29.6 °C to 31.0 °C, at most 45.3 °C"),
        ("battery", "80 % to 79 %"),
        ("memory left", "at least 2.1 MB"),
    ):
        assert re.search(rf"^{label} +{text}$", conditions, re.MULTILINE)


def test_show_tells_what_is_known_before_the_end(store: Store, capsys: pytest.CaptureFixture[str]) -> None:
    three_runs(store)
    store.request_stop("b-left", NOW_S + 130)
    assert run("show", "b") == 0
    out = capsys.readouterr().out
    assert out.startswith("b-left  running (left)\n")
    assert "devicehub runs watch b-left" in out
    assert "stop asked for" in out
    assert "it is hot; cool it" in out
    assert run("show", "b", "--json") == 0
    document = json.loads(capsys.readouterr().out)
    assert (document["state"], document["model"]["name"], document["left"]) == ("running", "m", True)
    assert [event["kind"] for event in document["events"]] == ["add", "started", "stop_requested"]


def test_show_as_json_is_the_record_and_what_happened(
    store: Store, capsys: pytest.CaptureFixture[str]
) -> None:
    three_runs(store)
    assert run("show", "ab-bad", "--json") == 0
    document = json.loads(capsys.readouterr().out)
    whole = msgspec.to_builtins(record("failed", "ab-bad", cause="segfault"))
    assert {name: document[name] for name in whole} == whole
    assert document["excerpts"] == [{"launch": 1, "source": "evidence", "lines": ["a line that proves it"]}]


def test_show_tells_that_lost_was_replaced(store: Store, capsys: pytest.CaptureFixture[str]) -> None:
    begin(store, "r1")
    store.finish("r1", record("lost", cause="phone_lost"), wall_s=NOW_S)
    assert run("show", "r1") == 0
    assert capsys.readouterr().out.startswith("r1  lost: phone_lost\n")
    store.finish("r1", record("succeeded"), wall_s=NOW_S + 9)
    assert run("show", "r1") == 0
    assert "replaces  lost of 2026-09-2" in capsys.readouterr().out


def test_record_of_another_version_is_shown_as_far_as_it_goes(
    store: Store, capsys: pytest.CaptureFixture[str]
) -> None:
    store.add_run(run_row("r1", request=b'{"of": "the future"}'))
    assert run("show", "r1") == 0
    captured = capsys.readouterr()
    assert captured.out.startswith("r1  queued (left)\n")
    assert captured.err.startswith("another version of DeviceHub wrote its record")
    assert run("show", "r1", "--json") == 0
    assert json.loads(capsys.readouterr().out)["of"] == "the future"


def test_export_writes_each_ended_record_on_a_line(store: Store, capsys: pytest.CaptureFixture[str]) -> None:
    three_runs(store)
    assert run("export") == 0
    captured = capsys.readouterr()
    documents = [json.loads(line) for line in captured.out.splitlines()]
    assert documents == [
        msgspec.to_builtins(record(run_id="aa-good")),
        msgspec.to_builtins(record("failed", "ab-bad", cause="segfault")),
    ]
    assert captured.err == ""


def test_export_of_a_run_without_end_is_left_out_and_told(
    store: Store, capsys: pytest.CaptureFixture[str]
) -> None:
    three_runs(store)
    assert run("export", "ab", "b", "ab-bad") == 1
    captured = capsys.readouterr()
    assert [json.loads(line)["id"] for line in captured.out.splitlines()] == ["ab-bad"]
    assert captured.err == "not ended yet, so left out: b-left\n"


def test_export_as_table_has_a_row_for_every_measured_row(
    store: Store, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    begin(store, "r1")
    two = launch(number=2)
    rows = [launch(), msgspec.structs.replace(two, records=two.records * 3), launch("failed", "x", 3)]
    device = msgspec.structs.replace(record().device, product='Phone, "one"\nä')
    store.finish("r1", record(run_id="r1", launches=rows, device=device), wall_s=NOW_S)
    begin(store, "r2", 1)
    store.finish("r2", record("cancelled", "r2", cause="stopped"), wall_s=NOW_S)
    out = tmp_path / "runs.csv"
    out.write_text("older")
    assert run("export", "--csv", "--out", out) == 0
    captured = capsys.readouterr()
    assert (captured.out, captured.err) == ("", f"2 runs written to {out}\n")
    with out.open(encoding="utf-8", newline="") as file:
        table = list(csv.DictReader(file))
    assert [(row["id"], row["launch"], row["row"], row["decode_tok_s"]) for row in table] == [
        ("r1", "1", "1", "9.25"),
        *(("r1", "2", str(number), "9.25") for number in (1, 2, 3)),
        ("r1", "3", "", ""),
        ("r2", "", "", ""),
    ]
    assert table[0]["product"] == 'Phone, "one"\nä'
    assert (table[0]["virtual"], table[0]["model"], table[0]["launches"]) == ("true", "m", "3")
    assert sorted(file.name for file in tmp_path.iterdir()) == ["home", "runs.csv"]


def test_export_of_samples(store: Store, capsys: pytest.CaptureFixture[str]) -> None:
    three_runs(store)
    assert run("export", "--samples", "aa") == 0
    head, _, last = (json.loads(line) for line in capsys.readouterr().out.splitlines())
    assert (head["lane"], head["period"]) == ("head", 1)
    assert (last["uptime_s"], last["mem_kb"], last["gpu.busy"]) == (13.0, 8100000, "37 %")
    assert run("export", "--samples", "--csv", "aa") == 0
    table = list(csv.DictReader(capsys.readouterr().out.splitlines()))
    assert [row["zone.skin"] for row in table] == ["", "31800", "36400"]
    assert [row["gpu.busy"] for row in table] == ["", "", "37 %"]


@pytest.mark.parametrize("argv", [["--csv", "--json"], ["r1", "--since", "3d"]])
def test_export_options_that_exclude_each_other(argv: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert run("export", *argv) == 2
    assert capsys.readouterr().out == ""


def test_export_into_a_folder_that_is_not_there_is_one_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "no" / "where.jsonl"
    assert run("export", "--out", out) == 4
    assert capsys.readouterr().err == (
        f"devicehub: {out}: cannot be written: No such file or directory; name another file with --out\n"
    )


def test_export_into_a_device(store: Store, capsys: pytest.CaptureFixture[str]) -> None:
    three_runs(store)
    assert run("export", "--out", "/dev/null") == 0
    assert Path("/dev/null").is_char_device()
    assert run("export", "--out", "-") == 0
    assert capsys.readouterr().out.count("\n") == 2


def test_damaged_database_is_told_and_a_new_one_begun(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    home = Home(tmp_path / "another")
    monkeypatch.setenv("DEVICEHUB_HOME", str(home.root))
    home.root.mkdir()
    home.database.write_bytes(b"no database" * 1000)
    with hub_in_thread(home):
        assert run("list", "--json") == 0
    captured = capsys.readouterr()
    assert captured.out == "[]\n"
    aside = home.database.with_name("devicehub.db.damaged-1")
    assert aside.exists()
    assert (
        captured.err == f"the database of runs was damaged; it is kept as {aside}, and a new one was begun\n"
    )


def test_home_that_cannot_hold_a_database_is_one_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    home = Home(tmp_path / "another")
    monkeypatch.setenv("DEVICEHUB_HOME", str(home.root))
    home.database.mkdir(parents=True)
    assert run("list") == 3
    captured = capsys.readouterr()
    assert captured.err.startswith("devicehub: the hub that was started has ended; ")
    assert f"{home.database}: cannot be written: Is a directory; " in captured.err
    assert captured.err.count("\n") == 1
