"""What several formats arrange alike: cells by SoC, the matrix, launches as rows. Pure."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from devicehub.campaign.outcome import LaunchFigures
from devicehub.report.numbers import soc_words, variant_words

if TYPE_CHECKING:
    from collections.abc import Iterator

    from devicehub.campaign.outcome import Arm
    from devicehub.campaign.planned import PhoneRef
    from devicehub.campaign.result import CampaignResult, CellResult

_FIGURES: Final = tuple(name for name in LaunchFigures.__struct_fields__ if name not in ("number", "run"))
LAUNCH_COLUMNS: Final = (
    "campaign", "cell", "name", "cell_state", "role", "run", "launch", *_FIGURES,
    "serial", "product", "vendor", "soc", "android", "virtual", "moved",
    "model", "model_id", "engine", "engine_id", "profile", "workload", "suite", "settings",
    "config_sha256", "fidelity", "trusted", "conditions",
)  # fmt: skip
"""What is told of each launch, in this order."""


@dataclass(frozen=True)
class SocRow:
    """The cells of one SoC, by state."""

    vendor: str
    soc: str
    name: str | None
    phones: tuple[str, ...]
    counts: dict[str, int]


def by_soc(result: CampaignResult) -> list[SocRow]:
    """The cells of each SoC, ordered by vendor and SoC."""
    groups: dict[tuple[str, str], list[CellResult]] = {}
    for cell in result.cells:
        phone = phone_of(cell)
        groups.setdefault((phone.vendor, soc_words(cell)), []).append(cell)
    return [
        SocRow(
            vendor=vendor,
            soc=soc,
            name=next((phone_of(cell).soc_name for cell in cells if phone_of(cell).soc_name), None),
            phones=tuple(dict.fromkeys(phone_of(cell).serial for cell in cells)),
            counts=dict(Counter(cell.state for cell in cells)),
        )
        for (vendor, soc), cells in sorted(groups.items())
    ]


def by_vendor(result: CampaignResult) -> dict[str, tuple[list[SocRow], dict[str, int]]]:
    """The rows of each vendor's SoCs, and all of its cells by state."""
    found: dict[str, tuple[list[SocRow], dict[str, int]]] = {}
    for row in by_soc(result):
        rows, counts = found.setdefault(row.vendor, ([], {}))
        rows.append(row)
        counts |= {state: counts.get(state, 0) + count for state, count in row.counts.items()}
    return found


@dataclass(frozen=True)
class Matrix:
    """Cells by variant (rows) and phone (columns); a place without a cell is None."""

    phones: tuple[PhoneRef, ...]
    rows: tuple[tuple[str, tuple[CellResult | None, ...]], ...]


def matrix(result: CampaignResult) -> Matrix:
    """The cells, each under the phone that it was planned for."""
    phones = tuple(
        sorted(result.plan.phones, key=lambda phone: (phone.vendor, phone.soc or "", phone.serial))
    )
    rows: dict[str, dict[str, CellResult]] = {}
    for cell in result.cells:
        words = variant_words(cell)
        row, again = rows.setdefault(words, {}), 1
        while cell.cell.phone.serialno in row:  # a suite may be called as a workload is
            again += 1
            row = rows.setdefault(f"{words} ({again})", {})
        row[cell.cell.phone.serialno] = cell
    return Matrix(
        phones=phones,
        rows=tuple(
            (words, tuple(cells.get(phone.serialno) for phone in phones)) for words, cells in rows.items()
        ),
    )


def phone_of(cell: CellResult) -> PhoneRef:
    """The phone that a cell ran on, else the one that it was planned for."""
    return cell.outcome.phone if cell.outcome else cell.cell.phone


def worst_first(result: CampaignResult) -> list[CellResult]:
    """The cells that did not pass: failed ones, then those that were not judged."""
    rank = ("failed", "not_comparable", "inconclusive", "not_run")
    told = [cell for cell in result.cells if cell.state != "passed"]
    return sorted(told, key=lambda cell: rank.index(cell.state))


def launch_rows(result: CampaignResult) -> Iterator[dict[str, Any]]:
    """Every launch of every cell by `LAUNCH_COLUMNS`, the baseline's among them: raw, nothing averaged."""
    for cell in result.cells:
        outcome = cell.outcome
        if outcome is None:
            continue
        for role, arm in (("baseline", outcome.base), ("cell", outcome.arm)):
            for launch in arm.launches if arm else ():
                assert arm is not None
                yield _launch_row(result, cell, role, arm, launch)


def _launch_row(
    result: CampaignResult, cell: CellResult, role: str, arm: Arm, launch: LaunchFigures
) -> dict[str, Any]:
    phone, variant = phone_of(cell), arm.variant
    row = {
        "campaign": result.plan.id,
        "cell": cell.cell.number,
        "name": cell.cell.name,
        "cell_state": cell.state,
        "role": role,
        "run": launch.run or arm.run,
        "launch": launch.number,
        **{name: getattr(launch, name) for name in _FIGURES},
        "serial": phone.serial,
        "product": phone.product,
        "vendor": phone.vendor,
        "soc": phone.soc,
        "android": phone.android,
        "virtual": phone.virtual,
        "moved": cell.outcome is not None and cell.outcome.moved,
        "model": variant.model.name,
        "model_id": variant.model.id,
        "engine": variant.engine.name if variant.engine else None,
        "engine_id": variant.engine.id if variant.engine else None,
        "profile": variant.profile,
        "workload": cell.cell.workload,
        "suite": cell.cell.suite,
        "settings": variant.settings,
        "config_sha256": arm.config_sha256,
        "fidelity": arm.fidelity,
        "trusted": arm.trusted,
        "conditions": arm.conditions,
    }
    return {name: row[name] for name in LAUNCH_COLUMNS}


def moment(wall_s: float | None) -> str:
    """A moment in UTC: `2026-01-31 13:37 UTC`."""
    return "-" if wall_s is None else f"{datetime.fromtimestamp(wall_s, UTC):%Y-%m-%d %H:%M} UTC"
