"""What the making of a model for the NPU ends with when none comes of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from devicehub.export.errors import ExportFailed

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path


class NpuStepFailed(ExportFailed):
    """A step failed; those before it need not be done again.

    Attributes:
        work: where what was finished is kept.
    """

    def __init__(
        self, source: Path, stage: str, reason: str, *, tail: Sequence[str], log: Path, work: Path
    ) -> None:
        super().__init__(source, stage, reason, tail=tail, log=log)
        self.args = (*self.args, work)
        self.work = work

    def __str__(self) -> str:
        said = "".join(f"\n  {line}" for line in self.tail)
        text = (
            f"{self.source}: step {self.stage} failed: {self.reason}; what was finished is kept in "
            f"{self.work}, and the same command goes on from there; the log is {self.log}"
        )
        return text + (f", which ends with{said}" if said else "")
