"""Which launches of two runs form pairs. Pure.

A pair is two launches that the phone made one right after the other, one of each run: what drifts slowly
meets both alike. So a pair is made only within one list, of launches with consecutive numbers there, and each
launch stands in one pair at most. Two phones that ran at the same time are paired launch by launch.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

    from devicehub.runs.model import Launch, RunHeader, RunRecord

PHONE: Final = "phone"


@dataclass(frozen=True)
class Pair:
    """Two launches that are held against each other.

    Attributes:
        a: the first run's launch.
        b: the second run's.
        places: their numbers in the list; equal ones for launches that ran at once.
    """

    a: Launch
    b: Launch
    places: tuple[int, int]


def interleaved(a: RunHeader, b: RunHeader) -> bool:
    """Whether both are the halves of one comparison, so that their launches alternated or ran together."""
    first, second = a.comparison, b.comparison
    return (
        first is not None
        and second is not None
        and first.id == second.id
        and first.arm != second.arm
        and (first.other, second.other) == (b.id, a.id)
    )


def in_one_list(a: RunHeader, b: RunHeader) -> bool:
    """Whether one phone made the launches of both in turn."""
    return interleaved(a, b) and a.comparison is not None and a.comparison.by != PHONE


def counts(launch: Launch) -> bool:
    """Whether a launch's figures count: measured, succeeded, not doubted."""
    return launch.kind == "measured" and launch.verdict == "succeeded" and not launch.doubts


def chosen(record: RunRecord) -> list[Launch]:
    """The launches of a run that count: the warm ones, or all where none is warm.

    Where the summary is of launches without sampling, so is the choice: sampling costs speed.
    """
    good = [launch for launch in record.launches if counts(launch)]
    if record.summary is not None and record.summary.sampled is False:
        good = [launch for launch in good if not launch.sampled]
    return [launch for launch in good if not launch.cold] or good


def make_pairs(a: RunRecord, b: RunRecord) -> list[Pair]:
    """The complete pairs of two halves of a comparison."""
    assert a.comparison is not None
    if a.comparison.by == PHONE:
        return _side_by_side(a, b)
    both = [(launch, 0) for launch in chosen(a)] + [(launch, 1) for launch in chosen(b)]
    return _neighbours(sorted(both, key=lambda item: item[0].order))


def _neighbours(launches: Sequence[tuple[Launch, int]]) -> list[Pair]:
    """Pairs of one list.

    Where a launch is missing, ABBA leaves its neighbour alone: the next launch is of the same run.
    """
    pairs = []
    at = 0
    while at + 1 < len(launches):
        (first, arm), (second, other) = launches[at], launches[at + 1]
        if arm == other or second.order != first.order + 1:
            at += 1
            continue
        one, two = (first, second) if arm == 0 else (second, first)
        pairs.append(Pair(one, two, (one.order, two.order)))
        at += 2
    return pairs


def _side_by_side(a: RunRecord, b: RunRecord) -> list[Pair]:
    """Each measured launch with the other phone's of the same place, failed ones counted."""
    good = {id(launch) for record in (a, b) for launch in chosen(record)}
    together = enumerate(zip(_measured(a), _measured(b), strict=False), 1)
    return [
        Pair(one, other, (place, place)) for place, (one, other) in together if {id(one), id(other)} <= good
    ]


def _measured(record: RunRecord) -> list[Launch]:
    measured = [launch for launch in record.launches if launch.kind == "measured"]
    return sorted(measured, key=lambda launch: launch.order)
