"""What the benches found, against what they are held to."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence


@dataclass(frozen=True)
class Result:
    """One figure.

    Attributes:
        case: what was measured.
        what: of it.
        most: the target where less is better.
        least: the target where more is better; without either it is only told.
    """

    case: str
    what: str
    value: float
    unit: str
    most: float | None = None
    least: float | None = None

    @property
    def target(self) -> str:
        """What it is held to; empty for nothing."""
        if self.most is not None:
            return f"at most {self.most:g}"
        return "" if self.least is None else f"at least {self.least:g}"

    @property
    def missed(self) -> bool:
        """Whether it does not hold."""
        above = self.most is not None and not self.value <= self.most
        return above or (self.least is not None and not self.value >= self.least)

    @property
    def verdict(self) -> str:
        """In a word."""
        return "MISSED" if self.missed else "holds" if self.target else ""


def table(results: Sequence[Result]) -> str:
    """All of them in lines of equal columns."""
    rows = [("case", "figure", "measured", "target", "verdict")]
    rows += [
        (
            one.case,
            one.what,
            f"{one.value:.{2 if one.unit == 'x' else 1}f} {one.unit}".rstrip(),
            one.target,
            one.verdict,
        )
        for one in results
    ]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join(
        "  ".join(
            text.rjust(width) if place == 2 else text.ljust(width)
            for place, (text, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    )
