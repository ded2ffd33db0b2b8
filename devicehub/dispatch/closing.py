"""The end of a run: its record, written once, and what it says about the phone."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any, Final

import msgspec

from devicehub.dispatch.outcome import Ended, conclude, make_record
from devicehub.dispatch.planning import answer_key
from devicehub.errors import (
    AdbError,
    DeployError,
    HubError,
    InputError,
    NoSpace,
    PhoneLocked,
    RunLost,
    RunnerError,
    StoreError,
)
from devicehub.measure.fidelity import is_wrong
from devicehub.runs.lifecycle import next_state
from devicehub.runs.model import RunRecord, Timings
from devicehub.runs.retry import PHONE_CAUSES, STRIKES

if TYPE_CHECKING:
    from collections.abc import Sequence

    from devicehub.dispatch.journal import Journal
    from devicehub.dispatch.means import Means
    from devicehub.runner.launch import Runner
    from devicehub.runs.model import Attempt, RunHeader

_CAUSES: Final[tuple[tuple[type[HubError], str], ...]] = (
    (NoSpace, "no_space"),
    (DeployError, "deploy_failed"),
    (PhoneLocked, "phone_locked"),
    (RunnerError, "agent_failed"),
    (InputError, "deploy_failed"),
    (AdbError, "phone_gone"),
)


RUN_DAYS: Final = 14
"""For how long a phone keeps the folders of runs that have ended; the store keeps what counts."""
WORK_DAYS: Final = 30
"""For how long a phone keeps an unused work folder, with the engine's caches."""


async def tidy(means: Means, runner: Runner, serialno: str) -> None:
    """Let a phone remove what is old, once a day."""
    with contextlib.suppress(AdbError, RunnerError):
        if means.store.tidy_due(serialno, means.clock.wall_s()):
            await runner.gc(RUN_DAYS, WORK_DAYS)


def cause_of(error: HubError) -> str:
    """The cause, a slug of `failures`, of a run that an error ended."""
    if isinstance(error, RunLost):
        return error.cause
    return next((slug for kind, slug in _CAUSES if isinstance(error, kind)), "agent_failed")


def close_run(
    means: Means,
    journal: Journal,
    header: RunHeader,
    ended: Ended,
    *,
    attempts: Sequence[Attempt],
    timings: dict[str, Any],
) -> RunRecord:
    """Write the run's one end; the record that counts, which is another process's if that was first."""
    conclusion = conclude(header, ended)
    record = make_record(
        header,
        ended,
        state=next_state(journal.state, conclusion.event),
        conclusion=conclusion,
        attempts=attempts,
        timings=Timings(**timings),
        ended_s=means.clock.wall_s(),
    )
    if not journal.finish(record):
        # Another process was first, or a person: what stands there is the end.
        row = means.store.run(header.id)
        if row.record is None:
            raise StoreError(header.id, "its end cannot be written down", remedy="see `devicehub runs list`")
        return msgspec.json.decode(row.record, type=RunRecord)
    _remember(means, header, record)
    _judge_phone(means, record)
    return record


def _remember(means: Means, header: RunHeader, record: RunRecord) -> None:
    """Keep what later runs on this phone need not find out again."""
    now_s, answered = means.clock.wall_s(), record.answered
    if header.fixture is not None and answered.share is not None:
        key = answer_key(header, header.fixture)
        if is_wrong(answered):
            # Remembered, it would let the next run begin as if the phone had answered well.
            means.store.forget_answer(key)
        else:
            means.store.remember_answer(key, answered, now_s)
    if record.sampling_cost is not None:
        means.store.remember_cost(record.device.serialno, record.sampling_cost, record.id, now_s)


def _judge_phone(means: Means, record: RunRecord) -> None:
    """Count what speaks against the phone; too much in a row puts it into quarantine."""
    store, serialno = means.store, record.device.serialno
    if record.cause not in PHONE_CAUSES:
        if record.verdict is not None and record.launches:
            store.clear_strikes(serialno)  # the phone did its part
        return
    strikes = store.strike(serialno, record.cause, means.clock.wall_s())
    if strikes >= STRIKES:
        reason = (
            f"{strikes} runs in a row ended for causes of the phone or its cable, the last one {record.cause}"
        )
        store.quarantine(serialno, reason, means.clock.wall_s())
