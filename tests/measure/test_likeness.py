"""What two runs must share to be compared, and what follows from the factor that differs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
import pytest
from msgspec.structs import replace

from devicehub.measure.compare import Comparison, compare_records
from devicehub.measure.likeness import FACTORS
from devicehub.profiles.schema import GateSpec
from devicehub.runs.lifecycle import RunState
from devicehub.runs.model import Course, GateEnd, Launch
from devicehub.runs.start import CpuCluster, Link
from devicehub.workloads.suite import Suite, SuitePrompt
from tests.measure.halves import CONDITIONS, STANDARD, halves, launch

if TYPE_CHECKING:
    from devicehub.runs.model import RunRecord

_CONFIG = {"base_dir": "/data/local/tmp/mnn_models/m/", "thread_num": 4, "precision": "low"}
_OPTIONS = {"prompt_tokens": 512, "decode_tokens": 128, "repeats": 5, "extra": []}
_CLUSTERS = CONDITIONS.clusters


COOLED = Course(start=2400, lowest=2400, highest=3000, end=3000)
"""The cap of a phone that came warm and waited at its gate."""


def _cluster(**changed: Any) -> dict[str, CpuCluster]:
    return {**_CLUSTERS, "policy4": replace(_CLUSTERS["policy4"], **changed)}


def _compare(by: str | None, **changed: Any) -> Comparison:
    """Two equal halves but for what is changed of B; `conditions` changes some of them."""
    a, b = halves([{"decode_tok_s": 20.0 + place % 3} for place in range(8)], by=by or "engine")
    conditions = replace(CONDITIONS, **changed.pop("conditions", {}))
    return compare_records(a, replace(b, conditions=conditions, **changed), by=by)


def _unlike(found: Comparison) -> dict[str, tuple[str | None, str | None]]:
    return {facet.what: (facet.a, facet.b) for facet in found.unlike}


def _device(**changed: Any) -> Any:
    a, _ = halves([{"decode_tok_s": 1.0}] * 2)
    return replace(a.device, **changed)


def _engine(run_id: str) -> Any:
    a, _ = halves([{"decode_tok_s": 1.0}] * 2)
    return replace(a.engine, id=run_id)


def _model(run_id: str) -> Any:
    a, _ = halves([{"decode_tok_s": 1.0}] * 2)
    return replace(a.model, id=run_id)


_ALWAYS: list[tuple[str, dict[str, Any]]] = [
    ("workload", {"workload": "app"}),
    ("virtual", {"virtual": False}),
    ("asked prompt tokens", {"options": {**_OPTIONS, "prompt_tokens": 256}}),
    ("asked decode tokens", {"options": {**_OPTIONS, "decode_tokens": 64}}),
    ("protocol", {"protocol": None}),
    ("protocol launches", {"protocol": replace(STANDARD, launches=10)}),
    ("protocol gate", {"protocol": replace(STANDARD, gate=GateSpec(temp_c=40))}),
    ("protocol gate", {"protocol": replace(STANDARD, gate=None)}),
    ("protocol warmups", {"protocol": replace(STANDARD, warmups=2)}),
    ("prompts", {"prompts": 2}),
    ("charging", {"conditions": {"charge": "charging"}}),
    ("charging", {"conditions": {"charge": "discharging", "external_power": "none", "plugged_end": False}}),
    ("charging", {"conditions": {"plugged_end": False}}),
    ("throttled", {"conditions": {"throttled": True, "throttling": "yes"}}),
    ("throttled", {"conditions": {"throttled": True, "throttling": "inferred"}}),
    ("steady", {"steady": True, "conditions": {"steady": "on"}}),
    ("screen", {"conditions": {"screen_on_start": True, "screen_on_end": True}}),
    ("screen", {"conditions": {"screen_on_end": True}}),
    ("temperature at the start", {"conditions": {"skin_mc_start": 34001}}),
    ("temperature at the start", {"conditions": {"skin_mc_start": 27999}}),
    ("battery above 20 %", {"conditions": {"battery_percent_start": 20}}),
    ("battery above 20 %", {"conditions": {"battery_percent_end": 18}}),
]


@pytest.mark.parametrize("by", FACTORS)
@pytest.mark.parametrize(("what", "changed"), _ALWAYS)
def test_refuses_what_differs_whatever_the_factor(by: str, what: str, changed: dict[str, Any]) -> None:
    found = _compare(by, **changed)
    assert what in _unlike(found)
    assert not found.figures


_FOLLOWS: list[tuple[str, dict[str, Any], set[str]]] = [
    ("engine", {"engine": _engine("e-2")}, {"engine"}),
    ("model", {"model": _model("m-2")}, {"model"}),
    ("config base_dir", {"config": {**_CONFIG, "base_dir": "/data/m2/"}}, {"model"}),
    ("config tokenizer_file", {"config": {**_CONFIG, "tokenizer_file": "t.mtok"}}, {"model", "profile"}),
    ("profile", {"profile": "other"}, {"profile"}),
    ("config precision", {"config": {**_CONFIG, "precision": "high"}}, {"profile"}),
    ("config jinja.context.x", {"config": {**_CONFIG, "jinja": {"context": {"x": 1}}}}, {"profile"}),
    ("config thread_num", {"config": {**_CONFIG, "thread_num": 2}}, {"profile", "phone"}),
    ("config.json", {"config_sha256": "1" * 64}, {"profile"}),
    ("phone", {"device": _device(serialno="SN2")}, {"phone"}),
    ("Android", {"device": _device(android="15")}, {"phone"}),
    ("SoC", {"device": _device(soc=msgspec.structs.replace(_device().soc, model="SM8750"))}, {"phone"}),
    ("build", {"conditions": {"build": "sample/one/one:14/UP1A/2:user/release-keys"}}, {"phone"}),
    ("governor", {"conditions": {"clusters": _cluster(governor="performance")}}, {"phone"}),
    ("clocks", {"conditions": {"clusters": _cluster(most_khz=3200)}}, {"phone"}),
    ("caps", {"conditions": {"clusters": _cluster(cap_khz=2400)}}, {"phone"}),
    ("cores online", {"conditions": {"cpus_online": "0-6"}}, {"phone"}),
    ("link", {"conditions": {"link": Link(kind="tcp")}}, {"phone"}),
]


@pytest.mark.parametrize("by", FACTORS)
@pytest.mark.parametrize(("what", "changed", "follows"), _FOLLOWS)
def test_what_follows_from_the_factor_goes_with_it(
    by: str, what: str, changed: dict[str, Any], follows: set[str]
) -> None:
    found = _compare(by, **changed)
    if by in follows:
        assert not found.unlike
        assert what in {facet.what for facet in found.shown}
        assert found.figures["decode_tok_s"].pairs == 4
    else:
        assert list(_unlike(found)) == [what]


@pytest.mark.parametrize(
    "changed",
    [
        {"conditions": {"skin_mc_start": 34000}},
        {"conditions": {"temp_mc_start": 60000}},  # the hottest zone leaps
        {"conditions": {"battery_percent_start": 40, "battery_percent_end": 21}},
        {"conditions": {"charge": "not_charging"}},
        {"conditions": {"clusters": _cluster(khz=2400)}},  # what a core is just clocked at
        {"conditions": {"caps_khz": {"policy0": Course(start=1, lowest=1, highest=1, end=1)}}},
        {"conditions": {"clusters": _cluster(cap_khz=2400), "caps_khz": {"policy4": COOLED}}},
        {"conditions": {"usb_mode": "mtp", "adb_burst": True, "security_patch": "2026-01-01"}},
        {"protocol": replace(STANDARD, id="mine", summary="as the other", changed=("gate",))},
        {"device": _device(boot_id="b2", serial="host:5555")},
        {"limits": {"wall_s": 60}},
        {"sample_hz": 2.0},
    ],
)
def test_all_else_is_shown_and_forbids_nothing(changed: dict[str, Any]) -> None:
    assert not _compare("engine", **changed).unlike


@pytest.mark.parametrize(
    ("what", "conditions"),
    [
        ("charging", {"charge": None}),
        ("screen", {"screen_on_start": None}),
        ("temperature at the start", {"skin_mc_start": None, "temp_mc_start": None}),
        ("battery above 20 %", {"battery_percent_start": None, "battery_percent_end": None}),
        ("governor", {"clusters": {}}),
    ],
)
def test_known_of_one_alone_is_unlike_and_of_neither_alike(what: str, conditions: dict[str, Any]) -> None:
    told = _unlike(_compare("engine", conditions=conditions))
    assert what in told
    assert told[what][1] is None
    a, b = halves([{"decode_tok_s": 20.0}] * 4)
    bare = replace(CONDITIONS, **conditions)
    found = compare_records(replace(a, conditions=bare), replace(b, conditions=bare), by="engine")
    assert not found.unlike
    assert what in found.unknown


def test_half_of_a_list_that_was_not_sampled_is_as_unthrottled_as_the_other() -> None:
    unknown = {"throttled": None, "throttling": None}
    found = _compare("engine", conditions=unknown)
    assert not found.unlike
    assert ("throttled", "no", None) in [(facet.what, facet.a, facet.b) for facet in found.shown]
    assert list(_unlike(_compare("engine", conditions=unknown, comparison=None))) == ["throttled"]
    assert list(_unlike(_compare("phone", conditions=unknown))) == ["throttled"]
    a, b = halves([{"decode_tok_s": 20.0}] * 4)
    hot = replace(CONDITIONS, throttled=True, throttling="yes")
    bare = replace(CONDITIONS, throttled=None, throttling=None)
    found = compare_records(replace(a, conditions=hot), replace(b, conditions=bare), by="engine")
    assert _unlike(found) == {"throttled": ("yes", None)}


def test_both_throttled_are_alike_and_it_is_told() -> None:
    a, b = halves([{"decode_tok_s": 20.0}] * 4)
    a = replace(a, conditions=replace(CONDITIONS, throttled=True, throttling="yes"))
    b = replace(b, conditions=replace(CONDITIONS, throttled=True, throttling="inferred"))
    found = compare_records(a, b, by="engine")
    assert not found.unlike
    assert ("throttled", "yes", "inferred") in [(facet.what, facet.a, facet.b) for facet in found.conditions]


def test_steady_that_the_phone_refused_is_not_steady() -> None:
    held, refused = ({"conditions": replace(CONDITIONS, steady=word)} for word in ("on", "refused"))
    a, b = (replace(run, steady=True) for run in halves([{"decode_tok_s": 20.0}] * 4))
    assert "steady" in _unlike(compare_records(replace(a, **held), replace(b, **refused), by="phone"))
    assert not compare_records(replace(a, **refused), replace(b, **refused), by="phone").unlike


def test_mode_that_an_earlier_run_left_is_on() -> None:
    assert "steady" in _unlike(_compare("engine", conditions={"steady": "left"}))
    a, b = halves([{"decode_tok_s": 20.0}] * 4)
    left = replace(CONDITIONS, steady="left")
    assert not compare_records(replace(a, conditions=left), replace(b, conditions=left), by="engine").unlike


def _gated(run: RunRecord, *temps_mc: int, start_mc: int = 31000) -> RunRecord:
    """The run with these temperatures at the gates of its measured launches."""
    ends = iter(GateEnd(waited_s=1, timed_out=False, temp_mc=temp, zone="skin") for temp in temps_mc)
    launches = [replace(item, gate=next(ends)) if item.kind == "measured" else item for item in run.launches]
    return replace(run, launches=launches, conditions=replace(CONDITIONS, skin_mc_start=start_mc))


def test_gates_tell_the_start_of_a_phone_that_came_hot() -> None:
    a, b = halves([{"decode_tok_s": 20.0}] * 8)
    cool = _gated(a, 30000, 34000, 34500, 34800)
    # Of one list the second run begins warmer, and the one that waited was hot before.
    alike = compare_records(cool, _gated(b, 34500, 34600, 34700, 34800, start_mc=44000), by="engine")
    assert not alike.unlike
    unlike = compare_records(cool, _gated(b, *[38000] * 4), by="engine")
    assert _unlike(unlike) == {
        "temperature at the start": ("34.2 °C (skin, at the gates)", "38.0 °C (skin, at the gates)")
    }


def test_demo_asks_for_tokens_by_its_configuration_and_its_prompts() -> None:
    a, b = (replace(run, workload="demo", options={}) for run in halves([{"decode_tok_s": 20.0}] * 4))
    longer = replace(b, config={**_CONFIG, "max_new_tokens": 64})
    for by in FACTORS:
        assert list(_unlike(compare_records(a, longer, by=by))) == ["config max_new_tokens"]
    other = replace(b, launches=[_with_prompt(item, 13) for item in b.launches])
    assert list(_unlike(compare_records(a, other, by="engine"))) == ["prompt tokens"]
    assert not compare_records(a, other, by="model").unlike


def _with_prompt(item: Launch, tokens: int) -> Launch:
    return replace(item, records=[replace(record, prompt_tokens=tokens) for record in item.records])


def test_app_names_the_model_and_its_package_among_its_options() -> None:
    options = {"model_dir": "/d/m", "model_name": "m", "package": "p", "api_port": 8080, "prompts": ["Hi"]}
    a, b = (replace(run, workload="app", options=options) for run in halves([{"decode_tok_s": 20.0}] * 4))

    def unlike(by: str, **changed: Any) -> list[str]:
        return list(_unlike(compare_records(a, replace(b, options={**options, **changed}), by=by)))

    assert unlike("model", model_dir="/d/m2", model_name="m2") == []
    assert unlike("engine", package="p.release", api_port=9000) == []
    assert unlike("phone", package="p.release") == ["asked package"]
    assert unlike("model", prompts=["Hello"]) == ["asked prompts"]


def test_custom_command_belongs_to_the_run_profile() -> None:
    a, b = (replace(run, workload="custom") for run in halves([{"decode_tok_s": 20.0}] * 4))
    b = replace(b, options={**_OPTIONS, "command": ["llm_demo"]})
    assert not compare_records(a, b, by="profile").unlike
    assert list(_unlike(compare_records(a, b, by="engine"))) == ["asked command"]


def test_one_factor_is_found_and_two_are_refused() -> None:
    found = _compare(None, engine=_engine("e-2"), comparison=None)
    assert (found.by, found.unlike) == ("engine", [])
    found = _compare(
        None, engine=_engine("e-2"), device=_device(serialno="SN2", android="15"), comparison=None
    )
    assert found.by is None
    assert list(_unlike(found)) == ["engine", "phone"]


def test_another_factor_than_the_named_one_is_refused() -> None:
    found = _compare("engine", model=_model("m-2"))
    assert list(_unlike(found)) == ["model"]


def test_like_is_compared_with_like() -> None:
    found = _compare("engine")
    assert not found.differs
    assert not found.unlike
    assert _compare("engine", engine=_engine("e-2")).differs


@pytest.mark.parametrize("cause", ["wrong_output", "suspended", "clock_step"])
def test_well_looking_launches_of_a_spoilt_run_are_refused(cause: str) -> None:
    found = _compare(
        "engine", state=RunState.FAILED, verdict="failed", cause=cause, trusted=False, trust_reasons=["x"]
    )
    assert _unlike(found)["result"] == ("succeeded", f"failed: {cause}")


def test_speed_of_a_model_that_fails_its_suite_is_compared() -> None:
    failed: dict[str, Any] = {"state": RunState.FAILED, "verdict": "failed", "cause": "suite_failed"}
    assert not _compare("engine", **failed).unlike
    doubted = _compare("engine", **failed, trusted=False, trust_reasons=["it stalled"])
    assert _unlike(doubted)["result"][1] == "not trusted: it stalled"


def test_prompts_of_another_suite_are_refused() -> None:
    suite = Suite(name="basics", prompts=(SuitePrompt(id="1", text="?", equals="4"),))
    assert _unlike(_compare("engine", asked_suite=suite))["suite"] == (None, "basics")


def test_untrusted_run_is_refused() -> None:
    found = _compare("engine", trusted=False, trust_reasons=["nobody saw whether the phone slept"])
    assert _unlike(found)["result"][1] == "not trusted: nobody saw whether the phone slept"


def test_run_without_figures_is_refused() -> None:
    failed = [launch(1, 4, verdict="failed", cause="segfault")]
    found = _compare("engine", launches=failed, state=RunState.FAILED, verdict="failed", cause="segfault")
    assert _unlike(found)["result"][1] == "no launch that counts (failed: segfault)"


def test_run_that_failed_halfway_gives_its_complete_pairs() -> None:
    a, b = halves([{"decode_tok_s": 20.0 + place % 3} for place in range(8)])
    b = replace(
        b,
        launches=[*b.launches[:-1], replace(b.launches[-1], verdict="failed", cause="segfault", records=[])],
        state=RunState.FAILED,
        verdict="failed",
        cause="segfault",
        trusted=False,
        trust_reasons=["the run is failed: segfault"],
    )
    found = compare_records(a, b, by="engine")
    assert not found.unlike
    assert found.pairs == 3
    assert found.left_out == ["launch 5 of A: its neighbour is missing", "launch 5 of B: segfault"]


def test_cold_against_warm_is_refused() -> None:
    def cold(run: RunRecord) -> RunRecord:
        return replace(run, launches=[replace(item, cold=True) for item in run.launches])

    a, b = halves([{"decode_tok_s": 20.0 + place % 3} for place in range(8)])
    assert _unlike(compare_records(a, cold(b), by="engine"))["cold or warm"] == ("warm", "cold")
    assert not compare_records(cold(a), cold(b), by="engine").unlike
