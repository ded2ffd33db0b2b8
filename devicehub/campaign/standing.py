"""What is said of a cell before any figure is looked at: no run, a run that failed, conditions. Pure.

A wrong engine fails as wrong, not as slow; a phone that was throttled, slept or could not cool says nothing
of an engine's speed, so it is reported and not judged.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from devicehub.runs.answers import SUITE_FAILED

if TYPE_CHECKING:
    from collections.abc import Sequence

    from devicehub.campaign.outcome import Arm, CellOutcome
    from devicehub.campaign.planned import Cell
    from devicehub.campaign.result import CellState

WRONG_OUTPUT: Final = "wrong_output"
_SOUND_CAUSES: Final = frozenset({SUITE_FAILED})
"""The run failed by its answers alone, which are judged for themselves; its figures are sound."""
UNTRUSTED_CAUSES: Final = frozenset({"suspended", "clock_step"})
"""The run went well, its clock did not."""
_PHONE_CAUSES: Final = frozenset(
    {
        "adbd_restarted", "agent_killed", "agent_failed", "deploy_failed", "phone_gone", "phone_locked",
        "phone_lost", "hub_killed", "limit_battery", "limit_space", "app_backgrounded",
    }
)  # fmt: skip
"""What speaks of the phone, its cable or the hub, and not of what was run. A phone that restarted does not
count: some settings take it down."""
_PROBLEM_STATES: Final[dict[str, CellState]] = {
    "lost": "inconclusive",
    "baseline_missing": "not_comparable",
    "unlike": "not_comparable",
}
_PROBLEMS: Final = {
    "phone_away": "its phone was away",
    "lost": "its run was lost with its phone",
    "refused": "the hub did not begin its run",
    "cancelled": "its run was stopped",
    "stopped": "the campaign was stopped before it began",
    "max_duration": "the campaign's time was up before it began",
    "waiting": "it has not been run yet",
}


@dataclass(frozen=True)
class Standing:
    """One thing that is concluded of a cell.

    Attributes:
        reason: a slug; None for a pass.
        proof: lines of evidence.
    """

    state: CellState
    reason: str | None
    sentence: str
    proof: Sequence[str] = ()
    remedy: str | None = None


def without_run(cell: Cell, outcome: CellOutcome | None, missing: str = "waiting") -> Standing | None:
    """What is said of a cell that has no run to judge; None where it has one.

    Args:
        cell: of the plan.
        outcome: its outcome; None where there is none.
        missing: why there is none, as one of the slugs of outcomes' problems.
    """
    if cell.left_out is not None:
        return Standing("not_run", cell.left_out, cell.left_out_why or cell.left_out.replace("_", " "))
    if outcome is not None and outcome.problem is not None:
        state = _PROBLEM_STATES.get(outcome.problem, "not_run")
        return Standing(state, outcome.problem, outcome.why or _problem(outcome.problem))
    if outcome is not None and outcome.arm is not None:
        return None
    if cell.against is not None and cell.against.problem is not None:
        return Standing("not_comparable", cell.against.problem, _baseline_problem(cell))
    return Standing("not_run", missing, (outcome.why if outcome else None) or _problem(missing))


def _problem(slug: str) -> str:
    return _PROBLEMS.get(slug, slug.replace("_", " "))


def _baseline_problem(cell: Cell) -> str:
    assert cell.against is not None
    return cell.against.sentence or "the baseline cannot be run again"


def end_of(arm: Arm) -> Standing | None:
    """What a run's end alone says of its cell; None where its figures may be looked at."""
    if arm.state == "cancelled":
        return Standing("not_run", "cancelled", _problem("cancelled"))
    if arm.state == "lost":
        return Standing("inconclusive", "lost", _problem("lost"), arm.evidence, arm.remedy)
    if arm.verdict == "succeeded" or arm.cause in UNTRUSTED_CAUSES | _SOUND_CAUSES:
        return None
    cause = arm.cause or arm.verdict or arm.state
    if cause == "refused":
        return Standing("not_run", cause, _first(arm.trust_reasons) or _problem(cause), (), arm.remedy)
    if cause == WRONG_OUTPUT:
        sentence = "the engine ran, and what it says is not what the model says on the host"
        return Standing("failed", cause, sentence, arm.evidence, arm.remedy)
    state: CellState = "inconclusive" if cause in _PHONE_CAUSES else "failed"
    sentence = _first(arm.trust_reasons) or f"the run failed: {cause}"
    return Standing(state, cause, sentence, arm.evidence, arm.remedy)


def obstacle(arm: Arm) -> Standing | None:
    """What forbids to judge the speed of a run that went well; None where nothing does.

    Its state is that of a cell without a baseline.
    """
    if arm.cause in UNTRUSTED_CAUSES:
        sentence = _first(arm.trust_reasons) or f"its figures are not to be trusted: {arm.cause}"
        return Standing("inconclusive", arm.cause, sentence, arm.evidence, arm.remedy)
    if doubt := _doubt(arm):
        return Standing("inconclusive", "untrusted", f"its figures are not to be trusted: {doubt}")
    if arm.throttled:
        sentence = _told(arm, "held its processor back") or "the phone held its processor back"
        return Standing("inconclusive", "throttled", sentence)
    if arm.gate_timed_out:
        sentence = _told(arm, "at the gate") or "the phone did not cool down at the gate"
        return Standing("inconclusive", "gate_timed_out", sentence)
    return None


def _doubt(arm: Arm) -> str | None:
    """Why a run as a whole is not trusted; a launch that is doubted does not count anyway."""
    if arm.trusted:
        return None
    of_launches = [launch.why_not for launch in arm.launches if launch.why_not]
    reasons = [reason for reason in arm.trust_reasons if not any(reason in why for why in of_launches)]
    if arm.trust_reasons and not reasons:
        return None
    return _first(reasons) or "the run says so"


def _told(arm: Arm, words: str) -> str | None:
    return next((flag for flag in arm.flags if words in flag), None)


def _first(sentences: Sequence[str]) -> str | None:
    return sentences[0] if sentences else None


def incomparable(cell: Cell, outcome: CellOutcome) -> Standing | None:
    """Why a cell with a baseline is not compared with it; None where it is.

    Args:
        cell: with a baseline.
        outcome: with an arm that succeeded.
    """
    assert cell.against is not None
    assert outcome.arm is not None
    if cell.against.problem is not None:
        return Standing("not_comparable", cell.against.problem, _baseline_problem(cell))
    base = outcome.base
    if base is None:
        if outcome.moved:
            sentence = "it ran on another phone than planned, and its baseline did not run there"
            return Standing("not_comparable", "moved", sentence)
        return Standing("not_comparable", "baseline_not_run", "its baseline was not run")
    if end := end_of(base):
        sentence = f"its baseline cannot be held against: {end.sentence}"
        return Standing("not_comparable", f"baseline_{end.reason}", sentence, end.proof, end.remedy)
    saved = cell.against.config_sha256
    if saved and base.config_sha256 and base.config_sha256 != saved:
        sentence = f"the configuration of baseline {cell.against.name} is another now than when it was saved"
        return Standing("not_comparable", "baseline_changed", sentence)
    for whose, arm in (("", outcome.arm), ("its baseline: ", base)):
        if found := obstacle(arm):
            return Standing("not_comparable", found.reason, whose + found.sentence, found.proof, found.remedy)
    unlike = (
        outcome.compared.unlike if outcome.compared else ["its launches and the baseline's form no pairs"]
    )
    if unlike:
        return Standing("not_comparable", "unlike", f"not under like conditions: {unlike[0]}", unlike[1:])
    return None
