"""How often campaigns cry wolf, and how often they find what is there: counted over simulated ones.

The noise of a cell is drawn here and hidden: the code under test sees nothing but records.
"""

from __future__ import annotations

import random
from collections import Counter
from typing import TYPE_CHECKING, Final

from devicehub.campaign.extract import extract
from devicehub.campaign.judge import judge_campaign
from tests.campaign.synthetic import make_plan
from tests.measure.halves import abba, halves

if TYPE_CHECKING:
    from devicehub.campaign.outcome import CellOutcome
    from devicehub.campaign.planned import Cell

_CAMPAIGNS: Final = 50
_CELLS: Final = 40
_PAIRS: Final = 6
_NOISES: Final = (0.01, 0.02, 0.06)
_QUIET: Final = 0.02
_DRIFT: Final = 0.08
_REGRESSION: Final = 0.08
_REGRESSED: Final = 4
_LEVEL: Final = 21.5
_ARMS: Final = abba(_PAIRS)


def _measure(draw: random.Random, cell: Cell, *, noise: float, slower: float) -> CellOutcome:
    """The outcome of a cell whose phone drifts by 8 % one way or the other while both variants alternate."""
    drift = draw.choice((-_DRIFT, _DRIFT))
    rows = []
    for place, arm in enumerate(_ARMS):
        speed = _LEVEL * (1 + drift * place / (len(_ARMS) - 1)) * (1 - slower * arm)
        rows.append({"decode_tok_s": speed * (1 + draw.gauss(0, noise))})
    base, own = halves(rows, _ARMS)
    return extract(cell, attempt=1, phone=cell.phone, moved=False, record=own, base=base)


def _count(seed: int, *, regressed: int) -> tuple[Counter[tuple[bool, bool, str]], int]:
    """Cells by (quiet, regressed, state), and how many campaigns failed, over all campaigns."""
    draw = random.Random(seed)
    plan = make_plan(cells=_CELLS, kinds=["good"], demands=("decode_tok_s no worse than 5 %",))
    found: Counter[tuple[bool, bool, str]] = Counter()
    alarms = 0
    for _ in range(_CAMPAIGNS):
        slow = set(draw.sample(range(1, _CELLS + 1), regressed))
        noises = {cell.number: draw.choice(_NOISES) for cell in plan.cells}
        outcomes = {
            number: _measure(draw, cell, noise=noises[number], slower=_REGRESSION if number in slow else 0.0)
            for cell in plan.cells
            if (number := cell.number)
        }
        result = judge_campaign(plan, outcomes, state="ended")
        alarms += result.exit == 1
        for cell in result.cells:
            number = cell.cell.number
            found[noises[number] <= _QUIET, number in slow, cell.state] += 1
    return found, alarms


def _all(
    found: Counter[tuple[bool, bool, str]], regressed: bool, state: str | None = None, *, quiet: bool
) -> int:
    """How many cells are regressed or not, in a state or any, of quiet phones or of all."""
    return sum(
        count
        for (is_quiet, is_regressed, stands), count in found.items()
        if is_regressed == regressed and (is_quiet or not quiet) and stands == (state or stands)
    )


def test_regressions_are_found_and_hardly_anything_else() -> None:
    found, _ = _count(1, regressed=_REGRESSED)
    assert found.total() == _CAMPAIGNS * _CELLS
    assert _all(found, True, quiet=False) == _CAMPAIGNS * _REGRESSED
    flagged = _all(found, True, "failed", quiet=False) + _all(found, False, "failed", quiet=False)
    assert _all(found, True, "failed", quiet=True) >= 0.8 * _all(found, True, quiet=True), found
    assert _all(found, False, "failed", quiet=False) <= 0.07 * flagged, found
    assert _all(found, False, "passed", quiet=True) >= 0.9 * _all(found, False, quiet=True), found
    assert _all(found, True, "passed", quiet=False) <= 0.02 * _all(found, True, quiet=False), found


def test_campaigns_without_a_regression_seldom_alarm() -> None:
    found, alarms = _count(2, regressed=0)
    assert found.total() == _CAMPAIGNS * _CELLS
    assert alarms <= 6, found
