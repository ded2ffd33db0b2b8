"""The conductor: cells begin in their order, once, on phones that are there, whatever happens to these."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

import msgspec
import pytest

from devicehub.campaign.asks import encode_asks
from devicehub.campaign.conductor import Conductor
from devicehub.campaign.extract import extract
from devicehub.campaign.planned import Cell, PhoneRef, Plan, ThingRef, Variant
from devicehub.campaign.progress import MOVE_AFTER_S
from devicehub.device.lifecycle import DeviceState
from devicehub.errors import StoreError
from devicehub.runs.ask import RunAsk
from devicehub.store.model import AttemptRow, CampaignRow
from tests.dispatch.queue_desk import Desk, open_store, phone
from tests.store.samples import record

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator
    from pathlib import Path

    from devicehub.campaign.outcome import CellOutcome
    from devicehub.store.model import RunRow
    from devicehub.store.store import Store

MODEL: Final = ThingRef(name="m", id="m-1")
ENGINE: Final = ThingRef(name="e", id="e-1")


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with open_store(tmp_path) as opened:
        yield opened


def make_plan(*serials: str, cells: int = 2, **changed: Any) -> Plan:
    """So many cells on each phone, which are of one SoC."""
    phones = tuple(PhoneRef(serial=serial, serialno=serial, soc="SM8650") for serial in serials)
    made = tuple(
        Cell(
            number=place * cells + number,
            name=f"{one.serial} {number}",
            phone=one,
            variant=Variant(model=MODEL, engine=ENGINE, profile="default"),
            workload="bench",
            estimate_s=10.0,
        )
        for place, one in enumerate(phones)
        for number in range(1, cells + 1)
    )
    order = {one.serialno: [cell.number for cell in made if cell.phone == one] for one in phones}
    plan = Plan(
        id="c1", name="lab", file="", created=100.0, seed=1, phones=phones, cells=made,
        order=order, launches={"bench": 1},
    )  # fmt: skip
    return msgspec.structs.replace(plan, **changed)


class Lab:
    """A conductor over a queue whose runs a test ends."""

    def __init__(self, store: Store, plan: Plan, desk: Desk | None = None) -> None:
        self.store = store
        self.plan = plan
        self.desk = desk or Desk(store, *(phone(one.serial) for one in plan.phones))
        self.changes: list[tuple[str, list[int]]] = []
        self.said: list[str] = []
        self.model_id: str | None = MODEL.id
        self.wanted: list[str] = []
        self.conductor = Conductor(
            store,
            self.desk.clock,
            self.desk.queue,
            devices=lambda: self.desk.phones,
            model_id=lambda _name: self.model_id,
            stop_run=self._stop,
            want=self.wanted.append,
            summarize=lambda _progress: b"{}",
            on_change=lambda campaign, cells: self.changes.append((campaign, list(cells))),
            tell=self.said.append,
        )

    async def _stop(self, run_id: str) -> RunRow:
        self.end(run_id, "cancelled", cause="stopped")
        return self.store.run(run_id)

    def begin(self, **changed: Any) -> None:
        asks = encode_asks({"bench": RunAsk(model="?", workload="bench")})
        plan = msgspec.json.encode(self.plan)
        self.conductor.begin(
            CampaignRow(
                id=self.plan.id, name="lab", client="t", created=100.0, plan=plan, asks=asks, **changed
            )
        )

    def end(self, run_id: str, state: str = "succeeded", *, cause: str | None = None) -> None:
        """A run comes to its end."""
        self.store.finish(run_id, record(state, run_id, cause=cause), wall_s=self.desk.clock.wall_s())
        self.desk.end(run_id)

    def cell_of(self, run_id: str) -> int:
        return next(row.cell for row in self.store.attempts(self.plan.id) if run_id in row.runs)

    @property
    def cells(self) -> list[int]:
        """The cells whose runs have begun, in order."""
        return [self.cell_of(run_id) for run_id in self.desk.order]

    @property
    def outcomes(self) -> dict[int, CellOutcome]:
        return self.conductor.load(self.plan.id).outcomes

    @property
    def state(self) -> tuple[str, str | None]:
        row = self.store.campaign(self.plan.id)
        return row.state, row.reason

    async def until(self, condition: Callable[[], bool]) -> None:
        def holds() -> bool:
            self.conductor.wake()
            return condition()

        await self.desk.until(holds)

    async def looked(self) -> None:
        for _ in range(5):
            self.conductor.wake()
            await self.desk.looked()

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        async with self.desk.running(), asyncio.TaskGroup() as tasks:
            task = tasks.create_task(self.conductor.run())
            try:
                yield
            finally:
                task.cancel()

    async def finish_all(self) -> None:
        """Let every run that begins succeed until the campaign is over."""

        def over() -> bool:
            for run_id in self.desk.order:
                if self.store.run(run_id).ended is None:
                    self.end(run_id)
            return self.state[0] != "running"

        await self.until(over)


async def test_each_phone_carries_one_cell_at_a_time_in_the_planned_order(store: Store) -> None:
    lab = Lab(store, make_plan("P", "Q", order={"P": [2, 1], "Q": [3, 4]}))
    lab.begin()
    async with lab.running():
        await lab.until(lambda: len(lab.desk.order) == 2)
        await lab.looked()
        assert sorted(lab.cells) == [2, 3]
        lab.end(lab.desk.order[lab.cells.index(2)])
        await lab.until(lambda: len(lab.desk.order) == 3)
        assert lab.cells[2] == 1
        await lab.finish_all()
    assert lab.state == ("ended", None)
    assert sorted(lab.outcomes) == [1, 2, 3, 4]
    assert all(outcome.arm is not None for outcome in lab.outcomes.values())
    assert store.campaign("c1").summary == b"{}"


async def test_hub_that_died_before_it_queued_a_run_asks_for_it_under_its_name(store: Store) -> None:
    lab = Lab(store, make_plan("P", cells=1))
    lab.begin()
    ref = msgspec.json.encode(lab.plan.phones[0]).decode()
    store.add_attempt(
        AttemptRow(campaign="c1", cell=1, attempt=1, runs=("named",), phone=ref, launches=1, begun=100.0)
    )
    lab = Lab(store, lab.plan)
    async with lab.running():
        await lab.until(lambda: lab.desk.order == ["named"])
        await lab.finish_all()
    assert [row.attempt for row in store.attempts("c1")] == [1]


async def test_hub_that_died_meanwhile_takes_what_its_runs_came_to(store: Store) -> None:
    first = Lab(store, make_plan("P", cells=2))
    first.begin()
    async with first.running():
        await first.until(lambda: len(first.desk.order) == 1)
    first.end(first.desk.order[0])
    second = Lab(store, first.plan)
    async with second.running():
        await second.until(lambda: len(second.desk.order) == 1)
        assert sorted(second.outcomes) == [1]
        await second.finish_all()
    assert sorted(second.outcomes) == [1, 2]
    assert len(store.attempts("c1")) == 2


async def test_hub_that_takes_a_campaign_up_wants_the_phones_that_it_waits_for(store: Store) -> None:
    first = Lab(store, make_plan("P", "Q", "R", cells=1))
    first.begin()
    assert first.wanted == ["P", "Q", "R"]
    async with first.running():
        await first.until(lambda: len(first.desk.order) == 3)
        first.end(next(run_id for run_id in first.desk.order if first.cell_of(run_id) == 2))
        await first.until(lambda: sorted(first.outcomes) == [2])
    second = Lab(store, first.plan)
    async with second.running():
        await second.until(lambda: second.wanted == ["P", "R"])


@pytest.mark.parametrize("cause", ["rebooted", "hub_killed"])
async def test_what_phone_or_hub_broke_off_is_tried_again_once(store: Store, cause: str) -> None:
    lab = Lab(store, make_plan("P", cells=1))
    lab.begin()
    async with lab.running():
        for number in (1, 2):
            await lab.until(lambda count=number: len(lab.desk.order) == count)  # type: ignore[misc]
            lab.end(lab.desk.order[-1], "failed", cause=cause)
        await lab.until(lambda: lab.state == ("ended", None))
    assert [row.outcome is None for row in store.attempts("c1")] == [True, False]
    arm = lab.outcomes[1].arm
    assert arm is not None
    assert arm.cause == cause


async def test_failure_of_the_engine_is_an_outcome_at_once(store: Store) -> None:
    lab = Lab(store, make_plan("P", cells=1))
    lab.begin()
    async with lab.running():
        await lab.until(lambda: len(lab.desk.order) == 1)
        lab.end(lab.desk.order[0], "failed", cause="segfault")
        await lab.until(lambda: lab.state == ("ended", None))
    assert len(store.attempts("c1")) == 1


async def test_phone_of_the_same_soc_takes_the_cells_of_one_that_left(store: Store) -> None:
    lab = Lab(store, make_plan("P", "Q", cells=1, move=True))
    lab.desk.phones = [phone("P", DeviceState.ABSENT), phone("Q")]
    lab.begin()
    async with lab.running():
        await lab.until(lambda: lab.cells == [2])
        lab.end(lab.desk.order[0])
        await lab.looked()
        assert lab.cells == [2]
        lab.desk.clock.advance(MOVE_AFTER_S + 1)
        await lab.until(lambda: lab.cells == [2, 1])
        assert lab.desk.begun[-1][1] == ["Q"]
        await lab.finish_all()
    assert lab.outcomes[1].moved
    assert lab.outcomes[1].phone.serial == "Q"
    assert not lab.outcomes[2].moved


async def test_phone_that_returns_gets_its_cells_back(store: Store) -> None:
    lab = Lab(store, make_plan("P", "Q", cells=1))
    lab.desk.phones = [phone("P", DeviceState.ABSENT), phone("Q")]
    lab.begin()
    async with lab.running():
        await lab.until(lambda: lab.cells == [2])
        lab.end(lab.desk.order[0])
        lab.desk.clock.advance(600)
        await lab.looked()
        assert lab.conductor.waits_for(lab.conductor.progress("c1")) == "waits for P"
        lab.desk.phones = [phone("P"), phone("Q")]
        await lab.finish_all()
    assert lab.state == ("ended", None)
    assert lab.outcomes[1].phone.serial == "P"


async def test_phone_that_stays_away_ends_the_campaign_and_resume_runs_only_what_is_missing(
    store: Store,
) -> None:
    lab = Lab(store, make_plan("P", "Q", cells=1, wait_for_phone_s=60.0))
    lab.desk.phones = [phone("P", DeviceState.ABSENT), phone("Q")]
    lab.begin()
    async with lab.running():
        await lab.until(lambda: lab.cells == [2])
        lab.end(lab.desk.order[0])
        await lab.looked()
        assert lab.state[0] == "running"
        lab.desk.clock.advance(61)
        await lab.until(lambda: lab.state == ("ended", "phone_away"))
        lab.desk.phones = [phone("P"), phone("Q")]
        lab.conductor.resume("c1", deadline=None)
        await lab.finish_all()
    assert lab.cells == [2, 1]
    assert lab.state == ("ended", None)


async def test_time_that_is_up_begins_nothing_more_and_lets_what_runs_end(store: Store) -> None:
    lab = Lab(store, make_plan("P", cells=3))
    lab.begin(deadline=lab.desk.clock.wall_s() + 30)
    async with lab.running():
        await lab.until(lambda: lab.cells == [1])
        lab.desk.clock.advance(31)
        await lab.looked()
        assert lab.state[0] == "running"
        lab.end(lab.desk.order[0])
        await lab.until(lambda: lab.state == ("ended", "max_duration"))
        assert sorted(lab.outcomes) == [1]
        lab.conductor.resume("c1", deadline=None)
        await lab.finish_all()
    assert lab.cells == [1, 2, 3]


async def test_stopped_campaign_ends_its_runs_and_tries_their_cells_again_when_resumed(store: Store) -> None:
    lab = Lab(store, make_plan("P", cells=2))
    lab.begin()
    async with lab.running():
        await lab.until(lambda: lab.cells == [1])
        await lab.conductor.stop("c1")
        assert lab.state == ("stopped", "stopped")
        assert store.run(lab.desk.order[0]).state == "cancelled"
        await lab.looked()
        assert lab.outcomes == {}
        lab.conductor.resume("c1", deadline=None)
        await lab.finish_all()
    assert lab.cells == [1, 1, 2]
    assert sorted(lab.outcomes) == [1, 2]


async def test_run_that_a_person_ends_is_not_run_again(store: Store) -> None:
    lab = Lab(store, make_plan("P", cells=1))
    lab.begin()
    async with lab.running():
        await lab.until(lambda: lab.cells == [1])
        lab.end(lab.desk.order[0], "cancelled", cause="stopped")
        await lab.until(lambda: lab.state == ("ended", None))
    assert lab.outcomes[1].problem == "cancelled"


async def test_model_that_was_replaced_meanwhile_is_not_run(store: Store) -> None:
    lab = Lab(store, make_plan("P", cells=1))
    lab.model_id = "m-2"
    lab.begin()
    async with lab.running():
        await lab.until(lambda: lab.state == ("ended", None))
    assert lab.desk.order == []
    assert lab.outcomes[1].problem == "model_changed"


async def test_run_on_a_phone_that_never_comes_back_is_lost(store: Store) -> None:
    lab = Lab(store, make_plan("P", cells=1, wait_for_phone_s=60.0))
    lab.begin()
    async with lab.running():
        await lab.until(lambda: lab.cells == [1])
        lab.desk.phones = [phone("P", DeviceState.ORPHANED, run="x")]
        await lab.looked()
        lab.desk.clock.advance(61)
        await lab.until(lambda: lab.state == ("ended", None))
    assert lab.outcomes[1].problem == "lost"


def test_cell_has_one_outcome_and_one_open_attempt(store: Store) -> None:
    lab = Lab(store, make_plan("P", cells=1))
    lab.begin()
    ref = msgspec.json.encode(lab.plan.phones[0]).decode()
    row = AttemptRow(campaign="c1", cell=1, attempt=1, runs=("a",), phone=ref, launches=1, begun=1.0)
    store.add_attempt(row)
    with pytest.raises(StoreError):
        store.add_attempt(replace(row, attempt=2, runs=("b",)))
    assert store.end_attempt(row, wall_s=2.0, outcome=b"{}", final=True)
    assert not store.end_attempt(row, wall_s=3.0, outcome=b'{"x":1}', final=True)
    assert store.outcomes("c1", limit=9) == [(1, b"{}")]
    with pytest.raises(StoreError):
        store.add_attempt(replace(row, attempt=2, runs=("b",)))


async def test_campaign_of_another_version_does_not_hold_up_the_others(store: Store) -> None:
    lab = Lab(store, make_plan("P", cells=1))
    store.add_campaign(CampaignRow(id="c0", name="old", client="t", created=1.0, plan=b"{}", asks=b"{}"))
    lab.begin()
    async with lab.running():
        await lab.finish_all()
    assert lab.state == ("ended", None)
    assert [text for text in lab.said if "c0" in text and "another version" in text]


async def test_campaign_that_is_stopped_and_resumed_at_once_begins_no_cell_twice(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    lab = Lab(store, make_plan("P", cells=2))
    entered, go_on = threading.Event(), threading.Event()

    def slow_at_first(*given: Any, **named: Any) -> CellOutcome:
        if not entered.is_set():
            entered.set()
            go_on.wait()
        return extract(*given, **named)

    monkeypatch.setattr("devicehub.campaign.conductor.extract", slow_at_first)
    lab.begin()
    async with lab.running():
        await lab.until(lambda: bool(lab.desk.order))
        lab.end(lab.desk.order[0])
        await lab.until(entered.is_set)
        await lab.conductor.stop("c1")
        lab.conductor.resume("c1", deadline=None)
        go_on.set()
        await lab.finish_all()
    assert lab.cells == [1, 2]
    assert [(row.cell, row.attempt) for row in store.attempts("c1")] == [(1, 1), (2, 1)]


async def test_campaign_whose_end_a_killed_hub_did_not_keep_is_summarized(store: Store) -> None:
    lab = Lab(store, make_plan("P", cells=1))
    lab.begin()
    store.end_campaign("c1", "ended", None, wall_s=200.0)
    assert store.campaign("c1").summary is None
    lab = Lab(store, lab.plan)
    async with lab.running():
        await lab.until(lambda: store.campaign("c1").summary == b"{}")
    assert lab.desk.order == []
