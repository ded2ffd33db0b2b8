"""A run with everything that a view can show of one."""

from __future__ import annotations

from typing import Any

from msgspec.structs import replace

from devicehub.profiles.schema import GateSpec
from devicehub.runs.model import (
    Answer,
    ComparisonRef,
    Conditions,
    Course,
    Energy,
    Fidelity,
    Flag,
    GateEnd,
    Launch,
    Protocol,
    RunRecord,
    summarize,
)
from devicehub.runs.start import CpuCluster, Link
from tests.store.samples import launch, record

COOL = GateEnd(waited_s=42.4, timed_out=False, temp_mc=34900, zone="skin", throttled=False)
LATE = GateEnd(waited_s=600.0, timed_out=True, temp_mc=39100, zone="skin", throttled=True)
STANDARD = Protocol(
    id="standard",
    summary="llm_bench 512+128, 1 warm-up, 6 launches",
    workload="bench",
    launches=3,
    gate=GateSpec(),
    changed=("launches",),
)
CONDITIONS = Conditions(
    adb_server=41,
    adb_burst=True,
    usb_state="adb",
    screen="Awake",
    plugged="usb",
    temp_mc_start=29600,
    temp_mc_end=31000,
    temp_mc_highest=45300,
    battery_percent_start=80,
    battery_percent_end=79,
    mem_available_kib_lowest=2_000_000,
    rss_kib_highest=1_400_000,
    threads_highest=9,
    gpu_percent=Course(start=0, lowest=0, highest=37, end=3),
    gpu_khz=Course(start=220000, lowest=220000, highest=903000, end=220000),
    temps_mc={
        name: Course(start=30000 + 100 * number, lowest=30000, highest=45000 + 100 * number, end=33000)
        for number, name in enumerate(["skin", "battery", *(f"cpu-1-{core}-usr" for core in range(8))])
    },
    caps_khz={
        "policy0": Course(start=1804800, lowest=1804800, highest=1804800, end=1804800),
        "policy7": Course(start=3187200, lowest=2400000, highest=3187200, end=2600000),
    },
    thermal_status_highest=2,
    throttled=True,
    throttling="yes",
    throttle_signs=["policy7 was capped to 2400 MHz", "Android's thermal status was moderate"],
    samples=1800,
    build="acme/one/one:14/UP1A.231005.007/12345678:user/release-keys",
    security_patch="2026-02-05",
    cpus_online="0-7",
    clusters={
        "policy0": CpuCluster(
            cpus="0-3",
            governor="schedutil",
            khz=1200000,
            lowest_khz=300000,
            cap_khz=1804800,
            most_khz=2016000,
        ),
        "policy7": CpuCluster(cpus="7", governor="schedutil"),
    },
    usb_mode="adb only",
    link=Link(kind="usb", mbit_s=480, most_mbit_s=5000, told_by="adb server"),
    external_power="usb",
    charge="charging",
    charges=["charging", "full"],
    power_saver=False,
    screen_on_start=True,
    screen_on_end=False,
    locked_start=False,
    locked_end=True,
    skin_zone="skin",
    skin_mc_start=31200,
    skin_mc_highest=39100,
    agent="3f2a9c01d4e5",
    steady="refused",
)


def bench_launch(number: int, decode: float, **changed: Any) -> Launch:
    base = launch(number=number)
    row = replace(
        base.records[0], tool="llm_bench", decode_tok_s=decode, prompt_tokens=512, decode_tokens=128
    )
    fields: dict[str, Any] = {"records": [row], "text": None, "cold": False, "gate": COOL, "order": number}
    return replace(base, **fields | changed)


def rich_record(run_id: str = "20261123-025351-b54a47", **changed: Any) -> RunRecord:
    """A benchmark on a phone that grew warm, with answers that were not all as on the host."""
    late = Flag(slug="gate_timed_out", sentence="the gate's time was up: skin was at 39.1 °C, not at 35 °C")
    launches = [
        bench_launch(1, 9.01, kind="warmup", cold=True, gate=None),
        bench_launch(2, 9.21),
        bench_launch(3, 9.40, gate=LATE, flags=[late]),
        bench_launch(4, 9.30, gate=LATE, flags=[late]),
    ]
    answers = [
        Answer(prompt="What is two and two?", expected="Four.", text="Four.", matched=2, of=2),
        Answer(
            prompt="Name three colours.",
            expected="Red,\ngreen and blue are three colours that are often named first.",
            text="Red,\ngreen and yellow",
            matched=3,
            of=12,
        ),
    ]
    fields: dict[str, Any] = {
        "workload": "bench",
        "virtual": False,
        "protocol": STANDARD,
        "conditions": CONDITIONS,
        "fidelity": 0.35,
        "answered": Fidelity(share=0.357, answers=answers, run_id=run_id),
        "flags": [Flag(slug="unsteady", sentence="the figures drift: the last launch was 4.1 % slower")],
        "energy": Energy(
            joules_per_token=0.412,
            method="current times voltage over decoding, the idle phone's share taken off",
            joules=158.2,
            idle_w=0.61,
            tokens=384,
            raw={"current_now": "-812345", "voltage_now": "4012000", "status": "Discharging"},
        ),
        "sampling_cost": 0.0123,
        "comparison": ComparisonRef(id="c1", by="engine", arm="A", other="20261123-025351-0a1b2c"),
        "config": {"backend_type": "cpu", "thread_num": 4, "system_prompt": "You are helpful."},
        "launches": launches,
        "summary": summarize(launches),
    }  # fmt: skip
    return record(run_id=run_id, **fields | changed)
