"""Which words make a comparison, and which two runs they mean."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from devicehub.adb.wire import DeviceLine
from devicehub.demo_model import demo_model_dir
from devicehub.device.lifecycle import DeviceState
from devicehub.device.model import Device, Identity
from devicehub.device.select import select
from devicehub.dispatch.asking import Catalogue, check_ask
from devicehub.dispatch.comparing import (
    DEFAULT_PROTOCOLS,
    check_comparison,
    check_phones,
    find_arms,
    make_requests,
)
from devicehub.engines.catalog import EngineCatalog
from devicehub.errors import AskError, InputError, SelectionError
from devicehub.models.catalog import ModelCatalog
from devicehub.runs.ask import CompareAsk, RunAsk
from devicehub.settings import Home
from devicehub.sim.bundles import engine_bundle

if TYPE_CHECKING:
    from pathlib import Path

    from devicehub.dispatch.request import RunRequest


def phone(serial: str, serialno: str) -> Device:
    line = DeviceLine(serial, "device")
    return Device(DeviceState.READY, (line,), identity=Identity(serialno, f"boot-{serialno}"), virtual=True)


PHONES = [phone("S1", "SN1"), phone("S2", "SN2")]


@dataclass
class Typed:
    ask: CompareAsk

    def requests(self, hub: Catalogue) -> tuple[RunRequest, RunRequest]:
        check_comparison(self.ask)
        asked = check_ask(self.ask.run, hub.home, protocols=DEFAULT_PROTOCOLS)
        words = [[self.ask.a], [self.ask.b]] if self.ask.by == "phone" else [self.ask.run.selectors] * 2
        devices = check_phones(self.ask, [select(PHONES, said) for said in words])
        arms = find_arms(self.ask, asked, devices, hub)
        return make_requests(self.ask, asked, arms, hub, comparison_id="c", run_ids=("r1", "r2"))


def typed(by: Any, a: str, b: str, model: str = "tiny", **given: Any) -> Typed:
    return Typed(CompareAsk(by=by, a=a, b=b, run=RunAsk(**({"model": model, "workload": "bench"} | given))))


@pytest.fixture
def hub(tmp_path: Path) -> Catalogue:
    home = Home(tmp_path)
    made = Catalogue(home, ModelCatalog(home), EngineCatalog(home))
    for name in ("tiny", "other"):
        made.models.add(demo_model_dir(), name=name)
    for name in ("virtual", "virtual-logcat"):
        made.engines.add(engine_bundle(name), name)
    return made


def test_two_engines_on_one_phone(hub: Catalogue) -> None:
    a, b = typed("engine", "virtual", "virtual-logcat", selectors=("S1",)).requests(hub)
    assert a.engine is not None
    assert b.engine is not None
    assert (a.engine.name, b.engine.name) == ("virtual", "virtual-logcat")
    assert (a.model, a.profile, a.protocol, a.bench) == (b.model, b.profile, b.protocol, b.bench)
    assert a.comparison is not None
    assert b.comparison is not None
    assert (a.comparison.arm, b.comparison.arm, a.comparison.by) == ("A", "B", "engine")
    assert (a.comparison.other, b.comparison.other) == (b.run_id, a.run_id)
    assert a.comparison.id == b.comparison.id
    assert len({a.comparison.id, a.run_id, b.run_id}) == 3


def test_two_models(hub: Catalogue) -> None:
    given = typed("model", "tiny", "other", selectors=("S1",), engine="virtual")
    a, b = given.requests(hub)
    assert (a.model.name, b.model.name) == ("tiny", "other")
    assert a.engine == b.engine


def test_two_profiles(hub: Catalogue) -> None:
    given = typed("profile", "default", "greedy-repeatable", selectors=("S1",), engine="virtual")
    a, b = given.requests(hub)
    assert a.profile is not None
    assert b.profile is not None
    assert (a.profile.id, b.profile.id) == ("default", "greedy-repeatable")


def test_two_phones(hub: Catalogue) -> None:
    given = typed("phone", "S1", "SN2", engine="virtual")
    a, b = given.requests(hub)
    assert (a.run_id, b.run_id) == ("r1", "r2")
    first, second = check_phones(given.ask, [select(PHONES, ["S1"]), select(PHONES, ["SN2"])])
    assert (first.serial, second.serial) == ("S1", "S2")


@pytest.mark.parametrize(
    ("a", "b", "problem"),
    [
        ("S1", "SN1", "S1 and SN1 are one phone; name two"),
        ("all", "S1", "all means several phones: S1, S2"),
    ],
)
def test_words_that_name_no_two_phones(hub: Catalogue, a: str, b: str, problem: str) -> None:
    with pytest.raises(AskError, match=problem):
        typed("phone", a, b, engine="virtual").requests(hub)


def test_phone_that_is_not_there(hub: Catalogue) -> None:
    with pytest.raises(SelectionError, match="no phone matches --on S9"):
        typed("phone", "S1", "S9", engine="virtual").requests(hub)


def test_comparison_on_several_phones_is_refused(hub: Catalogue) -> None:
    with pytest.raises(AskError, match=r"compares on one phone, and --on means several: S1, S2"):
        typed("engine", "virtual", "virtual-logcat", selectors=("all",)).requests(hub)


def test_engine_that_is_not_there(hub: Catalogue) -> None:
    with pytest.raises(InputError):
        typed("engine", "virtual", "nothing", selectors=("S1",)).requests(hub)


def test_phones_that_take_several_engines_need_one_named(hub: Catalogue) -> None:
    with pytest.raises(InputError, match="name one with --engine"):
        typed("phone", "S1", "S2").requests(hub)


@pytest.mark.parametrize(
    ("case", "problem"),
    [
        (typed("engine", "a", "b", engine="c"), "a and b are the engines; leave --engine out"),
        (typed("profile", "a", "b", profile="c"), "a and b are the profiles; leave --profile out"),
        (typed("phone", "a", "b", selectors=("c",)), "a and b are the phones; leave --on out"),
        (typed("phone", "a", "a"), "a is one phone; name two"),
        (typed("engine", "a", "b", workload="app"), "MnnLlmChat brings its own engine"),
        (typed("profile", "a", "b", workload="app"), "MnnLlmChat reads the model's own configuration"),
        (typed("engine", "a", "b", protocol="none"), "a comparison needs a protocol"),
    ],
)
def test_words_that_make_no_comparison(case: Typed, problem: str) -> None:
    with pytest.raises(AskError) as caught:
        check_comparison(case.ask)
    assert problem in str(caught.value)


def test_thing_compared_with_itself_is_allowed() -> None:
    check_comparison(typed("engine", "a", "a").ask)
