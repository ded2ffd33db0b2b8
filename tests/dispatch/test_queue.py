"""The queue: runs wait for phones, begin once, outlive their hub, and end with a reason."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

import msgspec
import pytest

from devicehub.clock import SystemClock
from devicehub.device.lifecycle import DeviceState
from devicehub.dispatch.entry import Entry, Wish, read_ask
from devicehub.dispatch.journal import own_process
from devicehub.dispatch.queue import TRIES
from devicehub.errors import DeviceGone, InputError, SelectionError, StoreError
from devicehub.runs.ask import CompareAsk, RunAsk
from devicehub.runs.model import RunRecord
from devicehub.runs.schedule import WARM_PATIENCE_S
from tests.dispatch.queue_desk import Desk, open_store, phone
from tests.store.samples import run_row

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from devicehub.device.model import Device
    from devicehub.store.store import Store

ASK = RunAsk(model="m", prompt="Why?")
ANY = RunAsk(model="m", prompt="Why?", spread="any", selectors=("all",))
FULL = StoreError("x.db", "the disk is full", remedy="free some space")
NOBODY = (999_999, 1.0)
"""A process that has ended."""


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with open_store(tmp_path) as opened:
        yield opened


def record_of(store: Store, run_id: str) -> RunRecord:
    row = store.run(run_id)
    assert row.record is not None
    return msgspec.json.decode(row.record, type=RunRecord)


async def test_run_begins_on_its_phone_and_leaves_the_queue(store: Store) -> None:
    desk = Desk(store, phone("P"), phone("Q"))
    [run_id] = desk.queue.submit(ASK, client="cli", on=[desk.phones[1]])
    assert [row.run_id for row in store.queued()] == [run_id]
    async with desk.running():
        await desk.until(lambda: bool(desk.begun))
        assert desk.begun == [((run_id,), ["Q"])]
        assert store.queued() == []
        assert desk.queue.waiting() == []
        assert store.run(run_id).client == "cli"
        asked = store.last_ask("Q")
        assert asked is not None
        assert read_ask(asked) == ASK
        assert store.last_ask() == asked
        assert store.last_ask("P") is None
        desk.end(run_id)


async def test_each_phone_gets_a_run_of_its_own_a_busy_one_too(store: Store) -> None:
    desk = Desk(store, phone("P"), phone("Q", DeviceState.BUSY, run="r0"))
    first, second = desk.queue.submit(ASK, client="cli", on=desk.phones)
    async with desk.running():
        await desk.until(lambda: desk.order == [first])
        assert desk.why == {second: "Q is busy with run r0"}
        desk.phones[1] = phone("Q")
        await desk.until(lambda: desk.order == [first, second])


async def test_name_that_another_run_of_this_second_has_is_not_given_again(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    second = "20231114-221320-"
    names = iter([f"{second}{name}" for name in ("begun", "a", "a", "b", "a", "waits", "c")])
    monkeypatch.setattr("devicehub.dispatch.queue.new_run_id", lambda _wall_s: next(names))
    store.add_run(run_row(f"{second}begun"))
    [row] = Entry((f"{second}waits",), ASK, None, "cli", 0.0, (Wish(),)).rows()
    store.enqueue([row])
    desk = Desk(store)
    ids = desk.queue.submit(ASK, client="cli", on=[phone("P"), phone("Q"), phone("R")])
    assert ids == [f"{second}{name}" for name in "abc"]


async def test_phone_carries_one_run_at_a_time(store: Store) -> None:
    desk = Desk(store, phone("P"))
    [first] = desk.queue.submit(ASK, client="cli", on=desk.phones)
    [second] = desk.queue.submit(ASK, client="cli", on=desk.phones)
    async with desk.running():
        await desk.until(lambda: bool(desk.begun))
        await desk.looked()
        assert desk.order == [first]
        assert desk.why == {second: f"P is busy with run {first}"}
        assert desk.queue.count() == 1
        assert desk.queue.count_by_phone() == {"P": 1}
        desk.end(first)
        await desk.until(lambda: desk.order == [first, second])


async def test_phone_that_changed_its_label_is_the_same_one(store: Store) -> None:
    desk = Desk(store, phone("P", DeviceState.ABSENT))
    [run_id] = desk.queue.submit(ASK, client="cli", on=desk.phones)
    async with desk.running():
        await desk.looked()
        assert desk.why == {run_id: "P is not connected (plug it in)"}
        desk.phones = [phone("192.0.2.7:5555", serialno="P", boot_id="after a reboot")]
        await desk.until(lambda: desk.begun == [((run_id,), ["192.0.2.7:5555"])])


async def test_of_phones_that_share_a_serialno_the_one_that_is_meant_is_taken(store: Store) -> None:
    twins = [phone("P", serialno="same", boot_id="b1"), phone("Q", serialno="same", boot_id="b2")]
    desk = Desk(store, *twins)
    [run_id] = desk.queue.submit(ASK, client="cli", on=[twins[1]])
    [other] = desk.queue.submit(ASK, client="cli", on=[twins[0]])
    async with desk.running():
        await desk.until(lambda: len(desk.begun) == 2)
    assert dict(desk.begun) == {(run_id,): ["Q"], (other,): ["P"]}


@pytest.mark.parametrize(
    ("there", "why"),
    [
        (phone("P", DeviceState.UNAUTHORIZED), 'P is unauthorized (press "Allow USB debugging" on it)'),
        (phone("P", DeviceState.ORPHANED, run="r0"), "P is out of reach, with run r0 under way"),
        (phone("P", DeviceState.OFFLINE), "P is offline"),
        (None, "no phone that is there is P: connect it, or see `devicehub devices`"),
    ],
)
async def test_phone_that_cannot_be_used_says_why(store: Store, there: Device | None, why: str) -> None:
    desk = Desk(store, phone("P"))
    [run_id] = desk.queue.submit(ASK, client="cli", on=desk.phones)
    desk.phones = [there] if there else []
    async with desk.running():
        await desk.looked()
        assert desk.why == {run_id: why}
        assert desk.begun == []


# Any phone


async def test_selectors_are_looked_at_anew_at_each_decision(store: Store) -> None:
    desk = Desk(store, phone("P", DeviceState.BUSY, run="r0"))
    [run_id] = desk.queue.submit(ANY, client="cli")
    async with desk.running():
        await desk.looked()
        assert desk.why == {run_id: "P is busy with run r0"}
        desk.phones.append(phone("NEW"))
        await desk.until(lambda: desk.begun == [((run_id,), ["NEW"])])


async def test_phone_that_takes_no_engine_is_passed_over_where_any_will_do(store: Store) -> None:
    desk = Desk(store, phone("P"))
    desk.obstacles["P"] = "P: takes none of the catalogue's engines; add one: `devicehub engines add PATH`"
    [run_id] = desk.queue.submit(ANY, client="cli")
    async with desk.running():
        await desk.looked()
        assert desk.why == {run_id: desk.obstacles["P"]}
        desk.phones.append(phone("Q"))
        await desk.until(lambda: desk.begun == [((run_id,), ["Q"])])


async def test_selector_that_is_none_is_refused_at_once_or_means_no_phone(store: Store) -> None:
    desk = Desk(store, phone("P"))
    bad = msgspec.structs.replace(ANY, selectors=("colour=red",))
    with pytest.raises(SelectionError):
        desk.queue.submit(bad, client="cli")
    desk.phones = []
    [run_id] = desk.queue.submit(bad, client="cli")
    [good] = desk.queue.submit(ANY, client="cli")
    desk.phones = [phone("P")]
    async with desk.running():
        await desk.until(lambda: desk.order == [good])
        assert "no phone that is there is colour=red" in desk.why[run_id]


# Temperature


async def test_warm_phone_is_passed_over_for_ten_minutes(store: Store) -> None:
    desk = Desk(store, phone("P"))
    desk.temps_mc["P"] = 41_200
    cool = msgspec.structs.replace(ASK, start_below_c=35.0)
    [first] = desk.queue.submit(cool, client="cli", on=desk.phones)
    async with desk.running():
        await desk.looked()
        assert desk.why == {first: "P is 41.2 °C warm, wanted below 35.0 °C"}
        [second] = desk.queue.submit(ASK, client="cli", on=desk.phones)
        await desk.until(lambda: desk.order == [second])
        desk.end(second)
        await desk.until(lambda: "warm" in desk.why.get(first, ""))
        await desk.looked()
        told = list(desk.told)
        desk.temps_mc["P"] = 41_100
        await desk.looked()
        assert desk.told == told  # a tenth of a degree is no news
        desk.clock.advance(WARM_PATIENCE_S)
        await desk.until(lambda: desk.order == [second, first])


# Comparisons


async def test_runs_of_a_comparison_begin_together(store: Store) -> None:
    desk = Desk(store, phone("P"), phone("Q", DeviceState.BUSY, run="r0"))
    ask = CompareAsk(by="phone", a="P", b="Q", run=ASK)
    a, b = desk.queue.submit_comparison(ask, client="cli", on=desk.phones)
    [single] = desk.queue.submit(ASK, client="other", on=[desk.phones[0]])
    async with desk.running():
        await desk.looked()
        assert desk.begun == []
        assert desk.why == {
            a: "Q is busy with run r0",
            b: "Q is busy with run r0",
            single: f"P is kept free for run {a}, which needs two phones at once",
        }
        assert [(run.id, run.other, run.serial) for run in desk.queue.waiting()][:2] == [
            (a, b, "P"),
            (b, a, "Q"),
        ]
        desk.phones[1] = phone("Q")
        await desk.until(lambda: desk.begun == [((a, b), ["P", "Q"])])
        assert [row.run_id for row in store.queued()] == [single]


async def test_names_that_differ_are_shown_of_each_half(store: Store) -> None:
    desk = Desk(store)
    ask = CompareAsk(by="model", a="small", b="large", run=ASK)
    a, b = desk.queue.submit_comparison(ask, client="cli", on=[phone("P")])
    assert [(run.id, run.model) for run in desk.queue.waiting()] == [(a, "small"), (b, "large")]
    assert await desk.queue.stop(b)
    assert desk.queue.waiting() == []
    for run_id, arm, model in ((a, "A", "small"), (b, "B", "large")):
        ended = record_of(store, run_id)
        assert (ended.state, ended.cause, ended.model.name) == ("cancelled", "stopped", model)
        assert ended.comparison is not None
        assert (ended.comparison.arm, ended.comparison.other) == (arm, {a: b, b: a}[run_id])


# Ends before the beginning


async def test_run_that_cannot_begin_ends_with_the_reason(store: Store) -> None:
    desk = Desk(store, phone("P"))
    desk.refuse = [InputError("model m", "is not in the catalogue", remedy="add it")]
    [run_id] = desk.queue.submit(ASK, client="cli", on=desk.phones)
    async with desk.running():
        await desk.until(lambda: not store.queued())
        ended = record_of(store, run_id)
        assert (ended.state, ended.verdict, ended.cause, ended.trusted) == (
            "failed",
            "failed",
            "refused",
            False,
        )
        assert ended.trust_reasons == ["model m: is not in the catalogue; add it"]
        assert (ended.device.serial, ended.model.name, ended.launches) == ("P", "m", [])
        row = store.run(run_id)
        assert (row.client, row.state, row.cause) == ("cli", "failed", "refused")
        assert [event.kind for event in store.events(run_id)] == ["end"]
        assert run_id in desk.told
        assert desk.queue.waiting() == []


async def test_phone_that_vanishes_lets_the_run_wait_again_a_few_times(store: Store) -> None:
    desk = Desk(store, phone("P"))
    gone = DeviceGone(serial="P", during="check")
    desk.refuse = [gone] * TRIES
    [run_id] = desk.queue.submit(ASK, client="cli", on=desk.phones)
    async with desk.running():
        for left in range(TRIES - 1, 0, -1):
            await desk.until(partial(lambda left: len(desk.refuse) == left, left))
            await desk.until(lambda: store.queued()[0].owner_pid is None)
            assert desk.why == {run_id: f"{gone}; tried again soon"}
            desk.clock.advance(60.0)
        await desk.until(lambda: not store.queued())
    assert record_of(store, run_id).trust_reasons == [str(gone)]


async def test_failure_of_our_own_ends_that_run_alone(store: Store, caplog: pytest.LogCaptureFixture) -> None:
    desk = Desk(store, phone("P"))
    desk.refuse = [ZeroDivisionError("division by zero")]
    [first] = desk.queue.submit(ASK, client="cli", on=desk.phones)
    [second] = desk.queue.submit(ASK, client="cli", on=desk.phones)
    async with desk.running():
        await desk.until(lambda: desk.order == [second])
    assert record_of(store, first).trust_reasons == [
        "the hub failed; see its log: ZeroDivisionError: division by zero"
    ]
    assert "could not be carried" in caplog.text


async def test_run_that_the_store_kept_from_beginning_begins_when_it_can(store: Store) -> None:
    desk = Desk(store, phone("P"))
    desk.refuse = [FULL]
    [run_id] = desk.queue.submit(ASK, client="cli", on=desk.phones)
    async with desk.running():
        await desk.until(lambda: not desk.refuse)
        await desk.looked()
        desk.clock.advance(60.0)
        await desk.until(lambda: desk.order == [run_id])


async def test_run_that_had_begun_when_the_store_failed_is_not_begun_again(store: Store) -> None:
    desk = Desk(store, phone("P"))
    desk.break_off = FULL
    [run_id] = desk.queue.submit(ASK, client="cli", on=desk.phones)
    async with desk.running():
        for _ in range(3):
            await desk.looked()
            desk.clock.advance(60.0)
        assert desk.order == [run_id]
        assert desk.queue.waiting() == []


async def test_run_that_is_stopped_in_the_moment_of_its_beginning_ends(store: Store) -> None:
    desk = Desk(store, phone("P"))
    [run_id] = desk.queue.submit(ASK, client="cli", on=desk.phones)
    running = asyncio.ensure_future(desk.queue.run())
    await SystemClock().sleep(0)  # the queue's first step; the run's own task has not had one
    assert await desk.queue.stop(run_id)
    assert record_of(store, run_id).state == "cancelled"
    assert desk.begun == []
    assert desk.queue.waiting() == []
    running.cancel()


async def test_waiting_run_is_stopped_at_once(store: Store) -> None:
    desk = Desk(store, phone("P", DeviceState.BUSY, run="r0"))
    first, second = (desk.queue.submit(ASK, client="cli", on=desk.phones)[0] for _ in range(2))
    assert [run.place for run in desk.queue.waiting()] == [1, 2]
    assert await desk.queue.stop(first)
    assert [(run.id, run.place) for run in desk.queue.waiting()] == [(second, 1)]
    ended = record_of(store, first)
    assert (ended.state, ended.verdict, ended.cause) == ("cancelled", None, "stopped")
    assert not await desk.queue.stop(first)
    assert not await desk.queue.stop("unknown")


async def test_run_is_stopped_while_it_is_being_begun(store: Store) -> None:
    desk = Desk(store, phone("P"))
    desk.writes_rows = False
    [run_id] = desk.queue.submit(ASK, client="cli", on=desk.phones)
    async with desk.running():
        await desk.until(lambda: bool(desk.begun))
        assert desk.why == {run_id: ""}  # it begins this moment
        assert await desk.queue.stop(run_id)
        assert record_of(store, run_id).state == "cancelled"
        await desk.until(lambda: desk.queue.waiting() == [])


async def test_run_that_has_begun_is_not_the_queues_to_stop(store: Store) -> None:
    desk = Desk(store, phone("P"))
    [run_id] = desk.queue.submit(ASK, client="cli", on=desk.phones)
    async with desk.running():
        await desk.until(lambda: bool(desk.begun))
        assert not await desk.queue.stop(run_id)
        assert store.run(run_id).ended is None


# Hubs that end


async def test_hub_that_ends_leaves_what_it_has_not_begun_to_the_next(store: Store) -> None:
    desk = Desk(store, phone("P"))
    desk.writes_rows = False
    [run_id] = desk.queue.submit(ASK, client="cli", on=desk.phones)
    async with desk.running():
        await desk.until(lambda: bool(desk.begun))
    assert [(row.run_id, row.owner_pid) for row in store.queued()] == [(run_id, None)]
    after = Desk(store, phone("P"))
    async with after.running():
        await after.until(lambda: after.order == [run_id])


async def test_queue_of_a_killed_hub_is_there_again_in_its_order(store: Store) -> None:
    before = Desk(store)
    ids = [before.queue.submit(ASK, client="cli", on=[phone("P")])[0] for _ in range(3)]
    pair = before.queue.submit_comparison(
        CompareAsk(by="phone", a="P", b="Q", run=ASK), client="cli", on=[phone("P"), phone("Q")]
    )
    assert store.claim_queued(ids[0], *NOBODY, lambda _pid, _began: False)  # killed as it began that one
    desk = Desk(store, phone("P"))
    assert [run.id for run in desk.queue.waiting()] == [*ids, *pair]
    async with desk.running():
        for run_id in ids:
            await desk.until(partial(lambda expected: expected in desk.order, run_id))
            desk.end(run_id)
        await desk.looked()
    assert desk.order == ids


async def test_entry_that_another_hub_is_about_to_begin_is_left_to_it(store: Store) -> None:
    desk = Desk(store, phone("P"))
    [run_id] = desk.queue.submit(ASK, client="cli", on=desk.phones)
    assert store.claim_queued(run_id, *own_process(), lambda _pid, _began: False)
    async with desk.running():
        await desk.looked()
    assert desk.begun == []


async def test_half_of_a_comparison_that_a_killed_hub_left_does_not_begin_alone(store: Store) -> None:
    ask = CompareAsk(by="phone", a="P", b="Q", run=ASK)
    a, b = Desk(store).queue.submit_comparison(ask, client="cli", on=[phone("P"), phone("Q")])
    assert store.claim_queued(a, *NOBODY, lambda _pid, _began: False)
    store.add_run(run_row(a))
    desk = Desk(store, phone("P"), phone("Q"))
    assert desk.queue.waiting() == []
    assert record_of(store, b).cause == "hub_killed"
    assert store.run(a).ended is None


async def test_entry_of_another_version_ends_and_disturbs_no_other(store: Store) -> None:
    [good] = Desk(store).queue.submit(ASK, client="cli", on=[phone("P")])
    [row] = store.queued()
    store.enqueue([replace(row, run_id="old", entry="old", ask=b'{"run_ids": ["old"], "new": 1}')])
    desk = Desk(store, phone("P"))
    assert [run.id for run in desk.queue.waiting()] == [good]
    assert "another version" in record_of(store, "old").trust_reasons[0]


# What is told


async def test_places_are_told_as_they_change(store: Store) -> None:
    desk = Desk(store, phone("P"))
    ids = [desk.queue.submit(ASK, client="cli", on=desk.phones)[0] for _ in range(3)]
    async with desk.running():
        await desk.until(lambda: desk.order == ids[:1])
        await desk.looked()
        assert ids[2] in desk.told
        before = list(desk.told)
        await desk.looked()
        assert desk.told == before
        desk.end(ids[0])
        await desk.until(lambda: desk.order == ids[:2])
        await desk.until(lambda: desk.told[len(before) :].count(ids[2]) >= 1)
    assert desk.queue.find(ids[2]) is not None
    assert desk.queue.find(ids[0]) is desk.queue.find("") is None


async def test_run_is_found_by_the_beginning_of_its_id(store: Store) -> None:
    desk = Desk(store)
    first, second = (desk.queue.submit(ASK, client="cli", on=[phone("P")])[0] for _ in range(2))
    found = desk.queue.find(first[:-1])
    assert found is not None
    assert found.id == first
    assert desk.queue.find(first[:8]) is None
    assert second != first
