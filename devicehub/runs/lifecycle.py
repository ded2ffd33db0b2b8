"""The states of a run, and the one table that moves between them.

::

    queued ─▶ checking ─▶ deploying ─▶ starting ─▶ running ◀─▶ detached
                                                      │            │
                                                      ▼            ▼
                                                  collecting ◀─────┘
                                                      │
                              succeeded · failed ◀────┘        cancelled · lost from any state before the end

A retry leads back to checking. An end is final, but `lost`: a result imported later replaces it, once.
The table is total: what a phone may report in any order keeps the state; only steps that the hub itself
takes out of order raise.
"""

from __future__ import annotations

from enum import StrEnum, unique
from typing import Final

from devicehub.errors import IllegalTransition
from devicehub.tables import read_table


@unique
class RunState(StrEnum):
    """Where a run is."""

    QUEUED = "queued"
    CHECKING = "checking"
    DEPLOYING = "deploying"
    STARTING = "starting"
    RUNNING = "running"
    DETACHED = "detached"
    """Under way on the phone, which is out of reach."""
    COLLECTING = "collecting"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"
    LOST = "lost"

    @property
    def is_end(self) -> bool:
        """Whether nothing more will happen to the run."""
        return self in (RunState.SUCCEEDED, RunState.FAILED, RunState.CANCELLED, RunState.LOST)


@unique
class RunEvent(StrEnum):
    """What happens to a run."""

    CHECK = "check"
    """An attempt begins; from deploying on, a new one, the old supervisor being proven dead."""
    DEPLOY = "deploy"
    START = "start"
    STARTED = "started"
    LINK_LOST = "link_lost"
    LINK_BACK = "link_back"
    EXITED = "exited"
    """The phone published the exit status."""
    SUCCEED = "succeed"
    FAIL = "fail"
    CANCEL = "cancel"
    LOSE = "lose"


_TABLE: Final = """
           check    deploy    start    started link_lost link_back exited     succeed   fail   cancel    lose
queued     checking -         -        -       .         .         .          -         failed cancelled lost
checking   .        deploying -        -       .         .         .          -         failed cancelled lost
deploying  checking -         starting -       .         .         .          -         failed cancelled lost
starting   checking -         -        running detached  .         collecting -         failed cancelled lost
running    checking -         -        .       detached  .         collecting -         failed cancelled lost
detached   checking -         -        running .         running   collecting -         failed cancelled lost
collecting checking -         -        .       .         .         .          succeeded failed cancelled lost
succeeded  -        -         -        .       .         .         .          -         -      .         .
failed     -        -         -        .       .         .         .          -         -      .         .
cancelled  -        -         -        .       .         .         .          -         -      .         .
lost       -        -         -        .       .         .         collecting -         -      .         .
"""
"""One row a state, one column an event, in the order of `RunEvent`; `.` stays, `-` is an error of ours."""


TRANSITIONS: Final = read_table(_TABLE, RunState, RunEvent)


def next_state(state: RunState, event: RunEvent) -> RunState:
    """The state that follows.

    Raises:
        IllegalTransition: the hub took a step out of order.
    """
    target = TRANSITIONS[state, event]
    if target is None:
        raise IllegalTransition(state, event)
    return target
