"""What an export ends with when no model comes of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from devicehub.errors import HubError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path


class ExportFailed(HubError):
    """A model could not be exported; nothing of it appears.

    Attributes:
        stage: of `export.stages`.
        reason: what went wrong.
        tail: the last lines of what the exporter said.
        log: the file with all of it.
    """

    def __init__(
        self, source: Path | str, stage: str, reason: str, *, tail: Sequence[str], log: Path
    ) -> None:
        super().__init__(source, stage, reason, tuple(tail), log)
        self.source = source
        self.stage = stage
        self.reason = reason
        self.tail = tuple(tail)
        self.log = log

    def __str__(self) -> str:
        said = "".join(f"\n  {line}" for line in self.tail)
        text = f"{self.source}: the export failed in stage {self.stage}: {self.reason}; nothing was kept but"
        return f"{text} the log {self.log}" + (f", which ends with{said}" if said else "")
