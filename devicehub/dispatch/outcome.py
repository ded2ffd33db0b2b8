"""From what the phone left of a run to its record. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import msgspec

from devicehub.measure.checks import check_run
from devicehub.measure.cost import COSTLY, sampling_cost
from devicehub.measure.evaluations import without_texts
from devicehub.measure.fidelity import is_wrong, wrong_lines
from devicehub.measure.plausible import find_implausible
from devicehub.measure.suites import judge_suite
from devicehub.runs.answers import SUITE_FAILED
from devicehub.runs.lifecycle import RunEvent, RunState
from devicehub.runs.model import Fidelity, HubProblem, RunHeader, RunRecord, Timings, summarize
from devicehub.runs.steps import own_steps
from devicehub.workloads.failures import BY_SLUG

if TYPE_CHECKING:
    from collections.abc import Sequence

    from devicehub.errors import HubError
    from devicehub.runs.answers import Evaluation, SuiteResult
    from devicehub.runs.model import Attempt, Conditions, Energy, Flag, Launch
    from devicehub.telemetry.timeline import Break

SUCCEEDED: Final = "succeeded"
FAILED: Final = "failed"
STOPPED: Final = "stopped"
"""The agent's word for an end that a person asked for."""
WRONG_OUTPUT: Final = "wrong_output"
PHONE_LOST: Final = "phone_lost"
"""The hub's word for a run whose phone never came back."""
_UNTRUSTED: Final = frozenset({"stalled"})
"""Flags of a launch with which its figures are not those of the phone at work."""
_REMEDY_OF_DSP: Final = "repeat; with hexagon keep prompts at 2048 tokens or less"
"""Longer ones can take the whole phone down."""
_UNANSWERED: Final = Fidelity(share=None, reason="the run ended before the model had answered")
_HEADER_FIELDS: Final = RunHeader.__struct_fields__


@dataclass(frozen=True)
class Ended:
    """How an attempt ended.

    Attributes:
        cause: why agent or hub ended it, or why its supervisor vanished; None where it ended by itself.
        sentence: what the hub has to say about that.
        error: what the hub met, where that ended it.
        answered: how the model answered its fixture, or why it was not asked.
        suite: how it answered its prompt suite; None where it was asked none, or did not come so far.
        evaluation: how it answered the questions of workload eval.
        unseen: why it is not known whether the phone slept, one sentence each.
        diagnosis: the last lines of a launch that was repeated attached to a terminal.
    """

    cause: str | None
    conditions: Conditions
    launches: Sequence[Launch] = ()
    breaks: Sequence[Break] = ()
    sentence: str | None = None
    error: HubProblem | None = None
    unseen: Sequence[str] = ()
    answered: Fidelity | None = None
    suite: SuiteResult | None = None
    evaluation: Evaluation | None = None
    energy: Energy | None = None
    diagnosis: Sequence[str] = field(default=())


@dataclass(frozen=True)
class Conclusion:
    """What the hub concludes about a run."""

    event: RunEvent
    verdict: str | None
    cause: str | None
    trust_reasons: tuple[str, ...]


def ended_by(error: HubError, cause: str, conditions: Conditions) -> Ended:
    """The end of a run that an error of the hub's is."""
    problem = HubProblem(kind=type(error).__name__, sentence=str(error), transient=error.transient)
    return Ended(cause, conditions, sentence=str(error), error=problem)


def conclude(header: RunHeader, ended: Ended) -> Conclusion:
    """The end of a run, and why its figures are not to be trusted where they are not."""
    if ended.cause == STOPPED:
        return Conclusion(RunEvent.CANCEL, None, STOPPED, ("the run was stopped",))
    if ended.cause == PHONE_LOST:
        return Conclusion(RunEvent.LOSE, None, PHONE_LOST, ("the phone never came back",))
    verdict, cause = _verdict(header, ended)
    reasons = [] if verdict == SUCCEEDED else [ended.sentence or f"the run is {verdict}: {cause}"]
    reasons += [doubt for launch in ended.launches for doubt in launch.doubts]
    reasons += [
        flag.sentence for launch in ended.launches for flag in launch.flags if flag.slug in _UNTRUSTED
    ]
    reasons += ended.unseen
    if verdict == SUCCEEDED and ended.answered is not None and is_wrong(ended.answered):
        verdict, cause = FAILED, WRONG_OUTPUT
        reasons += wrong_lines(ended.answered)
    if ended.breaks:
        reasons += [gap.sentence for gap in ended.breaks]
        if verdict == SUCCEEDED:
            verdict, cause = FAILED, ended.breaks[0].cause
    if verdict == SUCCEEDED and ended.suite is not None and ended.suite.passed < ended.suite.of:
        # What a model knows says nothing about its figures, so they stay trusted.
        verdict, cause = FAILED, SUITE_FAILED
    event = RunEvent.SUCCEED if verdict == SUCCEEDED else RunEvent.FAIL
    return Conclusion(event, verdict, cause, tuple(reasons))


def _verdict(header: RunHeader, ended: Ended) -> tuple[str, str | None]:
    for launch in ended.launches:
        if launch.verdict != SUCCEEDED:
            # Whatever the launch shows, what the agent did to it comes first.
            return launch.verdict or FAILED, launch.cause
    if ended.cause is not None:
        return FAILED, ended.cause
    if len(ended.launches) < sum(step.shown for step in own_steps(header.steps, header.arm).values()):
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
    answered = (
        ended.answered or header.fidelity_known or Fidelity(share=None, reason="the run did not come so far")
    )
    cost = sampling_cost(launches) if header.cost_asked else None
    shared: dict[str, Any] = {name: getattr(header, name) for name in _HEADER_FIELDS}
    shared["asked_eval"] = without_texts(header.asked_eval)
    return RunRecord(
        **shared,
        state=state,
        verdict=conclusion.verdict,
        cause=conclusion.cause,
        trusted=not conclusion.trust_reasons,
        trust_reasons=list(conclusion.trust_reasons),
        attempts=list(attempts),
        conditions=ended.conditions,
        fidelity=answered.share,
        answered=answered,
        evaluation=ended.evaluation,
        suite=ended.suite or judge_suite(header, (), conclusion.cause),
        energy=ended.energy,
        sampling_cost=cost,
        flags=_flags(header, ended),
        launches=launches,
        summary=summarize(launches, unsampled=cost is not None and cost > COSTLY),
        timings=timings,
        diagnosis=list(ended.diagnosis),
        error=ended.error,
        ended=ended_s,
    )


def _flags(header: RunHeader, ended: Ended) -> list[Flag]:
    found = check_run(header, ended.launches, ended.conditions)
    implausible = find_implausible(
        header, ended.launches, reads_bytes=header.reads_bytes, memory_gb_s=header.memory_gb_s
    )
    return [*found, implausible] if implausible else found


def remedy_for(record: RunRecord) -> str | None:
    """What a person can do about the run's cause."""
    if record.cause == "rebooted" and record.config.get("backend_type") == "hexagon":
        return _REMEDY_OF_DSP
    for launch in record.launches:
        if launch.cause == record.cause and launch.remedy:
            return launch.remedy
    failure = BY_SLUG.get(record.cause or "")
    return failure.remedy if failure else None


def read_header(data: bytes) -> RunHeader | None:
    """A header as the store keeps it; None where another version wrote it, which planned none or others."""
    try:
        header = msgspec.json.decode(data, type=RunHeader)
    except msgspec.MsgspecError:
        return None
    return header if header.steps else None
