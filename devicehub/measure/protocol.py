"""From a protocol to the steps that a phone works through. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from devicehub.runs.steps import Step

if TYPE_CHECKING:
    from collections.abc import Iterator

    from devicehub.runs.model import Protocol

_LEAST_FOR_COST: Final = 4
"""Launches with sampling, and as many without: fewer tell nothing about a share of a few percent."""


def plan_steps(
    protocol: Protocol | None,
    *,
    launches: int,
    fixture_prompts: int,
    gpu: bool,
    idle: bool,
    cost: bool,
    unsampled: bool,
    suite: bool = False,
) -> list[Step]:
    """The steps of one run, in the order in which a phone can make trustworthy figures of them.

    The idle step comes first, on a phone that has done nothing yet; then the fixture, which warms nothing
    that counts; then what warms up.

    Args:
        protocol: None for so many launches as they come.
        launches: how many without a protocol.
        fixture_prompts: how many the model has to answer first.
        gpu: the backend tunes its kernels in the first launch of a configuration.
        idle: measure what the phone takes with nothing to do.
        cost: as many launches without sampling as with it, alternating ABBA.
        unsampled: leave sampling out of measured launches.
        suite: each measured launch has a prompt of its own, or a file of an evaluation.
    """
    gated = protocol is not None and protocol.gate is not None
    count = protocol.launches if protocol else launches
    if cost:
        count = max(count, _LEAST_FOR_COST)
        sampled = [turn == 0 for turn in _alternate(count)]
    else:
        sampled = [not unsampled] * count
    return [
        *([Step(kind="idle")] if idle else []),
        *_fixture(fixture_prompts, arm=0),
        *_warmups(protocol, gpu=gpu, arm=0),
        *(
            Step(kind="measured", prompt=number if suite else None, gated=gated, sampled=each)
            for number, each in enumerate(sampled)
        ),
    ]


def plan_comparison(
    protocol: Protocol,
    *,
    fixture_prompts: tuple[int, int],
    gpu: tuple[bool, bool],
    unsampled: bool,
    suite: bool = False,
) -> list[Step]:
    """The steps of two runs on one phone: fixtures and warm-ups of both, then their launches as ABBA.

    Two neighbouring launches make a pair, each pair begins with the arm that the one before ended with: so a
    drift that is steady over four launches cancels. Of a suite each pair has a prompt of its own.
    """
    gated = protocol.gate is not None
    return [
        *(step for arm in (0, 1) for step in _fixture(fixture_prompts[arm], arm=arm)),
        *(step for arm in (0, 1) for step in _warmups(protocol, gpu=gpu[arm], arm=arm)),
        *(
            Step(
                kind="measured",
                arm=arm,
                prompt=place // 2 if suite else None,
                gated=gated,
                sampled=not unsampled,
            )
            for place, arm in enumerate(_alternate(protocol.launches))
        ),
    ]


def _alternate(pairs: int) -> Iterator[int]:
    """0 1 1 0 0 1 1 0 ..., so many of each."""
    for pair in range(pairs):
        yield from ((0, 1), (1, 0))[pair % 2]


def _fixture(prompts: int, *, arm: int) -> list[Step]:
    return [Step(kind="fixture", arm=arm, prompt=prompt) for prompt in range(prompts)]


def _warmups(protocol: Protocol | None, *, gpu: bool, arm: int) -> list[Step]:
    return [Step(kind="warmup", arm=arm)] * max(protocol.warmups if protocol else 0, int(gpu))
