"""The states of a device, and the one table that moves between them.

::

    absent ──seen──▶ identifying ──identified──▶ ready ──run started──▶ busy
      ▲  ╲              │                          ▲ ╲                  │  │
      │   ╲ unauthorized/offline                   │  vanished          │  │ cable lost
      └─── vanished ◀───┴──────────────────────────┼───┘                │  ▼
                                                   ╰──── run ended ◀────┴─ orphaned
    quarantined: from anywhere by `quarantine`, left by `release` only.

The table is total. What adb may report in any order keeps or moves the state; a run that starts on a device
that is not ready is a programming error and raises.
"""

from __future__ import annotations

from enum import StrEnum, unique
from typing import Final

from devicehub.errors import IllegalTransition
from devicehub.tables import read_table


@unique
class DeviceState(StrEnum):
    """What the hub may do with a phone."""

    ABSENT = "absent"
    UNAUTHORIZED = "unauthorized"
    OFFLINE = "offline"
    """adb lists it, but no shell can be had (offline, connecting, recovery, no permissions)."""
    IDENTIFYING = "identifying"
    READY = "ready"
    BUSY = "busy"
    ORPHANED = "orphaned"
    """Its run is alive, its cable is gone."""
    QUARANTINED = "quarantined"
    """It failed too often for reasons of its own; a person releases it."""


@unique
class DeviceEvent(StrEnum):
    """What happens to a phone."""

    SEEN = "seen"
    """adb lists it as `device`."""
    SEEN_UNAUTHORIZED = "seen_unauthorized"
    SEEN_OFFLINE = "seen_offline"
    VANISHED = "vanished"
    IDENTIFIED = "identified"
    RUN_STARTED = "run_started"
    RUN_ENDED = "run_ended"
    QUARANTINED = "quarantined"
    RELEASED = "released"


_TABLE: Final = """
             seen        unauthorized offline  vanished identified start end    quarantine  release
absent       identifying unauthorized offline  .        .          -     .      quarantined .
unauthorized identifying .            offline  absent   .          -     .      quarantined .
offline      identifying unauthorized .        absent   .          -     .      quarantined .
identifying  .           unauthorized offline  absent   ready      -     .      quarantined .
ready        .           unauthorized offline  absent   .          busy  .      quarantined .
busy         .           orphaned     orphaned orphaned .          -     ready  quarantined .
orphaned     busy        .            .        .        .          -     absent quarantined .
quarantined  .           .            .        .        .          -     .      .           absent
"""
"""One row a state, one column an event, in the order of `DeviceEvent`; `.` stays, `-` is an error of ours."""


TRANSITIONS: Final = read_table(_TABLE, DeviceState, DeviceEvent)


def next_state(state: DeviceState, event: DeviceEvent) -> DeviceState:
    """The state that follows.

    Raises:
        IllegalTransition: a run starts on a device that is not ready.
    """
    target = TRANSITIONS[state, event]
    if target is None:
        raise IllegalTransition(state, event)
    return target


_SEEN_AS: Final = {"device": DeviceEvent.SEEN, "unauthorized": DeviceEvent.SEEN_UNAUTHORIZED}


def event_for(adb_state: str) -> DeviceEvent:
    """The event behind adb's word for a phone; every other word means that no shell can be had."""
    return _SEEN_AS.get(adb_state, DeviceEvent.SEEN_OFFLINE)
