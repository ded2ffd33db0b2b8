"""What two runs must share to be compared, and what may follow from the one factor that differs. Pure.

Compared are: workload, virtual or not, protocol, asked tokens, cold or warm, charging, throttled, steady,
screen, the temperature at the start, a battery above 20 %, and engine, model, run profile and phone except
the named one. With the factor goes what follows from it: with the phone its build, SoC, governor, clocks,
caps, link and default of threads; with the model its hashes, files and the prompt tokens of a demo; with the
engine its hashes. All else is shown.

What is known of one run alone counts as unlike, since it may be; but of one list, that one half was not
throttled holds for the other. What is known of neither counts as alike and is named. A run that failed may
still give launches that count, such as one that a pulled cable ended; not so wrong output, a phone that slept
or whose clock was set, and other figures that are not trusted.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from devicehub.measure.asked import FACTOR_THINGS, PROTOCOL, asked_things, known_before, task_things
from devicehub.measure.pairs import chosen
from devicehub.measure.surroundings import CONDITIONS, PHONE_PARTS, SHOWN
from devicehub.measure.thing import Facet, Thing
from devicehub.runs.answers import SUITE_FAILED

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from devicehub.runs.model import RunHeader, RunRecord

FACTORS: Final = ("engine", "model", "profile", "phone")
_SPOILING_CAUSES: Final = frozenset(("wrong_output", "suspended", "clock_step"))
"""Of runs whose launches look well."""


def differs_in(a: RunHeader, b: RunHeader, factor: str) -> bool:
    """Whether two runs differ in a factor itself, as one of `FACTORS`."""
    if factor == "engine":
        return a.engine.id != b.engine.id
    if factor == "model":
        return a.model.id != b.model.id
    if factor == "phone":
        return a.device.serialno != b.device.serialno
    others = {other for other in ("engine", "model", "phone") if differs_in(a, b, other)}
    own = [thing for thing in known_before(a, b) if "profile" in thing.follows and not thing.follows & others]
    return any(not thing.alike(a, b) for thing in own)


def find_factor(a: RunRecord, b: RunRecord) -> str | None:
    """The one factor in which two runs differ; None where there is none, or several."""
    differing = [factor for factor in FACTORS if differs_in(a, b, factor)]
    return differing[0] if len(differing) == 1 else None


def find_unlike(a: RunRecord, b: RunRecord, by: str | None) -> list[Facet]:
    """What forbids to compare two runs of which only the factor `by` may differ."""
    found = []
    faults = [_fault(record) for record in (a, b)]
    if any(faults):
        found.append(Facet(what="result", a=faults[0] or "succeeded", b=faults[1] or "succeeded"))
    return found + _unlike_things(_things(a, b), a, b, by)


def find_unlike_before(a: RunHeader, b: RunHeader, by: str | None) -> list[Facet]:
    """What will forbid to compare two runs, as far as it is known before they are made."""
    return _unlike_things(known_before(a, b), a, b, by)


def _unlike_things(things: Iterable[Thing], a: RunHeader, b: RunHeader, by: str | None) -> list[Facet]:
    found = []
    for thing in things:
        # What follows from a factor that is named itself needs no line of its own.
        told = any(differs_in(a, b, factor) for factor in thing.follows - {"profile"} if thing.what != factor)
        if by not in thing.follows and not told and not thing.alike(a, b):
            found.append(thing.facet(a, b))
    return found


def find_shown(a: RunRecord, b: RunRecord, unlike: Sequence[Facet]) -> list[Facet]:
    """What else differs, the factor and what follows from it first."""
    told = {facet.what for facet in unlike}
    return [
        thing.facet(a, b)
        for thing in [*_things(a, b), *SHOWN]
        if thing.what not in told and thing.value(a) != thing.value(b)
    ]


def find_conditions(a: RunRecord, b: RunRecord) -> list[Facet]:
    """What the figures of both depend on above all, whether they differ in it or not."""
    main = (*FACTOR_THINGS, *task_things(a, b), PROTOCOL, *CONDITIONS, *PHONE_PARTS)
    return [thing.facet(a, b) for thing in main if thing.value(a) is not None or thing.value(b) is not None]


def find_unknown(a: RunRecord, b: RunRecord, by: str | None) -> list[str]:
    """What would be compared and is known of neither run."""
    return [
        thing.what
        for thing in _things(a, b)
        if by not in thing.follows and thing.value(a) is None and thing.value(b) is None
    ]


def _things(a: RunRecord, b: RunRecord) -> list[Thing]:
    """All that is compared between two runs."""
    return [*asked_things(a, b), *CONDITIONS, *PHONE_PARTS]


def _fault(record: RunRecord) -> str | None:
    """Why nothing may be concluded from a run; None where something may."""
    if record.cause in _SPOILING_CAUSES:
        return f"{record.state}: {record.cause}"
    if not chosen(record):
        end = f"{record.state}: {record.cause}" if record.cause else str(record.state)
        return f"no launch that counts ({end})"
    reasons = list(record.trust_reasons)
    if record.verdict == "succeeded" or record.cause == SUITE_FAILED:
        if not record.trusted and not reasons:
            return "not trusted"
    else:
        reasons = reasons[1:]  # the first says only that it failed, or was stopped
    # Launches that are doubted do not count anyway.
    doubts = {doubt for launch in record.launches for doubt in launch.doubts}
    reasons = [reason for reason in reasons if reason not in doubts]
    return f"not trusted: {reasons[0]}" if reasons else None
