"""A run that waits, as clients are shown it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from devicehub.dispatch.unbegun import names_of

if TYPE_CHECKING:
    from devicehub.dispatch.entry import Entry

_DEGREES: Final = re.compile(r"[\d.-]+ °C warm")


@dataclass(frozen=True)
class QueuedRun:
    """One run that waits.

    Attributes:
        place: in the order in which the entries would go now, from 1.
        waits_for: why it has not begun, in a sentence; None where it begins this moment.
        serial: of the phone that it is for; None where any of several will do.
        model: its name; so are engine and profile, None where none was named.
        other: the other run of its comparison.
    """

    id: str
    entry: Entry
    place: int
    waits_for: str | None
    serial: str | None
    serialno: str | None
    model: str
    engine: str | None
    profile: str | None
    other: str | None


def show_queued(entry: Entry, run_id: str, place: int, why: str | None) -> QueuedRun:
    """One run of an entry; `why` it waits."""
    model, engine, profile = names_of(entry, run_id)
    target = entry.wish(run_id).target
    others = [other for other in entry.run_ids if other != run_id]
    return QueuedRun(
        id=run_id,
        entry=entry,
        place=place,
        waits_for=why,
        serial=target.serial if target else None,
        serialno=target.serialno if target else None,
        model=model,
        engine=engine,
        profile=profile,
        other=others[0] if others else None,
    )


def gist_of(run: QueuedRun) -> tuple[int, str]:
    """What of a queued run is told when it changes: a phone that cools by a tenth of a degree is no news."""
    return run.place, _DEGREES.sub("", run.waits_for or "")
