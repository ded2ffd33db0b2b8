"""Jobs of exports: what they tell and hand on, with a stand-in that makes the demo model of any source."""

from __future__ import annotations

import asyncio
import shutil
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from devicehub.api import contract, export_methods, exporting
from devicehub.api.export_methods import ExportMethods
from devicehub.api.jobs import Jobs
from devicehub.clock import SystemClock
from devicehub.demo_model import demo_model_dir
from devicehub.errors import AskError, InputError, SelectionError
from devicehub.export.acceptance import Acceptance
from devicehub.export.errors import ExportFailed
from devicehub.export.logits_question import Fidelity
from devicehub.export.parent import Exported
from devicehub.export.progress import Progress
from devicehub.export.result import ChildResult
from devicehub.export.stages import Stage
from devicehub.models.catalog import ModelCatalog
from devicehub.settings import Home
from tests.api.test_screen import device
from tests.export.checkpoints import make_checkpoint

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from devicehub.api.model import JobChanged, JobView
    from devicehub.export.feed import Order

RESULT = ChildResult(error="", seconds=1, peak_bytes=5, versions={}, options=[])


class Maker:
    """In place of `make_model`: tells two stages, writes a log, and copies the demo model."""

    def __init__(self) -> None:
        self.orders: list[Order] = []
        self.fails: set[str] = set()
        self.skipped = ""
        self.go_on = asyncio.Event()
        self.go_on.set()

    async def __call__(
        self, order: Order, *, on_stage: Callable[[Progress], None], clock: SystemClock
    ) -> Exported[Acceptance]:
        self.orders.append(order)
        order.log.parent.mkdir(parents=True, exist_ok=True)
        order.log.write_text(f"made by {order.plan.recipe_id} \u2705 llmexport\n", encoding="utf-8")
        on_stage(Progress(Stage.LOAD, 1, 2, None, 0.0, 0.0, None))
        await self.go_on.wait()
        on_stage(Progress(Stage.QUANTIZE, 2, 2, 0.5, 0.5, 1.0, 1.0))
        if order.plan.recipe_id in self.fails:
            raise ExportFailed(order.plan.source.folder, "quantize", "odd", tail=["a line"], log=order.log)
        await asyncio.to_thread(shutil.copytree, demo_model_dir(), order.out)
        near = None if self.skipped else Fidelity(mean=0.97, lowest=0.9, positions=32)
        accepted = Acceptance(near, self.skipped, 4, ("odd but right",))
        return Exported(order.out, accepted, RESULT, {Stage.LOAD: 1.0}, 2.0, ())


class Desk:
    def __init__(self, folder: Path, maker: Maker) -> None:
        self.home = Home(folder / "home")
        self.models = ModelCatalog(self.home)
        self.maker = maker
        self.source = make_checkpoint(folder / "Tiny-1M")
        self.told: list[Any] = []
        self.jobs = Jobs(lambda _topic, event, _key: self.told.append(event), SystemClock())
        phones = SimpleNamespace(devices=list, settled=self._settled)
        hub: Any = SimpleNamespace(
            catalogue=SimpleNamespace(models=self.models, engines=None, home=self.home),
            jobs=self.jobs,
            clock=SystemClock(),
            phones=phones,
        )
        self.hub = hub
        self.methods = ExportMethods(hub)
        self.caller: Any = SimpleNamespace(client="test")

    async def _settled(self) -> None:
        pass

    async def export(self, **params: Any) -> JobView:
        begun = await self.methods.start(self.params(**params), self.caller)
        return await self.jobs.wait(begun.id)

    def params(self, **params: Any) -> contract.Export:
        return contract.Export(**{"source": str(self.source), "fixture": False, **params})


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Desk:
    maker = Maker()
    monkeypatch.setattr(exporting, "make_model", maker)
    monkeypatch.setattr(export_methods, "check_extra", lambda: None)
    return Desk(tmp_path, maker)


async def test_a_model_that_was_made_is_in_the_catalogue_and_its_figures_in_the_result(desk: Desk) -> None:
    async with desk.jobs:
        ended = await desk.export(text=str(demo_model_dir() / "llm_config.json"))
    assert ended.state == "done", ended.error
    (row,) = ended.result["variants"]
    assert (row["recipe"], row["name"], row["pareto"]) == ("default", "Tiny-1M-default", True)
    assert row["folder"] == str(desk.models.get("Tiny-1M-default").root)
    assert (row["cosine"], row["took_s"], row["peak_bytes"]) == (0.97, {"load": 1.0}, 5)
    assert row["decode_tok_s"] > 0
    assert row["perplexity"] > 1
    assert row["size"] > 10**6
    assert "default: warning: odd but right" in ended.told
    stages = [event.job.stage.stage for event in changes(desk) if event.job.stage]
    assert list(dict.fromkeys(stages)) == ["load", "quantize"]


def changes(desk: Desk) -> list[JobChanged]:
    return [event for event in desk.told if hasattr(event.job, "stage")]


async def test_several_go_on_where_one_fails_and_the_result_tells_why(desk: Desk) -> None:
    desk.maker.fails = {"precision-8bit"}
    async with desk.jobs:
        ended = await desk.export(recipes=["default", "precision-8bit", "precision-awq", "memory-lm4"])
    assert ended.state == "done", ended.error
    assert [row["recipe"] for row in ended.result["variants"]] == ["default", "memory-lm4"]
    failed, refused = ended.result["skipped"]
    assert (failed["recipe"], refused["recipe"]) == ("precision-8bit", "precision-awq")
    assert "stage quantize: odd" in failed["reason"]
    assert "calibrate" in refused["reason"]
    assert [order.plan.recipe_id for order in desk.maker.orders] == [
        "default",
        "precision-8bit",
        "memory-lm4",
    ]


async def test_one_that_fails_is_the_end_of_its_job(desk: Desk) -> None:
    desk.maker.fails = {"default"}
    async with desk.jobs:
        ended = await desk.export()
    assert (ended.state, ended.error_kind) == ("failed", "ExportFailed")
    assert ended.error is not None
    assert "a line" in ended.error
    assert not desk.models.list()


async def test_what_could_not_be_compared_says_so(desk: Desk) -> None:
    desk.maker.skipped = "its logits were not compared: no memory"
    async with desk.jobs:
        ended = await desk.export()
    assert ended.result["variants"][0]["cosine"] is None
    assert ended.result["variants"][0]["unchecked"] == desk.maker.skipped
    assert f"default: {desk.maker.skipped}" in ended.told


async def test_the_second_export_waits_for_the_first_and_cancelling_it_leaves_the_first(desk: Desk) -> None:
    desk.maker.go_on.clear()
    async with desk.jobs:
        first = await desk.methods.start(desk.params(), desk.caller)
        second = await desk.methods.start(desk.params(name="other"), desk.caller)
        while not (desk.maker.orders and desk.jobs.find(second.id).told):
            await desk.hub.clock.sleep(0)
        assert "another export is under way" in desk.jobs.find(second.id).told[0]
        assert (await desk.jobs.cancel(second.id)).state == "cancelled"
        desk.maker.go_on.set()
        assert (await desk.jobs.wait(first.id)).state == "done"
    assert len(desk.maker.orders) == 1


async def test_the_log_is_read_on_from_where_one_was(desk: Desk) -> None:
    async with desk.jobs:
        ended = await desk.export()
        page = await desk.methods.log(contract.ExportLog(job=ended.id), desk.caller)
        assert page.text == "made by default \u2705 llmexport\n"
        rest = await desk.methods.log(contract.ExportLog(job=ended.id, first=page.next), desk.caller)
        assert (rest.text, rest.next) == ("", page.next)
        # Within the mark, which has three bytes.
        cut = await desk.methods.log(contract.ExportLog(job=ended.id, first=17), desk.caller)
        assert cut.text.endswith(" llmexport\n")
        assert cut.next == page.next


async def test_a_job_without_an_export_has_no_log(desk: Desk) -> None:
    async with desk.jobs:
        with pytest.raises(InputError, match="no such job"):
            await desk.methods.log(contract.ExportLog(job="x"), desk.caller)


async def test_no_phone_for_a_push_is_told_and_the_model_stays(desk: Desk) -> None:
    async with desk.jobs:
        ended = await desk.export(push_to=["all"], then_run="default")
    assert ended.state == "done", ended.error
    assert any("was not pushed" in said for said in ended.told)
    assert any("does not run" in said for said in ended.told)


@pytest.mark.parametrize(
    ("params", "error", "sentence"),
    [
        ({"then_run": "nothing"}, InputError, "nothing"),
        ({"push_to": ["colour=red"]}, SelectionError, "colour"),
        ({"recipes": ["none"]}, InputError, "no such recipe"),
    ],
)
async def test_what_cannot_be_meant_is_refused_before_there_is_a_job(
    desk: Desk, params: dict[str, Any], error: type[Exception], sentence: str
) -> None:
    desk.hub.phones.devices = lambda: [device("S1", 1)]
    with pytest.raises(error, match=sentence):
        await desk.methods.start(desk.params(**params), desk.caller)


async def test_a_name_or_folder_that_is_taken_is_refused_before_there_is_a_job(desk: Desk) -> None:
    (desk.home.exported / "Tiny-1M-default").mkdir(parents=True)
    with pytest.raises(InputError, match="is there already"):
        await desk.methods.start(desk.params(), desk.caller)
    desk.models.add(demo_model_dir(), "mine")
    with pytest.raises(InputError, match="mine"):
        await desk.methods.start(desk.params(name="mine"), desk.caller)


async def test_without_the_extra_it_is_told_how_to_get_it(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    def missing() -> None:
        raise InputError("devicehub export", "needs the extra", remedy="install it")

    monkeypatch.setattr(export_methods, "check_extra", missing)
    with pytest.raises(InputError, match="needs the extra"):
        await desk.methods.start(desk.params(), desk.caller)


async def test_a_plan_tells_size_and_refusals_of_each(desk: Desk) -> None:
    params = desk.params(recipes=["default", "precision-awq"])
    default, awq = await desk.methods.plan(params, desk.caller)
    assert (default.recipe, default.refused, default.name) == ("default", None, "Tiny-1M-default")
    assert default.size is not None
    assert default.ram is not None
    assert 4 < (default.bits_per_weight or 0) < 8
    assert default.options["quant_bit"] == 4
    assert "calibrate" in (awq.refused or "")
    every = await desk.methods.plan(desk.params(all_recipes=True), desk.caller)
    assert {plan.recipe for plan in every if plan.refused} > {"vision", "audio", "npu-qnn"}


async def test_the_npus_recipe_without_its_tools_names_them(desk: Desk) -> None:
    (plan,) = await desk.methods.plan(desk.params(recipes=["npu-qnn"], soc="SM8650"), desk.caller)
    assert "--qnn-sdk DIR" in (plan.refused or "")
    assert "--soc" not in (plan.refused or "").partition("give ")[2]
    async with desk.jobs:
        ended = await desk.export(recipes=["npu-qnn"])
    assert ended.state == "failed"
    assert "--soc NAME" in (ended.error or "")


async def test_the_soc_of_phones_is_that_of_all_of_them(desk: Desk) -> None:
    desk.hub.phones.devices = lambda: [device("S1", 1)]
    with pytest.raises(AskError, match="--soc NAME"):
        await desk.methods.plan(desk.params(recipes=["npu-qnn"], soc_of=["S1"]), desk.caller)
