"""Runs of models with a fixture on a virtual phone: the share of right answers, or a run that failed."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING, Any

import pytest
import pytest_asyncio

from devicehub.adb.server import private_server
from devicehub.adb.shell import run_script
from devicehub.demo_model import demo_model_dir
from devicehub.dispatch.request import RunRequest
from devicehub.errors import InputError
from devicehub.hub import open_hub
from devicehub.models.fixture import Fixture
from devicehub.models.shelf import FixtureShelf
from devicehub.profiles.custom import Custom, Success
from devicehub.profiles.load import run_profile
from devicehub.settings import PHONE_ROOT, Home
from devicehub.sim.bundles import engine_bundle
from devicehub.sim.engine.scenario import EngineScript
from devicehub.sim.phone import PhoneSpec
from devicehub.workloads.llm_bench import BenchOptions
from tests.models.bad_weights import spoil, wear
from tests.sim.conftest import phone_or_skip

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from devicehub.device.model import Device
    from devicehub.hub import Hub
    from devicehub.models.catalog import Model
    from devicehub.runs.model import RunRecord
    from devicehub.sim.phone import VirtualPhone

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.slow]

ASKED = b"What is adb?\n"


class Lab:
    """One phone and its hub, with the demo model."""

    def __init__(self, hub: Hub, phone: VirtualPhone, device: Device) -> None:
        self.hub = hub
        self.phone = phone
        self.device = device
        self.engine = hub.engines.add(engine_bundle("virtual"), "plain")
        self.model = hub.models.add(demo_model_dir(), "tiny")

    async def run(
        self, model: Model | None = None, *, script: EngineScript | None = None, **asked: Any
    ) -> RunRecord:
        """One run of the demo model, or of another one."""
        request = RunRequest(
            run_id=self.hub.new_run_id(),
            engine=asked.pop("engine", self.engine),
            model=model or self.model,
            profile=run_profile("greedy-repeatable", self.hub.home),
            prompts=b"" if asked.get("workload") == "bench" else ASKED,
            **asked,
        )
        self.phone.set_engine_script(script)
        try:
            return (await self.hub.run(request, self.device)).record
        finally:
            self.phone.set_engine_script(None)

    def add_beside_good_fixture(self, folder: Path) -> Model:
        """A model of other content, as if that content had answered as the demo model does."""
        model = self.hub.models.add(folder)
        good = self.hub.models.fixture(self.model)
        assert good is not None
        FixtureShelf(self.hub.home).put(model.manifest.id, good)
        return model

    async def work_folders(self) -> list[str]:
        answer = await run_script(self.hub.transport(self.device), f"ls {PHONE_ROOT}/work", timeout_s=30)
        return answer.stdout.decode().split()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def lab(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Lab]:
    folder: Path = tmp_path_factory.mktemp("fidelity")
    async with (
        private_server(home=folder / "adb") as server,
        phone_or_skip(PhoneSpec(serialno="FIDELITY01"), [server.key_path]) as phone,
    ):
        hub = await open_hub(home=Home(folder / "home"), address=server.address)
        await hub.client.connect(phone.address)
        (device,) = await hub.devices()
        yield Lab(hub, phone, device)


def copy_of_demo_model(folder: Path) -> Path:
    shutil.copytree(demo_model_dir(), folder)
    return folder


async def test_first_run_of_a_combination_answers_and_the_next_one_remembers(lab: Lab) -> None:
    before = await lab.work_folders()
    own = {"n_gram": 9}
    first = await lab.run(overrides=own)
    assert (first.state, first.cause, first.fidelity) == ("succeeded", None, 1.0)
    assert (first.answered.run_id, first.answered.source) == (first.id, "unchecked")
    assert [answer.of for answer in first.answered.answers] == [32, 32, 13]
    assert [step.kind for step in first.steps] == ["fixture"] * 3 + ["measured"]
    assert [launch.kind for launch in first.launches] == ["measured"]
    assert first.launches[0].text is not None
    assert first.launches[0].text.startswith("adb is the Android Debug Bridge.")
    second = await lab.run(overrides=own)
    assert (second.fidelity, second.answered.run_id) == (1.0, first.id)
    assert [step.kind for step in second.steps] == ["measured"]
    third = await lab.run(overrides=own, verify_output=True)
    assert (third.fidelity, third.answered.run_id) == (1.0, third.id)
    # The folders in which fixtures were answered are gone: those of the run's own configuration stay.
    assert len(await lab.work_folders()) == len(before) + 1


async def test_other_configuration_has_not_answered_yet(lab: Lab) -> None:
    record = await lab.run(overrides={"precision": "high"})
    assert (record.fidelity, record.answered.run_id) == (1.0, record.id)


async def test_bench_answers_with_llm_demo_before_its_launches(lab: Lab) -> None:
    record = await lab.run(workload="bench", bench=BenchOptions(prompt_tokens=8, decode_tokens=4, repeats=1))
    assert (record.state, record.fidelity) == ("succeeded", 1.0)
    assert record.answered.run_id == record.id
    assert [row.tool for launch in record.launches for row in launch.records] == ["llm_bench"]


@pytest.mark.parametrize("mode", [11, 12, 14])
async def test_attention_that_garbles_small_heads_fails_the_run(
    lab: Lab, mode: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(InputError, match="with a model that is 128 wide that is garbage"):
        await lab.run(overrides={"attention_mode": mode})
    # What no check of the configuration knows shows in the answers.
    monkeypatch.setattr("devicehub.dispatch.config_fit.lint_settings", lambda *_: [])
    assert_wrong(await lab.run(overrides={"attention_mode": mode}))


async def test_engine_that_garbles_fails_the_run_and_what_was_remembered_holds_no_longer(lab: Lab) -> None:
    own = {"n_gram": 10}
    first = await lab.run(overrides=own)
    remembered = await lab.run(overrides=own, script=EngineScript(garble=True))
    assert (remembered.fidelity, remembered.answered.run_id) == (1.0, first.id)
    garbled = await lab.run(overrides=own, script=EngineScript(garble=True), verify_output=True)
    assert_wrong(garbled)
    assert_wrong(await lab.run(overrides=own, script=EngineScript(garble=True)))
    mended = await lab.run(overrides=own)
    assert (mended.fidelity, mended.answered.run_id) == (1.0, mended.id)


async def test_weights_of_a_bad_export_beside_a_good_ones_fixture(lab: Lab, tmp_path: Path) -> None:
    folder = copy_of_demo_model(tmp_path / "bad-export")
    spoil(folder)
    assert_wrong(await lab.run(lab.add_beside_good_fixture(folder)))


async def test_share_below_one_is_stored_and_fails_nothing(lab: Lab, tmp_path: Path) -> None:
    folder = copy_of_demo_model(tmp_path / "worn-export")
    wear(folder)
    record = await lab.run(lab.add_beside_good_fixture(folder))
    assert (record.state, record.cause) == ("succeeded", None)
    assert record.fidelity is not None
    assert 0.25 < record.fidelity < 0.95
    assert lab.hub.store.run(record.id).fidelity == record.fidelity


async def test_bad_export_that_was_asked_itself_says_that_its_source_is_unchecked(
    lab: Lab, tmp_path: Path
) -> None:
    folder = copy_of_demo_model(tmp_path / "own-export")
    spoil(folder)
    model = lab.hub.models.add(folder)
    assert isinstance(await lab.hub.models.make_fixture(model), Fixture)
    record = await lab.run(model)
    assert (record.fidelity, record.answered.source) == (1.0, "unchecked")


async def test_launch_that_fails_otherwise_is_no_wrong_answer(lab: Lab) -> None:
    record = await lab.run(script=EngineScript(refuse_load=True), overrides={"thread_num": 2})
    assert record.state == "failed"
    assert record.cause not in (None, "wrong_output")
    assert record.fidelity is None
    assert record.answered.reason is not None


async def test_model_without_a_fixture_says_why_it_has_no_fidelity(lab: Lab, tmp_path: Path) -> None:
    folder = copy_of_demo_model(tmp_path / "unasked")
    (folder / "config.json").write_text((folder / "config.json").read_text() + "\n")
    model = lab.hub.models.add(folder)
    record = await lab.run(model)
    assert (record.state, record.fidelity) == ("succeeded", None)
    assert record.answered.reason == lab.hub.models.fixture_reason(model)
    assert [step.kind for step in record.steps] == ["measured"]


async def test_custom_workload_has_no_fidelity(lab: Lab) -> None:
    command = Custom(command=("/system/bin/echo", "done"), success=(Success(regex="done"),))
    record = await lab.run(workload="custom", custom=command)
    assert (record.state, record.fidelity) == ("succeeded", None)
    assert record.answered.reason == "a custom workload answers no fixture"


def assert_wrong(record: RunRecord) -> None:
    """Failed for its answers, with both texts of each prompt."""
    assert (record.state, record.verdict, record.cause) == ("failed", "failed", "wrong_output")
    assert not record.trusted
    assert record.fidelity is not None
    assert record.fidelity < 0.25
    assert len(record.answered.answers) == 3
    for answer in record.answered.answers:
        assert answer.expected
        assert answer.text
        assert answer.matched < answer.of / 4
