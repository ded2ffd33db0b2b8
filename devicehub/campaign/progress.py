"""How a campaign stands, and what is next for a phone. Pure: the conductor does it.

An attempt at a cell is open from before its runs are queued until it is over. A cell is missing as long as it
has neither an open attempt nor an outcome; that is all that a campaign which is taken up again has to know.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final

import msgspec

from devicehub.campaign.judge import judge_cell
from devicehub.campaign.outcome import Arm, CellOutcome, Trace
from devicehub.campaign.plan import Column
from devicehub.campaign.sweep import Round, merge, next_round, stops
from devicehub.runs.retry import HUB_KILLED, TRANSIENT_CAUSES

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from devicehub.campaign.planned import Cell, PhoneRef, Plan
    from devicehub.campaign.result import CellResult
    from devicehub.runs.ask import RunAsk
    from devicehub.runs.model import RunRecord
    from devicehub.store.model import AttemptRow, CampaignRow

MOST_ATTEMPTS: Final = 2
"""At a cell, or at a round of a sweep; each run has its own retries besides."""
MOVE_AFTER_S: Final = 60.0
"""So long a phone is away before another one may take its cells."""


@dataclass(frozen=True)
class Next:
    """What a phone is to begin.

    Attributes:
        launches: of this round; None for those that the cell's column asks.
        moved: the cell is another phone's.
    """

    cell: Cell
    launches: int | None = None
    moved: bool = False


@dataclass
class _Sweep:
    """The settings of one sweep, and what was found out of them since an attempt was last noted.

    Deciding holds each against all others, and hundreds of settings are looked at with each event.
    """

    cells: list[Cell]
    done: dict[int, list[CellOutcome]] | None = None
    merged: dict[int, CellOutcome] | None = None
    planned: tuple[Round | None] | None = None

    def forget(self) -> None:
        """Something of it is known that was not."""
        self.done = self.merged = self.planned = None


@dataclass
class Progress:
    """One campaign in memory.

    Attributes:
        attempts: by cell, in their order.
        outcomes: by cell, final ones; without what reports alone ask for, where thousands are kept.
        results: what is concluded of each cell by itself, by cell.
        withdrawn: open attempts, as (cell, attempt), whose runs were ended for the campaign's sake.
    """

    row: CampaignRow
    plan: Plan
    asks: Mapping[str, RunAsk]
    attempts: dict[int, list[AttemptRow]] = field(default_factory=dict)
    outcomes: dict[int, CellOutcome] = field(default_factory=dict)
    results: dict[int, CellResult] = field(default_factory=dict)
    withdrawn: set[tuple[int, int]] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.cells = {cell.number: cell for cell in self.plan.cells}
        self._sweeps: dict[str, _Sweep] = {}
        for cell in self.plan.cells:
            if cell.group is not None and cell.left_out is None:
                self._sweeps.setdefault(cell.group, _Sweep([])).cells.append(cell)

    @property
    def has_sweep(self) -> bool:
        """Whether its cells are settings of sweeps."""
        return bool(self._sweeps)

    def open(self) -> list[AttemptRow]:
        """The attempts that are under way."""
        return [rows[-1] for rows in self.attempts.values() if rows and rows[-1].over is None]

    def note_attempt(self, row: AttemptRow) -> None:
        """An attempt began, or the one of its number is over."""
        rows = self.attempts.setdefault(row.cell, [])
        if row.outcome is not None:
            self._forget(row.cell)
            if self.cells[row.cell].group is None:
                row = replace(row, outcome=b"")  # the cell's own, which `note_outcome` gets
        self.attempts[row.cell] = [one for one in rows if one.attempt != row.attempt] + [row]

    def note_outcome(self, outcome: CellOutcome) -> None:
        """A cell has its outcome."""
        is_setting = self.cells[outcome.cell].group is not None
        self.outcomes[outcome.cell] = outcome if is_setting else _without_details(outcome)
        self.results.pop(outcome.cell, None)
        sweep = self._sweep_of(self.cells[outcome.cell])
        if sweep is not None and (sweep.merged or {}).get(outcome.cell) is not outcome:
            self._forget(outcome.cell)  # it came from elsewhere than its rounds

    def _forget(self, number: int) -> None:
        """What was found out with what a cell was known to be; another setting may look better now."""
        sweep = self._sweep_of(self.cells[number])
        if sweep is not None:
            sweep.forget()
        for cell in sweep.cells if sweep is not None else [self.cells[number]]:
            self.results.pop(cell.number, None)

    def _sweep_of(self, cell: Cell) -> _Sweep | None:
        return None if cell.group is None else self._sweeps.get(cell.group)

    def known(self) -> dict[int, CellOutcome]:
        """The outcomes of cells; of a sweep that is not over, what its rounds came to so far."""
        found = dict(self.outcomes)
        for sweep in self._sweeps.values():
            found = self._merged(sweep) | found
        return found

    def merged(self, group: str) -> list[CellOutcome]:
        """What each setting of a sweep came to, as far as it was run and has no outcome yet."""
        found = self._merged(self._sweeps[group])
        return [outcome for cell, outcome in found.items() if cell not in self.outcomes]

    def _merged(self, sweep: _Sweep) -> dict[int, CellOutcome]:
        if sweep.merged is None:
            done = self._done(sweep)
            stopped = stops(sweep.cells, done)
            sweep.merged = {cell: merge(rounds, stopped.get(cell)) for cell, rounds in done.items() if rounds}
        return sweep.merged

    def _done(self, sweep: _Sweep) -> dict[int, list[CellOutcome]]:
        if sweep.done is None:
            sweep.done = {cell.number: self.rounds(cell.number) for cell in sweep.cells}
        return sweep.done

    def _planned(self, sweep: _Sweep) -> Round | None:
        if sweep.planned is None:
            launches = self.launches(sweep.cells[0])
            found = next_round(sweep.cells, self._done(sweep), launches=launches, seed=self.plan.seed)
            sweep.planned = (found,)
        return sweep.planned[0]

    def result_of(self, number: int) -> CellResult:
        """What is concluded of a cell by itself, of a setting as far as it was run."""
        if number not in self.results:
            cell, outcome = self.cells[number], self.outcomes.get(number)
            sweep = self._sweep_of(cell)
            if outcome is None and sweep is not None:
                outcome = self._merged(sweep).get(number)
            self.results[number] = judge_cell(self.plan, cell, outcome)
        return self.results[number]

    def missing(self, serialno: str) -> list[Cell]:
        """A phone's cells that are to be begun, in their order."""
        numbers = self.plan.order.get(serialno, [])
        return [self.cells[number] for number in numbers if self._is_missing(number)]

    def _is_missing(self, number: int) -> bool:
        return number not in self.outcomes and not self._has_open(number)

    def _has_open(self, number: int) -> bool:
        return any(row.over is None for row in self.attempts.get(number, []))

    def is_complete(self) -> bool:
        """Whether every cell that was to be run has its outcome."""
        return all(cell.left_out is not None or cell.number in self.outcomes for cell in self.plan.cells)

    def next_for(self, phone: PhoneRef, away_s: Mapping[str, float]) -> Next | None:
        """What a phone begins now that nothing of this campaign is under way on it; None where nothing is.

        Args:
            phone: present.
            away_s: of each phone that is not: for how long.
        """
        if (own := self._next_of(phone.serialno)) is not None:
            return own
        if not self.plan.move or phone.soc is None:
            return None
        for other in self.plan.phones:
            if other.soc == phone.soc and away_s.get(other.serialno, 0.0) >= MOVE_AFTER_S:
                found = self._next_of(other.serialno)
                if found is not None and found.cell.group is None:
                    return Next(found.cell, found.launches, moved=True)
        return None

    def _next_of(self, serialno: str) -> Next | None:
        for cell in self.missing(serialno):
            if cell.group is None:
                return Next(cell)
            planned = self._planned(self._sweeps[cell.group])
            if planned is not None:
                return Next(self.cells[planned.cell], planned.launches)
        return None

    def finished_groups(self) -> list[str]:
        """The sweeps that need no further launch and whose cells have no outcomes yet."""
        return [group for group, sweep in self._sweeps.items() if self._is_finished(sweep)]

    def _is_finished(self, sweep: _Sweep) -> bool:
        if all(cell.number in self.outcomes for cell in sweep.cells):
            return False
        if any(self._has_open(cell.number) for cell in sweep.cells):
            return False
        return self._planned(sweep) is None

    def rounds(self, number: int) -> list[CellOutcome]:
        """What the attempts at a cell came to, in their order; those that were withdrawn left out."""
        if (settled := self.outcomes.get(number)) is not None:
            return [settled]
        rows = self.attempts.get(number, [])
        return [msgspec.json.decode(row.outcome, type=CellOutcome) for row in rows if row.outcome is not None]

    def launches(self, cell: Cell) -> int:
        """Measured launches of a whole cell."""
        return self.plan.launches[Column(cell.workload, cell.suite).key]

    def failures(self, cell: int) -> int:
        """How many attempts at a cell in a row are over and gave nothing."""
        over = [row for row in self.attempts.get(cell, []) if row.over is not None]
        return len(list(itertools.takewhile(lambda row: row.outcome is None, reversed(over))))


def _without_details(outcome: CellOutcome) -> CellOutcome:
    """What judging needs: a campaign has thousands of cells, and the store has all of each."""

    def without(arm: Arm | None) -> Arm | None:
        return arm and msgspec.structs.replace(arm, config={}, conditions={}, trace=Trace())

    return msgspec.structs.replace(outcome, arm=without(outcome.arm), base=without(outcome.base))


def is_to_be_tried_again(records: Sequence[RunRecord], failures: int) -> bool:
    """Whether what ended an attempt was neither engine, model nor setting, and another try is left.

    Args:
        records: of its runs, each of which has ended, so that their supervisors are proven dead.
        failures: attempts before this one that gave nothing.
    """
    transient = TRANSIENT_CAUSES | {HUB_KILLED}
    return failures + 1 < MOST_ATTEMPTS and any(
        record.state == "failed" and record.cause in transient for record in records
    )
