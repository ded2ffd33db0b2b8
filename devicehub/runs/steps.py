"""What a phone works through for a run, or for the two runs of a comparison. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import msgspec

if TYPE_CHECKING:
    from collections.abc import Sequence

StepKind = Literal["idle", "fixture", "warmup", "measured"]


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """One launch of the list; its number there is its place, from 1.

    Attributes:
        kind: idle waits with nothing to do, a fixture step answers one prompt of the fixture.
        arm: 0, or 1 for the second run of a comparison.
        prompt: which prompt of the fixture or, of a measured step, of the suite or which part of an
            evaluation, from 0; None for all that the run has.
        gated: waits before for a cool phone that is not throttled.
        sampled: the sampler reads the phone meanwhile.
    """

    kind: StepKind
    arm: int = 0
    prompt: int | None = None
    gated: bool = False
    sampled: bool = True

    @property
    def shown(self) -> bool:
        """Whether a record shows it among its launches."""
        return self.kind in ("warmup", "measured")


def own_steps(steps: Sequence[Step], arm: int) -> dict[int, Step]:
    """A run's own steps by their number in the list."""
    return {number: step for number, step in enumerate(steps, 1) if step.arm == arm}


def folder_number(steps: Sequence[Step], number: int) -> int:
    """The number of a step's folder within its own run: its place among that run's steps, from 1."""
    arm = steps[number - 1].arm
    return sum(step.arm == arm for step in steps[:number])
