"""The flags beside figures: each where it belongs, and none where it would be a false alarm."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from devicehub.measure.checks import check_launch, check_run, count_cpus
from devicehub.profiles.schema import GateSpec
from devicehub.runs.model import Conditions, GateEnd, Launch, Protocol, RunHeader
from devicehub.runs.steps import Step
from devicehub.workloads.record import Record
from tests.store.samples import record

PROTOCOL = Protocol(id="standard", summary="s", workload="bench", gate=GateSpec(temp_c=35, cap_s=600))
GATED = [Step(kind="warmup"), Step(kind="measured", gated=True)]


def a_header(**changes: Any) -> RunHeader:
    fields: dict[str, Any] = {"virtual": False, "protocol": PROTOCOL, "steps": GATED}
    head: RunHeader = replace(record(), **(fields | changes))
    return head


def a_launch(**changes: Any) -> Launch:
    values: dict[str, Any] = {
        "number": 2,
        "order": 2,
        "verdict": "succeeded",
        "cause": None,
        "text": None,
        "records": [],
    }
    return Launch(**(values | {"exit_status": 0, "gate": COOL} | changes))


def slugs(launch: Launch, head: RunHeader) -> list[str]:
    return [flag.slug for flag in check_launch(launch, head)]


COOL = GateEnd(waited_s=12.0, timed_out=False, temp_mc=34_000, zone="skin", throttled=False)


def test_launch_in_order_has_no_flag() -> None:
    assert slugs(a_launch(), a_header()) == []


def test_cold_launch() -> None:
    assert slugs(a_launch(cold=True), a_header()) == ["cold"]
    assert slugs(a_launch(cold=None), a_header()) == []


@pytest.mark.parametrize(
    ("end", "sentence"),
    [
        (
            GateEnd(waited_s=600, timed_out=True, temp_mc=39_100, zone="skin", throttled=False),
            "the phone was still at 39.1 °C (skin) after 600 s at the gate",
        ),
        (
            GateEnd(waited_s=600, timed_out=True, temp_mc=39_100, zone="skin", throttled=True),
            "the phone was still at 39.1 °C (skin) and still held its processor back after 600 s at the gate",
        ),
        (
            GateEnd(waited_s=600, timed_out=True, temp_mc=31_000, zone="skin", throttled=True),
            "the phone still held its processor back after 600 s at the gate",
        ),
    ],
)
def test_gate_whose_time_was_up(end: GateEnd, sentence: str) -> None:
    (flag,) = check_launch(a_launch(gate=end), a_header())
    assert (flag.slug, flag.sentence) == ("gate_timed_out", sentence)


@pytest.mark.parametrize("end", [None, GateEnd(waited_s=0.0, timed_out=False)])
def test_gate_that_sees_nothing(end: GateEnd | None) -> None:
    (flag,) = check_launch(a_launch(gate=end), a_header())
    assert flag.slug == "gate_blind"
    assert flag.sentence == "the phone tells no temperature of its skin: the gate could not wait for it"


def test_launch_without_a_gate_is_not_asked_for_one() -> None:
    assert slugs(a_launch(order=1, gate=None), a_header()) == []
    assert slugs(a_launch(gate=None), a_header(protocol=None)) == []
    assert slugs(a_launch(gate=None), a_header(protocol=replace(PROTOCOL, gate=None))) == []
    assert slugs(a_launch(order=9, gate=None), a_header()) == []


@pytest.mark.parametrize(
    ("allowed", "config", "flags"),
    [
        ("0-2", {"thread_num": 4}, ["cores"]),
        ("0-3", {"thread_num": 4}, []),
        ("0-1,7", {}, ["cores"]),
        ("0-2", {"thread_num": 2}, []),
        ("0-2", {"thread_num": 68, "backend_type": "opencl"}, []),
        ("all", {"thread_num": 4}, []),
        (None, {"thread_num": 4}, []),
        ("0", {"thread_num": "4"}, []),
    ],
)
def test_threads_that_share_cores(allowed: str | None, config: dict[str, Any], flags: list[str]) -> None:
    assert slugs(a_launch(cpus_allowed=allowed), a_header(workload="demo", config=config)) == flags


def test_virtual_phone_grants_threads_of_its_own() -> None:
    head = a_header(workload="demo", config={"thread_num": 4}, virtual=True)
    assert slugs(a_launch(cpus_allowed="0"), head) == []


@pytest.mark.parametrize(
    ("text", "count"),
    [("0-7", 8), ("0-3,7", 5), ("3", 1), ("0-1,1-2", 3), ("", None), ("7-0", None), ("0-x", None)],
)
def test_count_of_cores(text: str, count: int | None) -> None:
    assert count_cpus(text) == count


@given(st.text(max_size=20))
def test_any_list_of_cores(text: str) -> None:
    count_cpus(text)


# of a run


def bench(prefill: float | None, decode: float | None, **changes: Any) -> Launch:
    row = Record(tool="llm_bench", source="stdout", prefill_tok_s=prefill, decode_tok_s=decode)
    return a_launch(records=[row], **changes)


def run_flags(launches: list[Launch], conditions: Conditions, **changes: Any) -> dict[str, str]:
    return {flag.slug: flag.sentence for flag in check_run(a_header(**changes), launches, conditions)}


def test_run_in_order_has_no_flag() -> None:
    quiet = Conditions(
        throttled=False,
        throttling="no",
        screen_on_start=True,
        screen_on_end=True,
        external_power="usb",
        plugged_end=True,
        charges=["charging", "full"],
        battery_percent_start=80,
        battery_percent_end=79,
    )
    assert run_flags([bench(100, 10), bench(98, 10.2), bench(102, 9.8)], quiet) == {}
    assert run_flags([], Conditions()) == {}


def test_speed_that_moves_from_the_first_to_the_last_launch() -> None:
    flags = run_flags([bench(100, 10), bench(100, 20), bench(102.9, 9.5)], Conditions())
    assert flags == {"unsteady": "from the first to the last measured launch decode moved by -5.0 %"}
    flags = run_flags([bench(100, 10), bench(104, 10.4)], Conditions())
    assert flags["unsteady"].endswith("prefill moved by +4.0 % and decode moved by +4.0 %")


@pytest.mark.parametrize(
    "launches",
    [
        [bench(100, 10)],
        [bench(50, 5, kind="warmup"), bench(100, 10), bench(100, 10)],
        [bench(50, 5, cold=True), bench(100, 10), bench(100, 10)],
        [bench(100, 10), bench(100, 10), bench(50, 5, verdict="failed")],
        [bench(100, 10), bench(100, 10), bench(90, 9, sampled=False)],
        [bench(None, 10), bench(100, 10)],
    ],
)
def test_launches_that_are_not_held_against_each_other(launches: list[Launch]) -> None:
    assert run_flags(launches, Conditions()) == {}


def test_throttled_and_seemingly_throttled() -> None:
    told = Conditions(throttled=True, throttling="yes", throttle_signs=["the thermal status rose to 3"])
    assert run_flags([], told) == {
        "throttled": "the phone held its processor back: the thermal status rose to 3"
    }
    seeming = replace(told, throttling="inferred")
    assert run_flags([], seeming)["throttled"].startswith("the phone seems to have held")


@pytest.mark.parametrize(
    ("asked", "state", "slug"),
    [
        (True, "on", None),
        (True, "unsupported", "not_steady"),
        (True, "refused", "not_steady"),
        (True, None, "not_steady"),
        (False, None, None),
        (False, "", None),
        (False, "left", "steady_left"),
    ],
)
def test_clocks_that_were_not_held(asked: bool, state: str | None, slug: str | None) -> None:
    assert list(run_flags([], Conditions(steady=state), steady=asked)) == ([slug] if slug else [])


@pytest.mark.parametrize(
    ("start", "end", "slug"),
    [
        (True, True, None),
        (True, False, "screen_changed"),
        (False, True, "screen_changed"),
        (False, False, "screen_off"),
        (False, None, "screen_off"),
        (None, False, "screen_off"),
        (None, None, None),
    ],
)
def test_screen(start: bool | None, end: bool | None, slug: str | None) -> None:
    found = run_flags([], Conditions(screen_on_start=start, screen_on_end=end))
    assert list(found) == ([slug] if slug else [])


@pytest.mark.parametrize(
    ("conditions", "sentence"),
    [
        (
            Conditions(external_power="none", plugged_end=True),
            "the phone was plugged in while the run went on",
        ),
        (Conditions(external_power="ac", plugged_end=False), "the phone was unplugged while the run went on"),
        (Conditions(charges=["charging", "discharging"]), "the battery was charging, then discharging"),
    ],
)
def test_power_that_changed(conditions: Conditions, sentence: str) -> None:
    assert run_flags([], conditions) == {"power_changed": sentence}


def test_saved_power() -> None:
    found = run_flags([], Conditions(battery_percent_start=25, battery_percent_end=20, power_saver=True))
    assert list(found) == ["power_saver", "battery_low"]
    assert found["battery_low"] == "the battery was at 20 %, from 20 % down phones save power"
