"""The verdict on one launch of a custom workload."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from devicehub.workloads.facts import INCOMPLETE, SUCCEEDED, Judgement, failed, first_cause
from devicehub.workloads.failures import EXIT_CAUSES
from devicehub.workloads.remedies import find_remedy

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from devicehub.profiles.custom import Custom, Stream
    from devicehub.workloads.custom_finds import Finds
    from devicehub.workloads.evidence import Hit
    from devicehub.workloads.record import Record

_LONGEST: Final = 400
_FULL_KIB: Final = 1024
_KILLED: Final = 137
_FIRST_OF_SHELL: Final = 126
"""From here on an exit status is the shell's word or a signal's."""


@dataclass(frozen=True)
class CustomFacts:
    """Everything that is known about one launch.

    Attributes:
        finds: what was found, by stream; of the log in the lines of the launch's own process.
        hits: known failures that standard error and the log prove; they explain an end, they make none.
        losses: what the log lost of this launch, a sentence each; empty where no pattern searches the log.
        agent_cause, agent_lines, exit_status, memory_short, free_kib: as for `CustomReader.finish`.
    """

    custom: Custom
    finds: Mapping[Stream, Finds]
    records: Sequence[Record]
    hits: Sequence[Hit]
    losses: Sequence[str]
    agent_cause: str | None
    agent_lines: Sequence[str]
    exit_status: int | None
    memory_short: str | None
    free_kib: int | None


def judge_custom(facts: CustomFacts) -> Judgement:
    """Apply the predicate: no failure line, the stated exit status, every success line."""
    records, custom = facts.records, facts.custom
    if facts.agent_cause is not None:
        lines = facts.agent_lines or (f"the agent ended the launch: {facts.agent_cause}",)
        return failed(facts.agent_cause, records, facts.hits, lines=lines)
    for place, pattern in enumerate(custom.failures):
        if lines := _first_lines(pattern.streams, facts, place):
            return failed(pattern.cause, records, facts.hits, lines=lines)
    if (ended := _judge_status(facts)) is not None:
        return ended
    found = [
        _first_lines(pattern.streams, facts, place, success=True)
        for place, pattern in enumerate(custom.success)
    ]
    if not all(found):
        missing = [
            f"no line of {' or '.join(pattern.streams)} matches {pattern.regex}"
            for pattern, lines in zip(custom.success, found, strict=True)
            if not lines
        ]
        return _judge_missing(facts, missing)
    lines = [line.strip()[:_LONGEST] for seen in found for line in seen]
    return Judgement(SUCCEEDED, None, tuple(records), tuple(dict.fromkeys(lines)))


def remedy_of(facts: CustomFacts, judgement: Judgement) -> str | None:
    """The profile's own remedy where one of its lines decided, else that of the cause."""
    own = [
        pattern.remedy
        for place, pattern in enumerate(facts.custom.failures)
        if pattern.cause == judgement.cause and _first_lines(pattern.streams, facts, place)
    ]
    return next((remedy for remedy in own if remedy), None) or find_remedy(
        judgement.cause, judgement.evidence
    )


def _first_lines(
    streams: Sequence[Stream], facts: CustomFacts, place: int, *, success: bool = False
) -> list[str]:
    """The first line of each stream in which the pattern at this place was found."""
    found = []
    for stream in streams:
        finds = facts.finds[stream]
        line = (finds.success if success else finds.failures).get(place)
        if line is not None:
            found.append(line)
    return found


def _judge_status(facts: CustomFacts) -> Judgement | None:
    status, stated = facts.exit_status, facts.custom.status
    if status is None:
        return Judgement(
            INCOMPLETE, "incomplete_output", tuple(facts.records), ("how it ended is not known",)
        )
    if status == stated or (stated == "any" and status < _FIRST_OF_SHELL):
        return None
    lines = [f"exit status {status}"]
    if status == _KILLED and facts.memory_short is not None:
        return failed("out_of_memory", facts.records, facts.hits, lines=[facts.memory_short, *lines])
    if facts.hits:
        return failed(first_cause(facts.hits).slug, facts.records, facts.hits, lines=lines)
    return failed(EXIT_CAUSES.get(status, "exit_status"), facts.records, lines=lines)


def _judge_missing(facts: CustomFacts, missing: Sequence[str]) -> Judgement:
    """What the profile demands was not printed, though the command ended as it should."""
    if facts.losses:
        return Judgement(INCOMPLETE, "log_loss", tuple(facts.records), (*missing, *facts.losses))
    if facts.hits:
        return failed(first_cause(facts.hits).slug, facts.records, facts.hits, lines=missing)
    if facts.free_kib is not None and facts.free_kib < _FULL_KIB:
        full = f"{facts.free_kib} KiB of storage were free at its end"
        return failed("no_space", facts.records, lines=[*missing, full])
    return failed("pattern_missing", facts.records, lines=missing)
