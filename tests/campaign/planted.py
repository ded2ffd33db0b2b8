"""Settings with known speeds, and a phone that measures them with noise."""

from __future__ import annotations

import dataclasses
import random
from typing import TYPE_CHECKING, Any

from devicehub.campaign.outcome import Arm, CellOutcome, LaunchFigures
from devicehub.campaign.planned import Cell, PhoneRef, Plan, ThingRef, Variant
from devicehub.campaign.sweep import merge, next_round, stops

if TYPE_CHECKING:
    from collections.abc import Sequence

MODEL, ENGINE = ThingRef(name="qwen3-0.6b", id="m" * 64), ThingRef(name="mnn-3.6.1", id="e" * 64)


@dataclasses.dataclass(frozen=True)
class Truth:
    """What a setting is really like."""

    prefill: float
    decode: float
    memory: float = 900.0
    fidelity: float | None = 1.0
    cause: str | None = None


def phone(serial: str, soc: str = "SM8650") -> PhoneRef:
    return PhoneRef(serial=serial, serialno=serial, vendor="qualcomm", soc=soc, virtual=True)


def cells_of(settings: Sequence[dict[str, Any]], on: PhoneRef, *, first: int = 1) -> list[Cell]:
    return [
        Cell(
            number=number,
            name=f"{on.soc} {on.serial} / {number}",
            phone=on,
            variant=Variant(model=MODEL, engine=ENGINE, profile="default", settings=setting),
            workload="bench",
            group=f"{on.serial}/qwen3",
        )
        for number, setting in enumerate(settings, first)
    ]


def plan_of(cells: Sequence[Cell]) -> Plan:
    phones = tuple({cell.phone.serialno: cell.phone for cell in cells}.values())
    return Plan(
        id="c1", name="nightly", file="", created=0.0, seed=1, phones=phones, cells=tuple(cells), virtual=True
    )


class Phone:
    """Measures settings: each launch with noise of its own, and a drift over the hours."""

    def __init__(self, truths: Sequence[Truth], *, noise: float, seed: int, drift: float = 0.0) -> None:
        self._truths = truths
        self._noise = noise
        self._chance = random.Random(seed)
        self._drift = drift
        self.launches = 0

    def run(self, cell: Cell, launches: int, *, first: int = 1) -> CellOutcome:
        truth = self._truths[cell.number - first]
        figures = [self._launch(truth, number) for number in range(1, launches + 1)]
        return CellOutcome(
            cell=cell.number,
            attempt=1,
            phone=cell.phone,
            arm=Arm(
                run=f"run-{self.launches}",
                variant=cell.variant,
                state="failed" if truth.cause else "succeeded",
                verdict="failed" if truth.cause else "succeeded",
                cause=truth.cause,
                fidelity=truth.fidelity,
                launches=figures,
            ),
        )

    def _launch(self, truth: Truth, number: int) -> LaunchFigures:
        self.launches += 1
        warm = 1 - self._drift * min(1.0, self.launches / 60)

        def noisy(value: float, share: float = 1.0) -> float:
            return value * self._chance.lognormvariate(0.0, self._noise * share)

        return LaunchFigures(
            order=number,
            number=number,
            kind="measured",
            verdict="succeeded",
            counts=truth.cause is None,
            prefill_tok_s=noisy(truth.prefill) * warm,
            decode_tok_s=noisy(truth.decode) * warm,
            peak_memory_mib=noisy(truth.memory, 0.3),
        )


def sweep(cells: Sequence[Cell], on: Phone, *, launches: int, seed: int) -> list[CellOutcome]:
    """Carry a sweep on one phone to its end; one outcome a cell."""
    first = cells[0].number
    done: dict[int, list[CellOutcome]] = {}
    by_number = {cell.number: cell for cell in cells}
    while (step := next_round(cells, done, launches=launches, seed=seed)) is not None:
        outcome = on.run(by_number[step.cell], step.launches, first=first)
        done.setdefault(step.cell, []).append(outcome)
    why = stops(cells, done)
    return [merge(rounds, why.get(number)) for number, rounds in sorted(done.items())]
