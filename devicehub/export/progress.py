"""How far an export has come and how long it will take still, from what llmexport has told."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from devicehub.export.output import Begun, Counted, Ended, Event
from devicehub.export.stages import Stage, stage_after

if TYPE_CHECKING:
    from collections.abc import Sequence

_USUAL: Final = {
    Stage.LOAD: 8.0,
    Stage.CALIBRATE: 60.0,
    Stage.ONNX: 2.0,
    Stage.CONVERT: 0.5,
    Stage.QUANTIZE: 16.0,
    Stage.TOKENIZER: 0.5,
    Stage.CONFIG: 0.2,
    Stage.ACCEPT: 8.0,
}
"""What each stage takes, in proportion to the others: a Qwen3 of 100 million parameters, 4 bit, HQQ.

Calibration and acceptance are guessed; what is counted soon tells more.
"""


@dataclass(frozen=True)
class Progress:
    """Where an export is.

    Attributes:
        stage: the one under way.
        number: which of `of` stages that is, from 1.
        of: how many stages there are.
        stage_share: how much of it is done, 0 to 1; None where the exporter does not tell.
        share: how much of the whole is done, 0 to 1; never less than told before.
        elapsed_s: since the beginning.
        left_s: how long it will take still; None before there is anything to tell it from.
    """

    stage: Stage
    number: int
    of: int
    stage_share: float | None
    share: float
    elapsed_s: float
    left_s: float | None


class Pace:
    """Turns what the exporter tells into progress; the time is told to it."""

    def __init__(self, plan: Sequence[Stage], *, now_s: float) -> None:
        self._plan = tuple(plan)
        self._began_s = now_s
        self._stage = self._plan[0]
        self._stage_began_s = now_s
        self._stage_share: float | None = None
        self._took_s: dict[Stage, float] = {}
        self._share = 0.0

    @property
    def stage(self) -> Stage:
        """The stage under way."""
        return self._stage

    def took_s(self, *, now_s: float) -> dict[Stage, float]:
        """The seconds that each stage has taken so far."""
        return self._with_current(now_s)

    def apply(self, event: Event, *, now_s: float) -> None:
        """Take one thing that the exporter told."""
        match event:
            case Begun(stage):
                self.enter(stage, now_s=now_s)
            case Ended(stage):
                self.enter(stage, now_s=now_s)
                self.enter(stage_after(stage, self._plan), now_s=now_s)
            case Counted(stage=Stage() as stage, share=share):
                self.enter(stage, now_s=now_s)
                self._stage_share = max(self._stage_share or 0.0, share)
            case _:
                pass

    def enter(self, stage: Stage, *, now_s: float) -> None:
        """A stage begins, or goes on; models that see or hear pass some more than once."""
        if stage is self._stage or stage not in self._plan:
            return
        self._took_s = self._with_current(now_s)
        self._stage, self._stage_began_s, self._stage_share = stage, now_s, None

    def at(self, now_s: float) -> Progress:
        """The progress at a time."""
        elapsed_s = now_s - self._began_s
        left_s = self._left_s(now_s)
        if left_s is not None and elapsed_s + left_s > 0:
            self._share = max(self._share, elapsed_s / (elapsed_s + left_s))
        return Progress(
            stage=self._stage,
            number=self._plan.index(self._stage) + 1,
            of=len(self._plan),
            stage_share=self._stage_share,
            share=self._share,
            elapsed_s=elapsed_s,
            left_s=left_s,
        )

    def _with_current(self, now_s: float) -> dict[Stage, float]:
        before_s = self._took_s.get(self._stage, 0.0)
        return self._took_s | {self._stage: before_s + now_s - self._stage_began_s}

    def _left_s(self, now_s: float) -> float | None:
        here = self._plan.index(self._stage)
        past = [stage for stage in self._plan[:here] if stage in self._took_s]
        if not past:
            return None
        # How fast this host and this model are, by the stages that are over.
        factor = sum(self._took_s[stage] for stage in past) / sum(_USUAL[stage] for stage in past)
        in_stage_s = now_s - self._stage_began_s
        if self._stage_share:
            left_s = in_stage_s * (1 - self._stage_share) / self._stage_share
        else:
            left_s = max(0.0, _USUAL[self._stage] * factor - in_stage_s)
        return left_s + factor * sum(_USUAL[stage] for stage in self._plan[here + 1 :])
