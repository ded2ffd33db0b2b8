"""What is concluded of a campaign. Pure.

Results are made of plan and outcomes whenever they are asked for: a limit against a baseline is judged over
all cells together, so that of a cell is settled with the last one.
"""

from __future__ import annotations

from typing import Any, Final, Literal

import msgspec

from devicehub.campaign.outcome import CellOutcome
from devicehub.campaign.planned import Cell, Plan

CellState = Literal["passed", "failed", "inconclusive", "not_comparable", "not_run"]
CELL_STATES: Final[tuple[CellState, ...]] = ("passed", "failed", "inconclusive", "not_comparable", "not_run")
NOT_JUDGED: Final[frozenset[CellState]] = frozenset({"inconclusive", "not_comparable", "not_run"})


class LimitResult(msgspec.Struct, frozen=True, kw_only=True):
    """One limit of one cell.

    Attributes:
        state: inconclusive where launches or pairs do not decide.
        sentence: one, with the figures.
        value: the figure; of a relative limit the ratio to the baseline.
        low: of its interval (95 %); so is high.
        p: of a relative limit: the chance of so bad a mean were nothing changed, one-sided.
        more_pairs: how many more would decide; None where that cannot be told.
    """

    limit: int
    text: str
    state: CellState
    sentence: str
    value: float | None = None
    low: float | None = None
    high: float | None = None
    p: float | None = None
    pairs: int = 0
    more_pairs: int | None = None


class FigureSummary(msgspec.Struct, frozen=True, kw_only=True):
    """A figure over the launches that count, and with a baseline its ratio with the interval (95 %)."""

    median: float
    lowest: float
    highest: float
    launches: int
    base: float | None = None
    ratio: float | None = None
    low: float | None = None
    high: float | None = None


class CellResult(msgspec.Struct, frozen=True, kw_only=True):
    """What is concluded of a cell.

    Attributes:
        reason: a slug: the cause of the verdict, wrong_output, limit, suite_failed, throttled, unlike,
            baseline_missing, too_few_launches, stopped, max_duration, phone_away, and those of `left_out`.
        sentence: for a person, with the figures.
        proof: lines of evidence.
    """

    cell: Cell
    state: CellState
    reason: str | None
    sentence: str
    proof: list[str] = []
    remedy: str | None = None
    limits: list[LimitResult] = []
    figures: dict[str, FigureSummary] = {}
    outcome: CellOutcome | None = None


class FrontPoint(msgspec.Struct, frozen=True, kw_only=True):
    """One setting of a sweep with what it gave.

    Attributes:
        cell: its first one, where several phones of the SoC ran it.
        stopped: why its launches were cut short: wrong, failed, slower; None where they were not.
        ranges: the lowest and the highest of each figure, by name.
        on_front: no other setting is better in one figure and not worse in the others, beyond noise.
    """

    cell: int
    settings: dict[str, Any]
    launches: int
    stopped: str | None = None
    prefill_tok_s: float | None = None
    decode_tok_s: float | None = None
    peak_memory_mib: float | None = None
    fidelity: float | None = None
    ranges: dict[str, tuple[float, float]] = {}
    on_front: bool = False


class Front(msgspec.Struct, frozen=True, kw_only=True):
    """The settings of one sweep on one SoC; phones by their serials."""

    soc: str
    model: str
    engine: str | None
    profile: str
    workload: str
    phones: list[str]
    points: list[FrontPoint]


class Jump(msgspec.Struct, frozen=True, kw_only=True):
    """A figure that moved between two campaigns."""

    figure: str
    before: float
    after: float
    ratio: float
    campaign: str


class HistoryPoint(msgspec.Struct, frozen=True, kw_only=True):
    """What one campaign measured of a (SoC, model, engine, profile, workload)."""

    campaign: str
    name: str
    created: float
    state: CellState
    engine_id: str | None
    figures: dict[str, FigureSummary]


class History(msgspec.Struct, frozen=True, kw_only=True):
    """The same thing over campaigns, oldest first."""

    soc: str
    model: str
    engine: str | None
    profile: str
    workload: str
    points: list[HistoryPoint]
    jumps: list[Jump] = []


class CampaignResult(msgspec.Struct, frozen=True, kw_only=True):
    """What is concluded of a campaign.

    Attributes:
        state: running, stopped or ended.
        sentence: the whole in one.
        exit: 0 every cell passed, 1 any failed, 5 none failed and some not judged.
        counts: cells by state.
    """

    plan: Plan
    state: str
    cells: list[CellResult]
    counts: dict[str, int]
    sentence: str
    exit: int
    fronts: list[Front] = []
    history: list[History] = []
    ended: float | None = None
