"""The soak's own judge: what it must not let pass."""

from __future__ import annotations

import msgspec
import pytest

from devicehub.api.model import Event, Noted, RunChanged, RunEventView, RunView
from tests.soak.ledger import Ledger, risen

_RUN = RunView(
    id="r1", state="running", verdict=None, cause=None, trusted=None, serial="P1", serialno="P1",
    product=None,
    model="tiny", engine="e", profile=None, workload="demo", virtual=True, prefill_tok_s=None,
    decode_tok_s=None, fidelity=None, fidelity_reason=None, protocol=None, launches=1, attempt=1, created=0.0,
    started=0.0, updated=0.0, ended=None, stop_requested=None, left=False,
)  # fmt: skip


def _ledger() -> Ledger:
    return Ledger("e1", {"notes": 4, "runs": 0, "samples": 7})


def _note(seq: int, *, epoch: str = "e1", topic: str = "notes") -> Event:
    return Event(topic=topic, epoch=epoch, seq=seq, data=Noted(text="", wall_s=0.0))


def _run(seq: int, state: str, *, event: bool = True) -> Event:
    happened = RunEventView(seq=seq, attempt=1, wall_s=0.0, kind="state", state=state, detail="")
    run = msgspec.structs.replace(_RUN, state=state)
    return Event(
        topic="runs", epoch="e1", seq=seq, data=RunChanged(run=run, event=happened if event else None)
    )


def test_events_in_their_order_are_right() -> None:
    ledger = _ledger()
    for event in (_note(5), _run(1, "running"), _note(6), _run(2, "succeeded")):
        ledger.take(event)
    assert (ledger.wrong, ledger.unended(), ledger.ends()) == ([], [], {"succeeded": 1})


@pytest.mark.parametrize(
    "event", [_note(6), _note(4), _note(5, epoch="e2")], ids=["a gap", "a repetition", "another epoch"]
)
def test_an_event_out_of_order_is_told(event: Event) -> None:
    ledger = _ledger()
    ledger.take(event)
    assert len(ledger.wrong) == 1


@pytest.mark.parametrize(("seq", "sentences"), [(9, 0), (7, 1), (6, 1)])
def test_samples_may_collapse_but_never_go_back(seq: int, sentences: int) -> None:
    ledger = _ledger()
    ledger.take(_note(seq, topic="samples"))
    assert len(ledger.wrong) == sentences


@pytest.mark.parametrize(
    ("states", "sentences"),
    [
        (("succeeded", "failed"), 1),
        (("lost", "succeeded"), 0),
        (("lost", "succeeded", "failed"), 1),
        (("failed", "running"), 1),
        (("lost", "collecting", "succeeded"), 0),
    ],
)
def test_a_run_ends_once_and_only_lost_is_replaced(states: tuple[str, ...], sentences: int) -> None:
    ledger = _ledger()
    for seq, state in enumerate(states, 1):
        ledger.take(_run(seq, state))
    assert len(ledger.wrong) == sentences


def test_a_view_that_is_published_again_is_no_second_end() -> None:
    ledger = _ledger()
    ledger.take(_run(1, "failed"))
    ledger.take(_run(2, "failed", event=False))
    assert ledger.wrong == []


def test_a_run_without_its_end_is_told() -> None:
    ledger = _ledger()
    ledger.take(_run(1, "running"))
    assert ledger.unended() == ["r1"]


def test_memory_is_measured_from_after_a_tenth() -> None:
    grown = [100] * 10 + [200] * 90
    assert risen(grown) == 0
    assert risen([100] * 50 + [200] * 50) == 100
    assert risen([100] * 99 + [900]) == 0  # one reading is none
