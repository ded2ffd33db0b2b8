from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from devicehub.cli.conditions_view import condition_rows, label_of, plain, rest
from devicehub.cli.figures import (
    cost_text,
    count_text,
    energy_text,
    fidelity_text,
    figure_text,
    flag_lines,
    launches_text,
    protocol_details,
    protocol_text,
    temperature_text,
)
from devicehub.profiles.schema import GateSpec
from devicehub.runs.model import Conditions, Course, Energy, Fidelity, Flag, RunRecord, summarize
from devicehub.runs.start import Link
from devicehub.units import format_share
from tests.cli.samples import CONDITIONS, STANDARD, bench_launch, rich_record
from tests.store.samples import launch, record


def made(*launches: Any, **changed: Any) -> RunRecord:
    return rich_record(launches=list(launches), summary=summarize(launches), **changed)


def test_one_launch_has_no_spread() -> None:
    one = made(bench_launch(1, 9.0))
    assert launches_text(one) == "1 launch, no spread, warm"
    assert figure_text(one, "decode_tok_s", 2) == "9.00"


def test_several_launches_show_their_range_and_the_warmup_does_not_count() -> None:
    several = made(bench_launch(1, 1.0, kind="warmup"), bench_launch(2, 9.0), bench_launch(3, 10.0))
    assert launches_text(several) == "2 launches, warm, after 1 warm-up"
    assert figure_text(several, "decode_tok_s", 2) == "9.50 (9.00 to 10.00)"


def test_cold_launches_are_left_out_and_told() -> None:
    mixed = made(bench_launch(1, 1.0, cold=True), bench_launch(2, 9.0), bench_launch(3, 10.0))
    assert launches_text(mixed) == "2 launches, warm, 1 cold left out"
    assert figure_text(mixed, "decode_tok_s", 1) == "9.5 (9.0 to 10.0)"


def test_launches_that_were_all_cold_say_so() -> None:
    assert launches_text(made(bench_launch(1, 9.0, cold=True))) == "1 launch, no spread, cold"


def test_launch_of_which_nobody_knows_whether_it_was_cold() -> None:
    unknown = made(bench_launch(1, 9.0), bench_launch(2, 9.0, cold=None))
    assert launches_text(unknown) == "2 launches, cold or warm not known"


def test_failed_launches_are_counted() -> None:
    some = made(bench_launch(1, 9.0), launch("failed", "segfault", 2))
    assert launches_text(some) == "1 launch, no spread, warm, 1 failed"
    none = made(launch("failed", "segfault", 1), launch("failed", "segfault", 2))
    assert launches_text(none) == "2 launches, none succeeded"
    assert figure_text(none, "decode_tok_s", 2) is None
    assert launches_text(made()) is None


def test_launches_without_sampling_say_so() -> None:
    quiet = made(bench_launch(1, 9.0, sampled=False))
    assert launches_text(quiet) == "1 launch, no spread, warm, without sampling"


def test_figure_of_a_run_that_is_not_trusted_says_so() -> None:
    slept = made(bench_launch(1, 9.0), trusted=False, trust_reasons=["the phone slept"])
    assert figure_text(slept, "decode_tok_s", 2) == "9.00, untrusted"
    failed = replace(slept, launches=[bench_launch(1, 9.0, verdict="failed")], summary=None)
    assert figure_text(failed, "decode_tok_s", 2) == "9.00, untrusted"


def test_counts_are_those_of_a_measured_launch() -> None:
    assert (
        count_text(made(bench_launch(1, 9.0), launch(number=2, verdict="failed")), "prompt_tokens") == "512"
    )
    assert count_text(made(bench_launch(1, 9.0, kind="warmup")), "prompt_tokens") is None


@pytest.mark.parametrize(
    ("share", "text"), [(1.0, "100 %"), (0.9999, "99.9 %"), (0.29, "29 %"), (0.0, "0 %"), (1 / 3, "33.3 %")]
)
def test_only_a_whole_share_is_100_percent(share: float, text: str) -> None:
    assert format_share(share) == text


def test_fidelity_is_never_left_out() -> None:
    assert fidelity_text(record()) == "not known: the model was not asked its fixture"
    gone = Fidelity(share=None, reason="the model has no fixture: it needs 9.1 GB of memory")
    assert fidelity_text(record(answered=gone)) == f"not known: {gone.reason}"
    own, other = Fidelity(share=1.0, run_id="r1"), Fidelity(share=1.0, run_id="r0")
    assert fidelity_text(record(answered=own)) == "100 % as on the host, source unchecked"
    assert fidelity_text(record(answered=other)) == (
        "100 % as on the host, source unchecked, answered in run r0"
    )


def test_protocol_tells_what_was_changed() -> None:
    assert protocol_text(record()) == "none"
    assert protocol_text(record(protocol=replace(STANDARD, changed=()))) == "standard"
    both = replace(STANDARD, changed=("prompt_tokens", "gate"))
    assert protocol_text(record(protocol=both)) == "standard, changed: prompt tokens, gate"


def test_protocol_details() -> None:
    assert protocol_details(STANDARD) == (
        "512 + 128 tokens, 5 repeats, 1 warm-up, 3 measured launches, "
        "gate: skin at most 35 °C, not throttled, 600 s at most"
    )
    bare = replace(STANDARD, workload="demo", warmups=0, launches=1, gate=None, steady=True)
    assert protocol_details(bare) == "no warm-up, 1 measured launch, no gate, steady"
    warm = replace(bare, gate=GateSpec(temp_c=33.5, zone="battery", cap_s=0), steady=False)
    assert protocol_details(warm).endswith("gate: battery at most 33.5 °C, not throttled, 0 s at most")


def test_energy_that_could_not_be_had_tells_why() -> None:
    assert energy_text(record()) is None
    none = Energy(joules_per_token=None, reason="the phone was on USB power")
    assert energy_text(record(energy=none)) == "not known: the phone was on USB power"
    assert energy_text(rich_record()) == "0.412 J per token"
    assert cost_text(record()) is None
    assert cost_text(rich_record()) == "1.2 % of decode tok/s"


def test_flag_of_several_launches_is_told_once() -> None:
    late, cold = Flag(slug="late", sentence="it was late"), Flag(slug="cold", sentence="it was cold")
    told = made(bench_launch(1, 9.0, flags=[late, cold]), bench_launch(2, 9.0, flags=[late]), flags=[])
    assert flag_lines(told) == ["launches 1, 2: it was late", "launch 1: it was cold"]
    whole = replace(told, flags=[late])
    assert flag_lines(whole) == ["it was late", "launch 1: it was cold"]


def test_temperature_as_far_as_it_is_known() -> None:
    assert temperature_text(record()) is None
    start = Conditions(temp_mc_start=30000)
    assert temperature_text(record(conditions=start)) == "30.0 °C at the start"
    assert temperature_text(rich_record()) == "29.6 °C to 31.0 °C, at most 45.3 °C"


def test_no_condition_is_left_out() -> None:
    """A field without a row of its own words shows by its name."""
    rows = dict(condition_rows(CONDITIONS))
    assert {label_of(name) for name in rest()} <= {*rows, *rows.get("not known", "").split(", ")}
    text = "\n".join(rows.values())
    for part in (
        "45.3 °C", "39.1 °C", "policy7 was capped", "moderate", "cpu-1-7-usr", "schedutil", "2400", "0-7",
        "refused", "37 %", "903 MHz", "79 %", "usb", "charging then full", "off and locked at the end",
        "adb only", "480 Mbit/s of 5000", "server version 41, burst mode", "3f2a9c01d4e5", "UP1A",
        "2026-02-05", "2048.0 MB", "1433.6 MB", "9", "1800",
    ):  # fmt: skip
        assert part in text


def test_conditions_of_a_phone_that_tells_nothing_name_what_is_missing() -> None:
    rows = condition_rows(Conditions())
    assert rows[-1][0] == "not known"
    for part in ("temperature", "throttled", "governor", "battery", "screen", "link", "Android build"):
        assert part in rows[-1][1]
    assert "None" not in str(rows)


def test_only_the_hottest_zones_are_told() -> None:
    many = {f"zone{n}": Course(start=n, lowest=n, highest=n * 1000, end=n) for n in range(80)}
    zones = dict(condition_rows(Conditions(temps_mc=many)))["zones"].split("\n")
    assert zones[0].startswith("zone79: ")
    assert zones[-1] == "and 74 cooler ones"


@pytest.mark.parametrize(
    ("link", "text"),
    [
        (Link(kind="tcp"), "TCP"),
        (Link(kind="usb"), "USB"),
        (
            Link(kind="usb", mbit_s=480, most_mbit_s=480, told_by="phone"),
            "USB, 480 Mbit/s (as told by the phone)",
        ),
    ],
)
def test_link(link: Link, text: str) -> None:
    assert dict(condition_rows(Conditions(link=link)))["link"] == text


@pytest.mark.parametrize(
    ("source", "end", "text"),
    [
        ("usb", True, "usb"),
        ("usb", False, "usb at the start, unplugged at the end"),
        ("none", False, "no external power"),
        ("none", True, "no external power at the start, plugged in at the end"),
        ("ac", None, "ac"),
    ],
)
def test_power_that_came_or_went(source: str, end: bool | None, text: str) -> None:
    assert dict(condition_rows(Conditions(external_power=source, plugged_end=end)))["power"] == text


@pytest.mark.parametrize(
    ("steady", "text"),
    [(None, "no"), ("on", "on"), ("left", "on: left so by an earlier run that could not undo it")],
)
def test_steady_clocks(steady: str | None, text: str) -> None:
    assert dict(condition_rows(Conditions(steady=steady)))["steady clocks"] == text


def test_throttling_that_was_inferred_is_not_called_seen() -> None:
    found = Conditions(throttled=True, throttling="inferred", throttle_signs=["decoding slowed by 20 %"])
    assert dict(condition_rows(found))["throttled"] == "inferred: decoding slowed by 20 %"
    assert dict(condition_rows(Conditions(throttled=False)))["throttled"] == "no"


def test_any_value_has_a_text() -> None:
    values = [None, [], {}, "", True, False, 3, "on", [1, "a"], {"a": True}]
    texts = [None, None, None, None, "yes", "no", "3", "on", "1, a", "a yes"]
    assert [plain(value) for value in values] == texts
