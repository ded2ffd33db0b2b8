"""Plans: which cells there are, in which order, and which of them are left out."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Final

import msgspec
import pytest

from devicehub.adb.wire import DeviceLine
from devicehub.campaign.asks import cell_ask, column_asks
from devicehub.campaign.file import CampaignFile, check_campaign
from devicehub.campaign.fit import HubHost, phone_ref
from devicehub.campaign.plan import Asked, Column, Refusal, make_plan
from devicehub.campaign.planned import Against, PhoneRef, Push, ThingRef, Variant
from devicehub.device.identify import Identification
from devicehub.device.lifecycle import DeviceState
from devicehub.device.model import Device, Identity
from devicehub.device.soc import SocFacts
from devicehub.dispatch.asking import Catalogue
from devicehub.engines.catalog import Engine, EngineCatalog
from devicehub.engines.features import EngineFeatures
from devicehub.manifest import FileEntry, Manifest
from devicehub.models.catalog import ModelCatalog
from devicehub.runs.ask import CompareAsk, RunAsk
from devicehub.settings import Home
from tests.models.make_folder import TIED, make_model

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from devicehub.campaign.planned import Plan

P, Q = (
    PhoneRef(serial="P", serialno="P", vendor="qualcomm", soc="SM8650"),
    PhoneRef(serial="Q", serialno="Q", vendor="mediatek", soc="MT6989"),
)


@dataclass
class FakeHost:
    """Knows what a test tells it."""

    refused: dict[tuple[str, str], Refusal] = field(default_factory=dict)
    saved: Against | None = None

    def engine(self, _phone: PhoneRef, name: str | None) -> ThingRef | Refusal:
        if name == "none":
            return Refusal("no_engine", "there is none")
        return ThingRef(name=name or "fitting", id=f"{name or 'fitting'}-1")

    def profile_config(self, name: str) -> dict[str, Any]:
        return {"backend_type": "opencl"} if name == "extreme-speed-opencl" else {}

    def refusal(self, phone: PhoneRef, variant: Variant, _column: Column) -> Refusal | None:
        return self.refused.get((phone.serial, variant.profile))

    def against(self, _phone: PhoneRef, _variant: Variant, _column: Column) -> Against | None:
        return self.saved

    def matches(self, phone: PhoneRef, selectors: Sequence[str]) -> bool:
        return phone.serial in selectors

    def estimate_s(self, _phone: PhoneRef, _variant: Variant, _column: Column, launches: int) -> float:
        return 10.0 * launches

    def pushes(self, phone: PhoneRef, variant: Variant) -> list[Push]:
        return [Push(serialno=phone.serialno, kind="model", name=variant.model.name, size=30_000_000)]


def plan(text: str, host: FakeHost | None = None, *, seed: int = 1) -> Plan:
    file, problems = check_campaign(text, "lab.toml")
    assert not problems, problems
    assert file is not None
    names = dict.fromkeys([*file.models, *([file.baseline.model] if file.baseline else [])])
    asked = Asked(
        file=file,
        text=text,
        phones=(P, Q),
        models={name: ThingRef(name=name, id=f"{name}-1") for name in names if name},
        suites={name: name.removesuffix(".toml") for name in file.suites},
        launches={"bench": 3, "demo": 2, "suite:basics": 4, "eval": 1},
    )
    return make_plan(asked, host or FakeHost(), plan_id="c1", name="lab", created=100.0, seed=seed)


BASE: Final = 'phones = ["all"]\nmodels = ["m1", "m2"]\nengines = ["new"]\n'


def test_cells_are_phones_by_models_by_profiles_by_columns() -> None:
    made = plan(
        BASE + 'profiles = ["default", "precision"]\nworkloads = ["bench"]\nsuites = ["basics.toml"]\n'
    )
    assert len(made.cells) == 2 * 2 * 2 * 2
    assert [cell.number for cell in made.cells] == list(range(1, 17))
    assert made.cells[0].name == "SM8650 P / m1 / new / default / bench"
    assert made.cells[1].suite == "basics"
    assert len({cell.name for cell in made.cells}) == 16
    assert made.estimate_s == sum(cell.estimate_s for cell in made.cells[:8]) + 2.0


def test_order_holds_each_cell_once_with_the_variants_of_a_question_side_by_side() -> None:
    text = BASE + 'profiles = ["default", "precision", "memory-saver"]\n'
    made = plan(text)
    assert sorted(number for numbers in made.order.values() for number in numbers) == list(range(1, 13))
    for numbers in made.order.values():
        models = [made.cells[number - 1].variant.model.name for number in numbers]
        assert models in (["m1"] * 3 + ["m2"] * 3, ["m2"] * 3 + ["m1"] * 3)
    assert plan(text).order == made.order
    assert len({str(plan(text, seed=seed).order) for seed in range(5)}) > 1
    assert plan("seed = 3\n" + text, seed=9).order == plan("seed = 3\n" + text, seed=8).order


def test_baseline_runs_beside_the_others_and_is_no_cell() -> None:
    made = plan(BASE.replace('["new"]', '["new", "old"]') + '[baseline]\nengine = "old"\n')
    assert {cell.variant.engine.name for cell in made.cells if cell.variant.engine} == {"new"}
    against = made.cells[0].against
    assert against is not None
    assert against.variant.engine == ThingRef(name="old", id="old-1")
    assert made.cells[0].estimate_s == 60.0
    assert any("engine old is the baseline" in note for note in made.notes)
    file, _ = check_campaign(made.file, "lab.toml")
    assert file is not None
    ask = cell_ask(column_asks(file, {}, {}, protocol_workload=None), made.cells[0])
    assert isinstance(ask, CompareAsk)
    assert (ask.by, ask.a, ask.b, ask.run.model, ask.run.engine) == ("engine", "old-1", "new-1", "m1", None)


def test_only_variant_is_held_against_itself_where_it_is_the_baseline() -> None:
    made = plan(BASE + '[baseline]\nprofile = "default"\n')
    against = made.cells[0].against
    assert against is not None
    assert against.variant == made.cells[0].variant


def test_baseline_that_cannot_run_there_says_so() -> None:
    host = FakeHost(refused={("P", "precision"): Refusal("profile_unfit", "it is too old")})
    made = plan(BASE + '[baseline]\nprofile = "precision"\n', host)
    problems = {cell.phone.serial: cell.against and cell.against.problem for cell in made.cells}
    assert problems == {"P": "baseline_unfit", "Q": None}


def test_saved_baseline_that_has_nothing_for_a_cell_is_noted() -> None:
    made = plan(BASE + '[baseline]\nname = "rel"\n')
    assert any("the baseline has nothing for 4 cells" in note for note in made.notes)


def test_limits_hold_where_they_are_meant_and_their_figure_is() -> None:
    made = plan(
        BASE
        + 'workloads = ["bench"]\nsuites = ["basics.toml"]\n'
        + '[[limit]]\ndemand = "decode_tok_s >= 20"\nphones = ["P"]\n'
        + '[[limit]]\ndemand = "suite >= 50 %"\n'
        + '[[limit]]\ndemand = "fidelity >= 99 %"\nmodels = ["m2"]\n'
        + '[[limit]]\ndemand = "accuracy >= 50 %"\n'
    )
    held = {cell.name: cell.limits for cell in made.cells}
    assert held["SM8650 P / m1 / new / default / bench"] == (0,)
    assert held["SM8650 P / m2 / new / default / bench"] == (0, 2)
    assert held["MT6989 Q / m1 / new / default / bench"] == ()
    assert held["MT6989 Q / m1 / new / default / basics"] == (1,)
    assert any("accuracy >= 50 %" in note for note in made.notes)


def test_what_is_left_out_is_a_cell_with_its_reason_and_not_in_the_order() -> None:
    host = FakeHost(refused={("P", "default"): Refusal("memory", "it is too large")})
    made = plan(BASE, host)
    out = [cell for cell in made.cells if cell.left_out]
    assert [(cell.phone.serial, cell.left_out, cell.left_out_why) for cell in out] == [
        ("P", "memory", "it is too large")
    ] * 2
    assert made.order["P"] == []
    assert len(made.order["Q"]) == 2


def test_things_are_pushed_once_a_phone() -> None:
    made = plan(BASE + 'profiles = ["default", "precision"]\n')
    assert sorted((push.serialno, push.name) for push in made.pushes) == [
        (serial, model) for serial in "PQ" for model in ("m1", "m2")
    ]


def test_sweep_makes_a_cell_of_each_setting_in_groups() -> None:
    made = plan(BASE + '[sweep]\nthreads = [2, 4]\nprecision = ["low", "high"]\n')
    assert len(made.cells) == 2 * 2 * 4
    assert len({cell.group for cell in made.cells}) == 4
    assert made.cells[0].variant.settings


def test_settings_are_those_that_make_a_difference_over_a_profile() -> None:
    profiles = 'profiles = ["default", "extreme-speed-opencl"]\n'
    made = plan(BASE + profiles + "[sweep]\nthreads = [2, 4]\n")
    mine = [cell for cell in made.cells if cell.phone == P and cell.variant.model.name == "m1"]
    assert [(cell.variant.profile, cell.variant.settings) for cell in mine] == [
        ("default", {"thread_num": 2}),
        ("default", {"thread_num": 4}),
        ("extreme-speed-opencl", {"thread_num": 68}),
    ]
    made = plan(BASE + profiles + '[sweep]\nkv = ["plain", "kv8"]\n')
    assert [cell.variant.settings for cell in made.cells[:3]] == [
        {"attention_mode": 8}, {"attention_mode": 10}, {}
    ]  # fmt: skip


# What the hub itself knows

ARM: Final = EngineFeatures(
    abi="arm64-v8a", backends=("cpu", "qnn", "hexagon"), omni=False, hexagon_skels=("v79",),
    htp_skels=("v79",), htp_stubs=("v79",), qnn_files=("libQnnHtp.so", "libQnnSystem.so"),
)  # fmt: skip


def device(serial: str, vendor: Any, soc: str, *, htp: str | None = None, ram_kib: int = 8 << 20) -> Device:
    facts = Identification(
        product="One", manufacturer=None, android="14", sdk=34, abis=("arm64-v8a",),
        soc=SocFacts(vendor=vendor, model=soc, name=None, gpu=None, htp=htp), ram_kib=ram_kib,
    )  # fmt: skip
    line = DeviceLine(serial, "device")
    return Device(DeviceState.READY, (line,), Identity(serial, "b"), facts=facts)


@pytest.fixture
def host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> HubHost:
    home = Home(tmp_path / "home")
    models = ModelCatalog(home)
    models.add(make_model(tmp_path / "tiny"))
    seeing = make_model(tmp_path / "seeing", llm_config={**TIED, "is_visual": True})
    for name in ("visual.mnn", "visual.mnn.weight"):
        (seeing / name).write_bytes(b"graph")
    models.add(seeing)
    manifest = Manifest(
        (FileEntry("llm_bench", 1, "0" * 64, 0o755), FileEntry("llm_demo", 1, "0" * 64, 0o755))
    )
    engine = Engine(
        id="e-1", name="e", root=tmp_path, manifest=manifest,
        executables=("llm_bench", "llm_demo"), features=ARM, origin="",
    )  # fmt: skip
    plain = replace(engine, id="plain-1", name="plain", features=replace_features(omni=True))
    monkeypatch.setattr(EngineCatalog, "list", lambda _self: [engine, plain])
    devices = [
        device("P", "qualcomm", "SM8650", htp="v75"),
        device("Q", "mediatek", "MT6989", ram_kib=1024),
    ]
    catalogue = Catalogue(home, models, EngineCatalog(home))
    asks = {"bench": RunAsk(model="?", workload="bench")}
    return HubHost(catalogue, devices, asks, holdings={}, lengths=lambda _serialno, _model: [])


def replace_features(**changed: object) -> EngineFeatures:
    return msgspec.structs.replace(
        ARM, backends=("cpu",), hexagon_skels=(), htp_skels=(), htp_stubs=(), **changed
    )


@pytest.mark.parametrize(
    ("phone", "model", "engine", "profile", "slug", "words"),
    [
        ("Q", "tiny", "plain", "npu-hexagon", "profile_unfit", "is for Qualcomm's NPU"),
        ("P", "tiny", "e", "npu-hexagon", "engine_unfit", "libQnnHtpV75Skel.so"),
        ("P", "seeing", "e", "vision", "profile_unfit", "takes text alone"),
        ("Q", "tiny", "plain", "default", "memory", "of memory"),
        ("P", "tiny", "other", "default", "no_engine", "is not in the catalogue"),
    ],
)
def test_reasons_to_leave_a_cell_out(
    host: HubHost, phone: str, model: str, engine: str, profile: str, slug: str, words: str
) -> None:
    refs = {ref.serial: ref for ref in map(phone_ref, host.devices)}
    found = host.engine(refs[phone], engine)
    if isinstance(found, ThingRef):
        thing = host.model(model)
        variant = Variant(model=ThingRef(name=model, id=thing.id), engine=found, profile=profile)
        refusal = host.refusal(refs[phone], variant, Column("bench"))
    else:
        refusal = found
    assert refusal is not None
    assert refusal.slug == slug
    assert words in refusal.sentence


def test_what_fits_is_not_left_out(host: HubHost) -> None:
    ref = phone_ref(host.devices[0])
    engine = host.engine(ref, "plain")
    assert isinstance(engine, ThingRef)
    variant = Variant(model=ThingRef(name="tiny", id="x"), engine=engine, profile="default")
    assert host.refusal(ref, variant, Column("bench")) is None


def test_lengths_of_earlier_runs_estimate_the_next(host: HubHost) -> None:
    ref = phone_ref(host.devices[0])
    variant = Variant(model=ThingRef(name="tiny", id="x"), engine=None, profile="default")
    assert host.estimate_s(ref, variant, Column("bench"), 2) == pytest.approx(10.0, abs=0.1)


def test_default_columns() -> None:
    file = CampaignFile(phones=("all",), models=("m",))
    assert file.columns() == ("bench",)
