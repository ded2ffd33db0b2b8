"""What a check found: how bad it is, where, why, and the way out. Pure."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

import msgspec

from devicehub.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterable


class Severity(StrEnum):
    """How bad a finding is, the worst first."""

    ERROR = "error"
    """It cannot work, or it answers garbage: a run is refused."""
    WARNING = "warning"
    """It works, but not as asked: something is ignored, deprecated or slow."""
    NOTE = "note"
    """Worth knowing; nothing has to change."""


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that was found.

    Attributes:
        slug: names the kind for good, as in `top_k_zero`.
        place: a file, `file:line`, or a file and a key.
        why: what happens because of it, as a sentence that follows the place.
        fix: the way out; None where there is nothing to be done.
    """

    severity: Severity
    slug: str
    place: str
    why: str
    fix: str | None = None

    def __str__(self) -> str:
        """One line: place, reason, way out."""
        return f"{self.place}: {self.why}" + (f"; {self.fix}" if self.fix else "")


def in_order(findings: Iterable[Finding]) -> list[Finding]:
    """The worst first; equally bad ones stay as they came."""
    rank = list(Severity)
    return sorted(findings, key=lambda finding: rank.index(finding.severity))


def errors(findings: Iterable[Finding]) -> list[Finding]:
    """Those that forbid a run."""
    return [finding for finding in findings if finding.severity is Severity.ERROR]


def refusal(finding: Finding) -> InputError:
    """The finding as what is raised where nothing but the first counts."""
    return InputError(finding.place, finding.why, remedy=finding.fix)
