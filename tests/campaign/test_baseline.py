"""Saved baselines: written for git, read back, and matched to cells."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from devicehub.campaign.baseline import Baseline, make_baseline, match, read_baseline, write_baseline
from devicehub.campaign.judge import judge_cell
from devicehub.campaign.planned import Against, PhoneRef, ThingRef, Variant
from devicehub.errors import InputError
from tests.campaign.synthetic import MODELS, NEW_ENGINE, OLD_ENGINE, PHONES, make_outcomes, make_plan

_MODELS = {thing.id for thing in MODELS}
_ENGINES = {NEW_ENGINE.id, OLD_ENGINE.id}
_KINDS = ("good", "crashed", "left_out", "phone_away")


def _baseline() -> Baseline:
    """Of four cells, the first of which went well: SM8650 with the new engine."""
    plan = make_plan(cells=4, kinds=_KINDS)
    outcomes = make_outcomes(plan, launches=3, kinds=_KINDS)
    return make_baseline("release-3.6", plan, outcomes, created=5.0)


def _match(baseline: Baseline, **changed: Any) -> Against | None:
    fields: dict[str, Any] = {
        "phone": PHONES[0],
        "variant": Variant(model=MODELS[0], engine=NEW_ENGINE, profile="default"),
        "workload": "bench",
        "suite": None,
    } | changed
    catalogue = {"models": fields.pop("models", _MODELS), "engines": fields.pop("engines", _ENGINES)}
    return match(baseline, *fields.values(), **catalogue)


def test_keeps_what_went_well_and_says_what_did_not() -> None:
    baseline = _baseline()
    (entry,) = baseline.entries
    assert (entry.phone.soc, entry.model, entry.engine) == ("SM8650", MODELS[0], NEW_ENGINE)
    assert len(entry.launches) == 3
    values = sorted(launch.decode_tok_s or 0 for launch in entry.launches)
    assert entry.medians["decode_tok_s"] == values[1]
    assert entry.medians["fidelity"] == 1.0
    assert entry.conditions["charging"] == "full"
    assert entry.config_sha256 == "c" * 64
    assert sorted(baseline.without.values()) == ["phone_away", "profile_soc", "segfault"]


def test_file_reads_back_equal_and_is_the_same_each_time() -> None:
    baseline = _baseline()
    text = write_baseline(baseline)
    assert read_baseline(text, "release.json") == baseline
    assert write_baseline(read_baseline(text.decode(), "release.json")) == text
    assert max(len(line) for line in text.splitlines()) < 120


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "is not a saved baseline"),
        ("{}", "missing required field"),
        ("[" * 100_000, "is not a saved baseline"),
        (b"\xff", "is not a saved baseline"),
        ("\ud800", "is not a saved baseline"),
    ],
)
def test_file_that_is_none(text: str | bytes, problem: str) -> None:
    with pytest.raises(InputError, match=problem) as caught:
        read_baseline(text, "release.json")
    assert str(caught.value).startswith("release.json: ")


def test_file_of_another_version() -> None:
    text = write_baseline(replace(_baseline(), format=7))
    with pytest.raises(InputError, match="of format 7"):
        read_baseline(text, "release.json")


def test_another_engine_is_the_factor() -> None:
    newer = ThingRef(name="mnn-3.7.0", id="sha256-e3")
    found = _match(_baseline(), variant=Variant(model=MODELS[0], engine=newer, profile="default"))
    assert found is not None
    assert (found.by, found.problem, found.name) == ("engine", None, "release-3.6")
    assert found.variant.engine == NEW_ENGINE
    assert found.stored == _baseline().entries[0].medians
    assert found.config_sha256 == "c" * 64


def test_another_content_of_the_model_is_the_factor() -> None:
    requantized = ThingRef(name=MODELS[0].name, id="sha256-m9")
    found = _match(_baseline(), variant=Variant(model=requantized, engine=NEW_ENGINE, profile="default"))
    assert found is not None
    assert (found.by, found.problem, found.config_sha256) == ("model", None, None)
    assert found.variant.model == MODELS[0]


def test_nothing_differs() -> None:
    found = _match(_baseline())
    assert found is not None
    assert (found.by, found.problem) == ("engine", None)
    assert found.variant.engine == NEW_ENGINE


def test_two_factors_are_too_many() -> None:
    variant = Variant(
        model=ThingRef(name=MODELS[0].name, id="sha256-m9"), engine=OLD_ENGINE, profile="default"
    )
    found = _match(_baseline(), variant=variant)
    assert found is not None
    assert found.problem == "baseline_differs"
    app = _match(_baseline(), variant=Variant(model=MODELS[0], engine=None, profile="default"))
    assert app is not None
    assert app.problem == "baseline_differs"


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"engines": set()}, "engine mnn-3.6.1 (sha256-e2), which is not in the catalogue"),
        ({"models": set()}, "model qwen3-0.6b (sha256-m1), which is not in the catalogue"),
        ({"models": set(), "engines": set()}, "which are not in the catalogue"),
    ],
)
def test_what_is_not_in_the_catalogue_cannot_be_run_again(changed: dict[str, Any], words: str) -> None:
    found = _match(_baseline(), **changed)
    assert found is not None
    assert found.problem == "baseline_missing"
    assert words in (found.sentence or "")
    plan = make_plan(cells=1, kinds=["good"])
    cell = replace(plan.cells[0], against=found)
    outcome = replace(make_outcomes(plan, kinds=["good"])[1], base=None, compared=None)
    for known in (outcome, None):
        judged = judge_cell(plan, cell, known)
        assert (judged.state, judged.reason) == ("not_comparable", "baseline_missing")


@pytest.mark.parametrize(
    "changed",
    [
        {"phone": PHONES[2]},
        {"workload": "demo"},
        {"suite": "facts"},
        {"variant": Variant(model=MODELS[1], engine=NEW_ENGINE, profile="default")},
        {"variant": Variant(model=MODELS[0], engine=NEW_ENGINE, profile="opencl")},
        {
            "variant": Variant(
                model=MODELS[0], engine=NEW_ENGINE, profile="default", settings={"thread_num": 2}
            )
        },
    ],
)
def test_cell_of_another_kind_has_no_baseline(changed: dict[str, Any]) -> None:
    assert _match(_baseline(), **changed) is None


def test_another_phone_of_the_soc_is_held_against_it() -> None:
    baseline = _baseline()
    twin = PhoneRef(serial="X", serialno="X", soc="SM8650")
    found = _match(baseline, phone=twin)
    assert found is not None
    assert (found.problem, found.config_sha256) == (None, None)
    own = replace(baseline.entries[0], phone=twin, medians={"decode_tok_s": 1.0})
    both = replace(baseline, entries=[*baseline.entries, own])
    nearer = _match(both, phone=twin)
    assert nearer is not None
    assert nearer.stored == {"decode_tok_s": 1.0}


def test_engine_of_the_same_name_is_nearer() -> None:
    baseline = _baseline()
    old = replace(baseline.entries[0], engine=OLD_ENGINE)
    rebuilt = ThingRef(name=OLD_ENGINE.name, id="sha256-e7")
    found = _match(
        replace(baseline, entries=[*baseline.entries, old]),
        variant=Variant(model=MODELS[0], engine=rebuilt, profile="default"),
    )
    assert found is not None
    assert found.variant.engine == OLD_ENGINE


def test_configuration_that_changed_since_is_another_baseline() -> None:
    plan = make_plan(cells=1, kinds=["good"])
    outcome = make_outcomes(plan, kinds=["good"])[1]
    against = plan.cells[0].against
    assert against is not None
    states = [
        judge_cell(
            plan, replace(plan.cells[0], against=replace(against, name="old", config_sha256=saved)), outcome
        )
        for saved in ("c" * 64, "d" * 64)
    ]
    assert [(found.state, found.reason) for found in states] == [
        ("passed", None),
        ("not_comparable", "baseline_changed"),
    ]
