"""A setting that was chosen is written as a run profile that is read back as it was measured."""

from __future__ import annotations

from pathlib import Path

import pytest

from devicehub.campaign.result import Front, FrontPoint
from devicehub.campaign.sweep_profile import profile_toml
from devicehub.profiles.load import check_text, run_profile
from devicehub.profiles.phone_values import PhoneValues, settle
from devicehub.profiles.run_file import RunFile
from devicehub.settings import Home
from tests.campaign.planted import plan_of

POINT = FrontPoint(
    cell=3,
    settings={"thread_num": 2, "attention_mode": 10},
    launches=12,
    prefill_tok_s=190.04,
    decode_tok_s=22.13,
    peak_memory_mib=701.0,
    fidelity=0.95,
    ranges={"decode_tok_s": (21.5, 22.9)},
    on_front=True,
)
FRONT = Front(
    soc="SM8650",
    model='a "quoted" \x7f\n model',
    engine="mnn-3.6.1",
    profile="default",
    workload="bench",
    phones=["A", "B"],
    points=[POINT],
)
PHONE = PhoneValues(vendor="qualcomm", ram=4, cores=8, big_cores=4)


def read_back(text: str) -> RunFile:
    file, problems = check_text(text, RunFile, Path("tuned.toml"))
    assert not problems
    assert file is not None
    return file


def test_evidence_stands_beside_each_key() -> None:
    text = profile_toml(FRONT, POINT, plan_of([]), RunFile(summary="x"))
    file = read_back(text)
    assert file.config == POINT.settings
    assert set(file.why) == set(POINT.settings)
    assert file.why["thread_num"] == (
        "campaign nightly (c1): 12 launches on 2 phones with SM8650, engine mnn-3.6.1; prefill 190 tok/s "
        "(190 to 190); decode 22.13 tok/s (21.5 to 22.9); peak memory 701 MiB (701 to 701); fidelity 95%; "
        "virtual phones: a figure of this host, not of a phone"
    )
    assert FRONT.model in file.summary


@pytest.mark.parametrize(
    "name", ["default", "memory-saver", "extreme-speed-cpu", "npu-qnn", "custom-llm-demo", "audio"]
)
def test_setting_wins_over_all_that_its_profile_sets(name: str, tmp_path: Path) -> None:
    base = run_profile(name, Home(tmp_path)).file
    file = read_back(profile_toml(FRONT, POINT, plan_of([]), base))
    measured = {**settle(base, PHONE).config, **POINT.settings}
    assert settle(file, PHONE).config == measured
    assert (file.workload, file.custom, file.takes, file.base) == (
        base.workload,
        base.custom,
        base.takes,
        base.base,
    )
    assert {
        key: why for key, why in base.why.items() if key not in POINT.settings
    }.items() <= file.why.items()


def test_values_of_every_kind_are_read_back() -> None:
    settings = {
        "temperature": 1e-7,
        "use_mmap": True,
        "chunk_limits": [128, 1],
        "mllm": {"thread_num": 2, "precision": "low"},
        "system_prompt": 'tab\t "q" \\ \x00\x7f \N{SNOWMAN}',
    }
    point = FrontPoint(cell=1, settings=settings, launches=1)
    assert read_back(profile_toml(FRONT, point, plan_of([]), RunFile(summary="x"))).config == settings
