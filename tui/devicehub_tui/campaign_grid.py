"""A campaign's cells as a matrix: a row for each variant and workload, a column for each phone.

Knows no Textual.
"""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from rich.cells import cell_len

from devicehub_tui.campaign_rows import WORDS, mark
from devicehub_tui.columns import MARGIN, Column, shorten

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from typing import Any

    from devicehub.api.campaign_model import CellView
    from devicehub_tui.format import Cell

LABEL: Final = "variant"
"""The name of the column on the left."""
_NARROWEST, _WIDEST = 5, 18
_LABEL_LEAST: Final = 18
_SERIAL_SHOWN: Final = 5
_NO_SOC: Final = "SoC not known"
_ASK: Final = ("failed", "inconclusive", "not_comparable", "not_run")


@dataclass(frozen=True)
class Phone:
    """One column.

    Attributes:
        name: what to call it: its product, with the end of its serial where others are alike.
    """

    serial: str
    soc: str
    name: str


@dataclass(frozen=True)
class Variant:
    """One row; `parts` are model, engine, profile, settings and workload, None where there is none."""

    key: str
    parts: tuple[str | None, ...]


@dataclass(frozen=True)
class Grid:
    """Where each cell stands in the matrix; how it stands is looked up by its number.

    Attributes:
        shared: the parts that all rows have in common, which the rows do not repeat.
        numbers: the cells by row's key and phone's serial.
        places: the other way round.
    """

    phones: tuple[Phone, ...] = ()
    variants: tuple[Variant, ...] = ()
    labels: Mapping[str, str] = field(default_factory=dict)
    shared: str = ""
    numbers: Mapping[tuple[str, str], int] = field(default_factory=dict)
    places: Mapping[int, tuple[str, str]] = field(default_factory=dict)


def grid_of(cells: Iterable[CellView]) -> Grid:
    """The matrix of a campaign's cells; a moved one stays in the column of the phone it was for."""
    ordered = sorted(cells, key=lambda cell: cell.number)
    planned = dict.fromkeys(cell.serial for cell in ordered if not cell.moved)
    variants: dict[str, Variant] = {}
    numbers: dict[tuple[str, str], int] = {}
    for cell in ordered:
        variant, serial = _variant(cell), _planned_for(cell, planned)
        if (variant.key, serial) in numbers:  # the same once more: nothing may be hidden by another
            variant = Variant(f"{variant.key} {cell.number}", variant.parts)
        variants.setdefault(variant.key, variant)
        numbers[variant.key, serial] = cell.number
    rows = tuple(variants.values())
    alike = [
        len(rows) > 1 and len(set(parts)) == 1 for parts in zip(*(row.parts for row in rows), strict=True)
    ]
    return Grid(
        phones=_phones(ordered, planned),
        variants=rows,
        labels={row.key: _joined(row.parts, alike, shared=False) for row in rows},
        shared=_joined(rows[0].parts, alike, shared=True) if rows else "",
        numbers=numbers,
        places={number: place for place, number in numbers.items()},
    )


def _variant(cell: CellView) -> Variant:
    what = f"{cell.workload} {cell.suite}" if cell.suite else cell.workload
    parts = (cell.model, cell.engine, cell.profile, settings_text(cell.settings) or None, what)
    return Variant(json.dumps(parts), parts)


def settings_text(settings: Mapping[str, Any]) -> str:
    """`thread_num=4 precision=low`."""
    return " ".join(
        f"{key}={value if isinstance(value, str) else json.dumps(value)}" for key, value in settings.items()
    )


def _planned_for(cell: CellView, planned: Iterable[str]) -> str:
    """The serial of the phone that a cell is meant for; the name of one that was moved still has its end."""
    if not cell.moved:
        return cell.serial
    named = cell.name.partition(" / ")[0].rpartition(" ")[2]
    return next((serial for serial in planned if serial.endswith(named)), named)


def _joined(parts: Sequence[str | None], alike: Sequence[bool], *, shared: bool) -> str:
    return " / ".join(part for part, same in zip(parts, alike, strict=True) if part and same == shared)


def _phones(cells: Sequence[CellView], planned: Iterable[str]) -> tuple[Phone, ...]:
    known: dict[str, CellView] = {}
    for cell in cells:
        serial = _planned_for(cell, planned)
        if serial not in known or known[serial].moved:
            known[serial] = cell
    alike = Counter(cell.product for cell in known.values())
    phones = [_phone(serial, cell, alike) for serial, cell in known.items()]
    socs = list(dict.fromkeys(phone.soc for phone in phones))
    return tuple(sorted(phones, key=lambda phone: socs.index(phone.soc)))


def _phone(serial: str, cell: CellView, alike: Mapping[str | None, int]) -> Phone:
    # Of a phone none of whose cells stayed on it, only what its cells' names tell is known.
    product = None if cell.moved else cell.product
    name = product or serial
    if product and alike[product] > 1:
        name = f"{product} {serial.rpartition(':')[2][-_SERIAL_SHOWN:]}"
    return Phone(serial, cell.soc or _NO_SOC, name)


# How it is laid out


@dataclass(frozen=True)
class Window:
    """What of the matrix fits: the column of labels, and some phones from `first` on."""

    columns: tuple[Column, ...]
    first: int
    last: int


def lay_out(grid: Grid, room: int, at: int, before: int = 0) -> Window:
    """The columns in so much room, with the phone at `at` among them; `before` was the first one shown."""
    room -= MARGIN
    longest = max((cell_len(label) for label in grid.labels.values()), default=0)
    count = len(grid.phones)
    least = min(max(longest, _LABEL_LEAST), max(_LABEL_LEAST, room // 2))
    shown = max(1, min(count, (room - least - 1) // (_NARROWEST + 1)))
    first = max(0, min(max(before, at - shown + 1), at, count - shown))
    width = max(_NARROWEST, min(_WIDEST, (room - least - 1) // shown - 1))
    label = max(_LABEL_LEAST, min(longest, room - 1 - shown * (width + 1)))
    phones = grid.phones[first : first + shown]
    columns = [Column(LABEL, LABEL, label)]
    columns += [Column(phone.serial, _title(phone, width), width) for phone in phones]
    return Window(tuple(columns), first, first + len(phones))


def _title(phone: Phone, width: int) -> str:
    """The phone's name with room for the cursor's sign; in few columns the end of its serial."""
    if width >= 12:
        return shorten(phone.name, width - 1)
    return phone.serial.rpartition(":")[2][-(width - 1) :]


def soc_line(grid: Grid, window: Window) -> list[Cell]:
    """The SoCs over their phones; `«` and `»` tell that there are more."""
    line: list[Cell] = [
        (" " * (MARGIN + window.columns[0].width - 1), ""),
        ("« " if window.first else "  ", "title"),
    ]
    place = window.first
    while place < window.last:
        soc = grid.phones[place].soc
        span = next((end for end in range(place, window.last) if grid.phones[end].soc != soc), window.last)
        columns = window.columns[1 + place - window.first : 1 + span - window.first]
        width = sum(column.width + 1 for column in columns)
        text = soc if len(soc) < width else f"{soc[: max(1, width - 2)]}…"
        line.append((f"{text} {'─' * (width - len(text) - 2)} "[:width].ljust(width), "dim"))
        place = span
    if window.last < len(grid.phones):
        line.append(("»", "title"))
    return line


def row_cells(
    grid: Grid, cells: Mapping[int, CellView], key: str, columns: Sequence[Column], chosen: str | None
) -> list[Cell]:
    """A row: its label, and each phone's mark; the cell of the cursor stands in brackets."""
    found: list[Cell] = []
    for column in columns:
        if column.name == LABEL:
            found.append((shorten(grid.labels.get(key, ""), column.width), ""))
            continue
        cell = cells.get(grid.numbers.get((key, column.name), 0))
        sign, meaning = mark(cell.state) if cell is not None else (" ", "dim")
        moved = "~" if cell is not None and cell.moved else " "
        found.append((f"[{sign}]{moved}" if column.name == chosen else f" {sign} {moved}", meaning))
    return found


# What is looked for


def matching(grid: Grid, cells: Mapping[int, CellView], words: str) -> list[str]:
    """The rows in which every word is found: in the variant, or in how one of its cells stands and why."""
    wanted = words.lower().split()
    if not wanted:
        return [variant.key for variant in grid.variants]
    said: dict[str, set[str]] = {}
    for (key, _), number in grid.numbers.items():
        if (cell := cells.get(number)) is not None:
            said.setdefault(key, set()).update(
                (WORDS.get(cell.state, cell.state), cell.reason or "", cell.soc or "")
            )
    return [
        variant.key
        for variant in grid.variants
        if all(_is_in(word, variant, said.get(variant.key, set())) for word in wanted)
    ]


def _is_in(word: str, variant: Variant, said: set[str]) -> bool:
    texts = (*(part for part in variant.parts if part), *said)
    return any(word in text.lower() for text in texts)


def next_asking(
    grid: Grid, cells: Mapping[int, CellView], rows: Sequence[str], at: tuple[str, str] | None
) -> tuple[str, str] | None:
    """The next cell after one, row by row and round, that ended without passing; None where there is none."""
    order = [
        (key, phone.serial) for key in rows for phone in grid.phones if (key, phone.serial) in grid.numbers
    ]
    start = order.index(at) + 1 if at in order else 0
    for place in order[start:] + order[:start]:
        cell = cells.get(grid.numbers[place])
        if cell is not None and cell.state in _ASK:
            return place
    return None
