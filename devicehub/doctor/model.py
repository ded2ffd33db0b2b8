"""What doctor says: rows of ok, warning and problem. Pure."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Final

import msgspec

from devicehub.findings import Severity

if TYPE_CHECKING:
    from devicehub.findings import Finding
    from devicehub.runs.model import Caution

HOST: Final = "host"
"""The subject of rows about the hub's own computer."""


class Standing(StrEnum):
    """How something stands, the best first."""

    OK = "ok"
    WARNING = "warning"
    """A run works; it may be slower, or come to less than was asked."""
    PROBLEM = "problem"
    """A run cannot work."""


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that was looked at.

    Attributes:
        subject: `host`, or a phone's serial.
        name: of the thing, in a word or two; the same every time.
        says: what was found.
        remedy: what to do, in one sentence.
    """

    subject: str
    name: str
    state: Standing
    says: str
    remedy: str | None = None


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """All that doctor found.

    Attributes:
        rows: the host's first, then of one phone after the other.
        phones: the serials of those that were looked at.
        titles: what each of them is, by serial.
        engine: the engine that was held against the phones, by serial; so is the model, which is one.
        profile: the run profile.
        probed: rows of this report come from a run.
    """

    rows: list[Row]
    phones: list[str] = []
    titles: dict[str, str] = {}
    engine: dict[str, str] = {}
    model: str | None = None
    profile: str | None = None
    probed: bool = False

    @property
    def has_problem(self) -> bool:
        """Whether something stands in the way of a run."""
        return any(row.state is Standing.PROBLEM for row in self.rows)


_STANDINGS: Final = {
    Severity.ERROR: Standing.PROBLEM,
    Severity.WARNING: Standing.WARNING,
    Severity.NOTE: Standing.OK,
}


class Sheet:
    """Takes down the rows of one subject."""

    def __init__(self, subject: str) -> None:
        self.subject = subject
        self.rows: list[Row] = []

    def ok(self, name: str, says: str, remedy: str | None = None) -> None:
        """It is as it should be, or nothing that a run needs."""
        self._add(name, Standing.OK, says, remedy)

    def warning(self, name: str, says: str, remedy: str | None = None) -> None:
        """A run works, and something is to be known."""
        self._add(name, Standing.WARNING, says, remedy)

    def problem(self, name: str, says: str, remedy: str | None = None) -> None:
        """A run cannot work."""
        self._add(name, Standing.PROBLEM, says, remedy)

    def finding(self, name: str, found: Finding) -> None:
        """What a check found; a note is shown as ok, with its text."""
        says = found.why if found.place == self.subject else f"{found.place}: {found.why}"
        self._add(name, _STANDINGS[found.severity], says, found.fix)

    def caution(self, name: str, told: Caution) -> None:
        """What a run would be told before it starts."""
        self._add(name, Standing.WARNING, told.sentence, told.remedy)

    def _add(self, name: str, state: Standing, says: str, remedy: str | None) -> None:
        self.rows.append(Row(subject=self.subject, name=name, state=state, says=says, remedy=remedy))
