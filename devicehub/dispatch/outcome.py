"""From what the phone left of a run to its record. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import msgspec

from devicehub.runs.lifecycle import RunEvent, RunState
from devicehub.runs.model import RunHeader, RunRecord, Timings, summarize
from devicehub.workloads.failures import BY_SLUG

if TYPE_CHECKING:
    from collections.abc import Sequence

    from devicehub.runs.model import Attempt, Conditions, Launch
    from devicehub.telemetry.timeline import Break

SUCCEEDED: Final = "succeeded"
FAILED: Final = "failed"
STOPPED: Final = "stopped"
"""The agent's word for an end that a person asked for."""
PHONE_LOST: Final = "phone_lost"
"""The hub's word for a run whose phone never came back."""
_HEADER_FIELDS: Final = RunHeader.__struct_fields__


@dataclass(frozen=True)
class Ended:
    """How an attempt ended.

    Attributes:
        cause: why agent or hub ended it, or why its supervisor vanished; None where it ended by itself.
        sentence: what the hub has to say about that.
        unseen: why it is not known whether the phone slept, one sentence each.
        diagnosis: the last lines of a launch that was repeated attached to a terminal.
    """

    cause: str | None
    conditions: Conditions
    launches: Sequence[Launch] = ()
    breaks: Sequence[Break] = ()
    sentence: str | None = None
    unseen: Sequence[str] = ()
    diagnosis: Sequence[str] = field(default=())


@dataclass(frozen=True)
class Conclusion:
    """What the hub concludes about a run."""

    event: RunEvent
    verdict: str | None
    cause: str | None
    trust_reasons: tuple[str, ...]


def conclude(header: RunHeader, ended: Ended) -> Conclusion:
    """The end of a run, and why its figures are not to be trusted where they are not."""
    if ended.cause == STOPPED:
        return Conclusion(RunEvent.CANCEL, None, STOPPED, ("the run was stopped",))
    if ended.cause == PHONE_LOST:
        return Conclusion(RunEvent.LOSE, None, PHONE_LOST, ("the phone never came back",))
    verdict, cause = _verdict(header, ended)
    reasons = [] if verdict == SUCCEEDED else [ended.sentence or f"the run is {verdict}: {cause}"]
    reasons += [doubt for launch in ended.launches for doubt in launch.doubts]
    reasons += ended.unseen
    if ended.breaks:
        reasons += [gap.sentence for gap in ended.breaks]
        if verdict == SUCCEEDED:
            verdict, cause = FAILED, ended.breaks[0].cause
    event = RunEvent.SUCCEED if verdict == SUCCEEDED else RunEvent.FAIL
    return Conclusion(event, verdict, cause, tuple(reasons))


def _verdict(header: RunHeader, ended: Ended) -> tuple[str, str | None]:
    for launch in ended.launches:
        if launch.verdict != SUCCEEDED:
            # Whatever the launch shows, what the agent did to it comes first.
            return launch.verdict or FAILED, launch.cause
    if ended.cause is not None:
        return FAILED, ended.cause
    if len(ended.launches) < header.launches_asked:
        return FAILED, "agent_failed"
    return SUCCEEDED, None


def make_record(
    header: RunHeader,
    ended: Ended,
    *,
    state: RunState,
    conclusion: Conclusion,
    attempts: Sequence[Attempt],
    timings: Timings,
    ended_s: float,
) -> RunRecord:
    """The whole run."""
    launches = list(ended.launches)
    shared: dict[str, Any] = {name: getattr(header, name) for name in _HEADER_FIELDS}
    return RunRecord(
        **shared,
        state=state,
        verdict=conclusion.verdict,
        cause=conclusion.cause,
        trusted=not conclusion.trust_reasons,
        trust_reasons=list(conclusion.trust_reasons),
        attempts=list(attempts),
        conditions=ended.conditions,
        fidelity=None,
        launches=launches,
        summary=summarize(launches),
        timings=timings,
        diagnosis=list(ended.diagnosis),
        ended=ended_s,
    )


def remedy_for(record: RunRecord) -> str | None:
    """What a person can do about the run's cause."""
    for launch in record.launches:
        if launch.cause == record.cause and launch.remedy:
            return launch.remedy
    failure = BY_SLUG.get(record.cause or "")
    return failure.remedy if failure else None


def read_header(data: bytes) -> RunHeader | None:
    """A header as the store keeps it; None where another version wrote it."""
    try:
        return msgspec.json.decode(data, type=RunHeader)
    except msgspec.MsgspecError:
        return None
